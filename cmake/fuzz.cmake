# SPDX-License-Identifier: Apache-2.0
# libFuzzer programs: cmake --preset fuzz, then `make fuzz`.
file(GLOB fuzz_sources CONFIGURE_DEPENDS fuzz/fuzz_*.c)
foreach(source ${fuzz_sources})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(${name} PRIVATE ravine_flags ravine_app)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/lib)
endforeach()
