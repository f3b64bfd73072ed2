/* SPDX-License-Identifier: Apache-2.0 */
/* rules.h - the table of rules.def, and the numbers that make a kernel a rule's step. */
#ifndef RAVINE_RULES_H
#define RAVINE_RULES_H

#include "ravine.h"
#include "update/elementwise/kernel.h"

/* Scalars of state.def that a rule may have. */
#define RULE_SCALARS_MAX 2

/* What a step needs to know beyond the group's settings. */
typedef struct rule_step {
    kernel_shape shape;              /* of the parameter's kernel */
    int64_t step_count;              /* 1 at the parameter's first step */
    double unscale;                  /* 1/grad_scale: what the guard judges by, before clipping */
    double clip;                     /* by norm, in (0, 1] */
    bool propagate;                  /* no guard */
    double largest;                  /* greatest finite number of the parameter's type */
    double epsilon;                  /* what 1 and the next number of the type differ by */
    double scalar[RULE_SCALARS_MAX]; /* before the step, in the order of the rule's row; after it on
                                        return */
} rule_step;

/* What a look at a whole tensor finds, of the elements that step. */
typedef struct whole_sums {
    double theta2, direction2; /* squares of theta, and of outer m/sigma + inner theta */
    int64_t len, step_count;   /* elements; 1 at the first step */
} whole_sums;

/* What the doctor may advise to users of a rule: bits. */
typedef enum rule_advice { NO_ADVICE = 0, ADVISE_MOMENTUM = 1, ADVISE_RADAM = 2 } rule_advice;

typedef struct rule_row {
    ravine_rule_info info;
    kernel_shape shape; /* without the settings that change it */
    /* The rule's own numbers, into those that all have in common. */
    void (*numbers)(const ravine_config *c, rule_step *s, kernel_coefficients *k);
    /* Those that wait for the sums; NULL: none do. */
    void (*settle)(const ravine_config *c, const whole_sums *w, kernel_coefficients *k);
    unsigned advice; /* of rule_advice */
    ravine_config defaults;
} rule_row;

const rule_row *ravine_rule_row(int rule); /* rule is valid */
bool ravine_rule_uses(int rule, int setting);
bool ravine_rule_can_shrink(int rule);

/* Whether it divides by a sigma of the gradients: neither by 1 nor by |m|. */
bool ravine_rule_is_adaptive(int rule);

/* The kernel's shape under these settings. */
kernel_shape ravine_rule_shape(const ravine_config *c);

/* The coefficients of one step under the settings of the step. */
kernel_coefficients ravine_rule_coefficients(const ravine_config *c, rule_step *step);
/* sigma of an element in double, of the scale's arrays v: the body of the kernels. */
double ravine_rule_sigma(kernel_shape shape, const kernel_coefficients *c, const double v[2]);
/* sigma^2 without eps is this times v, under the coefficients of a step; adadelta: the mean square
 * that is the root of its numerator counts as sigma. 0 where v is no mean, sum or maximum of the
 * squares of gradients, or sigma is not in use yet (radam). */
double ravine_rule_variance(scale_kind scale, const kernel_coefficients *c);

#endif
