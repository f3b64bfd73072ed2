/* SPDX-License-Identifier: Apache-2.0 */
/* log_files.c - where a log lies in a folder, and all of a file. */
#include "file/folder.h"
#include "io/failure.h"
#include "io/input.h"
#include "logs/log_folder.h"
#include "logs/log_reader.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool log_has_file(const char *folder, const char *name) {
    char path[PATH_MAX];
    return log_path_join(path, folder, name) && log_is_file(path);
}

/* ---- numbered folders ---- */

typedef struct newest {
    const char *folder, *prefix, *file;
    long long number; /* the greatest so far; -1: none */
} newest;

/* The number of "checkpoint-500"; -1: it is no such name. */
static long long number_of(const char *name, const char *prefix) {
    const size_t length = strlen(prefix);
    char *end;
    if (strncmp(name, prefix, length) != 0 || !isdigit((unsigned char)name[length])) return -1;
    const long long number = strtoll(name + length, &end, 10);
    return *end ? -1 : number;
}

static ravine_status look_at(void *context, const char *name) {
    newest *n = context;
    char inside[NAME_MAX + 64];
    const long long number = number_of(name, n->prefix);
    if (number <= n->number) return RAVINE_OK;
    snprintf(inside, sizeof inside, "%s/%s", name, n->file);
    if (log_has_file(n->folder, inside)) n->number = number;
    return RAVINE_OK;
}

bool log_find_file(const log_source *source, const char *prefix, const char *file,
                   char path[PATH_MAX]) {
    newest n = {.folder = source->path, .prefix = prefix, .file = file, .number = -1};
    int length = 0;
    if (!source->folder)
        length = snprintf(path, PATH_MAX, "%s", source->path);
    else if (log_has_file(source->path, file))
        length = snprintf(path, PATH_MAX, "%s/%s", source->path, file);
    else if (prefix && ravine_folder_each(source->path, look_at, &n) == RAVINE_OK && n.number >= 0)
        length = snprintf(path, PATH_MAX, "%s/%s%lld/%s", source->path, prefix, n.number, file);
    return length > 0 && length < PATH_MAX;
}

/* ---- a file ---- */

int log_load(log_data *log, const char *path, size_t limit, unsigned char **bytes, size_t *size) {
    char *own = strdup(path);
    if (!own) return failure(FAILURE_INPUT, "out of memory");
    free(log->path);
    log->path = own;
    return input_read(path, limit, bytes, size);
}
