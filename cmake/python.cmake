# SPDX-License-Identifier: Apache-2.0
# What a wheel holds beside python/ravine (pyproject.toml): the library under its one name, since a
# wheel has no symbolic links, and the command with the licences of what is linked into it.
install(FILES $<TARGET_FILE:ravine> DESTINATION ravine RENAME libravine.so COMPONENT python)
if(NOT RAVINE_COMMAND)
    return()
endif()
install(PROGRAMS $<TARGET_FILE:ravine_command> DESTINATION ravine/bin COMPONENT python)
foreach(package libyaml-dev libjansson-dev libsqlite3-dev libpng-dev libjpeg-dev zlib1g-dev libopenblas-dev)
    set(licence /usr/share/doc/${package}/copyright) # where Debian keeps them
    if(EXISTS ${licence})
        install(FILES ${licence} DESTINATION ravine/licences RENAME ${package}.txt COMPONENT python)
    endif()
endforeach()
