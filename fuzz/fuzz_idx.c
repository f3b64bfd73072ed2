/* SPDX-License-Identifier: Apache-2.0 */
/* IDX arrays, plain, and compressed as they lie in .gz files. */
#include "data/idx.h"
#include "io/input.h"
#include "scratch_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INFLATED_MAX = 1 << 20 };

/* Reads every number of an accepted array: one outside the input is seen by the sanitizer. */
static void parse(const unsigned char *bytes, size_t size) {
    idx_array array;
    if (idx_parse(&array, bytes, size, "fuzz") != 0) return;
    size_t numbers = 1;
    for (int d = 0; d < array.ndim; d++) numbers *= (size_t)array.shape[d];
    volatile unsigned char last = 0;
    for (size_t k = 0; k < numbers; k++) last = array.data[k];
    (void)last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    parse(data, size);
    unsigned char *inflated;
    size_t inflated_size;
    const char *path = scratch_write("array.gz", data, size);
    if (input_read(path, INFLATED_MAX, &inflated, &inflated_size) != 0) return 0;
    parse(inflated, inflated_size);
    free(inflated);
    return 0;
}
