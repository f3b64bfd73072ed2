/* SPDX-License-Identifier: Apache-2.0 */
/* real_train.h - a net of real.h in training, its copies, and going on from a copy. */
#ifndef TESTS_DOCTOR_REAL_TRAIN_H
#define TESTS_DOCTOR_REAL_TRAIN_H

#include "real.h"
#include "trainer/problem.h"

enum { REAL_SLICE = 256, REAL_FIXED = 512, REAL_JUDGED = 2048 };

typedef struct trainee {
    const real_scenario *scenario;
    uint64_t seed;
    dataset train;                /* the scenario's first examples; x and label are the caller's */
    trainer trainer;              /* of one thread */
    net_problem *problem, *judge; /* what the doctor may evaluate; what it never sees */
    float *start;                 /* all parameters before the first step */
    int64_t step;                 /* steps done */
    int64_t epoch;                /* of trainer.order; -1: none yet */
} trainee;

int trainee_create(trainee *t, const real_scenario *s, const dataset *train, uint64_t seed);
void trainee_free(trainee *t);

/* Back to before the first step: what is left to one whose weights are lost. */
int trainee_restart(trainee *t);

/* One step of `o` on the next batch; its loss. stats may be NULL. */
double trainee_step(trainee *t, ravine_optimizer *o, ravine_step_stats *stats);
/* Loss of the examples that only judge. */
double trainee_judge(trainee *t);
/* An optimizer of all parameters as `ravine train` makes it: a group for each tensor. */
int trainee_optimizer(const trainee *t, const ravine_config *c, ravine_optimizer **out);

/* All parameters. malloc'ed; NULL: no memory. */
float *trainee_copy(const trainee *t);

/* Goes on for `steps` steps with other settings; state is taken over where the rule stays.
 * `noiseless`: on the fixed batch instead of the next ones. The trainee is as before afterwards. */
typedef struct continuation {
    ravine_config config;
    ravine_schedule schedule; /* of lr; size 0: the config's constant */
    int64_t steps;
    double escape; /* along the most negative curvature first; 0: no */
    bool noiseless;
} continuation;
typedef struct continued {
    double loss;  /* the judge's at the end; NaN: not finite, or it failed */
    double rises; /* noiseless: share of the steps that raised the loss of their own batch */
} continued;
continued trainee_continue(trainee *t, const continuation *c);

#endif
