/* SPDX-License-Identifier: Apache-2.0 */
/* sweeps.h - what sweeps of real networks came to, which take too long for `ravine lecture`: saved
 * in sweeps.def, which `make lecture-sweeps` writes anew. */
#ifndef RAVINE_LECTURE_SWEEPS_H
#define RAVINE_LECTURE_SWEEPS_H

#include "page/page.h"

#include <stddef.h>

typedef enum saved_sweep {
#define SAVED_SWEEP(NAME, ...) SAVED_##NAME,
#include "lecture/sweeps.def"
} saved_sweep;

/* The loss of one run; NaN: it diverged, or there is none. */
double saved_loss(saved_sweep sweep, double row, double column, int seed);
/* The mean over all seeds; NaN: one of them diverged. */
double saved_mean(saved_sweep sweep, double row, double column);
/* How many runs diverged. */
int saved_diverged(saved_sweep sweep);

enum { SAVED_COLUMNS = 16 };
/* The columns of a sweep in their order; how many. */
size_t saved_columns(saved_sweep sweep, double column[SAVED_COLUMNS]);

/* The training loss that the runs of a sweep were to come to; NaN: none. */
double saved_target(saved_sweep sweep);
/* The steps of one run to it; NaN: it did not come to it. */
double saved_steps(saved_sweep sweep, double row, double column, int seed);
/* The mean over all seeds; NaN: one of them did not. */
double saved_mean_steps(saved_sweep sweep, double row, double column);

/* The noise scale along one run, in examples; inf where there is no signal. */
enum { SAVED_POINTS = 32 };
typedef struct noise_course {
    double step[SAVED_POINTS], scale[SAVED_POINTS];
    size_t n;
} noise_course;
void saved_noise(noise_course *course, saved_sweep sweep, double row, int seed);

/* The command that makes it again, when and where it was made. */
void saved_put_origin(page *p, saved_sweep sweep);

#endif
