/* SPDX-License-Identifier: Apache-2.0 */
#include "data/csv_columns.h"

#include "data/dataset_allocate.h"
#include "io/failure.h"
#include "text/nearest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table ------------------------------------------------------------------------------- */

static int check_delimiter(char delimiter) {
    if (delimiter == '\0' || !strchr("\"\r\n", delimiter)) return 0;
    return failure(FAILURE_USAGE,
                   "delimiter is character %d; a quote, a line end and zero cannot delimit",
                   (unsigned char)delimiter);
}

/* The only usual delimiter of the header; one column alone needs none. */
static int see_delimiter(char *delimiter, const unsigned char *bytes, size_t size,
                         const char *name) {
    const char first = csv_delimiter(bytes, size, '\0'), second = csv_delimiter(bytes, size, first);
    *delimiter = first ? first : ',';
    if (!second) return 0;
    return failure(FAILURE_INPUT,
                   "%s: the header has '%s' and '%s', and either may split it; say which: "
                   "data.delimiter: \"%s\" or \"%s\"",
                   name, csv_written(first), csv_written(second), csv_written(first),
                   csv_written(second));
}

int csv_columns_open(csv_table *table, dataset_file *file, const dataset_csv_options *options,
                     char *delimiter) {
    unsigned char *bytes = NULL;
    size_t size;
    int code = check_delimiter(options->delimiter);
    if (!code) code = dataset_read_file(file, options->path, CSV_BYTES_MAX, &bytes, &size);
    *delimiter = options->delimiter;
    if (!code) code = csv_check_text(bytes, size, options->path);
    if (!code && !*delimiter) code = see_delimiter(delimiter, bytes, size, options->path);
    if (!code) code = csv_parse(table, bytes, size, options->path, *delimiter);
    free(bytes);
    return code;
}

/* ---- its columns ----------------------------------------------------------------------------- */

typedef struct columns {
    const csv_table *table;
    const dataset_csv_options *options;
    char delimiter;
    csv_kind *kind; /* [table->columns] */
} columns;

/* Whether every column is named by a number: then the first row stands where the names should. */
static bool has_no_names(const csv_table *t) {
    double number;
    int64_t k = 0;
    while (k < t->columns && csv_number(csv_field(t, 0, k), &number)) k++;
    return k == t->columns;
}

/* The column of that name, or an error that suggests the nearest. */
static int find_column(const columns *c, const char *name, const char *purpose, int64_t *out) {
    const csv_table *t = c->table;
    *out = csv_find(t, name);
    if (*out >= 0) return 0;
    ravine_nearest nearest = ravine_nearest_to(name);
    for (int64_t k = 0; k < t->columns; k++) ravine_nearest_offer(&nearest, csv_field(t, 0, k));
    const char *delimiter = csv_other_delimiter(t, c->delimiter);
    if (delimiter)
        return failure(FAILURE_USAGE,
                       "%s: no column is named '%s' (%s); it looks split by '%s': set "
                       "data.delimiter: \"%s\"",
                       t->name, csv_quote(name).text, purpose, delimiter, delimiter);
    if (has_no_names(t))
        return failure(FAILURE_USAGE,
                       "%s: no column is named '%s' (%s): the first line has numbers alone; put a "
                       "line with the names of the columns above it",
                       t->name, csv_quote(name).text, purpose);
    const char *other = nearest.name ? nearest.name : csv_field(t, 0, t->columns - 1);
    return failure(FAILURE_USAGE, "%s: no column is named '%s' (%s); %s '%s'", t->name,
                   csv_quote(name).text, purpose, nearest.name ? "the nearest is" : "the last is",
                   csv_quote(other).text);
}

static int set_kinds(const columns *c, const char *const *names, int64_t count, csv_kind kind) {
    static const char *const lists[] = {"", "numeric_columns", "word_columns", "ignored_columns"};
    for (int64_t k = 0, column; k < count; k++) {
        const int code = find_column(c, names[k], lists[kind], &column);
        if (code) return code;
        const csv_kind before = c->kind[column];
        if (before != CSV_ANY && before != kind)
            return failure(FAILURE_USAGE, "%s: column '%s' is in data.%s, and must be %s",
                           c->table->name, csv_quote(names[k]).text,
                           before == CSV_NUMBERS ? lists[kind] : lists[before],
                           before == CSV_NUMBERS || kind == CSV_NUMBERS ? "numeric" : "of words");
        c->kind[column] = kind;
    }
    return 0;
}

static int find_kinds(const columns *c, int64_t *target) {
    const dataset_csv_options *o = c->options;
    int code = find_column(c, o->target, "target", target);
    if (code) return code;
    c->kind[*target] = o->regression ? CSV_NUMBERS : CSV_ANY;
    code = set_kinds(c, o->word_columns, o->nwords, CSV_WORDS);
    if (!code) code = set_kinds(c, o->numeric_columns, o->nnumeric, CSV_NUMBERS);
    if (!code) code = set_kinds(c, o->ignored_columns, o->nignored, CSV_IGNORED);
    if (code) return code;
    if (c->kind[*target] == CSV_IGNORED)
        return failure(FAILURE_USAGE, "%s: column '%s' is in data.ignored_columns, and the target",
                       c->table->name, csv_quote(o->target).text);
    int64_t used = 0;
    for (int64_t k = 0; k < c->table->columns; k++) used += c->kind[k] != CSV_IGNORED;
    if (used > 1) return 0;
    return failure(FAILURE_INPUT, "%s: has no column but the target '%s'; nothing to learn from",
                   c->table->name, csv_quote(o->target).text);
}

/* A number that is to be predicted is there in every row, and is no date. */
static int read_quantity(csv_column *column, const columns *c, int64_t target) {
    const csv_habits *habits = &c->options->habits;
    int code = csv_check_filled(c->table, target, habits, true);
    if (!code) code = csv_column_read(column, c->table, target, c->kind[target], habits);
    if (code || column->form == CSV_POINT || column->form == CSV_COMMA) return code;
    return csv_wrong_field(c->table, 1, target,
                           "is a date, and only numbers can be predicted; make the column one");
}

static int read_column(csv_column *column, const columns *c, int64_t k, int64_t target) {
    const csv_habits *habits = &c->options->habits;
    if (k != target) return csv_column_read(column, c->table, k, c->kind[k], habits);
    if (c->options->regression) return read_quantity(column, c, target);
    return csv_column_read_classes(column, c->table, k, c->kind[k], habits);
}

int csv_columns_read(csv_column **column, int64_t *target, const csv_table *table,
                     const dataset_csv_options *options, char delimiter) {
    const size_t count = (size_t)table->columns;
    columns c = {table, options, delimiter, calloc(count, sizeof *c.kind)};
    *column = calloc(count, sizeof **column);
    int code = c.kind && *column
                   ? find_kinds(&c, target)
                   : failure(FAILURE_INPUT, "%s: no memory for its columns", table->name);
    if (!code && table->rows < 1) code = failure(FAILURE_INPUT, "%s: has no row", table->name);
    for (int64_t k = 0; k < table->columns && !code; k++)
        code = read_column(&(*column)[k], &c, k, *target);
    free(c.kind);
    return code;
}

void csv_columns_free(csv_column *column, const csv_table *table) {
    for (int64_t k = 0; column && k < table->columns; k++) csv_column_free(&column[k]);
    free(column);
}
