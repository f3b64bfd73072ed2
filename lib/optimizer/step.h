/* SPDX-License-Identifier: Apache-2.0 */
/* step.h - one step: its own numbers, which are passed down and gone afterwards. */
#ifndef RAVINE_OPTIMIZER_STEP_H
#define RAVINE_OPTIMIZER_STEP_H

#include "optimizer/optimizer.h"

typedef struct step {
    ravine_optimizer *o;
    ravine_step_stats *stats; /* NULL: nobody asks, and nothing is measured */
    int64_t nactive, nblocks; /* of slots: parameters with a gradient, and blocks of these */
    bool looks, folds; /* a parameter's step waits for its tensor; for its rows and columns */
    double norm;       /* of all gradients after grad_scale, where it was measured */
    double norm_scale; /* of the gradients while it is measured */
    step_outcome outcome;
} step;

/* Sums and counts of the last pass over the active parameters, into their groups. */
void ravine_stats_gather(const step *s);
/* The statistics that were asked for, of all groups. */
void ravine_stats_fill(const step *s);

#endif
