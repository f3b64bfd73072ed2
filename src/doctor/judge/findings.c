/* What the window shows. Formulas and anchors: docs/internals/doctor.md. */
#include "doctor/doctor.h"
#include "optimizer/settings.h"

#include <float.h>
#include <math.h>

enum { RECENT = 8, MEDIAN_MOST = 1024 };

/* Median of f(d, k) over the last n steps, those that are not known left out. Of a long window the
 * median is over every so many steps. */
static double median_back(const ravine_doctor *d, int64_t n,
                          double (*f)(const ravine_doctor *d, int64_t k)) {
    double value[MEDIAN_MOST];
    int64_t count = 0;
    const int64_t stride = n / MEDIAN_MOST + 1;
    for (int64_t k = 0; k < n; k += stride) {
        const double one = f(d, k);
        if (!isnan(one)) value[count++] = one;
    }
    return doctor_median(value, count);
}

static double mean_back(const ravine_doctor *d, int64_t n,
                        double (*f)(const ravine_doctor *d, int64_t k)) {
    double sum = 0;
    int64_t count = 0;
    for (int64_t k = 0; k < n; k++) {
        const double one = f(d, k);
        if (isnan(one)) continue;
        sum += one;
        count++;
    }
    return count > 0 ? sum / (double)count : NAN;
}

#define STEP_VALUE(name, field)                             \
    static double name(const ravine_doctor *d, int64_t k) { \
        return doctor_back(d, k)->field;                    \
    }
STEP_VALUE(gradient_of, gradient)
STEP_VALUE(slope_of, slope)
STEP_VALUE(flips_of, flips)
STEP_VALUE(flips_two_of, flips_two)
STEP_VALUE(alpha_of, alpha)
STEP_VALUE(zero_share_of, zero_share)
STEP_VALUE(lost_share_of, lost_share)
#undef STEP_VALUE

/* Over two steps, so that a bounce between walls of different slope does not look like growth. */
static double growth_of(const ravine_doctor *d, int64_t k) {
    if (k + 2 >= doctor_window_length(d)) return NAN;
    const double before = doctor_back(d, k + 2)->gradient;
    return before > 0 ? sqrt(doctor_back(d, k)->gradient / before) : NAN;
}

/* <g_t, u_(t-1)> of the step k ago. */
static double arrival(const ravine_doctor *d, int64_t k) {
    if (k + 1 >= doctor_window_length(d)) return NAN;
    return -doctor_back(d, k)->alpha * doctor_back(d, k + 1)->slope;
}

/* Slopes at both ends of the steps of the window, against each other and against the loss. */
static void find_slopes(const ravine_doctor *d, doctor_findings *f) {
    double arrived = 0, departed = 0, square = 0, before = NAN, product = 0;
    double missed = 0, counted = 0;
    int64_t n = 0;
    for (int64_t k = f->steps - 2; k >= 0; k--) { /* from the oldest */
        const double end = arrival(d, k), start = doctor_back(d, k + 1)->slope;
        if (isnan(end)) continue;
        arrived += end;
        departed += fabs(start) > 0 ? start : 0;
        square += end * end;
        if (!isnan(before)) product += end * before;
        before = end;
        n++;
        const double fall = doctor_back(d, k)->loss - doctor_back(d, k + 1)->loss;
        missed += fabs(fall - (start + end) / 2);
        counted += fabs(start);
    }
    f->alpha = n > 0 && departed != 0 ? -arrived / departed : NAN;
    /* Slopes of a few roundings of the loss, or that are no full numbers any more, tell nothing. */
    const double roundings = 16 * DBL_EPSILON * fabs(f->loss) * (double)n;
    f->rounded = counted <= fmax(roundings, DBL_MIN / DBL_EPSILON);
    f->noise = f->rounded ? NAN : missed / counted;
    f->drift = f->drift_z = NAN;
    enum { STEPS_LEAST = 16 };
    if (n < STEPS_LEAST) return;
    const double mean = arrived / (double)n;
    const double variance = square / (double)n - mean * mean;
    if (!(variance > 0)) return;
    const double correlation =
        fmax(0, fmin(0.95, (product / (double)(n - 1) - mean * mean) / variance));
    const double independent = (double)n * (1 - correlation) / (1 + correlation);
    f->drift = -mean;
    f->drift_z = -mean / sqrt(variance / independent);
}

/* How far momentum cancels: ln(|m|^2 / mean |g|^2) in units of what white noise leaves of it. */
static double find_zeta(const ravine_doctor *d, const doctor_findings *f) {
    const ravine_config *c = &f->config;
    const bool buffer = c->rule == RAVINE_SGD || c->rule == RAVINE_RMSPROP;
    const double beta = buffer ? c->momentum : c->beta1;
    if (c->rule < 0 || !(beta > 0 && beta < 1)) return NAN;
    const double scale = buffer ? (1 - beta) / (1 - c->dampening) : 1;
    double mean2 = 0, gradient2 = 0;
    for (int64_t k = 0; k < f->steps; k++) {
        const doctor_step *s = doctor_back(d, k);
        const double m = scale * s->momentum / d->h.gradient_most;
        const double g = s->gradient / d->h.gradient_most;
        if (!isfinite(m)) return NAN;
        mean2 += m * m;
        gradient2 += g * g;
    }
    return gradient2 > 0 ? log(mean2 / gradient2) / log((1 - beta) / (1 + beta)) : NAN;
}

/* eta times the curvature along the step k ago: (1 + alpha) <g, u> / <m, u>. Without momentum m is
 * g. With it <m, u> is not known, and |m| |u| is at least as great. */
static double curvature_along(const ravine_doctor *d, const ravine_config *c, int64_t k) {
    if (k + 1 >= doctor_window_length(d)) return NAN;
    const doctor_step *now = doctor_back(d, k), *before = doctor_back(d, k + 1);
    const double straight = 1 + now->alpha;
    const bool buffer = c->rule == RAVINE_SGD || c->rule == RAVINE_RMSPROP;
    const double beta = buffer ? c->momentum : c->beta1;
    if (!(beta > 0)) return straight;
    const double correction = c->bias_correction != 0 ? 1 - pow(beta, before->step) : 1;
    const double both = before->momentum / correction * before->update;
    return both > 0 ? straight * -before->slope / both : NAN;
}

static void find_stability(const ravine_doctor *d, doctor_findings *f) {
    f->limit = f->stability = f->curvature = NAN;
    const ravine_config *c = &f->config;
    if (c->rule < 0 || f->steps == 0) return;
    f->lr = ravine_effective_lr(c, f->lr, (int64_t)d->h.step - 1);
    f->limit = ravine_stability_limit(c, f->lr, (int64_t)d->h.step - 1);
    if (f->probed && isfinite(d->h.probe_sharpness)) {
        f->stability = f->lr * d->h.probe_sharpness / f->limit;
    } else {
        double value[RECENT];
        int64_t n = 0;
        for (int64_t k = 0; k < RECENT; k++) {
            const double one = curvature_along(d, c, k);
            if (isfinite(one)) value[n++] = one;
        }
        f->stability = doctor_median(value, n) / f->limit;
    }
    /* An error that changes sign at every step and grows by G solves the rule's recursion for
     * eta lambda = (G + 1) / (gain of the momentum for such a gradient). */
    const double b = c->momentum, growth = f->growth;
    if (c->rule != RAVINE_SGD || !(growth > 0)) return;
    const double gain = (1 - c->dampening) * growth / (growth + b);
    f->curvature = (growth + 1) / (c->nesterov != 0 ? 1 + b * gain : b > 0 ? gain : 1) / f->lr;
}

static void find_trends(const ravine_doctor *d, doctor_findings *f) {
    const ravine_doctor_options *t = &d->options;
    f->long_trend = doctor_loss_trend(d, 4);
    f->trend = doctor_loss_trend(d, 2);
    f->falling = f->long_trend.z > t->trend_z && f->long_trend.drop > t->trend_drop &&
                 f->trend.drop + 2 * f->trend.error > t->trend_stall * f->long_trend.drop;
}

static void find_config(const ravine_doctor *d, ravine_config *c) {
    *c = (ravine_config){.size = sizeof *c, .rule = (int32_t)d->h.rule};
    for (int k = 0; c->rule >= 0 && k < RAVINE_SETTING_COUNT; k++)
        *ravine_config_number(c, k) = d->h.setting[k];
}

/* Curvature counts if, over the length of the parameters, it is worth some of the loss: all of a
 * network whose gradient vanishes is curved a little. */
static bool find_negative_curvature(const ravine_doctor *d, const doctor_findings *f) {
    const doctor_history *h = &d->h;
    const ravine_doctor_options *t = &d->options;
    if (f->probed && isfinite(h->probe_min)) {
        const double least = fmax(t->curvature_negative * fabs(h->probe_max), h->probe_noise);
        const double worth = -0.5 * h->probe_min * h->param_most * h->param_most;
        return h->probe_min < -least && worth > t->curvature_worth * f->loss_scale;
    }
    /* The slope along the steps steepens, by a factor within the budget. */
    return f->recent_flips < d->options.flips_noise &&
           -(1 + f->recent_alpha) * (double)d->options.budget > 1;
}

static void find_bursts(const ravine_doctor *d, doctor_findings *f) {
    const doctor_history *h = &d->h;
    const double window = (double)d->options.window;
    const int64_t count = (int64_t)h->bursts;
    for (int64_t k = 0; k < DOCTOR_BURSTS && k < count; k++)
        f->bursts += h->step - h->past[k].start <= d->options.burst_horizon * window;
    f->burst_age = INFINITY;
    f->burst_interval = 2 * window;
    if (count == 0) return;
    const double last = doctor_burst_back(h, 0)->peak;
    f->burst_age = h->step - last;
    if (count > 1) f->burst_interval = last - doctor_burst_back(h, 1)->peak;
}

/* The loss has come down from what it was thrown to, and not below half of what it began with. */
static bool find_explosion(const ravine_doctor *d, const doctor_findings *f) {
    const doctor_history *h = &d->h;
    const double first = fabs(h->loss_first), rise = h->loss_most - h->loss_first;
    return !f->adaptive && rise > d->options.rise_overflow * fmax(first, fabs(f->loss)) &&
           f->loss > h->loss_first - first / 2;
}

void doctor_find(const ravine_doctor *d, doctor_findings *f) {
    const doctor_history *h = &d->h;
    const int64_t n = doctor_window_length(d), recent = n < RECENT ? n : RECENT;
    *f = (doctor_findings){.steps = n};
    find_config(d, &f->config);
    const doctor_step *last = n > 0 ? doctor_back(d, 0) : &(doctor_step){.loss = NAN};
    f->loss = last->loss;
    f->lr = last->lr;
    f->loss_range = h->loss_most - h->loss_least;
    f->loss_scale = fmax(fabs(f->loss), f->loss_range);
    f->gradient = median_back(d, recent, gradient_of);
    f->gradient_share = f->gradient / h->gradient_most;
    double least = INFINITY, most = 0;
    for (int64_t k = 0; k < n; k++) {
        least = fmin(least, doctor_back(d, k)->gradient);
        most = fmax(most, doctor_back(d, k)->gradient);
    }
    f->gradient_rise = last->gradient / least;
    f->gradient_peak = most / median_back(d, n, gradient_of);
    f->flips = mean_back(d, n, flips_of);
    f->flips_two = mean_back(d, n, flips_two_of);
    f->alpha_median = median_back(d, n, alpha_of);
    f->recent_alpha = median_back(d, recent, alpha_of);
    f->recent_flips = median_back(d, recent, flips_of);
    f->growth = median_back(d, recent, growth_of);
    f->growth_least = INFINITY;
    for (int64_t k = 0; k < recent; k++) f->growth_least = fmin(f->growth_least, growth_of(d, k));
    f->zero_share = median_back(d, n, zero_share_of);
    f->lost_share = median_back(d, n, lost_share_of);
    f->efficiency = h->efficiency;
    /* Parameters that are hardly longer than their way do not tell how far it is. */
    f->elasticity = last->param > 2 * h->way ? f->gradient * last->param / f->loss_scale : NAN;
    f->zeta = find_zeta(d, f);
    find_slopes(d, f);
    /* Noise in the gradient turns it from step to step as curvature does, by twice what the loss
     * does not follow. */
    f->flattens = 1 + f->alpha_median - 2 * f->noise;
    /* Of a parabola with slope and curvature of the last steps. */
    f->remaining = -median_back(d, recent, slope_of) / (2 * (1 + f->recent_alpha)) /
                   fmin(fabs(f->loss), f->loss_range);
    find_trends(d, f);
    f->adaptive = doctor_is_adaptive(d);
    f->exploded = find_explosion(d, f);
    find_bursts(d, f);
    f->probed = h->probe_step >= 0 && h->step - h->probe_step <= (double)d->options.window;
    find_stability(d, f);
    f->negative_curvature = find_negative_curvature(d, f);
}
