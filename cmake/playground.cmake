# SPDX-License-Identifier: Apache-2.0
# The playground: the module of cmake/web.cmake, in a build of its own, and the page around it, which
# has it in base64 and needs nothing else.
include(ExternalProject)
set(module ${PROJECT_BINARY_DIR}/wasm/playground.wasm)
ExternalProject_Add(playground_module
    SOURCE_DIR ${PROJECT_SOURCE_DIR} BINARY_DIR ${PROJECT_BINARY_DIR}/wasm
    CMAKE_ARGS -D CMAKE_TOOLCHAIN_FILE=${PROJECT_SOURCE_DIR}/cmake/wasm32.cmake
               -D CMAKE_BUILD_TYPE=MinSizeRel -D RAVINE_COMMAND=OFF -D RAVINE_TESTS=OFF
               -D RAVINE_THREADS=OFF -D RAVINE_FILES=OFF
    BUILD_ALWAYS ON INSTALL_COMMAND "" BUILD_BYPRODUCTS ${module})
set(playground_page ${PROJECT_BINARY_DIR}/playground.html)
set(page_script ${PROJECT_SOURCE_DIR}/cmake/page.cmake)
set(page_parts ${PROJECT_SOURCE_DIR}/app/page/head.html ${PROJECT_SOURCE_DIR}/app/page/page.css
    ${PROJECT_SOURCE_DIR}/app/page/svg_chart.css ${PROJECT_SOURCE_DIR}/app/page/languages.js
    ${PROJECT_SOURCE_DIR}/app/report/curve_plot.js)
file(GLOB web_parts CONFIGURE_DEPENDS web/*.html web/*.css web/*.js)
add_custom_command(OUTPUT ${playground_page}
    COMMAND ${CMAKE_COMMAND} -D SOURCE=${PROJECT_SOURCE_DIR} -D MODULE=${module}
            -D OUTPUT=${playground_page} -P ${page_script}
    DEPENDS playground_module ${module} ${page_parts} ${web_parts} ${page_script} VERBATIM)
add_custom_target(playground ALL DEPENDS ${playground_page})
