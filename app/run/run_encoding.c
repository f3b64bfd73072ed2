/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_encoding.h"

#include "data/csv_column.h"
#include "data/dataset.h"
#include "io/failure.h"
#include "io/input.h"
#include "io/write_json.h"

#include <float.h>
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

static const char *const missing_words[] = {"error", "mean", "median", "indicator"};

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

static json_t *texts_json(char *const *text, int64_t count) {
    json_t *list = json_array();
    for (int64_t k = 0; k < count; k++) list = with(list, json_string(text[k]));
    return list;
}

static json_t *column_json(const encoded_column *c) {
    if (c->words)
        return json_pack("{ss* so}", "name", c->name, "words", texts_json(c->word, c->words));
    json_t *object =
        json_pack("{ss sf sf}", "name", c->name, "mean", c->mean, "deviation", c->deviation);
    if (c->form != CSV_POINT)
        json_object_set_new(object, "form", json_string(csv_form_word(c->form)));
    if (c->fill != c->mean) json_object_set_new(object, "fill", json_real(c->fill));
    if (c->indicator) json_object_set_new(object, "indicator", json_true());
    return object;
}

static json_t *images_json(const data_encoding *e) {
    return json_pack("{si ss s[III] sf sf so}", "format", 1, "kind", "images", "shape",
                     (json_int_t)e->shape[0], (json_int_t)e->shape[1], (json_int_t)e->shape[2],
                     "mean", e->mean, "deviation", e->deviation, "target", column_json(&e->target));
}

/* Whether a reader of format 1 would take some field for another number. */
static int format_of(const data_encoding *e) {
    bool plain = e->missing == CSV_MISSING_ERROR && e->target.form == CSV_POINT;
    for (int64_t k = 0; k < e->columns; k++) plain = plain && e->column[k].form == CSV_POINT;
    return plain ? 1 : 2;
}

static json_t *text_json(const data_encoding *e) {
    return json_pack("{si ss ss sI}", "format", 1, "kind", "text", "unit", "byte", "context",
                     (json_int_t)e->shape[1]);
}

static json_t *table_json(const data_encoding *e) {
    json_t *columns = json_array();
    for (int64_t k = 0; k < e->columns; k++) columns = with(columns, column_json(&e->column[k]));
    json_t *object =
        json_pack("{si ss ss# so so}", "format", format_of(e), "kind", "table", "delimiter",
                  &e->delimiter, 1, "columns", columns, "target", column_json(&e->target));
    if (e->ignored.count)
        json_object_set_new(object, "ignored", texts_json(e->ignored.text, e->ignored.count));
    if (e->missing == CSV_MISSING_ERROR) return object;
    json_object_set_new(object, "missing", json_string(missing_words[e->missing]));
    json_object_set_new(object, "missing_markers", texts_json(e->marker.text, e->marker.count));
    return object;
}

/* NULL: it has what is not UTF-8. */
static json_t *encoding_json(const data_encoding *e) {
    if (e->text) return text_json(e);
    return encoding_is_of_images(e) ? images_json(e) : table_json(e);
}

bool run_encoding_is_utf8(const data_encoding *e) {
    json_t *object = encoding_json(e);
    json_decref(object);
    return object != NULL;
}

int run_encoding_write(const data_encoding *e, const char *folder) {
    char path[PATH_MAX + 16];
    path_of(path, folder);
    json_t *object = encoding_json(e);
    if (!object) object = json_pack("{si ss ss}", "format", 1, "kind", "unknown", "why", NOT_UTF8);
    return write_json(path, object, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
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

/* What a column of numbers has besides mean and deviation. */
static int read_numbers(const char *path, const json_t *object, encoded_column *c) {
    if (!read_spread(object, &c->mean, &c->deviation))
        return wrong(path, "a column has neither words nor a finite mean and a deviation >= 0");
    const json_t *form = json_object_get(object, "form"), *fill = json_object_get(object, "fill");
    const char *word = form ? json_string_value(form) : csv_form_word(CSV_POINT);
    c->form = word ? csv_form_of(word) : CSV_FORMS;
    if (c->form == CSV_FORMS) return wrong(path, "the form of a column is none that is known");
    c->indicator = json_is_true(json_object_get(object, "indicator"));
    c->fill = fill ? json_number_value(fill) : c->mean;
    const double filled = csv_standardised(c->fill, c->mean, c->deviation);
    if ((fill && !json_is_number(fill)) || !(fabs(filled) <= FLT_MAX))
        return wrong(path, "the fill of a column is no number that its inputs can be");
    return 0;
}

static int read_column(const char *path, const json_t *object, bool named, encoded_column *c) {
    const char *name = json_string_value(json_object_get(object, "name"));
    const json_t *words = json_object_get(object, "words");
    if (named && !name) return wrong(path, "a column has no name");
    if (name && !(c->name = strdup(name))) return wrong(path, "no memory");
    return words ? read_words(path, words, c) : read_numbers(path, object, c);
}

/* A list of texts, each of which is one; none is an empty list. */
static int read_texts(const char *path, const json_t *list, encoded_texts *to) {
    const size_t count = json_array_size(list);
    if (list && !json_is_array(list)) return wrong(path, "ignored or missing_markers is no list");
    if (count == 0) return 0;
    if (!(to->text = calloc(count, sizeof *to->text))) return wrong(path, "no memory");
    for (; to->count < (int64_t)count; to->count++) {
        const char *text = json_string_value(json_array_get(list, (size_t)to->count));
        if (!text || !(to->text[to->count] = strdup(text)))
            return wrong(path, "ignored or missing_markers has what is no text");
    }
    return 0;
}

static int read_missing(const char *path, const json_t *object, data_encoding *e) {
    const json_t *missing = json_object_get(object, "missing");
    const char *word = json_string_value(missing);
    int policy = 0;
    const int policies = sizeof missing_words / sizeof *missing_words;
    while (missing && policy < policies && (!word || strcmp(missing_words[policy], word) != 0))
        policy++;
    if (policy == policies) return wrong(path, "missing is none of error, mean, median, indicator");
    e->missing = (csv_missing)policy;
    const int status = read_texts(path, json_object_get(object, "missing_markers"), &e->marker);
    return status ? status : read_texts(path, json_object_get(object, "ignored"), &e->ignored);
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
    return read_missing(path, object, e);
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
    const json_int_t format = json_integer_value(json_object_get(object, "format"));
    if (format < 1 || format > 2 || (!table && !images && !text))
        return wrong(path, "is no encoding of format 1 or 2 that this version knows");
    if (text) return read_text(path, object, e);
    const int status = read_column(path, json_object_get(object, "target"), table, &e->target);
    if (status) return status;
    e->target.indicator = false;
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
    if (!input_is_folder(folder)) /* the name that the person gave is the one to tell */
        return failure(FAILURE_INPUT, "%s: no folder of a run is there; ravine train makes one",
                       folder);
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
