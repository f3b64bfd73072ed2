/* SPDX-License-Identifier: Apache-2.0 */
/* csv_column.h - what a column of a table means: numbers, or categories. */
#ifndef RAVINE_DATA_CSV_COLUMN_H
#define RAVINE_DATA_CSV_COLUMN_H

#include "data/csv.h"
#include "data/csv_value.h"

enum { CSV_CATEGORIES_MAX = 1000 };
#define CSV_NUMBER_MAX 1e100 /* its square still is a double, and so is the sum of 1e9 of them */

/* What somebody said of a column. */
typedef enum csv_kind { CSV_ANY, CSV_NUMBERS, CSV_WORDS, CSV_IGNORED } csv_kind;

typedef struct csv_column {
    int64_t index; /* in the table */
    bool ignored;  /* nothing is read of it */
    bool numeric;
    csv_form form;          /* of its numbers */
    int64_t categories;     /* how many; 0 for numbers */
    int64_t missing;        /* fields in which nothing is */
    double *value;          /* [rows] the number, or the index of the category; missing: NaN, -1 */
    double mean, deviation; /* of numbers that are standardised */
    double fill;            /* what a missing number becomes */
    bool indicator;         /* and it is told by an input more */
} csv_column;

/* Reads a column: numbers if each field is one, else categories in order of first appearance. What
 * cannot be told for certain is an error that names the setting that would tell it: a word among
 * numbers, a date in an order of its own, a comma that might part thousands; so is a NaN or
 * infinity among numbers, and of CSV_NUMBERS every word. Where `habits` say that a missing field is
 * an error the first one is. Returns 0 or a kind of failure; what was allocated goes with
 * csv_column_free. */
int csv_column_read(csv_column *out, const csv_table *t, int64_t index, csv_kind kind,
                    const csv_habits *habits);

/* Reads a column as classes: the different values in sorted order, numbers by size, words by bytes.
 * There must be 2 .. CSV_CATEGORIES_MAX of them, and nothing missing. */
int csv_column_read_classes(csv_column *out, const csv_table *t, int64_t index, csv_kind kind,
                            const csv_habits *habits);

/* Fails at the first field of a column that is missing. */
int csv_check_filled(const csv_table *t, int64_t index, const csv_habits *habits, bool target);

/* Finds the usual markers of missing values that stand in columns of numbers, each once; returns
 * how many of `most`. They stay the table's. */
int64_t csv_find_markers(const csv_table *t, const csv_habits *habits, const char **marker,
                         int64_t most);

/* "FILE, line N, column 'NAME': 'FIELD' WHAT", a FAILURE_INPUT. */
int csv_wrong_field(const csv_table *t, int64_t row, int64_t column, const char *what);

void csv_column_free(csv_column *column);

#endif
