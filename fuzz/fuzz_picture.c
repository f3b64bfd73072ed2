/* SPDX-License-Identifier: Apache-2.0 */
/* PNG and JPEG files: whatever the bytes, all numbers of an accepted image are written, and none
 * beside them. */
#include "data/picture.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int64_t shapes[][3] = {{3, 4, 4}, {1, 3, 5}};
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        const size_t numbers = (size_t)(shapes[k][0] * shapes[k][1] * shapes[k][2]);
        unsigned char *low = malloc(numbers), *high = malloc(numbers);
        if (!low || !high) abort();
        memset(low, 0, numbers);
        memset(high, 255, numbers);
        const int code = picture_read(low, shapes[k], data, size, "fuzz");
        if (picture_read(high, shapes[k], data, size, "fuzz") != code) abort();
        if (code == 0 && memcmp(low, high, numbers) != 0) abort();
        free(low);
        free(high);
    }
    return 0;
}
