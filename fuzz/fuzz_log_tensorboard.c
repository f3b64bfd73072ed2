/* SPDX-License-Identifier: Apache-2.0 */
/* TensorBoard's event files: the first byte says whether checks are made right, so that what stands
 * behind them is reached too; the rest is the file. */
#include "file/crc32c.h"
#include "io/wire.h"
#include "log_file.h"

enum { HEAD = 12, TAIL = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_check(unsigned char *at, uint32_t check) {
    for (int k = 0; k < 4; k++) at[k] = (unsigned char)(check >> 8 * k);
}

static void mend(unsigned char *bytes, size_t size) {
    for (size_t at = 0; size - at >= HEAD + TAIL;) {
        unsigned char *head = bytes + at;
        uint64_t length = wire_load(head, 8);
        put_check(head + 8, ravine_crc32c_masked(head, 8));
        if (length > size - at - HEAD - TAIL) return;
        put_check(head + HEAD + length, ravine_crc32c_masked(head + HEAD, (size_t)length));
        at += HEAD + (size_t)length + TAIL;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    unsigned char *bytes = malloc(size);
    if (!bytes) return 0;
    memcpy(bytes, data + 1, size - 1);
    if (data[0] & 1) mend(bytes, size - 1);
    log_fuzz("events.out.tfevents.1", bytes, size - 1);
    free(bytes);
    return 0;
}
