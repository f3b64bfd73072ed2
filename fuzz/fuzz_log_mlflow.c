/* SPDX-License-Identifier: Apache-2.0 */
/* A run in MLflow's folders: the lines of its only metric. */
#include "log_file.h"

#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char metrics[sizeof scratch_folder + 16];
    snprintf(metrics, sizeof metrics, "%s/metrics", scratch_make());
    mkdir(metrics, 0777);
    scratch_write("meta.yaml", "", 0);
    scratch_write("metrics/loss", data, size);
    return log_fuzz_path(scratch_make());
}
