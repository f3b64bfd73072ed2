# SPDX-License-Identifier: Apache-2.0
# The list of what was installed, relative to the prefix, for cmake/uninstall.cmake. It is the last
# file, and is on it.
set(list ${CMAKE_INSTALL_DOCDIR}/installed.txt)
install(CODE "
    set(prefix \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}\")
    set(lines \"\")
    foreach(file IN LISTS CMAKE_INSTALL_MANIFEST_FILES)
        file(RELATIVE_PATH file \"\${CMAKE_INSTALL_PREFIX}\" \"\${file}\")
        string(APPEND lines \"\${file}\\n\")
    endforeach()
    file(WRITE \"\${prefix}/${list}\" \"\${lines}${list}\\n\")")
