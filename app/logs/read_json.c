/* SPDX-License-Identifier: Apache-2.0 */
/* read_json.c - JSON of any origin: a line for each moment (ms-swift's logging.jsonl,
 * LLaMA-Factory's trainer_log.jsonl, plain loops), a list of such objects, or an object of lists of
 * numbers (history.history of Keras). */
#include "cli/progress.h"
#include "io/failure.h"
#include "logs/log_json.h"
#include "logs/log_reader.h"
#include "text/number.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Files of which a folder is the home. */
static const char *const homes[] = {"logging.jsonl", "trainer_log.jsonl"};

static bool find_file(const log_source *source, char path[PATH_MAX]) {
    for (size_t k = 0; k < sizeof homes / sizeof *homes; k++)
        if (log_find_file(source, NULL, homes[k], path)) return true;
    return false;
}

bool log_json_recognises(const log_source *source) {
    char path[PATH_MAX];
    if (source->folder) return find_file(source, path);
    size_t k = 0;
    while (k < source->size && isspace(source->head[k])) k++;
    return k < source->size && (source->head[k] == '{' || source->head[k] == '[');
}

/* ---- a line for each moment ---- */

typedef struct lines {
    int64_t line;      /* the one that is read, from 1 */
    int64_t good, bad; /* how many so far */
    int64_t first;     /* the first bad one, and what is wrong with it */
    char why[160];
} lines;

/* "12/500" and the like tell how many steps there will be. */
static void read_total(log_data *log, const json_t *object) {
    static const char *const keys[] = {"total_steps", "max_steps"};
    const char *both = json_string_value(json_object_get(object, "global_step/max_steps"));
    const char *slash = both ? strchr(both, '/') : NULL;
    const double total = slash ? ravine_number_read(slash + 1) : 0;
    if (total > 0) log->total_steps = total;
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const double value = json_number_value(json_object_get(object, keys[k]));
        if (value > 0) log->total_steps = value;
    }
}

static int read_object(log_data *log, const json_t *object, int64_t line) {
    if (json_object_get(object, "train_runtime")) return 0; /* a summary of the training */
    int status = log_row(log, line);
    if (!status) status = log_json_put(log, object);
    if (!status) read_total(log, object);
    return status;
}

static void leave_out(lines *l, const char *why) {
    if (l->bad++ > 0) return;
    l->first = l->line;
    snprintf(l->why, sizeof l->why, "%s", why);
}

static bool is_blank(const char *text, size_t size) {
    for (size_t k = 0; k < size; k++)
        if (!isspace((unsigned char)text[k])) return false;
    return true;
}

static int read_line(log_data *log, lines *l, const char *text, size_t size) {
    json_error_t error = {.line = 0};
    if (is_blank(text, size)) return 0;
    json_t *object = log_json_parse(text, size, &error);
    int status = 0;
    if (json_is_object(object)) {
        l->good++;
        status = read_object(log, object, l->line);
    } else
        leave_out(l, object ? "it is not an object" : error.text);
    json_decref(object);
    return status;
}

/* A file that is still being written ends within a line; other lines that are not JSON may be
 * what a program printed. */
static int note_bad(log_data *log, const lines *l, bool whole) {
    if (l->bad > l->good)
        return failure(FAILURE_INPUT, "%s, line %" PRId64 ": %s", log->path, l->first, l->why);
    if (l->bad == 1 && l->first == l->line && !whole)
        log_note(log, "the file ends within line %" PRId64 ", which is left out", l->line);
    else if (l->bad > 0)
        log_note(log,
                 "%" PRId64 " line%s that %s no JSON object left out; the first is line %" PRId64,
                 l->bad, l->bad > 1 ? "s" : "", l->bad > 1 ? "are" : "is", l->first);
    return 0;
}

static int read_each(log_data *log, const char *text, size_t size, progress *shown) {
    const char *begin = text;
    lines l = {0};
    while (size > 0) {
        const char *end = memchr(text, '\n', size);
        const size_t length = end ? (size_t)(end - text) : size;
        l.line++;
        const int status = read_line(log, &l, text, length);
        if (status) return status;
        if (!end) return note_bad(log, &l, false);
        text += length + 1;
        size -= length + 1;
        progress_to_byte(shown, text - begin);
    }
    return note_bad(log, &l, true);
}

static int read_lines(log_data *log, const char *text, size_t size) {
    progress shown = progress_begin_bytes("reading the log", (int64_t)size);
    const int status = read_each(log, text, size, &shown);
    progress_end(&shown);
    return status;
}

/* ---- one value ---- */

static int wrong_value(const log_data *log, const char *what) {
    return failure(FAILURE_INPUT, "%s: %s", log->path, what);
}

static int read_list(log_data *log, const json_t *list) {
    size_t k;
    json_t *entry;
    json_array_foreach((json_t *)list, k, entry) {
        if (!json_is_object(entry))
            return failure(FAILURE_INPUT, "%s: entry %zu of the list is not an object", log->path,
                           k);
        const int status = read_object(log, entry, 0);
        if (status) return status;
    }
    return 0;
}

static size_t longest_list(const json_t *object) {
    const char *key;
    json_t *value;
    size_t most = 0;
    json_object_foreach((json_t *)object, key, value) if (json_array_size(value) > most) most =
        json_array_size(value);
    return most;
}

/* The k-th number of each list. */
static int read_across(log_data *log, const json_t *lists, size_t k) {
    const char *key;
    json_t *list;
    json_object_foreach((json_t *)lists, key, list) {
        const json_t *value = json_array_get(list, k);
        int status = 0;
        if (json_is_number(value))
            status = log_put(log, key, json_number_value(value));
        else if (json_is_string(value))
            status = log_put_text(log, key, json_string_value(value), false);
        if (status) return status;
    }
    return 0;
}

static int read_lists(log_data *log, const json_t *lists) {
    const size_t rows = longest_list(lists);
    if (rows == 0)
        return wrong_value(log, "one object without lists of numbers; a history is wanted");
    log->format = "JSON, a list for each name";
    for (size_t k = 0; k < rows; k++) {
        int status = log_row(log, 0);
        if (!status) status = read_across(log, lists, k);
        if (status) return status;
    }
    return 0;
}

static int read_value(log_data *log, const char *text, size_t size) {
    if (size > LOG_TREE_MAX)
        return failure(FAILURE_INPUT,
                       "%s: one JSON value of %zu bytes; the limit is %d, lines may be more",
                       log->path, size, LOG_TREE_MAX);
    json_error_t error = {.line = 0};
    json_t *value = log_json_parse(text, size, &error);
    int status;
    if (!value)
        status = failure(FAILURE_INPUT, "%s, line %d, column %d: %s", log->path, error.line,
                         error.column, error.text);
    else if (json_is_object(value))
        status = read_lists(log, value);
    else if (json_array_size(value) == 0)
        status = wrong_value(log, "an empty list; a history is wanted");
    else
        status = read_list(log, value);
    if (value && !json_is_object(value)) log->format = "JSON, a list of objects";
    json_decref(value);
    return status;
}

/* ---- the file ---- */

/* The first line that is not blank is an object by itself. */
static bool has_lines(const char *text, size_t size) {
    const char *end;
    json_error_t error;
    while ((end = memchr(text, '\n', size)) && is_blank(text, (size_t)(end - text))) {
        size -= (size_t)(end - text) + 1;
        text = end + 1;
    }
    json_t *first = log_json_parse(text, end ? (size_t)(end - text) : size, &error);
    const bool by_lines = json_is_object(first) && longest_list(first) == 0;
    json_decref(first);
    return by_lines;
}

int log_json_read(log_data *log, const log_source *source) {
    char path[PATH_MAX];
    unsigned char *bytes;
    size_t size;
    if (!find_file(source, path)) return wrong_value(log, "there is no log in it");
    int status = log_load(log, path, LOG_BYTES_MAX, &bytes, &size);
    if (status) return status;
    const char *text = (const char *)bytes;
    status = has_lines(text, size) ? read_lines(log, text, size) : read_value(log, text, size);
    free(bytes);
    return status;
}
