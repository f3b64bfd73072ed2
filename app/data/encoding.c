/* SPDX-License-Identifier: Apache-2.0 */
#include "data/encoding.h"

#include <stdlib.h>

static void free_column(encoded_column *c) {
    for (int64_t k = 0; c->word && k < c->words; k++) free(c->word[k]);
    free(c->word);
    free(c->name);
}

void data_encoding_free(data_encoding *e) {
    for (int64_t k = 0; e->column && k < e->columns; k++) free_column(&e->column[k]);
    free(e->column);
    free_column(&e->target);
    *e = (data_encoding){0};
}
