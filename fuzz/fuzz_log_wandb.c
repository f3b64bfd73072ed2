/* SPDX-License-Identifier: Apache-2.0 */
/* Offline runs of W&B: the first byte says whether checks are made right, so that what stands
 * behind them is reached too; the rest is the file. */
#include "io/wire.h"
#include "log_file.h"

#include <zlib.h>

enum { FILE_HEAD = 7, HEAD = 7, BLOCK = 32768 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend(unsigned char *bytes, size_t size) {
    for (size_t at = FILE_HEAD; at < size;) {
        const size_t left = BLOCK - at % BLOCK;
        if (left < HEAD) {
            at += left;
            continue;
        }
        if (size - at < HEAD) return;
        const size_t length = (size_t)wire_load(bytes + at + 4, 2);
        if (length > size - at - HEAD) return;
        const uint32_t check =
            (uint32_t)crc32(crc32(0, NULL, 0), bytes + at + HEAD - 1, (uInt)length + 1);
        for (int k = 0; k < 4; k++) bytes[at + (size_t)k] = (unsigned char)(check >> 8 * k);
        at += HEAD + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    unsigned char *bytes = malloc(size);
    if (!bytes) return 0;
    memcpy(bytes, data + 1, size - 1);
    if (data[0] & 1) mend(bytes, size - 1);
    log_fuzz("run-a.wandb", bytes, size - 1);
    free(bytes);
    return 0;
}
