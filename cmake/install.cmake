# SPDX-License-Identifier: Apache-2.0
# cmake --install: libraries, headers, documents, command, man pages, completion, and what lets other
# programs find them. Everything is relative to the prefix, so the installed tree may be moved.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ravine)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set_target_properties(ravine_static PROPERTIES EXPORT_NAME ravine_static)
install(TARGETS ravine ravine_static EXPORT ravine_targets
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

# find_package(ravine): ravine::ravine and ravine::ravine_static
install(EXPORT ravine_targets NAMESPACE ravine:: DESTINATION ${package_dir})
configure_package_config_file(cmake/ravine-config.cmake.in ravine-config.cmake
    INSTALL_DESTINATION ${package_dir})
set(compatibility SameMajorVersion)
if(PROJECT_VERSION_MAJOR EQUAL 0) # names may change from one 0.x to the next
    set(compatibility SameMinorVersion)
endif()
write_basic_package_version_file(ravine-config-version.cmake COMPATIBILITY ${compatibility})
install(FILES ${PROJECT_BINARY_DIR}/ravine-config.cmake
              ${PROJECT_BINARY_DIR}/ravine-config-version.cmake
    DESTINATION ${package_dir})

# pkg-config ravine
file(RELATIVE_PATH pkgconfig_to_prefix /prefix/${pkgconfig_dir} /prefix)
string(REGEX REPLACE "/$" "" pkgconfig_to_prefix "${pkgconfig_to_prefix}")
configure_file(cmake/ravine.pc.in ravine.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/ravine.pc DESTINATION ${pkgconfig_dir})

# Documents and examples, in the folders that their links go to, and a man page with the smallest one.
install(FILES LICENSE README.md CHANGELOG.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR} PATTERN CMakeLists.txt EXCLUDE)
file(READ examples/01_smallest.c smallest)
string(REGEX REPLACE "^[^\n]*SPDX-License-Identifier[^\n]*\n" "" smallest "${smallest}")
string(REPLACE "\\" "\\e" smallest "${smallest}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS examples/01_smallest.c)
configure_file(cmake/libravine.3.in man/libravine.3 @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/man/libravine.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)

if(NOT RAVINE_COMMAND)
    return()
endif()
install(TARGETS ravine_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# The command writes its own man pages and completion, from app/cli/options.def.
if(CMAKE_CROSSCOMPILING)
    return()
endif()
set(man_dir ${PROJECT_BINARY_DIR}/man)
set(completion ${PROJECT_BINARY_DIR}/completion/ravine)
file(MAKE_DIRECTORY ${man_dir} ${PROJECT_BINARY_DIR}/completion)
file(STRINGS app/cli/options.def command_rows REGEX "^COMMAND\\([A-Z]")
list(TRANSFORM command_rows REPLACE "^COMMAND\\([^,]*, *([^,]*),.*" "\\1" OUTPUT_VARIABLE commands)
list(TRANSFORM commands REPLACE "_" "-") # as they are typed
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS app/cli/options.def)

set(man_pages ${man_dir}/ravine.1)
add_custom_command(OUTPUT ${man_dir}/ravine.1
    COMMAND ravine_command help --man -o ${man_dir}/ravine.1 DEPENDS ravine_command VERBATIM)
foreach(command ${commands})
    set(page ${man_dir}/ravine-${command}.1)
    list(APPEND man_pages ${page})
    add_custom_command(OUTPUT ${page}
        COMMAND ravine_command help ${command} --man -o ${page} DEPENDS ravine_command VERBATIM)
endforeach()
add_custom_command(OUTPUT ${completion}
    COMMAND ravine_command help --completion bash -o ${completion} DEPENDS ravine_command VERBATIM)
add_custom_target(ravine_manuals ALL DEPENDS ${man_pages} ${completion})

install(FILES ${man_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${completion} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
