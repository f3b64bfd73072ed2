/* SPDX-License-Identifier: Apache-2.0 */
/* csv_oddity.h - columns that a person might not want to learn from. */
#ifndef RAVINE_DATA_CSV_ODDITY_H
#define RAVINE_DATA_CSV_ODDITY_H

#include "data/csv_column.h"

typedef enum csv_oddity {
    CSV_FINE,
    CSV_CONSTANT,   /* the same in every row */
    CSV_COUNTS,     /* whole numbers, each once and without a gap */
    CSV_NAMED_ID,   /* named so, and different in every row */
    CSV_ALL_DIFFER, /* a word of its own in every row */
    CSV_MOST_DIFFER /* more words than half of the rows */
} csv_oddity;
csv_oddity csv_column_oddity(const csv_column *c, const csv_table *t);
const char *csv_oddity_text(csv_oddity oddity); /* of all but CSV_FINE */
/* Learning from it can only be learning by heart. */
static inline bool csv_oddity_is_id(csv_oddity oddity) {
    return oddity >= CSV_COUNTS && oddity <= CSV_ALL_DIFFER;
}

#endif
