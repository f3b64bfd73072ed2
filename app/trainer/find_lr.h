/* SPDX-License-Identifier: Apache-2.0 */
/* find_lr.h - two answers to the question which learning rate to start with.
 *
 * The range test (Smith 2017, Cyclical learning rates) trains for a few hundred steps while the
 * rate rises exponentially, until the loss blows up; it is judged by the fixed batch, since the
 * losses of small batches would have to be smoothed over steps in which the rate has long moved on.
 * The stability limit comes from the curvature: a probe before the first step and another after a
 * short warm-up say above which rate a step is too long. Neither needs a run; both cost gradients,
 * which are counted.
 */
#ifndef RAVINE_TRAINER_FIND_LR_H
#define RAVINE_TRAINER_FIND_LR_H

#include "page/phrase.h"
#include "ravine_doctor.h"

enum { FIND_LR_STEPS_MAX = 100000, FIND_LR_PROBES = 2 };

typedef struct find_lr_setup {
    const ravine_optimizer *optimizer; /* groups and parameters; it makes no step itself */
    int rule;                          /* of all groups */
    const ravine_env *env;             /* of the optimizers that make the steps */
    const ravine_problem *problem;     /* its gradients are those of the parameters */
    double least, most;                /* rates of the range test; 0: around the rule's default */
    int64_t steps;                     /* of the range test at most, >= 20 */
    int64_t warmup;                    /* steps between the probes, >= 1 */
} find_lr_setup;

typedef struct find_lr_result {
    int rule;
    int64_t count;           /* steps that the range test made */
    int64_t npoints;         /* after every few of them the fixed batch was looked at */
    double *lr, *loss;       /* [npoints] rate of the last step, loss of the fixed batch after it */
    double first;            /* loss of the fixed batch before all steps */
    double steepest, lowest; /* rates where the loss falls fastest, and where it is least */
    double blow_up;          /* where it had risen back by a quarter; NaN: it did not */
    double calm; /* at which one of the first steps were a tenth as long as the parameters; NaN */
    double warmup_lr;                   /* reached by the warm-up */
    ravine_probe probe[FIND_LR_PROBES]; /* before the first step, and after the warm-up */
    double stable[FIND_LR_PROBES];      /* greatest stable rate at each, limit / sharpness; NaN */
    double suggested;
    phrase reason;
    int64_t gradients, losses; /* all that it cost, probes included */
} find_lr_result;

/* Parameters are as before afterwards. Returns 0 or a kind of io/failure.h: FAILURE_NO if no
 * rate of the range lowers the loss. */
int find_lr(find_lr_result *r, const find_lr_setup *setup);
void find_lr_free(find_lr_result *r); /* one that is all zero is fine */

#endif
