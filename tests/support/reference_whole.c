/* SPDX-License-Identifier: Apache-2.0 */
/* reference_whole.c - see reference_whole.h. */
#include "reference_whole.h"

#include <math.h>
#include <stdlib.h>

typedef long double real;

bool whole_knows(int rule) {
    return rule == RAVINE_LAMB || rule == RAVINE_ADAFACTOR;
}

/* What the rule sees: signed, clamped, with coupled decay; elements whose square overflows wait. */
static void take_gradients(const ravine_config *c, whole_tensor *w, real largest) {
    w->largest = 0;
    for (int64_t i = 0; i < w->len; i++) {
        real g = c->maximize != 0 ? -w->gradient[i] : w->gradient[i];
        w->held[i] = !(fabsl(g) <= largest && g * g <= largest);
        if (isfinite(c->clip_value)) g = fminl(fmaxl(g, -(real)c->clip_value), (real)c->clip_value);
        const real pull =
            c->decay_form == RAVINE_DECAY_COUPLED ? (real)c->weight_decay * w->theta[i] : 0;
        w->size[i] = w->held[i] ? 0 : fabsl(g) + fabsl(pull);
        w->largest = fmaxl(w->largest, w->size[i]);
        w->gradient[i] = w->held[i] ? 0 : g + pull;
    }
}

static real sigma_of(const ravine_config *c, real v, real correction) {
    if (c->eps_form == RAVINE_EPS_HAT) return (sqrtl(v) + (real)c->eps) / sqrtl(correction);
    if (c->eps_form == RAVINE_EPS_INSIDE) return sqrtl(v / correction + (real)c->eps);
    return sqrtl(v / correction) + (real)c->eps;
}

/* You et al. 2020, Algorithm 2. Decay beside the update, of the independent form, is no part of r.
 */
static void lamb(const ravine_config *c, whole_tensor *w, int64_t t) {
    const real b1 = (real)c->beta1, b2 = (real)c->beta2, lr = (real)c->lr;
    const bool corrects = c->bias_correction != 0;
    const real first = corrects && b1 > 0 ? -expm1l((real)t * log1pl(b1 - 1)) : 1;
    const real second = corrects && b2 > 0 ? -expm1l((real)t * log1pl(b2 - 1)) : 1;
    const real inside = c->decay_form == RAVINE_DECAY_DECOUPLED ? (real)c->weight_decay : 0;
    const real beside = c->decay_form == RAVINE_DECAY_INDEPENDENT ? (real)c->weight_decay : 0;
    real *const r = calloc((size_t)w->len + 1, sizeof *r), theta2 = 0, r2 = 0;
    for (int64_t i = 0; i < w->len; i++) {
        const real g = w->gradient[i];
        if (w->held[i]) continue;
        const real parts = b1 * fabsl(w->mean[i]) + (1 - b1) * w->size[i];
        w->mean[i] = b1 * w->mean[i] + (1 - b1) * g;
        w->square[i] = b2 * w->square[i] + (1 - b2) * g * g;
        const real sigma = sigma_of(c, w->square[i], second);
        const real m = sigma == 0 ? 0 : w->mean[i] / first / sigma;
        r[i] = m + inside * w->theta[i];
        w->move[i] = (sigma == 0 ? 0 : parts / first / sigma) + fabsl(inside * w->theta[i]);
        theta2 += w->theta[i] * w->theta[i];
        r2 += r[i] * r[i];
    }
    const real ratio = theta2 == 0 || r2 == 0 ? 1 : sqrtl(theta2) / sqrtl(r2);
    for (int64_t i = 0; i < w->len; i++) {
        if (w->held[i]) continue;
        w->move[i] = lr * ratio * w->move[i] + beside * fabsl(w->theta[i]);
        w->theta[i] -= lr * ratio * r[i] + beside * w->theta[i];
    }
    free(r);
}

/* The mean of the squares that are not held, `n` of them `apart`, into *v. */
static void take_mean(const whole_tensor *w, int64_t first, int64_t n, int64_t apart, real share,
                      real *v) {
    real sum = 0;
    int64_t count = 0;
    for (int64_t k = 0; k < n; k++) {
        const int64_t i = first + k * apart;
        sum += w->gradient[i] * w->gradient[i];
        count += !w->held[i];
    }
    if (count > 0) *v = (1 - share) * *v + share * sum / (real)count;
}

static void take_squares(whole_tensor *w, real share) {
    const int64_t size = w->rows * w->columns;
    if (w->rows == 0) {
        for (int64_t i = 0; i < w->len; i++) take_mean(w, i, 1, 1, share, &w->variance[i]);
        return;
    }
    for (int64_t at = 0; at < w->len; at += size) {
        real *const row = w->row + at / w->columns, *const column = w->column + at / w->rows;
        for (int64_t k = 0; k < w->rows; k++)
            take_mean(w, at + k * w->columns, w->columns, 1, share, &row[k]);
        for (int64_t k = 0; k < w->columns; k++)
            take_mean(w, at + k, w->rows, w->columns, share, &column[k]);
    }
}

/* Of element i; the mean of its matrix's rows is made anew for each. */
static real estimate(const whole_tensor *w, int64_t i, real eps1) {
    if (w->rows == 0) return w->variance[i];
    const int64_t matrix = i / (w->rows * w->columns);
    real mean = 0;
    for (int64_t k = 0; k < w->rows; k++) mean += w->row[matrix * w->rows + k] / (real)w->rows;
    mean = fmaxl(mean, eps1);
    return w->row[i / w->columns] * w->column[matrix * w->columns + i % w->columns] / mean;
}

/* Shazeer & Stern 2018 as torch.optim.Adafactor 2.13. */
static void adafactor(const ravine_config *c, whole_tensor *w, int64_t t, real epsilon) {
    const real eps1 = c->eps1 > 0 ? (real)c->eps1 : epsilon, lr = (real)c->lr;
    const real inside = c->decay_form == RAVINE_DECAY_DECOUPLED     ? lr * (real)c->weight_decay
                        : c->decay_form == RAVINE_DECAY_INDEPENDENT ? (real)c->weight_decay
                                                                    : 0;
    real *const u = calloc((size_t)w->len + 1, sizeof *u), theta2 = 0, u2 = 0;
    int64_t count = 0;
    take_squares(w, powl((real)t, (real)c->beta2_decay));
    for (int64_t i = 0; i < w->len; i++) {
        if (w->held[i]) continue;
        u[i] = w->gradient[i] / fmaxl(sqrtl(estimate(w, i, eps1)), eps1);
        theta2 += w->theta[i] * w->theta[i];
        u2 += u[i] * u[i];
        count++;
    }
    const real n = (real)(count > 0 ? count : 1);
    const real alpha = fmaxl((real)c->eps2, sqrtl(theta2 / n)) * fminl(lr, 1 / sqrtl((real)t));
    const real step = alpha / fmaxl(1, sqrtl(u2 / n) / (real)c->clip_update);
    for (int64_t i = 0; i < w->len; i++) {
        if (w->held[i]) continue;
        w->move[i] = fabsl(step * u[i]) + fabsl(inside * w->theta[i]);
        w->theta[i] -= inside * w->theta[i] + step * u[i];
    }
    free(u);
}

void whole_step(const ravine_config *c, whole_tensor *w, int64_t t, long double largest,
                long double epsilon) {
    take_gradients(c, w, largest);
    if (c->rule == RAVINE_LAMB)
        lamb(c, w, t);
    else
        adafactor(c, w, t, epsilon);
}
