/* SPDX-License-Identifier: Apache-2.0 */
#include "io/write_json.h"

#include "io/failure.h"
#include "io/write_file.h"

#include <stdlib.h>
#include <string.h>

int write_json(const char *path, json_t *value, size_t flags) {
    char *text = value ? json_dumps(value, flags) : NULL;
    json_decref(value);
    if (!text) return failure(FAILURE_INPUT, "%s: out of memory", path);
    const int status = write_file(path, text, strlen(text));
    free(text);
    return status;
}
