/* SPDX-License-Identifier: Apache-2.0 */
#include "data/encoding.h"

#include <stdlib.h>
#include <string.h>

static void free_column(encoded_column *c) {
    for (int64_t k = 0; c->word && k < c->words; k++) free(c->word[k]);
    free(c->word);
    free(c->name);
}

static void free_texts(encoded_texts *texts) {
    for (int64_t k = 0; k < texts->count; k++) free(texts->text[k]);
    free(texts->text);
}

bool encoded_texts_copy(encoded_texts *to, const char *const *text, int64_t count) {
    if (count == 0) return true;
    to->text = calloc((size_t)count, sizeof *to->text);
    for (; to->text && to->count < count; to->count++)
        if (!(to->text[to->count] = strdup(text[to->count]))) return false;
    return to->text != NULL;
}

void data_encoding_free(data_encoding *e) {
    for (int64_t k = 0; e->column && k < e->columns; k++) free_column(&e->column[k]);
    free(e->column);
    free_column(&e->target);
    free_texts(&e->marker);
    free_texts(&e->ignored);
    *e = (data_encoding){0};
}
