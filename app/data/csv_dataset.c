/* SPDX-License-Identifier: Apache-2.0 */
#include "data/batch.h"
#include "data/csv.h"
#include "data/csv_column.h"
#include "data/dataset_allocate.h"
#include "io/failure.h"
#include "text/nearest.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SPLIT_STREAM UINT64_C(0x73706c6974) /* of the random numbers: "split" */

/* A table on its way to a data set. */
typedef struct conversion {
    const dataset_csv_options *options;
    csv_table table;
    csv_column *column; /* [table.columns] */
    csv_kind *kind;     /* [table.columns] */
    int64_t target;     /* column */
    int64_t *order;     /* [table.rows] shuffled rows from 0: to train on, to validate, to test */
    int64_t ntrain, nvalidation;
} conversion;

static int no_memory(const conversion *c) {
    return failure(FAILURE_INPUT, "%s: no memory for %" PRId64 " columns of %" PRId64 " rows",
                   c->table.name, c->table.columns, c->table.rows);
}

/* ---- which columns --------------------------------------------------------------------------- */

static int check_options(const dataset_csv_options *o) {
    if (o->delimiter == '\0' || strchr("\"\r\n", o->delimiter))
        return failure(FAILURE_USAGE,
                       "delimiter is character %d; a quote, a line end and zero cannot "
                       "delimit",
                       (unsigned char)o->delimiter);
    if (!(o->test_share > 0 && o->test_share < 1))
        return failure(FAILURE_USAGE, "test_share is %g; it must be in (0, 1)", o->test_share);
    return 0;
}

/* The column of that name, or an error that suggests the nearest. */
static int find_column(const conversion *c, const char *name, const char *purpose, int64_t *out) {
    const csv_table *t = &c->table;
    *out = csv_find(t, name);
    if (*out >= 0) return 0;
    ravine_nearest nearest = ravine_nearest_to(name);
    for (int64_t k = 0; k < t->columns; k++) ravine_nearest_offer(&nearest, csv_field(t, 0, k));
    const char *delimiter = csv_other_delimiter(t, c->options->delimiter);
    if (delimiter)
        return failure(FAILURE_USAGE,
                       "%s: no column is named '%s' (%s); it looks split by '%s': set "
                       "data.delimiter: \"%s\"",
                       t->name, csv_quote(name).text, purpose, delimiter, delimiter);
    const char *other = nearest.name ? nearest.name : csv_field(t, 0, t->columns - 1);
    return failure(FAILURE_USAGE, "%s: no column is named '%s' (%s); %s '%s'", t->name,
                   csv_quote(name).text, purpose, nearest.name ? "the nearest is" : "the last is",
                   csv_quote(other).text);
}

static int set_kinds(conversion *c, const char *const *names, int64_t count, csv_kind kind) {
    for (int64_t k = 0, column; k < count; k++) {
        const int code = find_column(
            c, names[k], kind == CSV_WORDS ? "word_columns" : "numeric_columns", &column);
        if (code) return code;
        if (c->kind[column] != CSV_ANY && c->kind[column] != kind)
            return failure(FAILURE_USAGE,
                           "%s: column '%s' is in data.word_columns, and must be numeric",
                           c->table.name, csv_quote(names[k]).text);
        c->kind[column] = kind;
    }
    return 0;
}

static int find_columns(conversion *c) {
    const dataset_csv_options *o = c->options;
    const csv_table *t = &c->table;
    int code = find_column(c, o->target, "target", &c->target);
    if (code) return code;
    c->kind[c->target] = o->regression ? CSV_NUMBERS : CSV_ANY;
    code = set_kinds(c, o->word_columns, o->nwords, CSV_WORDS);
    if (!code) code = set_kinds(c, o->numeric_columns, o->nnumeric, CSV_NUMBERS);
    if (code) return code;
    if (t->columns < 2)
        return failure(FAILURE_INPUT,
                       "%s: has no column but the target '%s'; nothing to learn from", t->name,
                       csv_quote(o->target).text);
    return 0;
}

static int read_columns(conversion *c) {
    for (int64_t k = 0; k < c->table.columns; k++) {
        bool classes = k == c->target && !c->options->regression;
        int code = classes ? csv_column_read_classes(&c->column[k], &c->table, k, c->kind[k])
                           : csv_column_read(&c->column[k], &c->table, k, c->kind[k]);
        if (code) return code;
    }
    return 0;
}

/* ---- which rows ------------------------------------------------------------------------------ */

/* Rows for the test: a share, or one of some parts that differ by a row at most. */
static int64_t test_rows(const conversion *c, int64_t *first) {
    const dataset_csv_options *o = c->options;
    const int64_t rows = c->table.rows;
    if (o->folds == 0) {
        const int64_t count = (int64_t)llround(o->test_share * (double)rows);
        *first = rows - count;
        return count;
    }
    *first = rows * (o->fold - 1) / o->folds;
    return rows * o->fold / o->folds - *first;
}

static int check_parts(const conversion *c, int64_t ntest) {
    const dataset_csv_options *o = c->options;
    const int64_t rows = c->table.rows;
    if (o->folds > rows)
        return failure(FAILURE_INPUT,
                       "%s: data.folds is %" PRId64 ", but there are %" PRId64
                       " rows; each part must have one",
                       c->table.name, o->folds, rows);
    if (ntest >= 1 && rows - ntest >= 2) return 0;
    return failure(FAILURE_INPUT,
                   "%s: %" PRId64 " rows with test_share %g are %" PRId64 " to train on and "
                   "%" PRId64 " to test; at least 2 and 1 are needed",
                   c->table.name, rows, o->test_share, rows - ntest, ntest);
}

/* The `count` rows from `first` on change places with those behind them. */
static int move_to_end(const conversion *c, int64_t first, int64_t count) {
    const int64_t behind = c->table.rows - first - count;
    int64_t *moved = malloc((size_t)count * sizeof *moved);
    if (!moved) return no_memory(c);
    memcpy(moved, c->order + first, (size_t)count * sizeof *moved);
    memmove(c->order + first, c->order + first + count, (size_t)behind * sizeof *moved);
    memcpy(c->order + first + behind, moved, (size_t)count * sizeof *moved);
    free(moved);
    return 0;
}

static int split(conversion *c) {
    int64_t first;
    const int64_t rows = c->table.rows, ntest = test_rows(c, &first);
    int code = check_parts(c, ntest);
    if (code) return code;
    c->ntrain = rows - ntest;
    code =
        dataset_hold_out(c->table.name, c->ntrain, c->options->validation_share, &c->nvalidation);
    if (code) return code;
    c->ntrain -= c->nvalidation;
    c->order = malloc((size_t)rows * sizeof *c->order);
    if (!c->order) return no_memory(c);
    data_order_shuffle(c->order, rows, c->options->seed, SPLIT_STREAM);
    return move_to_end(c, first, ntest);
}

/* The first class of the target that no row to train on has; -1: each has one. */
static int64_t find_unlearned(const conversion *c, bool *seen) {
    const csv_column *target = &c->column[c->target];
    for (int64_t k = 0; k < c->ntrain; k++) seen[(int64_t)target->value[c->order[k]]] = true;
    for (int64_t k = 0; k < target->categories; k++)
        if (!seen[k]) return k;
    return -1;
}

/* What is held out must leave something of each class to be learned. */
static int check_classes(const conversion *c) {
    const csv_column *target = &c->column[c->target];
    if (target->categories == 0) return 0;
    bool *seen = calloc((size_t)target->categories, sizeof *seen);
    if (!seen) return no_memory(c);
    const int64_t unlearned = find_unlearned(c, seen);
    free(seen);
    if (unlearned < 0) return 0;
    int64_t rows = 0, row = 0;
    for (int64_t k = 0; k < c->table.rows; k++)
        if ((int64_t)target->value[k] == unlearned) rows++, row = k + 1;
    return failure(FAILURE_INPUT,
                   "%s: of class '%s' none of %" PRId64 " rows is left to train on; test and "
                   "validation (data.validation_share %g) have them all: make the shares smaller, "
                   "or choose another seed",
                   c->table.name, csv_quote(csv_field(&c->table, row, c->target)).text, rows,
                   c->options->validation_share);
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* Standardises a numeric column by the training rows. Sums run over the differences to the first
 * of them, so that a constant column gives a deviation of exactly 0, and then becomes 0. */
static int standardise(const conversion *c, csv_column *column) {
    const csv_table *t = &c->table;
    const double first = column->value[c->order[0]], n = (double)c->ntrain;
    double sum = 0, squares = 0;
    for (int64_t k = 0; k < c->ntrain; k++) sum += column->value[c->order[k]] - first;
    const double mean = first + sum / n;
    for (int64_t k = 0; k < c->ntrain; k++) {
        double difference = column->value[c->order[k]] - mean;
        squares += difference * difference;
    }
    const double deviation = sqrt(squares / n);
    const char *name = csv_field(t, 0, column->index);
    if (deviation == 0 && column->index == c->target)
        return failure(FAILURE_INPUT,
                       "%s: every row to train on has the same number in the target "
                       "column '%s'",
                       t->name, csv_quote(name).text);
    column->mean = mean;
    column->deviation = deviation;
    for (int64_t k = 0; k < t->rows; k++) {
        column->value[k] = deviation > 0 ? (column->value[k] - mean) / deviation : 0;
        if (!(fabs(column->value[k]) <=
              FLT_MAX)) /* only a row that is held out can be so far away */
            return failure(FAILURE_INPUT,
                           "%s, line %" PRId64 ", column '%s': '%s' is %g deviations "
                           "from the mean, more than a float32 holds",
                           t->name, csv_line(t, k + 1, column->index), csv_quote(name).text,
                           csv_quote(csv_field(t, k + 1, column->index)).text, column->value[k]);
    }
    return 0;
}

static int standardise_all(const conversion *c) {
    int code = 0;
    for (int64_t k = 0; !code && k < c->table.columns; k++)
        if (c->column[k].categories == 0) code = standardise(c, &c->column[k]);
    return code;
}

/* ---- what is kept of it ---------------------------------------------------------------------- */

/* The words of its categories, as their first rows have them. */
static bool copy_words(const conversion *c, const csv_column *from, encoded_column *to) {
    to->words = from->categories;
    to->word = calloc((size_t)from->categories, sizeof *to->word);
    if (!to->word) return false;
    for (int64_t row = 0; row < c->table.rows; row++) {
        char **word = &to->word[(int64_t)from->value[row]];
        if (!*word && !(*word = strdup(csv_field(&c->table, row + 1, from->index)))) return false;
    }
    return true;
}

static bool encode_column(const conversion *c, int64_t k, encoded_column *to) {
    const csv_column *from = &c->column[k];
    to->name = strdup(csv_field(&c->table, 0, k));
    to->mean = from->mean;
    to->deviation = from->deviation;
    return to->name && (from->categories == 0 || copy_words(c, from, to));
}

static int encode(const conversion *c, data_encoding *e) {
    const int64_t columns = c->table.columns;
    *e = (data_encoding){.shape = {0, 1, 1},
                         .regression = c->options->regression,
                         .delimiter = c->options->delimiter};
    e->column = calloc((size_t)columns, sizeof *e->column);
    bool whole = e->column && encode_column(c, c->target, &e->target);
    for (int64_t k = 0; k < columns && whole; k++) {
        if (k == c->target) continue;
        encoded_column *to = &e->column[e->columns++];
        whole = encode_column(c, k, to);
        e->shape[0] += encoded_width(to);
    }
    e->outputs = encoded_width(&e->target);
    return whole ? 0 : no_memory(c);
}

/* ---- examples -------------------------------------------------------------------------------- */

static int fill(const conversion *c, const data_encoding *e, dataset *d, const int64_t *rows,
                int64_t count) {
    const csv_column *target = &c->column[c->target];
    d->count = count;
    memcpy(d->shape, e->shape, sizeof d->shape);
    d->outputs = e->outputs;
    int code = dataset_allocate(d, c->options->regression, c->table.name);
    if (code) return code;
    for (int64_t i = 0; i < count; i++) {
        float *x = d->x + i * d->size;
        for (int64_t k = 0; k < c->table.columns; k++) {
            const csv_column *column = &c->column[k];
            if (k == c->target) continue;
            if (column->categories)
                x[(int64_t)column->value[rows[i]]] = 1;
            else
                *x = (float)column->value[rows[i]];
            x += column->categories ? column->categories : 1;
        }
        if (d->label)
            d->label[i] = (int32_t)target->value[rows[i]];
        else
            d->y[i] = (float)target->value[rows[i]];
    }
    return 0;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int convert(conversion *c, dataset_pair *out) {
    const size_t columns = (size_t)c->table.columns;
    c->column = calloc(columns, sizeof *c->column);
    c->kind = calloc(columns, sizeof *c->kind);
    if (!c->column || !c->kind) return no_memory(c);
    int code = find_columns(c);
    if (!code) code = csv_check_filled(&c->table);
    if (!code) code = split(c);
    if (!code) code = read_columns(c);
    if (!code) code = check_classes(c);
    if (!code) code = standardise_all(c);
    const data_encoding *e = &out->encoding;
    if (!code) code = encode(c, &out->encoding);
    if (!code) code = fill(c, e, &out->train, c->order, c->ntrain);
    const int64_t *held = c->order + c->ntrain, *test = held + c->nvalidation;
    if (!code && c->nvalidation) code = fill(c, e, &out->validation, held, c->nvalidation);
    if (!code) code = fill(c, e, &out->test, test, c->table.rows - (test - c->order));
    return code;
}

int dataset_read_csv(dataset_pair *out, const dataset_csv_options *options) {
    unsigned char *bytes = NULL;
    size_t size;
    conversion c = {.options = options};
    memset(out, 0, sizeof *out);
    int code = check_options(options);
    if (!code)
        code = dataset_read_file(&out->file[out->nfiles++], options->path, CSV_BYTES_MAX, &bytes,
                                 &size);
    if (!code) code = csv_parse(&c.table, bytes, size, options->path, options->delimiter);
    free(bytes);
    if (!code) code = convert(&c, out);
    if (code) dataset_pair_free(out);
    for (int64_t k = 0; c.column && k < c.table.columns; k++) csv_column_free(&c.column[k]);
    free(c.column);
    free(c.kind);
    free(c.order);
    csv_free(&c.table);
    return code;
}
