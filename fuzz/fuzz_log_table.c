/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, with any separator. */
#include "log_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return log_fuzz("log.csv", data, size);
}
