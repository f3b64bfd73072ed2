/* SPDX-License-Identifier: Apache-2.0 */
/* rules.h - the table of rules.def, and the numbers that make a kernel a rule's step. */
#ifndef RAVINE_RULES_H
#define RAVINE_RULES_H

#include "ravine.h"
#include "update/elementwise/kernel.h"

typedef struct rule_row {
    ravine_rule_info info;
    kernel_shape shape; /* without the settings that change it */
    const char *momentum_key, *scale_key;
    ravine_config defaults;
} rule_row;

const rule_row *ravine_rule_row(int rule); /* rule is valid */
bool ravine_rule_uses(int rule, int setting);
bool ravine_rule_can_shrink(int rule);

/* The kernel's shape under these settings, and the key of its state array k; NULL past the last. */
kernel_shape ravine_rule_shape(const ravine_config *c);
const char *ravine_rule_array_key(const ravine_config *c, int k);

/* Numbers that a parameter keeps beside its arrays, because they depend on the settings of past
 * steps: nadam's mu_product, asgd's eta and mu. NULL past the last. */
#define RULE_SCALARS_MAX 2
const char *ravine_rule_scalar_key(const ravine_config *c, int k);
void ravine_rule_start_scalars(const ravine_config *c, double scalar[RULE_SCALARS_MAX]);

/* What a step needs to know beyond the group's settings. */
typedef struct rule_step {
    kernel_shape shape;              /* of the parameter's kernel */
    int64_t clock;                   /* 1 at the parameter's first step */
    double unscale;                  /* 1/grad_scale: what the guard judges by, before clipping */
    double clip;                     /* by norm, in (0, 1] */
    bool propagate;                  /* no guard */
    double largest;                  /* greatest finite number of the parameter's type */
    double scalar[RULE_SCALARS_MAX]; /* before the step; after it on return */
} rule_step;

/* The coefficients of one step under the settings of the step. */
kernel_coefficients ravine_rule_coefficients(const ravine_config *c, rule_step *step);
/* sigma^2 without eps is this times v, under the coefficients of a step; adadelta: the mean square
 * that is the root of its numerator counts as sigma. 0 where v is no mean, sum or maximum of the
 * squares of gradients, or sigma is not in use yet (radam). */
double ravine_rule_variance(scale_kind scale, const kernel_coefficients *c);

#endif
