/* SPDX-License-Identifier: Apache-2.0 */
/* The spectrum of the Hessian, and of the Hessian as the optimizer's step sees it. */
#include "doctor/probe/probe.h"
#include "math/random.h"
#include "optimizer/optimizer.h"

#include <math.h>

/* Where Lanczos' iteration starts: the gradient, so that the space answers for it, and a tenth of
 * chance, so that no direction is left out by symmetry. */
static void start(const probing *p, double *v) {
    const double chance = 0.1;
    const int64_t n = p->space.n;
    const double length = ravine_norm(v, n);
    double squares = 0;
    for (int64_t i = 0; i < n; i++) {
        const double r = 2 * ravine_random_uniform(p->options.seed, 0, (uint64_t)i) - 1;
        squares += r * r;
    }
    for (int64_t i = 0; i < n; i++) {
        const double r = 2 * ravine_random_uniform(p->options.seed, 0, (uint64_t)i) - 1;
        v[i] = (length > 0 ? v[i] / length : 0) + chance * r / sqrt(squares);
    }
    const double mixed = ravine_norm(v, n);
    for (int64_t i = 0; i < n; i++) v[i] /= mixed;
}

static ravine_status choose_distance(probing *p) {
    if (p->space.distance > 0 || p->space.problem.product) return RAVINE_OK;
    for (int64_t i = 0; i < p->space.n; i++) p->a[i] = p->g[i];
    start(p, p->a);
    return ravine_space_choose_distance(&p->space, p->a, p->g, p->lanczos.work);
}

/* ---- H ---- */

static ravine_status plain_product(void *context, const double *x, double *y) {
    return ravine_space_product(context, x, y);
}

/* What cannot be told from zero: what the type of the gradients leaves of a difference (as a share
 * of the largest curvature; docs/internals/probes.md), or what the projection shows of it: a random
 * symmetric matrix of m dimensions has norm 2 sqrt(m) times the deviation of its entries. */
static double noise_of(const probing *p, double largest) {
    return fmax(p->space.type->curvature * largest,
                4 * sqrt((double)p->lanczos.steps) * p->lanczos.defect);
}

/* 1/2 g' |T|^-1 g for the part of g in the space. */
static double krylov_decrease(probing *p, double noise) {
    const lanczos *l = &p->lanczos;
    double sum = 0;
    for (int32_t k = 0; k < l->steps; k++) {
        ravine_lanczos_vector(l, k, p->a);
        const double along = ravine_dot(p->a, p->g, l->n);
        if (along != 0) sum += along * along / fmax(fabs(l->value[k]), noise);
    }
    return sum / 2;
}

ravine_status ravine_probe_spectrum(probing *p) {
    lanczos *l = &p->lanczos;
    ravine_probe *r = &p->result;
    ravine_status status = choose_distance(p);
    if (status) return status;
    l->wanted = p->options.lanczos;
    for (int64_t i = 0; i < l->n; i++) l->basis[i] = p->g[i];
    start(p, l->basis);
    status = ravine_lanczos_run(l, plain_product, &p->space);
    if (status) return status;
    const int32_t last = l->steps - 1;
    r->lanczos = l->steps;
    r->lambda_min = l->value[0];
    r->lambda_max = l->value[last];
    r->lambda_min_residual = ravine_lanczos_residual(l, 0);
    r->lambda_max_residual = ravine_lanczos_residual(l, last);
    r->curvature_noise = noise_of(p, fmax(fabs(r->lambda_min), fabs(r->lambda_max)));
    for (int32_t k = 0; k <= last; k++) r->flat += fabs(l->value[k]) <= r->curvature_noise;
    r->krylov_decrease = krylov_decrease(p, r->curvature_noise);
    return RAVINE_OK;
}

/* ---- H under sigma ---- */

/* The number of the step that p->next has made with a parameter, from 0. */
static int64_t step_of(const param *p) {
    return p->step_count > 0 ? p->step_count - 1 : 0;
}

static const param *first_of(const ravine_optimizer *o, int32_t index) {
    for (int64_t i = 0; i < o->nparams; i++) {
        const param *p = ravine_param_of(o, i);
        if (p->group == index && p->grad && p->len > 0) return p;
    }
    return NULL;
}

/* Learning rate and limit of a group's step. */
typedef struct rate {
    double lr, limit;
} rate;

static rate rate_of(const ravine_optimizer *next, const param *p) {
    const ravine_config *c = &next->groups[p->group].now;
    const int64_t t = step_of(p);
    return (rate){ravine_effective_lr(c, c->lr, t), ravine_stability_limit(c, c->lr, t)};
}

/* Of the first group with a gradient; NaN if any group goes by signs. */
void ravine_probe_limit(probing *p) {
    const ravine_optimizer *next = p->next;
    p->result.lr = NAN;
    for (int32_t k = 0; k < next->ngroups; k++) {
        const param *first = first_of(next, k);
        if (!first) continue;
        const rate r = rate_of(next, first);
        if (isnan(p->result.lr)) {
            p->result.lr = r.lr;
            p->result.limit = r.limit;
        }
        if (isnan(r.limit)) p->result.limit = NAN;
    }
}

/* Element i moves by lr weight_i^2 of its gradient, in the units of the first group: 1 / sigma, and
 * what the group's own lr and limit are against the first one's. weight: [n]. */
static ravine_status weigh(const probing *p, double *weight) {
    const ravine_optimizer *next = p->next;
    const double lr = p->result.lr, limit = p->result.limit;
    for (int64_t i = 0; i < next->nparams; i++) {
        const param *q = ravine_param_of(next, i);
        if (!q->grad || q->len == 0) continue;
        const rate r = rate_of(next, q);
        const double ratio = (lr > 0 ? r.lr / lr : 1) * limit / r.limit;
        const ravine_status status = ravine_sigma(next, q->name, weight, q->len);
        if (status) return status;
        for (int64_t k = 0; k < q->len; k++) {
            const double squared = ratio / weight[k];
            weight[k] = squared > 0 && isfinite(squared) ? sqrt(squared) : 0; /* it cannot move */
        }
        weight += q->len;
    }
    return RAVINE_OK;
}

static double coupled_decay(const ravine_optimizer *next, const param *q) {
    const ravine_config *c = &next->groups[q->group].now;
    return c->decay_form == RAVINE_DECAY_COUPLED ? c->weight_decay : 0;
}

/* y = D (sign H + decay) D x, D = diag(weight) in p->b. */
static ravine_status weighed_product(void *context, const double *x, double *y) {
    probing *p = context;
    const double *weight = p->b;
    for (int64_t i = 0; i < p->space.n; i++) p->a[i] = weight[i] * x[i];
    const ravine_status status = ravine_space_product(&p->space, p->a, y);
    if (status) return status;
    const double *moved = p->a;
    for (int64_t i = 0; i < p->next->nparams; i++) {
        const param *q = ravine_param_of(p->next, i);
        if (!q->grad || q->len == 0) continue;
        const double decay = coupled_decay(p->next, q);
        for (int64_t k = 0; k < q->len; k++) y[k] = weight[k] * (p->sign * y[k] + decay * moved[k]);
        y += q->len;
        weight += q->len;
        moved += q->len;
    }
    return RAVINE_OK;
}

/* sigma, rates and decay are the same for all elements: the plain spectrum answers. */
static bool is_even(const probing *p, double *decay) {
    const ravine_optimizer *next = p->next;
    *decay = NAN;
    for (int64_t i = 1; i < p->space.n; i++)
        if (p->b[i] != p->b[0]) return false;
    for (int64_t i = 0; i < next->nparams; i++) {
        const param *q = ravine_param_of(next, i);
        if (!q->grad || q->len == 0) continue;
        if (isnan(*decay)) *decay = coupled_decay(next, q);
        if (coupled_decay(next, q) != *decay) return false;
    }
    return p->result.lanczos >= p->options.preconditioned || p->result.lanczos == p->space.n;
}

ravine_status ravine_probe_sharpness(probing *p) {
    lanczos *l = &p->lanczos;
    ravine_probe *r = &p->result;
    if (isnan(r->limit)) return RAVINE_OK;
    ravine_status status = choose_distance(p);
    if (!status) status = weigh(p, p->b);
    if (status) return status;
    double decay;
    if (is_even(p, &decay)) {
        const double curvature = p->sign > 0 ? r->lambda_max : -r->lambda_min;
        r->sharpness = p->b[0] * p->b[0] * (curvature + decay);
        return RAVINE_OK;
    }
    l->wanted = p->options.preconditioned;
    for (int64_t i = 0; i < l->n; i++) l->basis[i] = p->b[i] * p->g[i];
    start(p, l->basis);
    status = ravine_lanczos_run(l, weighed_product, p);
    if (!status) r->sharpness = l->value[l->steps - 1];
    return status;
}
