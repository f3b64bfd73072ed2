/* SPDX-License-Identifier: Apache-2.0 */
#include "data/batch.h"
#include "data/csv.h"
#include "data/csv_columns.h"
#include "data/csv_summary.h"
#include "data/dataset_allocate.h"
#include "data/random_stream.h"
#include "io/failure.h"
#include "math/sort.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A table on its way to a data set. */
typedef struct conversion {
    const dataset_csv_options *options;
    csv_table table;
    char delimiter;
    csv_column *column; /* [table.columns] */
    int64_t target;     /* column */
    int64_t *order;     /* [table.rows] shuffled rows from 0: to train on, to validate, to test */
    int64_t ntrain, nvalidation;
} conversion;

static int no_memory(const conversion *c) {
    return failure(FAILURE_INPUT, "%s: no memory for %" PRId64 " columns of %" PRId64 " rows",
                   c->table.name, c->table.columns, c->table.rows);
}

static int check_options(const dataset_csv_options *o) {
    if (!(o->test_share > 0 && o->test_share < 1))
        return failure(FAILURE_USAGE, "test_share is %g; it must be in (0, 1)", o->test_share);
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
    data_order_shuffle(c->order, rows, c->options->seed, STREAM_SPLIT);
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
    const bool quantity = target->numeric && target->categories > CSV_CLASSES_USUAL;
    return failure(FAILURE_INPUT,
                   "%s: of class '%s' none of %" PRId64 " rows is left to train on; test and "
                   "validation (data.validation_share %g) have them all: make the shares smaller, "
                   "or choose another seed%s",
                   c->table.name, csv_quote(csv_field(&c->table, row, c->target)).text, rows,
                   c->options->validation_share,
                   quantity ? "; so many different numbers are a quantity more often than "
                              "classes: data.task: regression"
                            : "");
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* Standardises a numeric column by the training rows that have a value. Sums run over the
 * differences to the first of them, so that a constant column gives a deviation of exactly 0, and
 * then becomes 0. */
static int measure(const conversion *c, csv_column *column) {
    double first = NAN, sum = 0, squares = 0, n = 0;
    for (int64_t k = 0; k < c->ntrain; k++) {
        const double value = column->value[c->order[k]];
        if (isnan(value)) continue;
        if (n == 0) first = value;
        sum += value - first;
        n++;
    }
    if (n == 0)
        return failure(FAILURE_INPUT,
                       "%s: column '%s' has no value in any row to train on; leave it out: "
                       "data.ignored_columns",
                       c->table.name, csv_quote(csv_field(&c->table, 0, column->index)).text);
    column->mean = first + sum / n;
    for (int64_t k = 0; k < c->ntrain; k++) {
        const double difference = column->value[c->order[k]] - column->mean;
        if (!isnan(difference)) squares += difference * difference;
    }
    column->deviation = sqrt(squares / n);
    return 0;
}

/* What its missing fields become: the mean or the median of the training rows. */
static int find_fill(const conversion *c, csv_column *column) {
    column->fill = column->mean;
    column->indicator = column->missing && c->options->habits.missing == CSV_MISSING_INDICATOR;
    if (c->options->habits.missing != CSV_MISSING_MEDIAN) return 0;
    double *there = malloc((size_t)c->ntrain * sizeof *there);
    int64_t count = 0;
    if (!there) return no_memory(c);
    for (int64_t k = 0; k < c->ntrain; k++) {
        const double value = column->value[c->order[k]];
        if (!isnan(value)) there[count++] = value;
    }
    column->fill = ravine_median(there, count);
    free(there);
    return 0;
}

static int standardise(const conversion *c, csv_column *column) {
    const csv_table *t = &c->table;
    int code = measure(c, column);
    if (!code) code = find_fill(c, column);
    if (code) return code;
    const char *name = csv_field(t, 0, column->index);
    if (column->deviation == 0 && column->index == c->target)
        return failure(FAILURE_INPUT,
                       "%s: every row to train on has the same number in the target "
                       "column '%s'",
                       t->name, csv_quote(name).text);
    for (int64_t k = 0; k < t->rows; k++) {
        double *value = &column->value[k];
        if (isnan(*value)) continue; /* told from others until the examples are made */
        *value = csv_standardised(*value, column->mean, column->deviation);
        if (!(fabs(*value) <= FLT_MAX)) /* only a row that is held out can be so far away */
            return failure(FAILURE_INPUT,
                           "%s, line %" PRId64 ", column '%s': '%s' is %g deviations "
                           "from the mean, more than a float32 holds",
                           t->name, csv_line(t, k + 1, column->index), csv_quote(name).text,
                           csv_quote(csv_field(t, k + 1, column->index)).text, *value);
    }
    return 0;
}

static int standardise_all(const conversion *c) {
    int code = 0;
    for (int64_t k = 0; !code && k < c->table.columns; k++)
        if (!c->column[k].ignored && c->column[k].categories == 0)
            code = standardise(c, &c->column[k]);
    return code;
}

/* ---- what is kept of it ---------------------------------------------------------------------- */

/* The words of its categories, as their first rows have them. */
static bool copy_words(const conversion *c, const csv_column *from, encoded_column *to) {
    to->words = from->categories;
    to->word = calloc((size_t)from->categories, sizeof *to->word);
    if (!to->word) return false;
    for (int64_t row = 0; row < c->table.rows; row++) {
        if (from->value[row] < 0) continue;
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
    to->form = from->categories ? CSV_POINT : from->form;
    to->fill = from->fill;
    to->indicator = from->indicator;
    return to->name && (from->categories == 0 || copy_words(c, from, to));
}

static int encode(const conversion *c, data_encoding *e) {
    const int64_t columns = c->table.columns;
    *e = (data_encoding){.shape = {0, 1, 1},
                         .regression = c->options->regression,
                         .delimiter = c->delimiter,
                         .missing = c->options->habits.missing};
    const csv_habits *habits = &c->options->habits;
    e->column = calloc((size_t)columns, sizeof *e->column);
    bool whole = e->column && encode_column(c, c->target, &e->target) &&
                 encoded_texts_copy(&e->marker, habits->marker, habits->markers) &&
                 encoded_texts_copy(&e->ignored, c->options->ignored_columns, c->options->nignored);
    for (int64_t k = 0; k < columns && whole; k++) {
        if (k == c->target || c->column[k].ignored) continue;
        encoded_column *to = &e->column[e->columns++];
        whole = encode_column(c, k, to);
        e->shape[0] += encoded_width(to);
    }
    e->outputs = encoded_width(&e->target);
    return whole ? 0 : no_memory(c);
}

/* ---- examples -------------------------------------------------------------------------------- */

/* The inputs that a column gives to the example of a row. */
static void put(const csv_column *column, int64_t row, float *x) {
    const double value = column->value[row];
    if (column->categories) {
        if (value >= 0) x[(int64_t)value] = 1; /* of a word that is missing none is 1 */
        return;
    }
    *x = (float)(isnan(value) ? csv_standardised(column->fill, column->mean, column->deviation)
                              : value);
    if (column->indicator && isnan(value)) x[1] = 1;
}

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
            if (k == c->target || column->ignored) continue;
            put(column, rows[i], x);
            x += column->categories ? column->categories : 1 + column->indicator;
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
    const csv_table *t = &c->table;
    int code = csv_columns_read(&c->column, &c->target, t, c->options, c->delimiter);
    if (!code) code = split(c);
    if (!code) code = check_classes(c);
    if (!code) code = csv_summary(&out->summary, t, c->column, c->target, c->options, c->delimiter);
    if (!code) code = standardise_all(c);
    const data_encoding *e = &out->encoding;
    if (!code) code = encode(c, &out->encoding);
    if (!code) code = fill(c, e, &out->train, c->order, c->ntrain);
    const int64_t *held = c->order + c->ntrain, *test = held + c->nvalidation;
    if (!code && c->nvalidation) code = fill(c, e, &out->validation, held, c->nvalidation);
    if (!code) code = fill(c, e, &out->test, test, t->rows - (test - c->order));
    return code;
}

int dataset_read_csv(dataset_pair *out, const dataset_csv_options *options) {
    conversion c = {.options = options};
    memset(out, 0, sizeof *out);
    int code = check_options(options);
    if (!code) code = csv_columns_open(&c.table, &out->file[out->nfiles++], options, &c.delimiter);
    if (!code) code = convert(&c, out);
    if (code) dataset_pair_free(out);
    csv_columns_free(c.column, &c.table);
    free(c.order);
    csv_free(&c.table);
    return code;
}
