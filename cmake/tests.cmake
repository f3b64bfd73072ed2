add_executable(same_bits tests/same_bits.c)
target_include_directories(same_bits PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(same_bits PRIVATE ravine_flags ravine_static)
add_test(NAME same_bits COMMAND same_bits)
set_tests_properties(same_bits PROPERTIES LABELS library)
if(CMAKE_CROSSCOMPILING)
    return() # cmocka is this machine's
endif()

# Every tests/test_NAME.c is one program of cmocka tests; tests/support and tests/faults are linked to all of them.
find_package(PkgConfig REQUIRED)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
file(GLOB support_sources CONFIGURE_DEPENDS tests/support/*.c tests/faults/*.c)
add_library(test_support STATIC ${support_sources})
target_include_directories(test_support PUBLIC ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(test_support PRIVATE ravine_flags PUBLIC ravine_static PkgConfig::CMOCKA m)

file(GLOB test_sources CONFIGURE_DEPENDS tests/test_*.c)
if(RAVINE_COMMAND)
    file(GLOB net_test_sources CONFIGURE_DEPENDS tests/net/test_*.c)
    list(APPEND test_sources ${net_test_sources})
    add_library(net_f64 STATIC tests/net/net_f64.c) # the networks once more, for the checks of their gradients
    target_link_libraries(net_f64 PRIVATE ravine_flags PUBLIC test_support ravine_net)
endif()
foreach(source ${test_sources})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ravine_flags test_support)
    set(label library)
    if(source MATCHES "/tests/net/")
        set(label net)
        target_link_libraries(${name} PRIVATE net_f64 ravine_net)
    endif()
    target_compile_definitions(${name} PRIVATE SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_BINARY_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 1800 LABELS ${label})
endforeach()

# Small problems of known trouble: the doctor's table (make doctor-battery) and its invariances.
add_library(doctor_problems STATIC tests/doctor/problems.c tests/doctor/problem_loss.c)
target_link_libraries(doctor_problems PRIVATE ravine_flags PUBLIC test_support)
foreach(name battery invariance)
    add_executable(doctor_${name} tests/doctor/${name}.c)
    target_link_libraries(doctor_${name} PRIVATE ravine_flags doctor_problems)
endforeach()
add_test(NAME doctor_battery COMMAND doctor_battery --problems 114 1)
add_test(NAME doctor_advice COMMAND doctor_battery --problems 114 --advice 1)
add_test(NAME doctor_invariance COMMAND doctor_invariance)
set_tests_properties(doctor_battery doctor_advice doctor_invariance PROPERTIES TIMEOUT 1800 LABELS library)

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
    target_link_libraries(replay_${subject} PRIVATE ravine_flags ravine_cli)
    add_test(NAME replay_${subject}
             COMMAND replay_${subject} ${PROJECT_SOURCE_DIR}/fuzz/corpus/${subject})
endforeach()

# What the doctor says of real networks: make doctor-real, make bench-doctor.
file(GLOB real_sources CONFIGURE_DEPENDS tests/doctor/real_*.c)
add_executable(doctor_real ${real_sources})
target_include_directories(doctor_real PRIVATE tests/doctor)
target_link_libraries(doctor_real PRIVATE ravine_flags ravine_net)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
foreach(scenario dead_relu_mlp noise_floor_mlp healthy_adam_mlp)
    add_test(NAME doctor_real_${scenario}
             COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tests/doctor/real_table.py
                     $<TARGET_FILE:doctor_real> --pattern ${scenario} --seeds 1 1 --jobs 1 --least 1)
    set_tests_properties(doctor_real_${scenario} PROPERTIES LABELS net)
endforeach()
