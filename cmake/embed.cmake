# SPDX-License-Identifier: Apache-2.0
# Files that are compiled into the command: embed_files(LIST FILE...) makes one C file of each, which
# defines `const asset asset_NAME` (NAME: the file's name with _ for what no C name may hold), and
# page/assets.h, which declares them all. Run as a script (cmake -P) it writes one such C file.
if(CMAKE_SCRIPT_MODE_FILE)
    file(READ ${FILE} bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    file(WRITE ${OUTPUT} "#include \"page/assets.h\"\n\n"
        "static const unsigned char bytes[] = {${bytes}0};\n"
        "const asset asset_${NAME} = {bytes, sizeof bytes - 1};\n")
    return()
endif()

set(embed_script ${CMAKE_CURRENT_LIST_FILE})
function(embed_files list)
    set(folder ${PROJECT_BINARY_DIR}/assets/page)
    set(declarations "")
    foreach(file ${ARGN})
        get_filename_component(name ${file} NAME)
        string(MAKE_C_IDENTIFIER ${name} name)
        set(output ${folder}/${name}.c)
        list(APPEND outputs ${output})
        string(APPEND declarations "extern const asset asset_${name};\n")
        add_custom_command(OUTPUT ${output}
            COMMAND ${CMAKE_COMMAND} -D FILE=${file} -D NAME=${name} -D OUTPUT=${output}
                    -P ${embed_script}
            DEPENDS ${file} ${embed_script} VERBATIM)
    endforeach()
    file(CONFIGURE OUTPUT ${folder}/assets.h CONTENT
"/* Made by cmake/embed.cmake. */
#ifndef RAVINE_PAGE_ASSETS_H
#define RAVINE_PAGE_ASSETS_H

#include <stddef.h>

typedef struct asset {
    const unsigned char *bytes;
    size_t size;
} asset;

${declarations}
#endif
")
    set(${list} ${outputs} PARENT_SCOPE)
endfunction()
