/* SPDX-License-Identifier: Apache-2.0 */
/* encoding.json: whatever the bytes, what is read is within its bounds and is written and read back
 * as the same. */
#include "run/run_encoding.h"
#include "scratch_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth) {
    if (!truth) abort();
}

static void same_column(const encoded_column *a, const encoded_column *b) {
    require(!a->name == !b->name && (!a->name || !strcmp(a->name, b->name)));
    require(a->words == b->words && a->mean == b->mean && a->deviation == b->deviation);
    require(a->form == b->form && a->fill == b->fill && a->indicator == b->indicator);
    require(isfinite(a->mean) && a->deviation >= 0 && isfinite(a->fill));
    for (int64_t k = 0; k < a->words; k++) require(!strcmp(a->word[k], b->word[k]));
}

static void same_texts(const encoded_texts *a, const encoded_texts *b) {
    require(a->count == b->count);
    for (int64_t k = 0; k < a->count; k++) require(!strcmp(a->text[k], b->text[k]));
}

static void check(const data_encoding *a, const data_encoding *b) {
    int64_t inputs = 0;
    require(a->regression == b->regression && a->outputs == b->outputs && a->outputs >= 1);
    require(!memcmp(a->shape, b->shape, sizeof a->shape) && a->columns == b->columns);
    for (int64_t k = 0; k < a->columns; k++) {
        same_column(&a->column[k], &b->column[k]);
        inputs += encoded_width(&a->column[k]);
    }
    require(a->text == b->text && (!a->text || (a->shape[1] >= 1 && a->outputs == 256)));
    require(a->text || encoding_is_of_images(a) || inputs == a->shape[0]);
    same_column(&a->target, &b->target);
    same_texts(&a->ignored, &b->ignored);
    require(a->missing == b->missing);
    if (a->missing) same_texts(&a->marker, &b->marker);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    data_encoding first = {0}, second = {0};
    scratch_write("encoding.json", data, size);
    if (run_encoding_read(&first, scratch_make()) == 0) {
        require(run_encoding_write(&first, scratch_make()) == 0);
        require(run_encoding_read(&second, scratch_make()) == 0);
        check(&first, &second);
    }
    data_encoding_free(&first);
    data_encoding_free(&second);
    return 0;
}
