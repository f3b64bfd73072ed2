/* SPDX-License-Identifier: Apache-2.0 */
#include "data/image_list.h"

#include "data/picture.h"
#include "file/folder.h"
#include "io/failure.h"
#include "io/input.h"
#include "text/nearest.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 16, FILES_MAX = 1 << 24 };

static int no_memory(const char *folder) {
    return failure(FAILURE_INPUT, "%s: no memory for the names of its files", folder);
}

/* ---- one folder ------------------------------------------------------------------------------ */

typedef struct names {
    char **name; /* [count] */
    int64_t count, capacity;
} names;

static bool append(names *n, const char *name) {
    if (n->count == n->capacity) {
        const int64_t larger = n->capacity ? 2 * n->capacity : 64;
        char **grown = realloc(n->name, (size_t)larger * sizeof *grown);
        if (!grown) return false;
        n->name = grown;
        n->capacity = larger;
    }
    return (n->name[n->count] = strdup(name)) && ++n->count;
}

static void free_names(char **name, int64_t count) {
    for (int64_t k = 0; name && k < count; k++) free(name[k]);
    free(name);
}

static ravine_status visit(void *context, const char *name) {
    return *name == '.' || append(context, name) ? RAVINE_OK : RAVINE_E_NOMEM;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_folder(names *out, const char *folder) {
    const ravine_status status = ravine_folder_each(folder, visit, out);
    if (status == RAVINE_E_NOMEM) return no_memory(folder);
    if (status) return failure_of(status);
    if (out->count) qsort(out->name, (size_t)out->count, sizeof *out->name, by_name);
    return 0;
}

typedef enum entry_kind { ENTRY_FILE, ENTRY_FOLDER, ENTRY_NEITHER } entry_kind;

/* FOLDER/NAME and what it is; a link to a folder, which may lead back, is neither. */
static entry_kind entry_of(char path[PATH_MAX], const char *folder, const char *name) {
    struct stat facts;
    if (snprintf(path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX) return ENTRY_NEITHER;
    if (lstat(path, &facts)) return ENTRY_NEITHER;
    if (S_ISDIR(facts.st_mode)) return ENTRY_FOLDER;
    return stat(path, &facts) == 0 && S_ISREG(facts.st_mode) ? ENTRY_FILE : ENTRY_NEITHER;
}

/* ---- all below it ---------------------------------------------------------------------------- */

/* A list on its way: path and label grow together. */
typedef struct walk {
    image_list *list;
    names path;
    int64_t room; /* of label */
    int32_t label;
} walk;

static bool add(walk *w, const char *path) {
    if (w->path.count == w->room) {
        const int64_t larger = w->room ? 2 * w->room : 64;
        int32_t *grown = realloc(w->list->label, (size_t)larger * sizeof *grown);
        if (!grown) return false;
        w->list->label = grown;
        w->room = larger;
    }
    w->list->label[w->path.count] = w->label;
    return append(&w->path, path);
}

static int add_file(walk *w, const char *path) {
    if (w->path.count == FILES_MAX)
        return failure(FAILURE_INPUT, "%s: is one file more than %d, the limit", path, FILES_MAX);
    if (picture_is_named(path)) return add(w, path) ? 0 : no_memory(path);
    if (w->list->others++ == 0 && !(w->list->other = strdup(path))) return no_memory(path);
    return 0;
}

static int walk_folder(walk *w, const char *folder, int depth) {
    names n = {0};
    if (depth > DEPTH_MAX)
        return failure(FAILURE_INPUT, "%s: lies deeper than %d folders, the limit", folder,
                       DEPTH_MAX);
    char *path = malloc(PATH_MAX);
    int code = path ? read_folder(&n, folder) : no_memory(folder);
    for (int64_t k = 0; k < n.count && !code; k++) {
        const entry_kind kind = entry_of(path, folder, n.name[k]);
        if (kind == ENTRY_FOLDER) code = walk_folder(w, path, depth + 1);
        if (kind == ENTRY_FILE) code = add_file(w, path);
    }
    free(path);
    free_names(n.name, n.count);
    return code;
}

static void end_walk(walk *w) {
    w->list->path = w->path.name;
    w->list->count = w->path.count;
}

/* ---- classes --------------------------------------------------------------------------------- */

/* Folders of the folder; an image beside them would be of no class. */
static int find_classes(names *classes, const char *folder) {
    names n = {0};
    char path[PATH_MAX];
    int code = read_folder(&n, folder);
    for (int64_t k = 0; k < n.count && !code; k++) {
        const entry_kind kind = entry_of(path, folder, n.name[k]);
        if (kind == ENTRY_FILE && picture_is_named(path))
            code = failure(FAILURE_INPUT,
                           "%s: lies beside the folders of the classes, and so is of none", path);
        if (kind == ENTRY_FOLDER && !code && !append(classes, n.name[k])) code = no_memory(folder);
    }
    free_names(n.name, n.count);
    return code;
}

static bool is_wanted(const char *name, const char *const *wanted, int64_t nwanted) {
    for (int64_t k = 0; k < nwanted; k++)
        if (strcmp(name, wanted[k]) == 0) return true;
    return nwanted == 0;
}

static int check_wanted(const char *folder, const names *there, const char *const *wanted,
                        int64_t nwanted) {
    for (int64_t k = 0; k < nwanted; k++) {
        ravine_nearest nearest = ravine_nearest_to(wanted[k]);
        bool found = false;
        for (int64_t i = 0; i < there->count && !found; i++) {
            found = strcmp(there->name[i], wanted[k]) == 0;
            ravine_nearest_offer(&nearest, there->name[i]);
        }
        if (!found)
            return failure(FAILURE_USAGE, "%s: has no folder '%s' (data.classes)%s%s", folder,
                           wanted[k], nearest.name ? "; the nearest is " : "",
                           nearest.name ? nearest.name : "");
    }
    return 0;
}

static int walk_classes(walk *w, const char *folder, const names *there, const char *const *wanted,
                        int64_t nwanted) {
    char path[PATH_MAX];
    names used = {0};
    int code = 0;
    for (int64_t k = 0; k < there->count && !code; k++) {
        const int64_t before = w->path.count;
        if (!is_wanted(there->name[k], wanted, nwanted)) continue;
        w->label = (int32_t)used.count;
        if (!append(&used, there->name[k])) code = no_memory(folder);
        if (!code && entry_of(path, folder, there->name[k]) == ENTRY_FOLDER)
            code = walk_folder(w, path, 1);
        if (!code && w->path.count == before)
            code = failure(FAILURE_INPUT, "%s/%s: has no PNG or JPEG file", folder, there->name[k]);
    }
    w->list->class = used.name;
    w->list->classes = used.count;
    return code;
}

int image_list_classes(image_list *out, const char *folder, const char *const *wanted,
                       int64_t nwanted) {
    names there = {0};
    *out = (image_list){0};
    walk w = {.list = out};
    int code = find_classes(&there, folder);
    if (!code) code = check_wanted(folder, &there, wanted, nwanted);
    if (!code) code = walk_classes(&w, folder, &there, wanted, nwanted);
    end_walk(&w);
    free_names(there.name, there.count);
    return code;
}

int image_list_all(image_list *out, const char *path) {
    *out = (image_list){0};
    walk w = {.list = out};
    int code = input_is_folder(path) ? walk_folder(&w, path, 1) : add_file(&w, path);
    end_walk(&w);
    if (!code && out->count == 0)
        code = failure(FAILURE_INPUT, "%s: has no PNG or JPEG file", path);
    return code;
}

void image_list_free(image_list *list) {
    free_names(list->path, list->count);
    free_names(list->class, list->classes);
    free(list->label);
    free(list->other);
    *list = (image_list){0};
}
