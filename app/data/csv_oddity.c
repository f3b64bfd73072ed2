/* SPDX-License-Identifier: Apache-2.0 */
#include "data/csv_oddity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Whole numbers, each once and without a gap, in any order. */
static bool counts(const csv_column *c, int64_t rows) {
    double least = c->value[0];
    for (int64_t k = 1; k < rows; k++) least = fmin(least, c->value[k]);
    bool *seen = calloc((size_t)rows, sizeof *seen), whole = seen != NULL;
    for (int64_t k = 0; k < rows && whole; k++) {
        const double at = c->value[k] - least;
        whole =
            at >= 0 && at < (double)rows && at == floor(at) && c->value[k] == floor(c->value[k]);
        if (!whole) break;
        whole = !seen[(int64_t)at];
        seen[(int64_t)at] = true;
    }
    free(seen);
    return whole;
}

static bool is_constant(const csv_column *c, int64_t rows) {
    for (int64_t k = 1; k < rows; k++)
        if (c->value[k] != c->value[0]) return false;
    return true;
}

static int by_number(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool all_differ(const csv_column *c, int64_t rows) {
    double *sorted = malloc((size_t)rows * sizeof *sorted);
    bool differ = sorted != NULL;
    if (!differ) return false;
    memcpy(sorted, c->value, (size_t)rows * sizeof *sorted);
    qsort(sorted, (size_t)rows, sizeof *sorted, by_number);
    for (int64_t k = 1; k < rows && differ; k++) differ = sorted[k] != sorted[k - 1];
    free(sorted);
    return differ;
}

/* "id", "ID", "patient_id" */
static bool is_named_id(const char *name) {
    const size_t length = strlen(name);
    if (length < 2 || strcasecmp(name + length - 2, "id") != 0) return false;
    return length == 2 || strchr("_- .", name[length - 3]) != NULL;
}

csv_oddity csv_column_oddity(const csv_column *c, const csv_table *t) {
    enum { ROWS_LEAST = 10 }; /* fewer show nothing */
    const int64_t rows = t->rows;
    if (c->ignored || c->missing || rows < ROWS_LEAST) return CSV_FINE;
    if (is_constant(c, rows)) return CSV_CONSTANT;
    if (c->categories == rows) return CSV_ALL_DIFFER;
    if (c->categories > rows / 2) return CSV_MOST_DIFFER;
    if (c->categories || c->form != CSV_POINT) return CSV_FINE;
    if (counts(c, rows)) return CSV_COUNTS;
    return is_named_id(csv_field(t, 0, c->index)) && all_differ(c, rows) ? CSV_NAMED_ID : CSV_FINE;
}

const char *csv_oddity_text(csv_oddity oddity) {
    static const char *const texts[] = {
        [CSV_FINE] = "",
        [CSV_CONSTANT] = "it never varies, and tells nothing.",
        [CSV_COUNTS] = "they count the rows; an ID?",
        [CSV_NAMED_ID] = "it is named so, and differs in every row; an ID?",
        [CSV_ALL_DIFFER] = "every row has another; an ID?",
        [CSV_MOST_DIFFER] = "nearly all differ: an ID?",
    };
    return texts[oddity];
}
