/* SPDX-License-Identifier: Apache-2.0 */
/* JSON lines, lists and columns. */
#include "log_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return log_fuzz("log.jsonl", data, size);
}
