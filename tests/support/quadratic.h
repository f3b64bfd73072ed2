/* SPDX-License-Identifier: Apache-2.0 */
/* quadratic.h - the problem 1/2 (x - c)' H (x - c) with everything that a test of a probe may want
 * of it. */
#ifndef TESTS_QUADRATIC_H
#define TESTS_QUADRATIC_H

#include "ravine_doctor.h"

enum { QUADRATIC_MAX = 128 };

typedef struct quadratic {
    int n;
    int32_t dtype; /* of x and g; loss and gradient are computed in double and rounded */
    double h[QUADRATIC_MAX * QUADRATIC_MAX]; /* [n, n] */
    double center[QUADRATIC_MAX];            /* [n] */
    double x[QUADRATIC_MAX], g[QUADRATIC_MAX];
    float x32[QUADRATIC_MAX], g32[QUADRATIC_MAX];
    double noise; /* deviation of what a batch that is not 0 adds to each entry of the gradient */
    int64_t products;          /* calls for H x */
    double quartic;            /* adds quartic/4 sum x^4 */
    int64_t gradients, losses; /* calls */
    int64_t fail_at;           /* this call (1, 2, ...) answers 7; 0: none does */
    int64_t nan_at;            /* this call gives a loss that is not a number */
    int64_t fail_product_at;   /* this product answers 7 */
    int64_t bad_product_at;    /* this product leaves an entry that is not a number */
    int64_t bad_gradient_at;   /* this call leaves an infinite entry */
} quadratic;

/* H = diag(d), float64, everything else zero. */
void quadratic_diagonal(quadratic *q, int n, const double *d);
/* H <- R H R' for a random rotation R of the seed. */
void quadratic_rotate(quadratic *q, uint64_t seed);
void quadratic_place(quadratic *q, const double *x); /* x, also in x32 */
/* Its problem: batch 0 fixed, `nbatches` others. */
ravine_problem quadratic_problem(quadratic *q, int64_t nbatches);
/* The same, which also says what H x is. */
ravine_problem quadratic_problem_with_product(quadratic *q, int64_t nbatches);
/* An optimizer of the rule on it, with one parameter "x". */
ravine_optimizer *quadratic_optimizer(quadratic *q, const char *rule);
/* Step t on batch `number`. */
void quadratic_step(quadratic *q, ravine_optimizer *o, int64_t number);
double quadratic_loss(const quadratic *q);

/* Eigenvalues of the symmetric h [n, n] by Jacobi's rotations in long double, rising; h is lost. */
void jacobi_eigenvalues(long double *h, int n, long double *value);

#endif
