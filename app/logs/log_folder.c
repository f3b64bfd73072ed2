/* SPDX-License-Identifier: Apache-2.0 */
#include "logs/log_folder.h"

#include "file/folder.h"
#include "io/failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool make_room(log_list *list) {
    if (list->count < list->room) return true;
    const size_t room = list->room ? 2 * list->room : 32;
    char **grown = realloc(list->text, room * sizeof *grown);
    if (!grown) return false;
    list->text = grown;
    list->room = room;
    return true;
}

int log_list_add(log_list *list, const char *folder, const char *text) {
    if (list->count == LOG_ENTRIES_MAX)
        return failure(FAILURE_INPUT, "%s: more than %d entries, the limit", folder,
                       LOG_ENTRIES_MAX);
    char *own = make_room(list) ? strdup(text) : NULL;
    if (!own) return failure(FAILURE_INPUT, "%s: out of memory", folder);
    list->text[list->count++] = own;
    return 0;
}

void log_list_free(log_list *list) {
    for (size_t k = 0; k < list->count; k++) free(list->text[k]);
    free(list->text);
    *list = (log_list){0};
}

typedef struct listing {
    log_list *list;
    const char *folder;
    int status;
} listing;

static ravine_status add_entry(void *context, const char *name) {
    listing *l = context;
    if (*name == '.') return RAVINE_OK;
    l->status = log_list_add(l->list, l->folder, name);
    return l->status ? RAVINE_E_NOMEM : RAVINE_OK;
}

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int log_folder_list(log_list *list, const char *folder) {
    listing l = {.list = list, .folder = folder};
    const size_t before = list->count;
    const ravine_status status = ravine_folder_each(folder, add_entry, &l);
    if (l.status) return l.status;
    if (list->count > before)
        qsort(list->text + before, list->count - before, sizeof *list->text, compare);
    return failure_of(status);
}

bool log_path_join(char path[PATH_MAX], const char *folder, const char *name) {
    return snprintf(path, PATH_MAX, "%s%s%s", folder, *name ? "/" : "", name) < PATH_MAX;
}

bool log_is_file(const char *path) {
    struct stat facts;
    return !stat(path, &facts) && S_ISREG(facts.st_mode);
}

const char *log_path_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
