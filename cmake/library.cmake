# SPDX-License-Identifier: Apache-2.0
# libravine: libc, libm and threads, nothing else.
file(GLOB_RECURSE ravine_sources CONFIGURE_DEPENDS lib/*.c)
file(GLOB isa_stubs CONFIGURE_DEPENDS lib/update/elementwise/isa_*.c)
list(REMOVE_ITEM ravine_sources ${isa_stubs})

# One stub per instruction set; the name after isa_ says which processors may run it.
set(isa_flags_baseline "")
set(isa_flags_x86_v3 -march=x86-64-v3)
set(isa_flags_x86_v4 -march=x86-64-v4 -mprefer-vector-width=512)
set(isa_sets baseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    list(APPEND isa_sets x86_v3 x86_v4)
endif()
foreach(isa ${isa_sets})
    set(stub ${PROJECT_SOURCE_DIR}/lib/update/elementwise/isa_${isa}.c)
    list(APPEND ravine_sources ${stub})
    set_source_files_properties(${stub} PROPERTIES COMPILE_OPTIONS "-O3;${isa_flags_${isa}}")
    string(TOUPPER ${isa} ISA)
    list(APPEND isa_definitions RAVINE_HAVE_${ISA})
endforeach()

# What the library and the command share stands on the public headers alone; only lib/ sees lib/.
file(GLOB_RECURSE common_sources CONFIGURE_DEPENDS common/*.c)
add_library(ravine_common OBJECT ${common_sources})
add_library(ravine_objects OBJECT ${ravine_sources})
foreach(objects ravine_common ravine_objects)
    target_link_libraries(${objects} PRIVATE ravine_flags)
    target_include_directories(${objects} PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/common)
    target_compile_definitions(${objects} PRIVATE RAVINE_BUILD)
endforeach()
target_include_directories(ravine_objects PRIVATE ${PROJECT_SOURCE_DIR}/lib)
target_compile_definitions(ravine_objects PRIVATE ${isa_definitions})

set(all_objects $<TARGET_OBJECTS:ravine_objects> $<TARGET_OBJECTS:ravine_common>)
add_library(ravine SHARED ${all_objects})
add_library(ravine_static STATIC ${all_objects})
set(RAVINE_SOVERSION 0) # counts changes that break programs: docs/abi.md
set_target_properties(ravine PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${RAVINE_SOVERSION})
set_target_properties(ravine_static PROPERTIES OUTPUT_NAME ravine)
foreach(library ravine ravine_static)
    target_link_libraries(${library} PRIVATE Threads::Threads m)
    target_include_directories(${library} PUBLIC
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
