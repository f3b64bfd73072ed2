/* SPDX-License-Identifier: Apache-2.0 */
/* trial.h - a small problem, an optimizer on it, and a doctor that watches.
 *
 *     trial *t = trial_new(&(trial_setup){.n = 2, .start = x, .loss = bowl, .context = &h,
 *                                         .optimizer = "sgd lr=0.1"});
 *     trial_run(t, 2000);
 *     trial_diagnose(t, &diagnosis);
 *     trial_free(t);
 *
 * Everything is float64. What cannot go wrong fails the test.
 */
#ifndef TESTS_TRIAL_H
#define TESTS_TRIAL_H

#include "ravine_doctor.h"

#include <stdbool.h>

/* Writes gradient [n] and returns the loss. step -1: without noise. */
typedef double (*trial_loss)(const void *context, int n, const double *theta, int64_t step,
                             double *gradient);

typedef struct trial_setup {
    int n;
    const double *start; /* [n] */
    trial_loss loss;
    const void *context;
    const char *optimizer, *schedule;     /* as text; schedule may be NULL */
    const ravine_doctor_options *options; /* NULL: the defaults */
    int groups;                           /* as many, of neighbouring elements; 0: one */
    const int *order;                     /* [n] element i of the problem is parameter order[i] */
} trial_setup;

typedef struct trial {
    trial_setup setup;
    ravine_optimizer *o;
    ravine_doctor *d;
    double *theta, *gradient; /* [n], as the optimizer has them */
    double loss;              /* before the last step */
    ravine_step_stats stats;  /* of the last step */
} trial;

trial *trial_new(const trial_setup *setup);
void trial_free(trial *t);
void trial_step(trial *t);
void trial_run(trial *t, int64_t steps);
/* As probes and trials of cures see it: batch 0 is without noise, so many others have it. */
ravine_problem trial_problem(trial *t, int64_t nbatches);
/* Probes the curvature and tells the doctor. */
void trial_probe(trial *t, ravine_probe *probe);
void trial_diagnose(const trial *t, ravine_diagnosis *x);
/* The loss now, without noise; theta in the problem's order. */
double trial_exact(const trial *t);
/* Value of the evidence of that name; NaN where there is none. */
double trial_evidence(const ravine_diagnosis *x, const char *name);

#endif
