/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_encoding.h"

#include "data/csv_column.h"
#include "data/dataset.h"
#include "io/failure.h"
#include "io/input.h"
#include "io/write_file.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ENCODING_BYTES_MAX = 1 << 28 };
/* Such a table can be learned from; its columns cannot be recognised again. */
#define NOT_UTF8                                                                             \
    "the table has names or words that are not UTF-8, and JSON holds no others; convert it " \
    "(iconv -f latin1 -t utf-8) and train again"

static void path_of(char path[PATH_MAX + 16], const char *folder) {
    snprintf(path, PATH_MAX + 16, "%s/encoding.json", folder);
}

/* ---- written ---- */

/* Appends `item`, or, where there is none, gives the list up: NULL. */
static json_t *with(json_t *list, json_t *item) {
    if (list && json_array_append_new(list, item) == 0) return list;
    json_decref(list);
    return NULL;
}

static json_t *column_json(const encoded_column *c) {
    if (!c->words)
        return json_pack("{ss sf sf}", "name", c->name, "mean", c->mean, "deviation", c->deviation);
    json_t *words = json_array();
    for (int64_t k = 0; k < c->words; k++) words = with(words, json_string(c->word[k]));
    return json_pack("{ss* so}", "name", c->name, "words", words);
}

static json_t *encoding_json(const data_encoding *e) {
    if (e->text)
        return json_pack("{si ss ss sI}", "format", 1, "kind", "text", "unit", "byte", "context",
                         (json_int_t)e->shape[1]);
    if (encoding_is_of_images(e))
        return json_pack("{si ss s[III] sf sf so}", "format", 1, "kind", "images", "shape",
                         (json_int_t)e->shape[0], (json_int_t)e->shape[1], (json_int_t)e->shape[2],
                         "mean", e->mean, "deviation", e->deviation, "target",
                         column_json(&e->target));
    json_t *columns = json_array();
    for (int64_t k = 0; k < e->columns; k++) columns = with(columns, column_json(&e->column[k]));
    return json_pack("{si ss ss# so so}", "format", 1, "kind", "table", "delimiter", &e->delimiter,
                     1, "columns", columns, "target", column_json(&e->target));
}

int run_encoding_write(const data_encoding *e, const char *folder) {
    char path[PATH_MAX + 16];
    path_of(path, folder);
    json_t *object = encoding_json(e);
    if (!object) object = json_pack("{si ss ss}", "format", 1, "kind", "unknown", "why", NOT_UTF8);
    char *text = object ? json_dumps(object, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(object);
    if (!text) return failure(FAILURE_INPUT, "%s: out of memory", path);
    const int status = write_file(path, text, strlen(text));
    free(text);
    return status;
}

void run_encoding_remove(const char *folder) {
    char path[PATH_MAX + 16];
    path_of(path, folder);
    unlink(path);
}

/* ---- read back ---- */

static int wrong(const char *path, const char *what) {
    return failure(FAILURE_INPUT, "%s: %s", path, what);
}

static bool read_spread(const json_t *object, double *mean, double *deviation) {
    const json_t *m = json_object_get(object, "mean"), *d = json_object_get(object, "deviation");
    *mean = json_number_value(m);
    *deviation = json_number_value(d);
    return json_is_number(m) && json_is_number(d) && isfinite(*mean) && isfinite(*deviation) &&
           *deviation >= 0;
}

static int read_words(const char *path, const json_t *words, encoded_column *c) {
    const size_t count = json_array_size(words);
    if (count < 1 || count > CSV_CATEGORIES_MAX)
        return failure(FAILURE_INPUT, "%s: a column has %zu words; it must have 1 to %d", path,
                       count, CSV_CATEGORIES_MAX);
    c->word = calloc(count, sizeof *c->word);
    if (!c->word) return wrong(path, "no memory");
    c->words = (int64_t)count;
    for (size_t k = 0; k < count; k++) {
        const char *word = json_string_value(json_array_get(words, k));
        if (!word || !(c->word[k] = strdup(word))) return wrong(path, "a word is no text");
    }
    return 0;
}

static int read_column(const char *path, const json_t *object, bool named, encoded_column *c) {
    const char *name = json_string_value(json_object_get(object, "name"));
    const json_t *words = json_object_get(object, "words");
    if (named && !name) return wrong(path, "a column has no name");
    if (name && !(c->name = strdup(name))) return wrong(path, "no memory");
    if (words) return read_words(path, words, c);
    return read_spread(object, &c->mean, &c->deviation)
               ? 0
               : wrong(path, "a column has neither words nor a finite mean and a deviation >= 0");
}

static int read_images(const char *path, const json_t *object, data_encoding *e) {
    const int64_t most = 1 << 16; /* pixels of a side, and channels */
    const json_t *shape = json_object_get(object, "shape");
    for (size_t k = 0; k < 3; k++) {
        e->shape[k] = json_integer_value(json_array_get(shape, k));
        if (e->shape[k] < 1 || e->shape[k] > most)
            return failure(FAILURE_INPUT, "%s: shape has %lld; sides and channels are in [1, %lld]",
                           path, (long long)e->shape[k], (long long)most);
    }
    if (!read_spread(object, &e->mean, &e->deviation))
        return wrong(path, "mean or deviation is no finite number");
    return e->target.words ? 0 : wrong(path, "the target of images has no words");
}

static int read_table(const char *path, const json_t *object, data_encoding *e) {
    const char *delimiter = json_string_value(json_object_get(object, "delimiter"));
    const json_t *columns = json_object_get(object, "columns");
    const size_t count = json_array_size(columns);
    if (!delimiter || strlen(delimiter) != 1 || strchr("\"\r\n", *delimiter))
        return wrong(path, "delimiter is not one character that can delimit");
    if (count < 1 || count > CSV_COLUMNS_MAX)
        return failure(FAILURE_INPUT, "%s: there are %zu columns; a table has 1 to %d", path, count,
                       CSV_COLUMNS_MAX);
    e->delimiter = *delimiter;
    e->regression = e->target.words == 0;
    e->shape[1] = e->shape[2] = 1;
    e->column = calloc(count, sizeof *e->column);
    if (!e->column) return wrong(path, "no memory");
    e->columns = (int64_t)count;
    for (size_t k = 0; k < count; k++) {
        const int status = read_column(path, json_array_get(columns, k), true, &e->column[k]);
        if (status) return status;
        e->shape[0] += encoded_width(&e->column[k]);
    }
    return 0;
}

static int read_text(const char *path, const json_t *object, data_encoding *e) {
    const char *unit = json_string_value(json_object_get(object, "unit"));
    const int64_t context = json_integer_value(json_object_get(object, "context")), most = 1 << 20;
    if (!unit || strcmp(unit, "byte") != 0) return wrong(path, "the unit of the text is not byte");
    if (context < 1 || context > most)
        return failure(FAILURE_INPUT, "%s: context is %lld; it is in [1, %lld]", path,
                       (long long)context, (long long)most);
    *e = (data_encoding){.text = true, .shape = {1, context, 1}, .outputs = TEXT_BYTES};
    return 0;
}

static int read_object(const char *path, const json_t *object, data_encoding *e) {
    const char *kind = json_string_value(json_object_get(object, "kind"));
    const bool table = kind && !strcmp(kind, "table"), images = kind && !strcmp(kind, "images");
    const bool text = kind && !strcmp(kind, "text");
    const char *why = json_string_value(json_object_get(object, "why"));
    if (kind && !strcmp(kind, "unknown") && why) return wrong(path, why);
    if (json_integer_value(json_object_get(object, "format")) != 1 || (!table && !images && !text))
        return wrong(path, "is no encoding of format 1 that this version knows");
    if (text) return read_text(path, object, e);
    const int status = read_column(path, json_object_get(object, "target"), table, &e->target);
    if (status) return status;
    e->outputs = encoded_width(&e->target);
    if (e->target.words == 1) return wrong(path, "the target has one class; there must be 2");
    return table ? read_table(path, object, e) : read_images(path, object, e);
}

int run_encoding_read(data_encoding *e, const char *folder) {
    char path[PATH_MAX + 16];
    unsigned char *bytes = NULL;
    size_t size;
    *e = (data_encoding){0};
    path_of(path, folder);
    int status = input_read(path, ENCODING_BYTES_MAX, &bytes, &size);
    if (status) return status;
    json_error_t error;
    json_t *object = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, &error);
    free(bytes);
    status =
        object ? read_object(path, object, e)
               : failure(FAILURE_INPUT, "%s:%d:%d: %s", path, error.line, error.column, error.text);
    json_decref(object);
    return status;
}
