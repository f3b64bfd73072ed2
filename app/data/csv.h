/* SPDX-License-Identifier: Apache-2.0 */
/* csv.h - a table in text, split into its fields: RFC 4180, strictly.
 *
 * Lines end in LF or CRLF, the last one or not. A field in quotes may hold delimiters, line ends
 * and doubled quotes; a quote in a field that does not begin with one is an error. A byte order
 * mark is skipped, and so are empty lines. The first line names the columns, all different; every
 * row has a field for each. Why not a library: docs/decisions/csv_reader.md.
 */
#ifndef RAVINE_DATA_CSV_H
#define RAVINE_DATA_CSV_H

#include <stddef.h>
#include <stdint.h>

enum { CSV_BYTES_MAX = 1 << 30, CSV_COLUMNS_MAX = 10000 };

typedef struct csv_table {
    const char *name; /* of the file, for messages; the caller's */
    int64_t columns, rows;
    char *text;      /* all fields without their quotes, each with a final NUL */
    uint32_t *start; /* [1 + rows, columns] where each begins in text; the header is row 0 */
    uint32_t *line;  /* [1 + rows] the line of the file on which each begins, from 1 */
} csv_table;

/* Whether it is text, and of at most CSV_BYTES_MAX bytes; a workbook and its like are named. */
int csv_check_text(const unsigned char *bytes, size_t size, const char *name);

/* `bytes` (at most CSV_BYTES_MAX) may go afterwards, `name` may not.
 * Returns 0 or a kind of io/failure.h; after a failure there is nothing to free. */
int csv_parse(csv_table *out, const unsigned char *bytes, size_t size, const char *name,
              char delimiter);
/* The same of a table that may be cut off or damaged: the rows before the first one that is not
 * right, and why that one is not in why[size], "" where there is none. Columns may have no name, or
 * the name of another. */
int csv_parse_start(csv_table *out, const unsigned char *bytes, size_t size, const char *name,
                    char delimiter, char *why, size_t why_size);
void csv_free(csv_table *table); /* a table that is all zero is fine */

/* Rows count from 1; row 0 is the header. */
static inline const char *csv_field(const csv_table *t, int64_t row, int64_t column) {
    return t->text + t->start[row * t->columns + column];
}
/* The column of that name; -1: there is none. */
int64_t csv_find(const csv_table *t, const char *name);
/* The delimiter, of those that are usual and not `but`, that splits the first line most often,
 * outside of quotes; '\0': none does. */
char csv_delimiter(const unsigned char *bytes, size_t size, char but);
/* How a usual delimiter is written in YAML and in messages: "\t". */
const char *csv_written(char delimiter);
/* Where the only column of a table has another delimiter in its name: how data.delimiter would be
 * written for that one. NULL: it has not, or there are more columns. */
const char *csv_other_delimiter(const csv_table *t, char delimiter);
/* The line on which the field begins: rows can span lines. */
int64_t csv_line(const csv_table *t, int64_t row, int64_t column);

/* Text from a file for use in a message: short, on one line, no control characters. */
typedef struct csv_excerpt {
    char text[48];
} csv_excerpt;
csv_excerpt csv_quote(const char *text);

#endif
