/* SPDX-License-Identifier: Apache-2.0 */
/* What the gradient is: how long, how much of it is 0, clipped, or lost on the way to a parameter.
 */
#include "doctor/judge/findings.h"
#include "math/sort.h"

#include <math.h>

#define STEP_VALUE(name, value)                             \
    static double name(const ravine_doctor *d, int64_t k) { \
        const doctor_step *s = ravine_doctor_back(d, k);    \
        return value;                                       \
    }
STEP_VALUE(gradient_of, s->gradient)
STEP_VALUE(zero_share_of, s->zero_share)
STEP_VALUE(underflow_share_of, s->underflow_share)
STEP_VALUE(eps_share_of, s->eps_share)
STEP_VALUE(clipped_of, s->clip < 1)
STEP_VALUE(clip_of, s->clip < 1 ? s->clip : NAN)
#undef STEP_VALUE

/* |decay| over |update|: the pull towards 0 in a step, and all of the step. */
static double find_decay_share(const ravine_doctor *d) {
    enum { RECENT = 16 };
    const ravine_config c = ravine_doctor_config(d);
    const int64_t length = ravine_doctor_window_length(d), n = length < RECENT ? length : RECENT;
    if (c.rule < 0 || c.weight_decay == 0 || n == 0) return c.rule < 0 ? NAN : 0;
    double share[RECENT];
    for (int64_t k = 0; k < n; k++) {
        const doctor_step *s = ravine_doctor_back(d, k);
        const double pull = c.weight_decay * s->param;
        switch ((ravine_decay_form)c.decay_form) {
        case RAVINE_DECAY_COUPLED: share[k] = pull / (pull + s->gradient * s->clip); break;
        case RAVINE_DECAY_INDEPENDENT: share[k] = pull / s->update; break;
        case RAVINE_DECAY_DECOUPLED:
        case RAVINE_DECAY_PROXIMAL:
        default: share[k] = s->lr * pull / s->update; break;
        }
    }
    return ravine_median(share, n);
}

/* A gradient many times as long as the usual one, and gone again: a wall across the way. Where the
 * norm only grows there is none. */
static double find_wall(double peak, double rise) {
    const double far = 10;
    return peak > far && rise * far < peak ? peak : 0;
}

void ravine_doctor_find_gradient(const ravine_doctor *d, doctor_findings *f) {
    const doctor_history *h = &d->h;
    const int64_t n = ravine_doctor_window_length(d);
    const doctor_recent recent = ravine_doctor_recent_of(d);
    double most = 0;
    for (int64_t k = 0; k < n; k++) most = fmax(most, ravine_doctor_back(d, k)->gradient);
    f->gradient = recent.gradient;
    f->gradient_share = recent.gradient / h->gradient_most;
    f->gradient_alive = h->gradient_alive / h->gradient_most;
    f->gradient_rise = recent.rise;
    f->gradient_usual = ravine_doctor_median_back(d, n, gradient_of);
    f->gradient_peak = most / f->gradient_usual;
    f->gradient_wall = find_wall(f->gradient_peak, f->gradient_rise);
    f->growth = recent.growth;
    f->growth_least = recent.growth_least;
    /* Parameters that are hardly longer than their way do not tell how far it is. */
    const double param = n > 0 ? ravine_doctor_back(d, 0)->param : NAN;
    f->elasticity = param > 2 * h->way ? f->gradient * param / f->loss_scale : NAN;
    f->silent = h->silent;
    f->silent_share_of_run = h->silent / h->observed;
    f->same_norm = h->same_norm;
    f->clip_share = ravine_doctor_mean_back(d, n, clipped_of);
    f->clip_factor = ravine_doctor_median_back(d, n, clip_of);
    f->zero_share = ravine_doctor_median_back(d, n, zero_share_of);
    f->quiet_share = n > 0 ? ravine_doctor_back(d, 0)->quiet_share : NAN;
    if (isnan(f->quiet_share)) f->quiet_share = f->zero_share;
    f->underflow_share = ravine_doctor_median_back(d, n, underflow_share_of);
    f->eps_share = ravine_doctor_median_back(d, n, eps_share_of);
    f->decay_share = find_decay_share(d);
}
