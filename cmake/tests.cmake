# Every tests/test_NAME.c is one program of cmocka tests; tests/support is linked to all of them.
find_package(PkgConfig REQUIRED)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
file(GLOB support_sources CONFIGURE_DEPENDS tests/support/*.c)
add_library(test_support STATIC ${support_sources})
target_include_directories(test_support PUBLIC ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(test_support PRIVATE ravine_flags PUBLIC ravine_static PkgConfig::CMOCKA m)

file(GLOB test_sources CONFIGURE_DEPENDS tests/test_*.c)
if(RAVINE_COMMAND)
    file(GLOB net_test_sources CONFIGURE_DEPENDS tests/net/test_*.c)
    list(APPEND test_sources ${net_test_sources})
endif()
foreach(source ${test_sources})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ravine_flags test_support)
    set(label library)
    if(source MATCHES "/tests/net/")
        set(label net)
        target_link_libraries(${name} PRIVATE ravine_net)
    endif()
    target_compile_definitions(${name} PRIVATE SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_BINARY_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS ${label}
        ENVIRONMENT TSAN_OPTIONS=die_after_fork=0) # test_pool forks on purpose
endforeach()

add_subdirectory(examples)
add_subdirectory(tests/packaging)
if(NOT RAVINE_COMMAND)
    return()
endif()

# The corpus of every fuzzer is replayed as a test, with whatever compiler and sanitizers are on.
file(GLOB fuzz_sources CONFIGURE_DEPENDS fuzz/fuzz_*.c)
foreach(source ${fuzz_sources})
    get_filename_component(name ${source} NAME_WE)
    string(REPLACE "fuzz_" "" subject ${name})
    add_executable(replay_${subject} ${source} fuzz/replay.c)
    target_link_libraries(replay_${subject} PRIVATE ravine_flags ravine_net)
    add_test(NAME replay_${subject}
             COMMAND replay_${subject} ${PROJECT_SOURCE_DIR}/fuzz/corpus/${subject})
endforeach()
