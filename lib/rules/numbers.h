/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.h - the functions that rules.def names: what makes a kernel a rule, at one step. */
#ifndef RAVINE_RULES_NUMBERS_H
#define RAVINE_RULES_NUMBERS_H

#include "rules/rules.h"

#define ELEMENTWISE
#define WHOLE(name) \
    void ravine_settle_##name(const ravine_config *c, const whole_sums *w, kernel_coefficients *k);
#define RULE(NAME, name, title, m, s, a, numbers, whole, ...)                                     \
    void ravine_numbers_##numbers(const ravine_config *c, rule_step *s_, kernel_coefficients *k); \
    whole
#include "rules/rules.def"
#undef ELEMENTWISE
#undef WHOLE

/* v <- keep v + intake x */
static inline void moving_mean(double beta, double *keep, double *intake) {
    *keep = beta;
    *intake = 1 - beta;
}

#endif
