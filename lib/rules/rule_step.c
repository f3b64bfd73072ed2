/* SPDX-License-Identifier: Apache-2.0 */
/* The coefficients of a step: what all rules have in common, then the numbers of the rule. */
#include "rules/rules.h"

#include <math.h>

static void decay(const ravine_config *c, kernel_coefficients *k) {
    switch ((ravine_decay_form)c->decay_form) {
    case RAVINE_DECAY_COUPLED: k->couple = c->weight_decay; break;
    case RAVINE_DECAY_DECOUPLED: k->decay = c->lr * c->weight_decay; break;
    case RAVINE_DECAY_INDEPENDENT: k->decay = c->weight_decay; break;
    case RAVINE_DECAY_PROXIMAL:
        k->shrink = c->lr * c->weight_decay / (1 + c->lr * c->weight_decay);
        break;
    }
}

/* Greatest raw |g| that is taken. A rule that squares g, or several gradients at once (adan; g - m
 * of adabelief), wants the square finite too. */
static double guard(const rule_step *s) {
    const scale_kind scale = s->shape.scale;
    const bool squares =
        scale != SCALE_ONE && scale != SCALE_SIGN && scale != SCALE_MAXIMUM && scale != SCALE_RPROP;
    const double several = scale == SCALE_BELIEF || scale == SCALE_LOOKAHEAD ? 4 : 1;
    const double root_of_largest = nextafter(sqrt(s->largest), 0) / several;
    const double bound = squares ? root_of_largest : s->largest;
    const double factor = s->unscale;
    if (factor == 1) return bound;
    return fmin(bound * (1 - 0x1p-20) / factor, s->largest); /* room for the product's rounding */
}

kernel_coefficients ravine_rule_coefficients(const ravine_config *c, rule_step *s) {
    const int64_t t = s->step_count;
    const double gradient = s->unscale * s->clip;
    kernel_coefficients k = {.gradient = c->maximize != 0 ? -gradient : gradient,
                             .limit = guard(s),
                             .clip = c->clip_value,
                             .step = c->lr,
                             .from_m = 1,
                             .first = t == 1,
                             .ema = t == 1 ? 1 : 1 - c->ema_decay,
                             .sigma_divisor = 1,
                             .outer = 1,
                             .propagate = s->propagate};
    decay(c, &k);
    ravine_rule_row(c->rule)->numbers(c, s, &k);
    k.gradient_unchanged = k.gradient == 1 && k.clip == HUGE_VAL && k.couple == 0;
    return k;
}

double ravine_rule_variance(scale_kind scale, const kernel_coefficients *c) {
    const double root = c->sigma_scale / c->sigma_divisor;
    switch (scale) {
    case SCALE_SQUARES:
    case SCALE_GREATEST:
    case SCALE_YOGI:
    case SCALE_LOOKAHEAD: return c->v_scale * root * root;
    case SCALE_MAXIMUM:
    case SCALE_DELTA:
    case SCALE_PREVIOUS: return 1;
    case SCALE_ONE:
    case SCALE_CENTERED: /* a variance: what is steady in g is not in it */
    case SCALE_BELIEF:
    case SCALE_SIGN:
    case SCALE_FACTORED:
    case SCALE_RPROP: return 0;
    }
    return 0;
}
