# SPDX-License-Identifier: Apache-2.0
# web/: the library, the surfaces and what a page calls of them, as one WebAssembly module.
file(GLOB web_sources CONFIGURE_DEPENDS web/*.c app/surface/*.c)
# The library as objects: the ar of a system without LLVM writes no index that lld could read.
add_executable(playground ${web_sources} app/io/failure.c ${all_objects})
target_include_directories(playground PRIVATE ${PROJECT_SOURCE_DIR}/include app common)
target_link_libraries(playground PRIVATE ravine_flags)
# A module without main() that stays: _initialize(), then the functions of web/playground.h.
file(STRINGS web/playground.h exports REGEX "playground_[a-z]+\\(")
list(TRANSFORM exports REPLACE "^.*(playground_[a-z]+)\\(.*$" "-Wl,--export=\\1")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS web/playground.h)
target_link_options(playground PRIVATE -mexec-model=reactor -Wl,--strip-all ${exports})
