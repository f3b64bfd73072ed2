# SPDX-License-Identifier: Apache-2.0
# The command: a client of the public headers and of common/.
find_package(PkgConfig REQUIRED)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(PNG REQUIRED IMPORTED_TARGET libpng)
pkg_check_modules(JPEG REQUIRED IMPORTED_TARGET libjpeg)
find_package(ZLIB REQUIRED)

# Products of matrices (docs/decisions/products.md): oneDNN has code of its own for x86-64 alone. Debian has no static one,
# so a wheel takes OpenBLAS, and so does a build that finds no oneDNN.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    find_library(ONEDNN dnnl)
    find_path(ONEDNN_HEADERS dnnl.h)
    if(ONEDNN AND NOT ONEDNN_HEADERS)
        message(STATUS "oneDNN: ${ONEDNN} is here, but not its dnnl.h (libdnnl-dev); OpenBLAS multiplies")
    endif()
endif()
if(ONEDNN AND ONEDNN_HEADERS)
    set(products onednn)
    set(product_libraries ${ONEDNN} gomp)
else()
    set(products openblas)
    pkg_check_modules(BLAS REQUIRED IMPORTED_TARGET openblas)
    set(product_libraries PkgConfig::BLAS)
endif()

# What the pages are made of is compiled in.
include(cmake/embed.cmake)
file(GLOB_RECURSE assets CONFIGURE_DEPENDS app/*.css app/*.js app/*.html
    app/commands/export/c_layers.h.txt app/lecture/sweeps.jsonl examples/sweeps/*.yaml)
if(RAVINE_PLAYGROUND)
    list(APPEND assets ${playground_page})
else()
    list(APPEND assets ${PROJECT_SOURCE_DIR}/cmake/no/playground.html) # empty: the lecture has no link
endif()
embed_files(asset_sources ${assets})

# All of it but main(), which a fuzzer has of its own.
file(GLOB_RECURSE app_sources CONFIGURE_DEPENDS app/*.c)
list(REMOVE_ITEM app_sources ${PROJECT_SOURCE_DIR}/app/cli/main.c)
list(FILTER app_sources EXCLUDE REGEX "app/network/product_(onednn|openblas)")
list(APPEND app_sources app/network/product_${products}.c)
add_library(ravine_app STATIC ${app_sources} ${asset_sources})
target_compile_options(ravine_app PRIVATE -O3)
target_include_directories(ravine_app PUBLIC
    ${PROJECT_SOURCE_DIR}/app ${PROJECT_SOURCE_DIR}/common ${PROJECT_BINARY_DIR}/assets)
if(products STREQUAL onednn)
    target_include_directories(ravine_app SYSTEM PRIVATE ${ONEDNN_HEADERS})
endif()
target_link_libraries(ravine_app PRIVATE ravine_flags
    PUBLIC ravine_static PkgConfig::YAML PkgConfig::JANSSON PkgConfig::SQLITE PkgConfig::PNG
         PkgConfig::JPEG ZLIB::ZLIB ${product_libraries} m)

add_executable(ravine_command app/cli/main.c)
set_target_properties(ravine_command PROPERTIES OUTPUT_NAME ravine)
target_link_libraries(ravine_command PRIVATE ravine_flags ravine_app)
