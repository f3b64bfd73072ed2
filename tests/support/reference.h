/* SPDX-License-Identifier: Apache-2.0 */
/* reference.h - the truth the library is tested against: every rule of ravine.h that
 * moves each element by itself, one element at a time, in long double, straight from the formulas
 * of the papers and of PyTorch's for-loop code.
 *
 * Nothing here shares code, tables or ideas of order with lib/update: it is slow, plain, and meant
 * to be read next to docs/rules/. The semantics were compared with PyTorch 2.13 in float64 for all
 * rules that PyTorch has, and with the authors' code for adan and adopt.
 */
#ifndef TESTS_REFERENCE_H
#define TESTS_REFERENCE_H

#include "ravine.h"
#include <stdbool.h>

/* One element with all that any rule may keep for it; the keys of ravine_state_view() in brackets.
 * Fields that a rule does not use stay 0. */
typedef struct reference {
    long double theta;      /* the parameter */
    long double buffer;     /* b    [momentum_buffer] */
    long double mean;       /* m    [exp_avg] */
    long double square;     /* v    [exp_avg_sq, square_avg, exp_avg_var] */
    long double greatest;   /* max v [max_exp_avg_sq] */
    long double sum;        /* s    [sum] */
    long double center;     /* a    [grad_avg] */
    long double delta;      /* u    [acc_delta] */
    long double infinity;   /* u    [exp_inf] */
    long double difference; /* v of adan [exp_avg_diff] */
    long double previous;   /* the gradient before this one [prev, prev_grad] */
    long double step_size;  /* of rprop [step_size] */
    long double average;    /* of asgd [ax] */
    long double ema;        /* average of the weights [ema] */
    long double product;    /* mu_1 mu_2 ... mu_t of nadam [mu_product] */
    long double eta, mu;    /* of asgd [eta, mu] */
} reference;

/* The element before its first step. */
reference reference_start(const ravine_config *c, long double theta);

/* Step number t >= 1 of the parameter: `gradient` is what the caller passed, `factor` the clip
 * coefficient over grad_scale. `largest` is the greatest finite number of the parameter's type: an
 * element whose gradient exceeds it is held, that is left as it is, and the answer is false. So is
 * one whose square exceeds it in a rule that squares gradients (16 times its square in adabelief
 * and adan, which square sums of gradients). INFINITY: nothing is held. */
bool reference_step(reference *e, const ravine_config *c, int64_t t, long double gradient,
                    long double factor, long double largest);

/* The field that a state key of the library names, or NULL. */
long double *reference_field(reference *e, const char *key);

/* Added to every square, 0 at first: to ask what becomes of a step whose squares are denormal. */
extern long double reference_underflow;

/* Whether it is one of these: an element moves as if it were alone (else: reference_whole.h). */
bool reference_knows(int rule);

/* Whether the rule squares the gradient, so that a large finite one may overflow. */
bool reference_squares(int rule);

#endif
