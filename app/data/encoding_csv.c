/* SPDX-License-Identifier: Apache-2.0 */
/* encoding_csv.c - new rows of a table, as the numbers that its columns became in training. */
#include "data/csv.h"
#include "data/csv_column.h"
#include "data/dataset.h"
#include "data/dataset_allocate.h"
#include "io/failure.h"
#include "text/nearest.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct word_place {
    const char *word;
    int64_t place;
} word_place;

/* One column of the file on its way into the examples. */
typedef struct reading {
    const csv_table *table;
    const encoded_column *as;
    const csv_habits *habits; /* as in training */
    int64_t index;            /* in the table */
    word_place *sorted;       /* [as->words] */
} reading;

static int by_word(const void *a, const void *b) {
    return strcmp(((const word_place *)a)->word, ((const word_place *)b)->word);
}

static int sort_words(reading *r) {
    const size_t words = (size_t)r->as->words;
    r->sorted = malloc((words ? words : 1) * sizeof *r->sorted);
    if (!r->sorted) return failure(FAILURE_INPUT, "%s: no memory for its words", r->table->name);
    for (size_t k = 0; k < words; k++) r->sorted[k] = (word_place){r->as->word[k], (int64_t)k};
    qsort(r->sorted, words, sizeof *r->sorted, by_word);
    return 0;
}

static int wrong_field(const reading *r, int64_t row, const char *what) {
    return csv_wrong_field(r->table, row, r->index, what);
}

static bool is_missing(const reading *r, int64_t row) {
    return r->habits->missing != CSV_MISSING_ERROR &&
           csv_is_missing(r->habits, csv_field(r->table, row, r->index));
}

/* The input of a number, and *missing, that of its indicator. */
static int read_number(const reading *r, int64_t row, double *out, bool *missing) {
    double value;
    char what[128];
    const encoded_column *as = r->as;
    *missing = is_missing(r, row);
    if (*missing && r->habits->missing == CSV_MISSING_INDICATOR && !as->indicator)
        return wrong_field(r, row, "is missing, and where the run has learned from none was");
    *out = csv_standardised(as->fill, as->mean, as->deviation);
    if (*missing) return 0;
    if (!csv_value(as->form, csv_field(r->table, row, r->index), &value)) {
        snprintf(what, sizeof what, "is not %s, as those that the run has learned from",
                 csv_form_text(as->form));
        return wrong_field(r, row, what);
    }
    if (!(fabs(value) <= CSV_NUMBER_MAX))
        return wrong_field(r, row, "cannot be used; numbers must lie within +-1e100");
    *out = csv_standardised(value, as->mean, as->deviation);
    return fabs(*out) <= FLT_MAX
               ? 0
               : wrong_field(r, row, "is further from the mean than a float32 holds");
}

/* Its place among the words, or among the classes: 1.0 is the class 1. */
static int read_word(const reading *r, int64_t row, int64_t *place) {
    const char *field = csv_field(r->table, row, r->index);
    const size_t words = (size_t)r->as->words;
    const word_place wanted = {field, 0};
    const word_place *found = bsearch(&wanted, r->sorted, words, sizeof wanted, by_word);
    double number, other;
    for (size_t k = 0; !found && csv_number(field, &number) && k < words; k++)
        if (csv_number(r->sorted[k].word, &other) && other == number) found = &r->sorted[k];
    if (!found) return wrong_field(r, row, "is none of the words that the run has learned from");
    *place = found->place;
    return 0;
}

static int find_missing(const csv_table *t, const data_encoding *e, const char *name) {
    const char *delimiter = csv_other_delimiter(t, e->delimiter);
    if (delimiter)
        return failure(FAILURE_INPUT,
                       "%s: no column is named '%s'; it looks split by '%s', and the run's table "
                       "was split by '%c'",
                       t->name, csv_quote(name).text, delimiter, e->delimiter);
    ravine_nearest nearest = ravine_nearest_to(name);
    for (int64_t k = 0; k < t->columns; k++) ravine_nearest_offer(&nearest, csv_field(t, 0, k));
    return failure(FAILURE_INPUT,
                   "%s: no column is named '%s', and the run has learned from it%s%s", t->name,
                   csv_quote(name).text, nearest.name ? "; the nearest is " : "",
                   nearest.name ? csv_quote(nearest.name).text : "");
}

static bool is_known(const data_encoding *e, const char *name) {
    if (!strcmp(name, e->target.name)) return true;
    for (int64_t k = 0; k < e->ignored.count; k++)
        if (!strcmp(name, e->ignored.text[k])) return true;
    for (int64_t k = 0; k < e->columns; k++)
        if (!strcmp(name, e->column[k].name)) return true;
    return false;
}

static int check_new(const csv_table *t, const data_encoding *e) {
    for (int64_t k = 0; k < t->columns; k++)
        if (!is_known(e, csv_field(t, 0, k)))
            return failure(FAILURE_INPUT,
                           "%s: column '%s' is new, and the run has not learned from it; remove it",
                           t->name, csv_quote(csv_field(t, 0, k)).text);
    return 0;
}

static int put_number(const reading *r, int64_t row, float *x) {
    double number;
    bool missing;
    const int code = read_number(r, row, &number, &missing);
    if (code) return code;
    *x = (float)number;
    if (r->as->indicator) x[1] = missing;
    return 0;
}

static int put_word(const reading *r, int64_t row, float *x) {
    int64_t place;
    if (is_missing(r, row)) return 0; /* no input is 1 */
    const int code = read_word(r, row, &place);
    if (!code) x[place] = 1;
    return code;
}

/* A column of the file into the numbers of all examples that begin at `x`. */
static int fill_inputs(const reading *r, dataset *d, float *x) {
    int code = 0;
    for (int64_t row = 1; row <= r->table->rows && !code; row++, x += d->size)
        code = r->as->words ? put_word(r, row, x) : put_number(r, row, x);
    return code;
}

static int fill_targets(const reading *r, dataset *d) {
    int code = 0;
    for (int64_t row = 1; row <= r->table->rows && !code; row++) {
        int64_t place = 0;
        if (is_missing(r, row))
            return wrong_field(r, row, "is missing, and it is what is predicted; remove the row");
        code = r->as->words ? read_word(r, row, &place) : put_number(r, row, &d->y[row - 1]);
        if (d->label) d->label[row - 1] = (int32_t)place;
    }
    return code;
}

/* `x`: where the column's inputs begin; NULL: it is the target. */
static int read_column(const csv_table *t, const data_encoding *e, const encoded_column *as,
                       dataset *d, float *x) {
    const csv_habits habits = {.missing = e->missing,
                               .marker = (const char *const *)e->marker.text,
                               .markers = e->marker.count};
    reading r = {.table = t, .as = as, .habits = &habits, .index = csv_find(t, as->name)};
    if (r.index < 0) return find_missing(t, e, as->name);
    int code = sort_words(&r);
    if (!code) code = x ? fill_inputs(&r, d, x) : fill_targets(&r, d);
    free(r.sorted);
    return code;
}

static int convert(dataset *out, const data_encoding *e, const csv_table *t, bool with_target) {
    if (t->rows < 1) return failure(FAILURE_INPUT, "%s: has no row", t->name);
    out->count = t->rows;
    out->outputs = e->outputs;
    memcpy(out->shape, e->shape, sizeof out->shape);
    int code = dataset_allocate(out, e->regression, t->name);
    float *x = out->x;
    for (int64_t k = 0; k < e->columns && !code; k++) {
        code = read_column(t, e, &e->column[k], out, x);
        x += encoded_width(&e->column[k]);
    }
    if (!code) code = check_new(t, e);
    return code || !with_target ? code : read_column(t, e, &e->target, out, NULL);
}

int encoding_read_csv(dataset *out, dataset_file *file, const data_encoding *e, const char *path,
                      bool with_target) {
    unsigned char *bytes = NULL;
    size_t size;
    csv_table table = {0};
    *out = (dataset){0};
    int code = dataset_read_file(file, path, CSV_BYTES_MAX, &bytes, &size);
    if (!code) code = csv_parse(&table, bytes, size, path, e->delimiter);
    free(bytes);
    if (code) return code;
    code = convert(out, e, &table, with_target);
    if (code) dataset_free(out);
    csv_free(&table);
    return code;
}
