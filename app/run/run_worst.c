/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_worst.h"

#include "io/failure.h"
#include "io/input.h"
#include "io/write_json.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WORST_BYTES_MAX = 1 << 26 };

static void path_of(char path[PATH_MAX + 16], const char *folder) {
    snprintf(path, PATH_MAX + 16, "%s/worst.json", folder);
}

int run_worst_write(const char *folder, json_t *examples) {
    char path[PATH_MAX + 16];
    path_of(path, folder);
    return write_json(path, json_pack("{si so}", "format", 1, "examples", examples),
                      JSON_INDENT(1));
}

void run_worst_remove(const char *folder) {
    char path[PATH_MAX + 16];
    path_of(path, folder);
    unlink(path);
}

int run_worst_read(json_t **examples, const char *folder) {
    char path[PATH_MAX + 16];
    unsigned char *bytes;
    size_t size;
    json_error_t error;
    path_of(path, folder);
    *examples = NULL;
    if (access(path, F_OK)) return 0;
    const int status = input_read(path, WORST_BYTES_MAX, &bytes, &size);
    if (status) return status;
    json_t *file = json_loadb((const char *)bytes, size, 0, &error);
    free(bytes);
    json_t *list = json_object_get(file, "examples");
    if (json_integer_value(json_object_get(file, "format")) == 1 && json_is_array(list))
        *examples = json_incref(list);
    json_decref(file);
    return *examples ? 0 : failure(FAILURE_INPUT, "%s: holds no examples of format 1", path);
}
