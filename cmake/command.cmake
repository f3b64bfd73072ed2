# The command. The trainer it runs lives in src/net and src/io.
find_package(PkgConfig REQUIRED)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(BLAS REQUIRED IMPORTED_TARGET openblas)
find_package(ZLIB REQUIRED)

file(GLOB net_sources CONFIGURE_DEPENDS
    src/net/*.c src/io/*.c src/surface/*.c src/report/*.c src/lecture/*.c)

# What the pages are made of is compiled in. Debian: libjs-dygraphs.
include(cmake/embed.cmake)
find_path(DYGRAPHS_DIR dygraph.min.js PATHS /usr/share/javascript/dygraphs REQUIRED)
file(GLOB assets CONFIGURE_DEPENDS src/report/*.css src/report/*.js src/surface/*.css
    src/surface/*.js src/lecture/*.css src/lecture/*.js)
embed_files(asset_sources ${assets} ${DYGRAPHS_DIR}/dygraph.min.js ${DYGRAPHS_DIR}/dygraph.min.css)

add_library(ravine_net STATIC ${net_sources} ${asset_sources})
target_compile_options(ravine_net PRIVATE -O3)
target_include_directories(ravine_net PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_BINARY_DIR}/assets)
target_link_libraries(ravine_net PRIVATE ravine_flags
    PUBLIC ravine_static PkgConfig::YAML PkgConfig::JANSSON PkgConfig::BLAS ZLIB::ZLIB m)

# All of it but main(), which a fuzzer has of its own.
file(GLOB cli_sources CONFIGURE_DEPENDS cli/*.c)
list(REMOVE_ITEM cli_sources ${PROJECT_SOURCE_DIR}/cli/main.c)
add_library(ravine_cli STATIC ${cli_sources})
target_link_libraries(ravine_cli PRIVATE ravine_flags PUBLIC ravine_net)

add_executable(ravine_command cli/main.c)
set_target_properties(ravine_command PROPERTIES OUTPUT_NAME ravine)
target_link_libraries(ravine_command PRIVATE ravine_flags ravine_cli)
