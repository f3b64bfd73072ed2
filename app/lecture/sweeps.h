/* SPDX-License-Identifier: Apache-2.0 */
/* sweeps.h - what sweeps of real networks came to, which take too long for `ravine lecture`: saved
 * in sweeps.def, which `make lecture-sweeps` writes anew. */
#ifndef RAVINE_LECTURE_SWEEPS_H
#define RAVINE_LECTURE_SWEEPS_H

#include "page/page.h"

#include <stddef.h>

typedef enum saved_sweep {
#define SAVED_SWEEP(NAME, ...) SAVED_##NAME,
#define SAVED_RUN(...)
#include "lecture/sweeps.def"
#undef SAVED_SWEEP
#undef SAVED_RUN
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

/* The command that makes it again, when and where it was made. */
void saved_put_origin(page *p, saved_sweep sweep);

#endif
