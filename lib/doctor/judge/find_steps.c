/* SPDX-License-Identifier: Apache-2.0 */
/* How the steps go: how long they are, whether they turn, whether the loss follows the slope.
 * Formulas and anchors: docs/internals/doctor.md. */
#include "doctor/judge/findings.h"

#include <float.h>
#include <math.h>

#define STEP_VALUE(name, value)                             \
    static double name(const ravine_doctor *d, int64_t k) { \
        const doctor_step *s = ravine_doctor_back(d, k);    \
        return value;                                       \
    }
STEP_VALUE(move_of, s->update / s->param)
STEP_VALUE(slope_of, s->slope)
STEP_VALUE(sign_change_rate_of, s->sign_change_rate)
STEP_VALUE(sign_change_rate_lag2_of, s->sign_change_rate_lag2)
STEP_VALUE(line_position_of, s->line_position)
#undef STEP_VALUE

/* <g_t, u_(t-1)> of the step k ago. */
static double arrival(const ravine_doctor *d, int64_t k) {
    if (k + 1 >= ravine_doctor_window_length(d)) return NAN;
    return -ravine_doctor_back(d, k)->line_position * ravine_doctor_back(d, k + 1)->slope;
}

/* Slopes at both ends of the steps of the window, against each other and against the loss. */
static void find_slopes(const ravine_doctor *d, doctor_findings *f) {
    double arrived = 0, departed = 0, square = 0, before = NAN, product = 0;
    double missed = 0, counted = 0, promised = 0, fell = 0;
    int64_t n = 0;
    for (int64_t k = (int64_t)f->steps - 2; k >= 0; k--) { /* from the oldest */
        const double end = arrival(d, k), start = ravine_doctor_back(d, k + 1)->slope;
        if (isnan(end)) continue;
        arrived += end;
        departed += fabs(start) > 0 ? start : 0;
        square += end * end;
        if (!isnan(before)) product += end * before;
        before = end;
        n++;
        const double fall = ravine_doctor_back(d, k)->loss - ravine_doctor_back(d, k + 1)->loss;
        missed += fabs(fall - (start + end) / 2);
        promised += (start + end) / 2;
        fell += fall;
        counted += fabs(start);
    }
    f->line_position = n > 0 && departed != 0 ? -arrived / departed : NAN;
    /* Slopes of a few roundings of the loss, or that are no full numbers any more, tell nothing. */
    const double roundings = 16 * DBL_EPSILON * fabs(f->loss) * (double)n;
    f->rounded = counted <= fmax(roundings, DBL_MIN / DBL_EPSILON);
    f->noise = f->rounded != 0 ? NAN : missed / counted;
    f->follows = f->rounded != 0 ? NAN : fell / promised;
    f->drift_z = NAN;
    enum { STEPS_LEAST = 16 };
    if (n < STEPS_LEAST) return;
    const double mean = arrived / (double)n;
    const double variance = square / (double)n - mean * mean;
    if (!(variance > 0)) return;
    const double correlation =
        fmax(0, fmin(0.95, (product / (double)(n - 1) - mean * mean) / variance));
    const double independent = (double)n * (1 - correlation) / (1 + correlation);
    f->drift_z = -mean / sqrt(variance / independent);
}

/* How far momentum cancels: ln(|m|^2 / mean |g|^2) in units of what white noise leaves of it. */
static double find_zeta(const ravine_doctor *d, const doctor_findings *f) {
    const ravine_config c = ravine_doctor_config(d);
    const bool buffer = c.rule >= 0 && ravine_doctor_is_heavy_ball(&c);
    const double beta = buffer ? c.momentum : c.beta1;
    if (c.rule < 0 || !(beta > 0 && beta < 1)) return NAN;
    const double scale = buffer ? (1 - beta) / (1 - c.dampening) : 1;
    double mean2 = 0, gradient2 = 0;
    for (int64_t k = 0; k < (int64_t)f->steps; k++) {
        const doctor_step *s = ravine_doctor_back(d, k);
        const double m = scale * s->momentum / d->h.gradient_most;
        const double g = s->gradient / d->h.gradient_most;
        if (!isfinite(m)) return NAN;
        mean2 += m * m;
        gradient2 += g * g;
    }
    return gradient2 > 0 ? log(mean2 / gradient2) / log((1 - beta) / (1 + beta)) : NAN;
}

/* A few numbers may be near 0 by chance; the length of many is a yardstick for steps. */
static bool is_yardstick(const ravine_doctor *d) {
    enum { MANY = 64 };
    double elements = 0;
    for (int32_t k = 0; k < d->nparts; k++) elements += d->parts[k].elements;
    return d->nparts == 0 || elements >= MANY;
}

/* Steps as a share of the parameters' length. */
static void find_moves(const ravine_doctor *d, doctor_findings *f) {
    const doctor_history *h = &d->h;
    const int64_t n = (int64_t)f->steps;
    f->still = h->still;
    f->efficiency = h->efficiency;
    f->first_move = f->early_way = f->move = f->move_most = f->stretch = NAN;
    if (!is_yardstick(d)) return;
    f->first_move = h->update_first / h->param_first;
    f->early_way = h->way_early / h->param_first;
    f->move = ravine_doctor_median_back(d, n, move_of);
    f->move_most = h->move_most;
    f->stretch = n > 0 ? ravine_doctor_back(d, 0)->param / h->param_first : NAN;
}

static void find_bursts(const ravine_doctor *d, doctor_findings *f) {
    enum { HORIZON = 10 }; /* windows in which a burst counts */
    const doctor_history *h = &d->h;
    const double window = (double)d->options.window;
    const int64_t count = (int64_t)h->bursts;
    f->bursts = 0;
    for (int64_t k = 0; k < DOCTOR_BURSTS && k < count; k++)
        f->bursts += h->step - h->past[k].start <= HORIZON * window;
    f->burst_age = f->burst_calm = INFINITY;
    if (count == 0) return;
    const double last = doctor_burst_back(h, 0)->peak;
    const double interval = count > 1 ? last - doctor_burst_back(h, 1)->peak : 2 * window;
    f->burst_age = h->step - last;
    f->burst_calm = f->burst_age / interval;
}

/* The first steps of a rule, before its sigma has seen enough gradients. */
static void find_start(const ravine_doctor *d, doctor_findings *f) {
    const double share = 0.05; /* of the budget that counts as the first steps */
    const doctor_history *h = &d->h;
    const ravine_config c = ravine_doctor_config(d);
    const double memory = c.rule < 0 ? NAN : fmax(c.beta2, c.alpha);
    f->young = h->step / fmax(1 / (1 - memory), share * f->budget);
    f->from_start = h->kept > 0 && h->first_step <= 1;
    const double rise = h->thrown - fmax(h->loss_first, f->loss_start);
    f->thrown = rise / fabs(h->loss_first);
    f->thrown_z = rise / (f->spread * fabs(f->loss));
}

void ravine_doctor_find_steps(const ravine_doctor *d, doctor_findings *f) {
    const int64_t n = ravine_doctor_window_length(d);
    const doctor_recent recent = ravine_doctor_recent_of(d);
    const double total = d->h.fact[RAVINE_FACT_TOTAL_STEPS];
    f->steps = (double)n;
    f->observed = d->h.observed;
    f->budget = isnan(total) ? (double)d->options.budget : fmax(total - d->h.step, 0);
    f->sign_change_rate = ravine_doctor_mean_back(d, n, sign_change_rate_of);
    f->sign_change_rate_lag2 = ravine_doctor_mean_back(d, n, sign_change_rate_lag2_of);
    f->line_position_median = ravine_doctor_median_back(d, n, line_position_of);
    f->recent_line_position = recent.line_position;
    f->recent_sign_change_rate = recent.sign_change_rate;
    f->adaptive = ravine_doctor_is_adaptive(d);
    f->zeta = find_zeta(d, f);
    find_slopes(d, f);
    /* Noise in the gradient turns it from step to step as curvature does, by twice what the loss
     * does not follow. */
    f->flattens = 1 + f->line_position_median - 2 * f->noise;
    /* Of a parabola with slope and curvature of the last steps. */
    enum { RECENT = 8 };
    const double slope = ravine_doctor_median_back(d, n < RECENT ? n : RECENT, slope_of);
    f->remaining = -slope / (2 * (1 + recent.line_position)) / fmin(fabs(f->loss), f->loss_range);
    f->turned = 2 * fabs(f->flattens) / (1 + f->line_position_median);
    f->gone = (1 + f->line_position_median) * f->budget;
    f->recent_gone = (1 + recent.line_position) * f->budget;
    f->swing = f->sign_change_rate_lag2 / f->sign_change_rate;
    find_moves(d, f);
    find_bursts(d, f);
    find_start(d, f);
}
