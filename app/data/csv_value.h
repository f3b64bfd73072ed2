/* SPDX-License-Identifier: Apache-2.0 */
/* csv_value.h - one field of a table: a number, a date, or nothing. */
#ifndef RAVINE_DATA_CSV_VALUE_H
#define RAVINE_DATA_CSV_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/* How the numbers of a column are written; a date is the days since 1970-01-01, with the time of
 * day as a fraction and in UTC where it has a zone. */
typedef enum csv_form {
    CSV_POINT,    /* 3.14, 1e-3 */
    CSV_COMMA,    /* 3,14 */
    CSV_DATE_ISO, /* 2024-12-31, 2024-12-31T23:59:59Z */
    CSV_DATE_DMY, /* 31.12.2024, 31/12/2024 23:59 */
    CSV_DATE_MDY, /* 12/31/2024 */
    CSV_FORMS
} csv_form;

/* True if the field is one value of that form, with blanks around it or none. *value is NaN or
 * infinite where the field says so or is too large for a double. */
bool csv_value(csv_form form, const char *field, double *value);
static inline bool csv_number(const char *field, double *value) {
    return csv_value(CSV_POINT, field, value);
}
/* "a number", "a date such as 2024-12-31": for messages. */
const char *csv_form_text(csv_form form);
/* The word for it in encoding.json; csv_form_of: CSV_FORMS where it is none. */
const char *csv_form_word(csv_form form);
csv_form csv_form_of(const char *word);
/* Whether the comma of "1,5" can only be a decimal one; that of "1,500" might part thousands. */
bool csv_comma_is_certain(const char *field);
/* "1,234,567", "1.234,50", "1'234": a number that nobody reads, since its parts mean different
 * things to different people. */
bool csv_parts_thousands(const char *field);

/* What becomes of a field in which nothing is. */
typedef enum csv_missing {
    CSV_MISSING_ERROR,
    CSV_MISSING_MEAN,
    CSV_MISSING_MEDIAN,
    CSV_MISSING_INDICATOR /* the mean, and an input more that is 1 there and else 0 */
} csv_missing;
typedef enum csv_decimal { CSV_DECIMAL_SEEN, CSV_DECIMAL_POINT, CSV_DECIMAL_COMMA } csv_decimal;

/* What somebody said of all fields of a table; all zero: nothing. */
typedef struct csv_habits {
    csv_missing missing;
    const char *const *marker; /* [markers] words that mean that nothing is there */
    int64_t markers;
    csv_decimal decimal;
    csv_form dates; /* CSV_DATE_DMY, CSV_DATE_MDY: dates may be so, too */
} csv_habits;

/* 0 where the deviation is 0: all that was learned from was the same. */
static inline double csv_standardised(double value, double mean, double deviation) {
    return deviation > 0 ? (value - mean) / deviation : 0;
}

/* An empty field, or a marker with blanks around it or none. */
bool csv_is_missing(const csv_habits *habits, const char *field);
/* "?", "NA", "null": what people write where nothing is. */
bool csv_is_usual_marker(const char *field);

#endif
