/* SPDX-License-Identifier: Apache-2.0 */
/* lamb: Adam's direction, with weight decay in it, made as long as its tensor.
 *
 * You et al. 2020, Large batch optimization for deep learning (arXiv 1904.00962), Algorithm 2, with
 * phi(x) = x. Where either norm is 0 the ratio is 1, as in optax; it has no upper bound. */
#include "rules/numbers.h"

#include <math.h>

static bool decays_inside(const ravine_config *c) {
    return c->decay_form == RAVINE_DECAY_DECOUPLED;
}

/* r = outer m/sigma + inner theta; theta <- theta - step m/sigma - decay theta is lr r for now. */
void ravine_numbers_lamb(const ravine_config *c, rule_step *s, kernel_coefficients *k) {
    k->step = 1;
    ravine_numbers_adam(c, s, k);
    k->outer = k->step;
    k->inner = decays_inside(c) ? c->weight_decay : 0;
    k->step *= c->lr;
}

void ravine_settle_lamb(const ravine_config *c, const whole_sums *w, kernel_coefficients *k) {
    if (w->theta2 == 0 || w->direction2 == 0) return;
    const double ratio = sqrt(w->theta2) / sqrt(w->direction2);
    k->step *= ratio;
    if (decays_inside(c)) k->decay *= ratio;
}
