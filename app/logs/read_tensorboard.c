/* SPDX-License-Identifier: Apache-2.0 */
/* read_tensorboard.c - a file of TensorBoard's events, or a folder with those of one run.
 *
 * A run is a folder with event files, one for each time that it was started, and the folders in it:
 * Keras and TensorFlow write train/ and validation/ and nothing beside them, PyTorch's add_scalars
 * a folder TAG_KEY for each curve. A tag of validation/ is named "validation/TAG" here, the curve
 * of TAG_KEY "KEY/TAG". What lies deeper are other runs. */
#include "io/failure.h"
#include "io/input.h"
#include "logs/log_axes.h"
#include "logs/log_folder.h"
#include "logs/log_reader.h"
#include "logs/log_store.h"
#include "logs/tfevents_reader.h"
#include "run/tfevents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_MAX = 5, FOLDERS_MAX = 20000 };

/* ---- where the files lie --------------------------------------------------------------------- */

/* Anywhere in the name: people move them, and some writers put a word before it. */
static bool is_event_file(const char *name) {
    return strstr(name, TFEVENTS_PREFIX) != NULL;
}

static bool holds_events(const log_list *entries) {
    for (size_t k = 0; k < entries->count; k++)
        if (is_event_file(entries->text[k])) return true;
    return false;
}

/* "train": tags as they are; "validation": tags with that before them; NULL: no part of a run. */
static const char *part_of(const char *folder) {
    static const char *const held[] = {"validation", "val", "valid", "eval", "test", "dev"};
    const char *name = log_path_name(folder);
    if (!strcasecmp(name, "train") || !strcasecmp(name, "training")) return "train";
    for (size_t k = 0; k < sizeof held / sizeof *held; k++)
        if (!strcasecmp(name, held[k])) return "validation";
    return NULL;
}

/* The folders with events under `root`, by their paths from there; depth first, in order. */
typedef struct search {
    const char *root;
    log_list places;
    size_t seen; /* folders */
} search;

static int find_places(search *s, const char *below, int depth);

static int look_into(search *s, const char *below, const char *folder, const log_list *entries,
                     int depth) {
    char path[PATH_MAX], deeper[PATH_MAX];
    int status = 0;
    for (size_t k = 0; k < entries->count && !status && depth < DEPTH_MAX; k++) {
        const char *name = entries->text[k];
        if (!log_path_join(path, folder, name) || !input_is_folder(path)) continue;
        if (log_path_join(deeper, *below ? below : name, *below ? name : ""))
            status = find_places(s, deeper, depth + 1);
    }
    return status;
}

static int find_places(search *s, const char *below, int depth) {
    char path[PATH_MAX];
    log_list entries = {0};
    if (s->seen++ == FOLDERS_MAX)
        return failure(FAILURE_INPUT, "%s: more than %d folders in it, the limit; name one of them",
                       s->root, FOLDERS_MAX);
    if (!log_path_join(path, s->root, below)) return 0;
    int status = log_folder_list(&entries, path);
    if (!status && holds_events(&entries)) status = log_list_add(&s->places, s->root, below);
    if (!status) status = look_into(s, below, path, &entries, depth);
    log_list_free(&entries);
    return status;
}

/* Is the folder with the first `length` bytes of that path a place, or one with a part for
 * training?
 */
static bool is_run(const log_list *places, const char *path, size_t length) {
    for (size_t k = 0; k < places->count; k++) {
        const char *place = places->text[k], *rest = place + length;
        if (strncmp(place, path, length) != 0) continue;
        if (!*rest) return true;
        if (length > 0 && *rest++ != '/') continue;
        if (!strcmp(rest, "train") || !strcmp(rest, "training")) return true;
    }
    return false;
}

/* How much of a place's path is that of its run: all, or all but the last folder. */
static size_t length_of_run(const log_list *places, const char *place) {
    const char *slash = strrchr(place, '/');
    const size_t above = slash ? (size_t)(slash - place) : 0;
    return is_run(places, place, above) ? above : strlen(place);
}

static int add_run(log_store *runs, const log_list *places, const char *root, const char *place) {
    char id[PATH_MAX];
    const size_t length = length_of_run(places, place);
    snprintf(id, sizeof id, "%.*s", (int)length, place);
    if (!length) strcpy(id, ".");
    for (size_t k = 0; k < runs->count; k++)
        if (!strcmp(runs->run[k].id, id)) return 0;
    return log_store_add(runs, root, id, "");
}

bool log_tensorboard_recognises(const log_source *source) {
    search s = {.root = source->path};
    if (!source->folder) return tfevents_begins(source->head, source->size);
    const bool found = !find_places(&s, "", 0) && s.places.count > 0;
    log_list_free(&s.places);
    return found;
}

/* ---- one run --------------------------------------------------------------------------------- */

/* A "/" of a tag is "_" in the folder of its curve: "Loss/a" and "train" are in Loss_a_train. */
static bool name_of_curve(const char *folder, const char *tag, char name[LOG_KEY_MAX + 1]) {
    const size_t length = strlen(tag);
    if (strlen(folder) < length + 2 || folder[length] != '_') return false;
    for (size_t k = 0; k < length; k++)
        if (folder[k] != tag[k] && !(folder[k] == '_' && tag[k] == '/')) return false;
    return snprintf(name, LOG_KEY_MAX + 1, "%s/%s", folder + length + 1, tag) <= LOG_KEY_MAX;
}

static bool name_tag(void *context, const char *tag, char name[LOG_KEY_MAX + 1]) {
    const char *folder = context, *part = part_of(folder);
    if (!part) return name_of_curve(log_path_name(folder), tag, name);
    const bool held = !strcmp(part, "validation");
    return snprintf(name, LOG_KEY_MAX + 1, "%s%s", held ? "validation/" : "", tag) <= LOG_KEY_MAX;
}

static int read_place(log_data *log, const char *root, const char *place, bool own) {
    char folder[PATH_MAX], path[PATH_MAX];
    log_list entries = {0};
    if (!log_path_join(folder, root, place)) return 0;
    int status = log_folder_list(&entries, folder);
    for (size_t k = 0; k < entries.count && !status; k++)
        if (is_event_file(entries.text[k]) && log_path_join(path, folder, entries.text[k]) &&
            log_is_file(path))
            status = tfevents_read(log, path, own ? NULL : name_tag, (void *)place);
    log_list_free(&entries);
    return status;
}

static int read_run(log_data *log, const char *root, const log_list *places, const char *run) {
    const size_t length = strcmp(run, ".") != 0 ? strlen(run) : 0;
    int status = 0;
    for (size_t k = 0; k < places->count && !status; k++) {
        const char *place = places->text[k];
        if (length_of_run(places, place) != length || strncmp(place, run, length) != 0) continue;
        status = read_place(log, root, place, !place[length]);
    }
    return status;
}

static int read_folder(log_data *log, const log_source *source) {
    search s = {.root = source->path};
    log_store runs = {0};
    size_t chosen = 0;
    int status = find_places(&s, "", 0);
    for (size_t k = 0; k < s.places.count && !status; k++)
        status = add_run(&runs, &s.places, source->path, s.places.text[k]);
    if (!status) status = log_store_choose(&runs, log, source->run, &chosen);
    if (!status) status = read_run(log, source->path, &s.places, runs.run[chosen].id);
    log_store_free(&runs);
    log_list_free(&s.places);
    return status;
}

int log_tensorboard_read(log_data *log, const log_source *source) {
    const int status =
        source->folder ? read_folder(log, source) : tfevents_read(log, source->path, NULL, NULL);
    if (!status && log->nrows == 0)
        return failure(FAILURE_INPUT, "%s: TensorBoard events without a number", source->path);
    if (!status) log_align_axes(log);
    return status;
}
