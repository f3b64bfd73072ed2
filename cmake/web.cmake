# SPDX-License-Identifier: Apache-2.0
# web/: the library, the surfaces and what a page calls of them, as one WebAssembly module.
file(GLOB web_sources CONFIGURE_DEPENDS web/*.c app/surface/*.c)
add_executable(playground ${web_sources} app/io/failure.c)
target_include_directories(playground PRIVATE app common)
target_link_libraries(playground PRIVATE ravine_flags ravine_static)
# A module without main() that stays: _initialize(), then the functions of web/playground.h.
file(STRINGS web/playground.h exports REGEX "playground_[a-z]+\\(")
list(TRANSFORM exports REPLACE "^.*(playground_[a-z]+)\\(.*$" "-Wl,--export=\\1")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS web/playground.h)
target_link_options(playground PRIVATE -mexec-model=reactor -Wl,--strip-all ${exports})
