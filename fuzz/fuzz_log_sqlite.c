/* SPDX-License-Identifier: Apache-2.0 */
/* Stores of MLflow and Trackio in SQLite. */
#include "log_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return log_fuzz("mlflow.db", data, size);
}
