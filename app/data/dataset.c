/* SPDX-License-Identifier: Apache-2.0 */
#include "data/dataset.h"

#include "data/dataset_allocate.h"
#include "file/crc32c.h"
#include "io/failure.h"
#include "io/input.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int dataset_allocate(dataset *d, bool regression, const char *name) {
    d->size = 1;
    int64_t numbers = d->count;
    for (int k = 0; k < 3; k++) {
        if (__builtin_mul_overflow(numbers, d->shape[k], &numbers) || numbers > DATASET_NUMBERS_MAX)
            return failure(FAILURE_INPUT,
                           "%s: %lld examples of %lld x %lld x %lld numbers are more than %lld, "
                           "the limit",
                           name, (long long)d->count, (long long)d->shape[0],
                           (long long)d->shape[1], (long long)d->shape[2],
                           (long long)DATASET_NUMBERS_MAX);
        d->size *= d->shape[k];
    }
    size_t count = (size_t)d->count;
    d->x = calloc((size_t)numbers, sizeof *d->x);
    if (regression)
        d->y = calloc(count, (size_t)d->outputs * sizeof *d->y);
    else
        d->label = calloc(count, sizeof *d->label);
    if (!d->x || (!d->y && !d->label))
        return failure(FAILURE_INPUT, "%s: no memory for %lld numbers", name, (long long)numbers);
    return 0;
}

int dataset_read_file(dataset_file *file, const char *path, size_t limit, unsigned char **bytes,
                      size_t *size) {
    int code = input_read(path, limit, bytes, size);
    if (code) return code;
    *file = (dataset_file){path, (int64_t)*size, ravine_crc32c(0, *bytes, *size)};
    return 0;
}

int dataset_hold_out(const char *name, int64_t count, double share, int64_t *held) {
    if (!(share >= 0 && share < 1))
        return failure(FAILURE_USAGE, "data.validation_share is %g; it must be in [0, 1)", share);
    *held = share == 0 ? 0 : (int64_t)fmax(1, round(share * (double)count));
    if (share == 0 || count - *held >= 2) return 0;
    return failure(FAILURE_INPUT,
                   "%s: %lld examples with data.validation_share %g are %lld to train on and %lld "
                   "to validate; at least 2 and 1 are needed",
                   name, (long long)count, share, (long long)(count - *held), (long long)*held);
}

void dataset_free(dataset *d) {
    free(d->x);
    free(d->label);
    free(d->y);
    for (int64_t k = 0; d->name && k < d->count; k++) free(d->name[k]);
    free(d->name);
    free(d->text);
    memset(d, 0, sizeof *d);
}

void dataset_pair_free(dataset_pair *pair) {
    dataset_free(&pair->train);
    dataset_free(&pair->test);
    dataset_free(&pair->validation);
    data_encoding_free(&pair->encoding);
    free(pair->summary);
    pair->summary = NULL;
    pair->nfiles = 0;
}
