/* SPDX-License-Identifier: Apache-2.0 */
/* problems.h - small problems whose trouble is known from mathematics, drawn by a seed.
 *
 * Every problem is a function l(z) of n coordinates near 1, and trains
 *     L(theta) = loss_scale l(R theta / param_scale)
 * with R a reflection or the identity. Learning rates are chosen for l and scaled with it, so that
 * the way is the same for every scale.
 */
#ifndef TESTS_DOCTOR_PROBLEMS_H
#define TESTS_DOCTOR_PROBLEMS_H

#include "support/trial.h"

enum { PROBLEM_SIZE_MAX = 60, PROBLEM_POINTS = 40 };

typedef enum problem_kind {
    PROBLEM_QUADRATIC, /* sum curvature z^2 / 2 */
    PROBLEM_RAVINE,    /* the first `walls` coordinates: curvature (sqrt(1 + z^2) - 1) */
    PROBLEM_SADDLE,    /* quadratic; the last coordinate: curvature (z^4/4 - z^2/2) */
    PROBLEM_CHAIN,     /* (a_n - 1/2)^2 / 2, a_k = tanh(z_k a_(k-1)), a_0 = 1 */
    PROBLEM_LOGISTIC,  /* mean log(1 + exp(-label w.x)) + curvature[0] |w|^2 / 2 */
    PROBLEM_ROSENBROCK,
    PROBLEM_RELU,   /* (relu(z_1 + z_2 + ... - n) - 1)^2 / 2: dead where it is below 0 */
    PROBLEM_BARRIER /* -log z + curvature[0] z: not a number beyond 0 */
} problem_kind;

typedef struct problem {
    const char *name; /* of the generator */
    int verdict;      /* the truth */
    problem_kind kind;
    int n, walls;
    double curvature[PROBLEM_SIZE_MAX], start[PROBLEM_SIZE_MAX];
    double mirror[PROBLEM_SIZE_MAX]; /* unit vector of the reflection; 0: none */
    double data[PROBLEM_POINTS * PROBLEM_SIZE_MAX];
    double loss_scale, param_scale;
    double noise;  /* standard deviation of each coordinate of dl/dz; the loss gets noise . z */
    uint64_t seed; /* of the noise */
    const char *rule;
    double lr;         /* for l(z) */
    const char *decay; /* the schedule's first words; NULL: lr is constant */
    int64_t steps;
    char optimizer[160], schedule[120]; /* scaled, as text */
} problem;

int problem_kinds(void); /* of generators */
/* Problem number `index` of a seed: generator index % problem_kinds(). */
void problem_draw(problem *p, uint64_t seed, uint64_t index);
/* As trial_loss; context: a problem. */
double problem_loss(const void *context, int n, const double *theta, int64_t step,
                    double *gradient);
/* The same problem with other scales: start, learning rates and eps go with them. */
void problem_rescale(problem *p, double loss_scale, double param_scale);
/* How a trial of it begins; both must outlive the trial. */
trial_setup problem_setup(const problem *p, double start[PROBLEM_SIZE_MAX]);

#endif
