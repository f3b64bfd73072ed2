/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a gradient is noise: McCandlish, Kaplan, Amodei 2018, An empirical model of
 * large-batch training, appendix A, with K batches in place of two sizes. */
#include "doctor/probe/probe.h"

#include <math.h>

/* Mean and sum of squared deviations as they come (Welford): the mean into p->a. */
ravine_status ravine_probe_noise(probing *p) {
    const ravine_problem *problem = &p->space.problem;
    ravine_probe *r = &p->result;
    const int64_t n = p->space.n;
    const int64_t count =
        p->options.noise < problem->nbatches ? p->options.noise : problem->nbatches;
    if (count < 2) return RAVINE_OK;
    double squares = 0, loss;
    double *mean = p->a, *g = p->b;
    for (int64_t i = 0; i < n; i++) mean[i] = 0;
    ravine_space_home(&p->space);
    for (int64_t k = 1; k <= count; k++) {
        const ravine_status status = ravine_space_gradient(&p->space, problem->batch + k, &loss, g);
        if (status) return status;
        for (int64_t i = 0; i < n; i++) {
            const double away = g[i] - mean[i];
            mean[i] += away / (double)k;
            squares += away * (g[i] - mean[i]);
        }
    }
    r->noise_trace = squares / (double)(count - 1);
    r->signal = ravine_dot(mean, mean, n) - r->noise_trace / (double)count;
    r->noise_scale = r->signal > 0 ? r->noise_trace / r->signal : HUGE_VAL;
    return RAVINE_OK;
}
