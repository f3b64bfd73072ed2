/* SPDX-License-Identifier: Apache-2.0 */
/* CSV files: the first byte chooses the options, the rest is the file. What was learned from can be
 * predicted from. */
#include "data/dataset.h"
#include "scratch_file.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What an accepted file promises: finite numbers, labels of existing classes. */
static void check(const dataset *d) {
    for (int64_t k = 0; k < d->count * d->size; k++)
        if (!isfinite(d->x[k])) abort();
    for (int64_t k = 0; d->label && k < d->count; k++)
        if (d->label[k] < 0 || d->label[k] >= d->outputs) abort();
    for (int64_t k = 0; d->y && k < d->count * d->outputs; k++)
        if (!isfinite(d->y[k])) abort();
}

/* The same rows once more, as examples that come later. */
static void read_again(const dataset_pair *pair, const char *path) {
    dataset later;
    dataset_file file;
    if (encoding_read_csv(&later, &file, &pair->encoding, path, true) != 0) abort();
    if (later.count != pair->train.count + pair->test.count || later.size != pair->train.size)
        abort();
    check(&later);
    dataset_free(&later);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const numeric[] = {"a"}, *const marker[] = {"?", "nan"};
    if (size == 0) return 0;
    const dataset_csv_options options = {
        .path = scratch_write("table.csv", data + 1, size - 1),
        .target = "y",
        .regression = data[0] & 1,
        .test_share = 0.25,
        .seed = data[0],
        .delimiter = data[0] & 64  ? '\0'
                     : data[0] & 2 ? ';'
                                   : ',',
        .habits = {.missing = (csv_missing)(data[0] >> 3 & 3),
                   .marker = marker,
                   .markers = data[0] & 32 ? 2 : 0,
                   .decimal = data[0] & 128 ? CSV_DECIMAL_COMMA : CSV_DECIMAL_SEEN,
                   .dates = data[0] & 128 ? CSV_DATE_DMY : CSV_DATE_ISO},
        .numeric_columns = numeric,
        .nnumeric = data[0] & 4 ? 1 : 0,
    };
    dataset_pair pair;
    if (dataset_read_csv(&pair, &options) == 0) {
        check(&pair.train);
        check(&pair.test);
        read_again(&pair, options.path);
        dataset_pair_free(&pair);
    }
    return 0;
}
