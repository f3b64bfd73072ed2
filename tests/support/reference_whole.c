/* reference_whole.c - see reference_whole.h. */
#include "reference_whole.h"

#include <math.h>
#include <stdlib.h>

typedef long double real;

bool whole_knows(int rule) {
    return rule == RAVINE_LAMB;
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

void whole_step(const ravine_config *c, whole_tensor *w, int64_t t, long double largest,
                long double epsilon) {
    take_gradients(c, w, largest);
    (void)epsilon;
    lamb(c, w, t);
}
