/* SPDX-License-Identifier: Apache-2.0 */
/* trainer_state.json of the Hugging Face Trainer. */
#include "log_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return log_fuzz("trainer_state.json", data, size);
}
