# SPDX-License-Identifier: Apache-2.0
add_executable(same_bits tests/lib/same_bits.c)
target_include_directories(same_bits PRIVATE ${PROJECT_SOURCE_DIR}/common)
target_link_libraries(same_bits PRIVATE ravine_flags ravine_static)
add_test(NAME same_bits COMMAND same_bits)
set_tests_properties(same_bits PROPERTIES LABELS library)
if(CMAKE_CROSSCOMPILING)
    return() # cmocka is this machine's
endif()

# Every test_NAME.c, in the folder of the room that it tests, is one program of cmocka tests; tests/support
# and tests/faults are linked to all of them, and they may look into every room.
find_package(PkgConfig REQUIRED)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
file(GLOB support_sources CONFIGURE_DEPENDS tests/support/*.c tests/faults/*.c)
add_library(test_support STATIC ${support_sources})
foreach(part tests lib common app)
    target_include_directories(test_support PUBLIC ${PROJECT_SOURCE_DIR}/${part})
endforeach()
target_link_libraries(test_support PRIVATE ravine_flags PUBLIC ravine_static PkgConfig::CMOCKA m)

file(GLOB_RECURSE test_sources CONFIGURE_DEPENDS tests/lib/test_*.c tests/common/test_*.c)
if(RAVINE_COMMAND)
    file(GLOB_RECURSE app_test_sources CONFIGURE_DEPENDS tests/app/test_*.c)
    list(APPEND test_sources ${app_test_sources})
    add_library(net_f64 STATIC tests/app/network/net_f64.c) # the networks once more, for the checks of their gradients
    pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)
    target_link_libraries(net_f64 PRIVATE ravine_flags PUBLIC test_support ravine_app PkgConfig::OPENBLAS)
endif()
foreach(source ${test_sources})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ravine_flags test_support)
    set(label library)
    if(source MATCHES "/tests/app/")
        set(label app)
        target_link_libraries(${name} PRIVATE net_f64 ravine_app)
    endif()
    target_compile_definitions(${name} PRIVATE SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_BINARY_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 1800 LABELS ${label})
endforeach()

file(GLOB hostile_sources CONFIGURE_DEPENDS tests/lib/store/hostile*.c)
target_sources(test_store_hostile PRIVATE ${hostile_sources}) # one program, which counts over all of them

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
    target_link_libraries(replay_${subject} PRIVATE ravine_flags ravine_app)
    target_include_directories(replay_${subject} PRIVATE ${PROJECT_SOURCE_DIR}/lib)
    add_test(NAME replay_${subject}
             COMMAND replay_${subject} ${PROJECT_SOURCE_DIR}/fuzz/corpus/${subject})
endforeach()

# What the doctor says of real networks: make doctor-real, make bench-doctor.
file(GLOB real_sources CONFIGURE_DEPENDS tests/doctor/real_*.c)
add_executable(doctor_real ${real_sources})
target_include_directories(doctor_real PRIVATE tests/doctor)
target_link_libraries(doctor_real PRIVATE ravine_flags ravine_app)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
foreach(scenario dead_relu_mlp noise_floor_mlp healthy_adam_mlp)
    add_test(NAME doctor_real_${scenario}
             COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tests/doctor/real_table.py
                     $<TARGET_FILE:doctor_real> --pattern ${scenario} --seeds 1 1 --jobs 1 --least 1)
    set_tests_properties(doctor_real_${scenario} PROPERTIES LABELS app)
endforeach()

# What each compiled file uses of the others: the wall, circles, and what nobody uses.
if(NOT RAVINE_SANITIZE)
    set(objects "")
    foreach(part ravine_common ravine_objects ravine_app ravine_command)
        list(APPEND objects $<TARGET_OBJECTS:${part}>)
    endforeach()
    file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/objects.txt CONTENT "$<JOIN:${objects},\n>\n")
    add_test(NAME house_symbols COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/check-symbols
             ${PROJECT_BINARY_DIR}/objects.txt ${PROJECT_SOURCE_DIR})
    set_tests_properties(house_symbols PROPERTIES LABELS app)
endif()
