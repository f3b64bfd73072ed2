/* SPDX-License-Identifier: Apache-2.0 */
/* csv_columns.h - a table with all its columns, as somebody said that they are to be read. */
#ifndef RAVINE_DATA_CSV_COLUMNS_H
#define RAVINE_DATA_CSV_COLUMNS_H

#include "data/csv_column.h"
#include "data/dataset.h"

/* The table of options->path, and *delimiter, by which it is split: the one that is set, or the one
 * of the header, which must be the only one there. */
int csv_columns_open(csv_table *table, dataset_file *file, const dataset_csv_options *options,
                     char *delimiter);
/* Its columns, [table->columns], and which of them is the target. Free with csv_columns_free() in
 * any case; the functions return 0 or a kind of io/failure.h. */
int csv_columns_read(csv_column **column, int64_t *target, const csv_table *table,
                     const dataset_csv_options *options, char delimiter);
void csv_columns_free(csv_column *column, const csv_table *table); /* NULL is fine */

#endif
