# SPDX-License-Identifier: Apache-2.0
# The command: a client of the public headers and of common/.
find_package(PkgConfig REQUIRED)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(BLAS REQUIRED IMPORTED_TARGET openblas)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(PNG REQUIRED IMPORTED_TARGET libpng)
pkg_check_modules(JPEG REQUIRED IMPORTED_TARGET libjpeg)
find_package(ZLIB REQUIRED)

# What the pages are made of is compiled in.
include(cmake/embed.cmake)
file(GLOB_RECURSE assets CONFIGURE_DEPENDS app/*.css app/*.js app/*.html
    app/commands/export/c_layers.h.txt)
if(RAVINE_PLAYGROUND)
    list(APPEND assets ${playground_page})
else()
    list(APPEND assets ${PROJECT_SOURCE_DIR}/cmake/no/playground.html) # empty: the lecture has no link
endif()
embed_files(asset_sources ${assets})

# All of it but main(), which a fuzzer has of its own.
file(GLOB_RECURSE app_sources CONFIGURE_DEPENDS app/*.c)
list(REMOVE_ITEM app_sources ${PROJECT_SOURCE_DIR}/app/cli/main.c)
add_library(ravine_app STATIC ${app_sources} ${asset_sources})
target_compile_options(ravine_app PRIVATE -O3)
target_include_directories(ravine_app PUBLIC
    ${PROJECT_SOURCE_DIR}/app ${PROJECT_SOURCE_DIR}/common ${PROJECT_BINARY_DIR}/assets)
target_link_libraries(ravine_app PRIVATE ravine_flags
    PUBLIC ravine_static PkgConfig::YAML PkgConfig::JANSSON PkgConfig::BLAS PkgConfig::SQLITE
        PkgConfig::PNG PkgConfig::JPEG ZLIB::ZLIB m)

add_executable(ravine_command app/cli/main.c)
set_target_properties(ravine_command PROPERTIES OUTPUT_NAME ravine)
target_link_libraries(ravine_command PRIVATE ravine_flags ravine_app)
