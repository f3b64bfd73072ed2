/* SPDX-License-Identifier: Apache-2.0 */
/* run_facts.h - the numbers of a run that stand above its curves. */
#ifndef RAVINE_RUN_FACTS_H
#define RAVINE_RUN_FACTS_H

#include "page/phrase.h"
#include "run/run_reader.h"

/* A value and where it was reached: a step, or for held-out values an epoch. NaN: there is none.
 */
typedef struct run_point {
    double value, at;
} run_point;

typedef struct run_facts {
    int64_t steps;       /* the last one that is logged */
    int64_t total_steps; /* planned; 0: not told */
    double epochs;       /* ended */
    double seconds;      /* since the start, of the last step */
    double step_seconds; /* median over the logged steps */
    double train_loss;   /* mean of the last hundredth of the logged steps, at least ten of them */
    double validation_loss, validation_score; /* after the last epoch */
    run_point best_loss, best_score;          /* of them, the start left aside */
    double test_loss, test_score;             /* at the end, of the weights that are kept */
    run_point lr_peak;
    run_point grad_peak; /* the largest gradient norm */
    double grad_end;     /* median of the last hundredth, at least ten steps */
    double loss_fall;    /* share by which the last tenth of the steps lies below the tenth before;
                            NaN under 40 steps */
} run_facts;

/* Returns 0 or a kind of io/failure.h. */
int run_facts_of(run_facts *facts, const run_data *run);

/* The time that a step took, from one logged step to the next, in seconds; [nsteps], NaN first. */
void run_step_seconds(const run_data *run, double *seconds);

/* The lecture's point in one sentence or two: whether the loss stands still, and whether the
 * gradient is small there. False: the log does not say. */
bool run_verdict(const run_facts *facts, phrase *text);

#endif
