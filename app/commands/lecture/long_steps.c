/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/lecture/long.h"
#include "run/run_reader.h"

#include <math.h>

int long_steps(double *step, const sweep_run *run, double target, int64_t examples) {
    const size_t width = (size_t)(examples / run->config.batch_size);
    run_data data;
    const int status = run_read(&data, run->folder, NULL);
    *step = NAN;
    for (size_t first = 0; first + width <= data.nsteps && isnan(*step); first++) {
        double sum = 0; /* a loss that is not finite is in no mean that is low enough */
        for (size_t k = 0; k < width; k++) sum += data.column[RUN_LOSS][first + k];
        if (sum <= target * (double)width) *step = (double)(first + width / 2);
    }
    run_free(&data);
    return status;
}
