/* SPDX-License-Identifier: Apache-2.0 */
/* random_case.h - random rules, settings and gradients, each a pure function of a seed. */
#ifndef TESTS_RANDOM_CASE_H
#define TESTS_RANDOM_CASE_H

#include "ravine.h"

/* The rule with random values of the settings that it uses, all accepted by ravine_config_check:
 * lr 1e-5 .. 1e-1, betas, eps 1e-12 .. 1e-3, decays and flags mixed, now and then a bound itself.
 */
void random_config(ravine_config *c, int rule, uint64_t seed);

/* A learning rate as random_config draws it. */
double random_lr(uint64_t seed);

/* One of the lengths {0, 1, 2 .. 130, 1003, 4097, 65537}; the long ones are rare. */
int64_t random_length(uint64_t seed);

typedef enum gradient_kind {
    GRADIENT_GAUSSIAN,  /* times one scale of 1e-6 .. 1e2 */
    GRADIENT_WIDE,      /* times 10^U(-30, 30), each its own */
    GRADIENT_HALF_ZERO, /* gaussian, every second one 0 or -0 */
    GRADIENT_CONSTANT,  /* the same number in every step and element */
    GRADIENT_DENORMAL,  /* around the smallest normal number of the type */
    GRADIENT_OUTLIER,   /* gaussian, one element 1e6 times larger */
    GRADIENT_BROKEN,    /* gaussian, one element NaN, inf or -inf */
    GRADIENT_KINDS
} gradient_kind;

/* Fills gradient[len] of `dtype` for one step of the case `seed`. */
void random_gradient(void *gradient, int32_t dtype, int64_t len, gradient_kind kind, uint64_t seed,
                     int64_t step);

/* The rule's name and every setting that is not the default, as ravine_config_parse reads it.
 * One fixed buffer. */
const char *config_text(const ravine_config *c);

/* The field of a setting. */
void config_put(ravine_config *c, int setting, double value);

#endif
