/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_probe.c - what a probe may cost, and what is seen while it works.
 *
 * Costs are counted in examples whose gradient is computed: so a run of s steps of b examples cost
 * s b, and its probe may cost a tenth of that. A loss costs what a gradient costs. */
#include "commands/doctor/doctor.h"
#include "trainer/train.h"

#include <inttypes.h>

/* From the whole probe down: examples of the fixed batch, steps of Lanczos' iteration, losses along
 * a line, batches for the noise. */
static const probe_plan plans[] = {{1024, 20, 65, 8}, {1024, 20, 17, 8}, {512, 16, 17, 8},
                                   {256, 12, 17, 8},  {128, 10, 11, 8},  {64, 8, 11, 6},
                                   {32, 6, 11, 4},    {16, 5, 11, 4},    {16, 4, 0, 2}};
enum { PLANS = sizeof plans / sizeof *plans };

/* Gradients and losses of the fixed batch, beside those that a search along a line takes. */
int64_t probe_plan_calls(const probe_plan *p) {
    enum { HOME = 1, SPECTRA = 2, LINES = 3, SEARCHES = 40 };
    return HOME + SPECTRA * 2 * p->lanczos + LINES * p->slice + SEARCHES + p->noise;
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

int64_t probe_plan_cost(const probe_plan *p, const probed_run *run) {
    const int64_t fixed = smaller(p->fixed, run->examples);
    return (probe_plan_calls(p) - p->noise) * fixed + p->noise * run->batch;
}

bool probe_plan_choose(probe_plan *p, const probed_run *run, bool full) {
    enum { SHARE = 10 };
    for (int k = 0; k < PLANS; k++) {
        *p = plans[k];
        if (full || probe_plan_cost(p, run) <= run->steps * run->batch / SHARE) return true;
    }
    return false;
}

bool probe_plan_is_whole(const probe_plan *p) {
    return p->fixed == plans[0].fixed && p->slice == plans[0].slice;
}

ravine_probe_options probe_plan_options(const probe_plan *p) {
    ravine_probe_options options;
    ravine_probe_options_init(&options);
    options.lanczos = options.preconditioned = p->lanczos;
    options.slice = p->slice;
    options.noise = p->noise;
    return options;
}
