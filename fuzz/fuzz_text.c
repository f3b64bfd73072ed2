/* SPDX-License-Identifier: Apache-2.0 */
/* Texts: the first byte is the context, the second the share, the third the examples of an epoch;
 * the rest is the file, compressed where the fourth byte is odd. Every example lies in its text. */
#include "data/batch.h"
#include "data/dataset.h"
#include "scratch_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth) {
    if (!truth) abort();
}

static void check_part(const dataset *d, uint64_t seed) {
    enum { ROOM = 4 };
    data_batch b;
    int64_t *order = calloc((size_t)d->count, sizeof *order);
    require(d->count >= 1 && d->bytes > d->size && order && data_batch_create(&b, d, ROOM) == 0);
    data_order_epoch(order, d, seed, 1);
    for (int64_t k = 0; k < d->count; k++) {
        data_batch_gather(&b, d, order + k, 1);
        for (int64_t t = 0; t < d->size; t++)
            require(b.x[t] == (float)d->text[order[k] + t] &&
                    b.label[t] == d->text[order[k] + t + 1]);
    }
    const int64_t last = d->count < ROOM ? d->count : ROOM;
    data_batch_at(&b, d, d->count - last, last);
    data_batch_free(&b);
    free(order);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 4) return 0;
    const char *path = scratch_write(data[3] % 2 ? "text.dz" : "text", data + 4, size - 4);
    const dataset_text_options how = {.path = &path,
                                      .paths = 1,
                                      .context = data[0] + 1,
                                      .test_share = (data[1] + 1) / 257.0,
                                      .validation_share = data[3] / 256.0,
                                      .examples = data[2]};
    dataset_pair pair;
    if (dataset_read_text(&pair, &how) != 0) return 0;
    check_part(&pair.train, data[1]);
    if (pair.validation.count) check_part(&pair.validation, data[1]);
    require(pair.test.bytes == pair.test.count * pair.test.size + 1);
    dataset_pair_free(&pair);
    return 0;
}
