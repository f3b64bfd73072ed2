/* SPDX-License-Identifier: Apache-2.0 */
/* csv_summary.h - what was understood of a table, in a few lines for a person. */
#ifndef RAVINE_DATA_CSV_SUMMARY_H
#define RAVINE_DATA_CSV_SUMMARY_H

#include "data/csv_column.h"
#include "data/dataset.h"

/* Numbers of which more are different are a quantity more often than classes. */
enum { CSV_CLASSES_USUAL = 50 };

/* Of columns before they are standardised; *out is for free(). Returns 0 or a kind of
 * io/failure.h. */
int csv_summary(char **out, const csv_table *table, const csv_column *column, int64_t target,
                const dataset_csv_options *options, char delimiter);

#endif
