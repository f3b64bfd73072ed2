/* SPDX-License-Identifier: Apache-2.0 */
#include "data/csv_column.h"

#include "io/failure.h"
#include "text/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- numbers --------------------------------------------------------------------------------- */

static const char *skip_blanks(const char *p) {
    return p + strspn(p, " \t");
}

/* nan, inf and infinity in any case, as C writes them: numbers that are told apart from words. */
static bool is_not_finite(const char *p, size_t length) {
    static const char *const names[] = {"nan", "inf", "infinity"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (strlen(names[k]) == length && strncasecmp(p, names[k], length) == 0) return true;
    return false;
}

bool csv_number(const char *field, double *value) {
    const char *start = skip_blanks(field), *end = ravine_number_end(start);
    if (end > start) {
        *value = ravine_number_read(start);
        return *skip_blanks(end) == '\0';
    }
    const char *name = start + (*start == '+' || *start == '-');
    *value = NAN;
    end = name + strcspn(name, " \t");
    return *skip_blanks(end) == '\0' && is_not_finite(name, (size_t)(end - name));
}

/* Fills value[row - 1]; the rows of the first word and of the first number that cannot be used, 0
 * if there is none. */
static void read_numbers(csv_column *c, const csv_table *t, int64_t *word, int64_t *unusable) {
    *word = *unusable = 0;
    for (int64_t row = 1; row <= t->rows && !*word; row++) {
        double number = 0;
        if (!csv_number(csv_field(t, row, c->index), &number)) *word = row;
        if (!*unusable && !(fabs(number) <= CSV_NUMBER_MAX)) *unusable = row;
        c->value[row - 1] = number;
    }
}

int csv_wrong_field(const csv_table *t, int64_t row, int64_t column, const char *what) {
    return failure(FAILURE_INPUT, "%s, line %" PRId64 ", column '%s': '%s' %s", t->name,
                   csv_line(t, row, column), csv_quote(csv_field(t, 0, column)).text,
                   csv_quote(csv_field(t, row, column)).text, what);
}

/* "-3,14" */
static bool has_decimal_comma(const char *field) {
    static const char digits[] = "0123456789";
    const char *p = skip_blanks(field);
    if (*p == '+' || *p == '-') p++;
    const size_t before = strspn(p, digits);
    if (before == 0 || p[before] != ',') return false;
    p += before + 1;
    const size_t after = strspn(p, digits);
    return after > 0 && *skip_blanks(p + after) == '\0';
}

/* Whether every field that is no number would be one with a point. */
static bool is_numbers_with_commas(const csv_column *c, const csv_table *t) {
    double number;
    for (int64_t row = 1; row <= t->rows; row++) {
        const char *field = csv_field(t, row, c->index);
        if (!csv_number(field, &number) && !has_decimal_comma(field)) return false;
    }
    return true;
}

/* Sets c->numeric, and c->value if it is. */
static int classify(csv_column *c, const csv_table *t, csv_kind kind) {
    int64_t word, unusable;
    c->value = malloc((size_t)t->rows * sizeof *c->value);
    if (!c->value) return failure(FAILURE_INPUT, "%s: no memory for its columns", t->name);
    read_numbers(c, t, &word, &unusable);
    c->numeric = !word && kind != CSV_WORDS;
    if (kind == CSV_WORDS) return 0;
    if (word && has_decimal_comma(csv_field(t, word, c->index)) &&
        (kind == CSV_NUMBERS || is_numbers_with_commas(c, t)))
        return csv_wrong_field(t, word, c->index,
                               "is not a number: it has a decimal comma, and numbers have a point");
    if (word && kind == CSV_NUMBERS)
        return csv_wrong_field(t, word, c->index,
                               "is not a number, and the column must be numeric");
    if (!word && unusable)
        return csv_wrong_field(t, unusable, c->index,
                               "cannot be used; numbers must lie within +-1e100");
    return 0;
}

/* ---- different values ------------------------------------------------------------------------ */

typedef struct entry {
    double number;    /* 0 in a column of words */
    const char *word; /* "" in a column of numbers */
    int64_t row;      /* from 0 */
} entry;

static int by_value(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->number != y->number) return x->number < y->number ? -1 : 1;
    return strcmp(x->word, y->word);
}

/* Replaces the values by the ranks of the different ones in sorted order, and counts them. */
static int rank_values(csv_column *c, const csv_table *t) {
    size_t rows = (size_t)t->rows;
    entry *e = malloc(rows * sizeof *e);
    if (!e) return failure(FAILURE_INPUT, "%s: no memory for its columns", t->name);
    for (size_t k = 0; k < rows; k++) {
        const char *text = csv_field(t, (int64_t)k + 1, c->index);
        e[k] = (entry){c->numeric ? c->value[k] : 0, c->numeric ? "" : text, (int64_t)k};
    }
    qsort(e, rows, sizeof *e, by_value);
    int64_t rank = 0;
    for (size_t k = 0; k < rows; k++) {
        if (k && by_value(&e[k - 1], &e[k]) != 0) rank++;
        c->value[e[k].row] = (double)rank;
    }
    c->categories = rank + 1;
    free(e);
    return 0;
}

/* Numbers the ranks anew, in order of first appearance; there are at most CSV_CATEGORIES_MAX. */
static void renumber(csv_column *c, int64_t rows) {
    double number_of[CSV_CATEGORIES_MAX];
    bool seen[CSV_CATEGORIES_MAX] = {false};
    int next = 0;
    for (int64_t k = 0; k < rows; k++) {
        int rank = (int)c->value[k];
        if (!seen[rank]) number_of[rank] = next++;
        seen[rank] = true;
        c->value[k] = number_of[rank];
    }
}

static int64_t first_word(const csv_column *c, const csv_table *t) {
    double number;
    int64_t row = 1;
    while (row < t->rows && csv_number(csv_field(t, row, c->index), &number)) row++;
    return row;
}

/* A word among so many different numbers is a value that is missing, or was mistyped: as categories
 * they would all be lost. */
static int check_mostly_words(const csv_column *c, const csv_table *t) {
    enum { CODES_MOST = 16 }; /* different numbers that may be names of categories */
    const double nearly = 0.9;
    int64_t numbers = 0, word = 0;
    double number;
    for (int64_t row = t->rows; row > 0; row--) {
        if (csv_number(csv_field(t, row, c->index), &number))
            numbers++;
        else
            word = row;
    }
    if (c->categories <= CODES_MOST + 1 || (double)numbers < nearly * (double)t->rows) return 0;
    char what[160];
    snprintf(what, sizeof what,
             "is not a number, and %" PRId64 " of the column's %" PRId64
             " fields are; mend it, or name the column in data.word_columns",
             numbers, t->rows);
    return csv_wrong_field(t, word, c->index, what);
}

int csv_check_filled(const csv_table *t) {
    for (int64_t row = 1; row <= t->rows; row++)
        for (int64_t k = 0; k < t->columns; k++) {
            const char *text = csv_field(t, row, k);
            if (text[strspn(text, " \t")] != '\0') continue;
            return failure(FAILURE_INPUT,
                           "%s, line %" PRId64 ", column '%s': the field is empty; fill it in, or "
                           "remove the row or the column",
                           t->name, csv_line(t, row, k), csv_quote(csv_field(t, 0, k)).text);
        }
    return 0;
}

int csv_column_read(csv_column *out, const csv_table *t, int64_t index, csv_kind kind) {
    *out = (csv_column){.index = index};
    int code = classify(out, t, kind);
    if (code || out->numeric) return code;
    code = rank_values(out, t);
    if (!code && kind != CSV_WORDS) code = check_mostly_words(out, t);
    if (code) return code;
    if (out->categories > CSV_CATEGORIES_MAX) {
        int64_t row = first_word(out, t);
        return failure(FAILURE_INPUT,
                       "%s: column '%s' has %" PRId64 " categories, the limit is %d; it is not "
                       "numeric because of '%s' on line %" PRId64,
                       t->name, csv_quote(csv_field(t, 0, index)).text, out->categories,
                       CSV_CATEGORIES_MAX, csv_quote(csv_field(t, row, index)).text,
                       csv_line(t, row, index));
    }
    renumber(out, t->rows);
    return 0;
}

int csv_column_read_classes(csv_column *out, const csv_table *t, int64_t index, csv_kind kind) {
    *out = (csv_column){.index = index};
    int code = classify(out, t, kind);
    if (!code) code = rank_values(out, t);
    if (code) return code;
    const char *name = csv_field(t, 0, index);
    if (out->categories < 2)
        return failure(FAILURE_INPUT,
                       "%s: every row has '%s' in the target column '%s'; there must be at least "
                       "2 classes",
                       t->name, csv_quote(csv_field(t, 1, index)).text, csv_quote(name).text);
    if (out->categories > CSV_CATEGORIES_MAX)
        return failure(FAILURE_INPUT,
                       "%s: the target column '%s' has %" PRId64 " classes, the limit is %d; for "
                       "numbers choose regression",
                       t->name, csv_quote(name).text, out->categories, CSV_CATEGORIES_MAX);
    return 0;
}

void csv_column_free(csv_column *column) {
    free(column->value);
}
