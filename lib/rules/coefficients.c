/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a kernel a rule: the numbers of one step, in double, from the formulas of rules.def.
 *
 * Every power here is ravine's own (math/elementary.h): the same bits on every processor. */
#include "math/elementary.h"
#include "math/pair.h"
#include "rules/numbers.h"

#include <math.h>

/* 1 - beta^t, or 1 without bias correction. */
static double correction(const ravine_config *c, double beta, int64_t t) {
    return c->bias_correction != 0 ? ravine_one_minus_power(beta, t) : 1;
}

/* sigma = sqrt(v) under a form of eps, with v^ = v / correction; the factor on the step that the
 * form wants is returned. */
static double root(const ravine_config *c, double bias, kernel_coefficients *k) {
    k->v_scale = 1;
    k->sigma_scale = 1;
    switch ((ravine_eps_form)c->eps_form) {
    case RAVINE_EPS_OUTSIDE:
        k->sigma_scale = 1 / sqrt(bias);
        k->eps_outside = c->eps;
        return 1;
    case RAVINE_EPS_HAT:
        k->eps_outside = c->eps;
        k->sigma_divisor = sqrt(bias);
        return k->sigma_divisor;
    case RAVINE_EPS_INSIDE:
        k->v_scale = 1 / bias;
        k->eps_inside = c->eps;
        return 1;
    }
    return 1;
}

void ravine_numbers_sgd(const ravine_config *c, rule_step *s, kernel_coefficients *k) {
    const bool in_buffer = c->lr_in_momentum != 0 && s->shape.momentum == MOMENTUM_BUFFER;
    const double inside = in_buffer ? c->lr : 1;
    k->momentum = c->momentum;
    k->intake = inside * (s->step_count == 1 ? 1 : 1 - c->dampening);
    k->from_g = c->nesterov != 0 ? inside : 0;
    k->from_m = c->nesterov != 0 ? c->momentum : 1;
    k->step = in_buffer ? 1 : c->lr;
}

void ravine_numbers_adagrad(const ravine_config *c, rule_step *s, kernel_coefficients *k) {
    const int64_t t = s->step_count;
    const double count = c->rule == RAVINE_ADAGRAD_MEAN ? (double)t : 1;
    k->v_keep = 1;
    k->v_intake = 1;
    root(c, count, k);
    if (c->eps_form == RAVINE_EPS_HAT) { /* the mean is no correction that the step could carry */
        k->sigma_scale = 1 / sqrt(count);
        k->sigma_divisor = 1;
    }
    k->step = c->lr / (1 + (double)(t - 1) * c->lr_decay);
}

void ravine_numbers_rmsprop(const ravine_config *c, rule_step *s, kernel_coefficients *k) {
    const bool in_buffer = c->lr_in_momentum != 0 && s->shape.momentum == MOMENTUM_NORMALIZED;
    const bool start = s->step_count == 1 && c->initial_form == RAVINE_INITIAL_GRADIENT;
    moving_mean(start ? 0 : c->alpha, &k->v_keep, &k->v_intake);
    root(c, 1, k);
    k->momentum = c->momentum;
    k->intake = in_buffer ? c->lr : 1;
    k->step = in_buffer ? 1 : c->lr;
}

/* adam, adamw, adabelief, yogi */
void ravine_numbers_adam(const ravine_config *c, rule_step *s, kernel_coefficients *k) {
    const int64_t t = s->step_count;
    moving_mean(c->beta1, &k->momentum, &k->intake);
    moving_mean(c->beta2, &k->v_keep, &k->v_intake);
    k->step *= root(c, correction(c, c->beta2, t), k) / correction(c, c->beta1, t);
    if (c->rule == RAVINE_ADABELIEF) k->look = c->eps;
}

void ravine_numbers_adamax(const ravine_config *c, rule_step *s, kernel_coefficients *k) {
    const int64_t t = s->step_count;
    moving_mean(c->beta1, &k->momentum, &k->intake);
    k->v_keep = c->beta2;
    k->eps_outside = c->eps;
    k->step = c->lr / ravine_one_minus_power(c->beta1, t);
}

void ravine_numbers_nadam(const ravine_config *c, rule_step *s, kernel_coefficients *k) {
    const int64_t t = s->step_count;
    double *product = &s->scalar[0];
    const double mu = c->beta1 * (1 - 0.5 * ravine_pow(0.96, (double)t * c->momentum_decay));
    const double next =
        c->beta1 * (1 - 0.5 * ravine_pow(0.96, (double)(t + 1) * c->momentum_decay));
    *product *= mu;
    moving_mean(c->beta1, &k->momentum, &k->intake);
    moving_mean(c->beta2, &k->v_keep, &k->v_intake);
    const double eta = c->lr * root(c, ravine_one_minus_power(c->beta2, t), k);
    k->from_g = eta * (1 - mu) / (1 - *product);
    k->from_m = eta * next / (1 - *product * next);
    k->step = 1;
}

/* The number of gradients that sigma is worth (Liu et al. 2020, eq. 4),
 *     rho_t = 2 / (1 - beta) - 1 - 2 t beta^t / (1 - beta^t),
 * is a small difference of large numbers. With p = beta^t, q = 1 - beta^t and n = q rho_t it has a
 * form of positive terms alone: from (s, t) to s + t p = p_s p_t,  q = q_s + p_s q_t,  n = n_s +
 * p_s n_t + 2 s p_s q_t, starting at t = 1 with (beta, 1 - beta, 1 - beta). In pairs, because each
 * doubling of t doubles the relative error of p. */
typedef struct sample_count {
    double t;
    pair p, q, n;
} sample_count;

static sample_count join(sample_count s, sample_count t) {
    const pair both = pair_multiply((pair){2 * s.t, 0}, pair_multiply(s.p, t.q));
    return (sample_count){.t = s.t + t.t,
                          .p = pair_multiply(s.p, t.p),
                          .q = pair_add(s.q, pair_multiply(s.p, t.q)),
                          .n = pair_add(pair_add(s.n, pair_multiply(s.p, t.n)), both)};
}

static double effective_samples(double beta, int64_t t) {
    const pair rest = pair_sum(1, -beta);
    sample_count power = {1, {beta, 0}, rest, rest}, all = {0, {1, 0}, {0, 0}, {0, 0}};
    for (uint64_t bits = (uint64_t)t; bits; bits >>= 1) {
        if (bits & 1) all = join(all, power);
        power = join(power, power);
    }
    return pair_divide(all.n, all.q).hi;
}

/* r_t of Liu et al. 2020. Ratio by ratio: each is 1 in the end, whatever was rounded before. */
static double rectification(double beta, double rho) {
    const double limit = pair_divide(pair_sum(1, beta), pair_sum(1, -beta)).hi; /* of rho */
    return sqrt((rho - 4) / (limit - 4) * ((rho - 2) / (limit - 2)) * (limit / rho));
}

void ravine_numbers_radam(const ravine_config *c, rule_step *s, kernel_coefficients *k) {
    const int64_t t = s->step_count;
    const double rho = effective_samples(c->beta2, t);
    moving_mean(c->beta1, &k->momentum, &k->intake);
    moving_mean(c->beta2, &k->v_keep, &k->v_intake);
    k->step = c->lr / ravine_one_minus_power(c->beta1, t);
    if (rho > 5) {
        const double rectify = rectification(c->beta2, rho);
        k->step *= rectify * root(c, ravine_one_minus_power(c->beta2, t), k);
        k->sigma_divisor *= rectify;
    } else { /* sigma = sqrt(v) * 0 + 1: too few gradients to know it */
        k->v_scale = 1;
        k->eps_outside = 1;
    }
}

/* The eta and mu of a step were set at the end of the one before, as PyTorch does. */
void ravine_numbers_asgd(const ravine_config *c, rule_step *s, kernel_coefficients *k) {
    const int64_t t = s->step_count;
    double *scalar = s->scalar;
    const double eta = t == 1 ? c->lr : scalar[0];
    k->decay += c->lambd * eta * (1 - k->decay); /* both decays, one after the other */
    k->step = eta;
    k->average = t == 1 ? 1 : scalar[1];
    scalar[0] = c->lr / ravine_pow(1 + c->lambd * c->lr * (double)t, c->power);
    scalar[1] = 1 / fmax(1, (double)t - c->average_start);
}

void ravine_numbers_rprop(const ravine_config *c, rule_step *s, kernel_coefficients *k) {
    (void)s;
    k->grow = c->eta_plus;
    k->cut = c->eta_minus;
    k->step_min = c->step_min;
    k->step_max = c->step_max;
}

static void sign_momentum(double mix, double beta, kernel_coefficients *k) {
    moving_mean(mix, &k->from_m, &k->from_g);
    moving_mean(beta, &k->momentum, &k->intake);
}

void ravine_numbers_adan(const ravine_config *c, rule_step *s, kernel_coefficients *k) {
    const int64_t t = s->step_count;
    moving_mean(c->beta1, &k->momentum, &k->intake);
    moving_mean(c->beta2, &k->change_keep, &k->change_intake);
    moving_mean(c->beta3, &k->v_keep, &k->v_intake);
    k->change = t > 1;
    k->look = c->beta2;
    k->from_m = 1 / correction(c, c->beta1, t);
    k->from_change = c->beta2 / correction(c, c->beta2, t);
    k->step *= root(c, correction(c, c->beta3, t), k);
}

void ravine_numbers_adopt(const ravine_config *c, rule_step *s, kernel_coefficients *k) {
    const int64_t t = s->step_count;
    moving_mean(c->beta1, &k->momentum, &k->intake);
    moving_mean(t == 1 ? 0 : c->beta2, &k->v_keep, &k->v_intake);
    k->eps_outside = c->eps;
    k->bound = sqrt(sqrt((double)(t - 1)));
    if (t == 1) k->decay = 0; /* the authors' code does nothing else at the first step */
}

void ravine_numbers_lion(const ravine_config *c, rule_step *s, kernel_coefficients *k) {
    (void)s;
    sign_momentum(c->beta1, c->beta2, k);
}

void ravine_numbers_signum(const ravine_config *c, rule_step *s, kernel_coefficients *k) {
    (void)s;
    sign_momentum(c->momentum, c->momentum, k);
}

void ravine_numbers_adadelta(const ravine_config *c, rule_step *s, kernel_coefficients *k) {
    (void)s;
    moving_mean(c->rho, &k->v_keep, &k->v_intake);
    k->eps_inside = c->eps;
}
