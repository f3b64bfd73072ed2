/* SPDX-License-Identifier: Apache-2.0 */
/* When a step is too long for the curvature under it.
 *
 * With sigma held still, the rule on a quadratic of Hessian H is a linear recursion in each
 * eigendirection of P^-1/2 H P^-1/2, P = diag(sigma). Growing the curvature, it first fails by an
 * error that changes sign at every step. There m = G g, G the gain of the momentum for an
 * alternating gradient, and the error neither grows nor shrinks at
 *     eta S = (1 + a) / G,      S the largest eigenvalue, a what decay leaves of theta.
 */
#include "doctor/judge/findings.h"
#include "math/elementary.h"
#include "optimizer/settings.h"
#include "ravine_doctor.h"

#include <math.h>

/* eta of a config of our own; what a rule does not have is 0, and changes nothing. */
static double effective_lr(const ravine_config *c, double lr, int64_t t) {
    const double slower = lr / (1 + (double)t * c->lr_decay);
    return slower / ravine_pow(1 + c->lambd * lr * (double)t, c->power);
}

/* What remains of an alternating signal in a moving mean of it. */
static double mean_gain(double beta) {
    return (1 - beta) / (1 + beta);
}

/* Dozat's weight of the momentum at step t (nadam). */
static double nadam_mu(const ravine_config *c, int64_t t) {
    return c->beta1 * (1 - 0.5 * ravine_pow(0.96, (double)(t + 1) * c->momentum_decay));
}

/* G of step t: m for an alternating g; the column of rules.def says which it is. */
static double gain_of_heavy_ball(const ravine_config *c, int64_t t) {
    (void)t;
    const double buffer = (1 - c->dampening) / (1 + c->momentum);
    return c->nesterov != 0 ? 1 + c->momentum * buffer : c->momentum > 0 ? buffer : 1;
}
static double gain_of_mean(const ravine_config *c, int64_t t) {
    (void)t;
    return mean_gain(c->beta1);
}
static double gain_of_nadam(const ravine_config *c, int64_t t) {
    return 1 - nadam_mu(c, t) + nadam_mu(c, t + 1) * mean_gain(c->beta1);
}
static double gain_of_adan(const ravine_config *c, int64_t t) {
    (void)t;
    return mean_gain(c->beta1) + 2 * c->beta2 * mean_gain(c->beta2);
}
static double gain_of_none(const ravine_config *c, int64_t t) { /* only signs count */
    (void)c;
    (void)t;
    return NAN;
}

static double (*const alternating_gain[RAVINE_RULE_COUNT])(const ravine_config *, int64_t) = {
#define RULE(NAME, name, title, m, s, a, numbers, whole, states, gain, ...) \
    [RAVINE_##NAME] = gain_of_##gain,
#include "rules/rules.def"
};

bool ravine_doctor_is_heavy_ball(const ravine_config *c) {
    return alternating_gain[c->rule] == gain_of_heavy_ball;
}

/* 1 + a; the proximal decay shrinks the step as well, which comes to 1 + 1/a. */
static double slack(const ravine_config *c, double lr, double eta) {
    const double kept = 1 - c->lambd * eta; /* lambd: asgd's decay */
    switch ((ravine_decay_form)c->decay_form) {
    case RAVINE_DECAY_COUPLED: break; /* it is part of the gradient: of H */
    case RAVINE_DECAY_DECOUPLED: return 1 + kept * (1 - lr * c->weight_decay);
    case RAVINE_DECAY_INDEPENDENT: return 1 + kept * (1 - c->weight_decay);
    case RAVINE_DECAY_PROXIMAL: return 2 + lr * c->weight_decay;
    }
    return 1 + kept;
}

double ravine_effective_lr(const ravine_config *c, double lr, int64_t t) {
    ravine_config own;
    return ravine_config_read(&own, c) ? NAN : effective_lr(&own, lr, t);
}

double ravine_stability_limit(const ravine_config *c, double lr, int64_t t) {
    ravine_config own;
    if (ravine_config_read(&own, c)) return NAN;
    return slack(&own, lr, effective_lr(&own, lr, t)) / alternating_gain[own.rule](&own, t);
}
