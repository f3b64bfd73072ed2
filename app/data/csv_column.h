/* SPDX-License-Identifier: Apache-2.0 */
/* csv_column.h - what a column of a table means: numbers, or categories. */
#ifndef RAVINE_DATA_CSV_COLUMN_H
#define RAVINE_DATA_CSV_COLUMN_H

#include "data/csv.h"

#include <stdbool.h>

enum { CSV_CATEGORIES_MAX = 1000 };
#define CSV_NUMBER_MAX 1e100 /* its square still is a double, and so is the sum of 1e9 of them */

typedef struct csv_column {
    int64_t index; /* in the table */
    bool numeric;
    int64_t categories;     /* how many; 0 for numbers */
    double *value;          /* [rows] the number, or the index of the category */
    double mean, deviation; /* of numbers that were standardised */
} csv_column;

/* What somebody said of a column. */
typedef enum csv_kind { CSV_ANY, CSV_NUMBERS, CSV_WORDS } csv_kind;

/* Fails at the first field that is empty. */
int csv_check_filled(const csv_table *t);

/* Reads a column whose fields are all filled: numbers if each is one, else categories in order of
 * first appearance. Of CSV_NUMBERS a word is an error, and of CSV_ANY among many different numbers:
 * a value that is missing, most often; a NaN or infinity among numbers always is. Returns 0 or a
 * kind of failure; what was allocated goes with csv_column_free. */
int csv_column_read(csv_column *out, const csv_table *t, int64_t index, csv_kind kind);

/* Reads a column as classes: the different values in sorted order, numbers by size, words by bytes.
 * There must be 2 .. CSV_CATEGORIES_MAX of them. */
int csv_column_read_classes(csv_column *out, const csv_table *t, int64_t index, csv_kind kind);

/* True if the field is one number, with blanks around it or none. *value is NaN or infinite where
 * the field says so or is too large for a double. */
bool csv_number(const char *field, double *value);

/* "FILE, line N, column 'NAME': 'FIELD' WHAT", a FAILURE_INPUT. */
int csv_wrong_field(const csv_table *t, int64_t row, int64_t column, const char *what);

void csv_column_free(csv_column *column);

#endif
