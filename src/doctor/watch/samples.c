/* A step of an optimizer that is not ours, from copies of some elements of its parameters.
 *
 * The statistics are those that kernels measure while they step (src/update/watch.h,
 * docs/internals/statistics.md), made afterwards: of numbers that somebody copied before and after.
 */
#include "base/error.h"
#include "base/sized.h"
#include "doctor/watch/memory.h"
#include "update/kernel.h"

#include <math.h>

typedef struct sums {
    double gradient2, update2, param2, slope; /* of whole parameters */
    watch_statistics watched;
    /* What statistics of several parameters are shares of: see the totals of a report. */
    double slope_before, flip_weight, flip_two_weight;
    bool arrived, with_momentum;
    int64_t nonfinite, nonfinite_param;
} sums;

static const sums nothing = {.nonfinite_param = -1};

/* ---- a parameter */

enum { LANES = 8 }; /* of every sum, so that compilers use vectors */

static double total(const double lane[LANES]) {
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* Runs a body for every sample `i`, with `l` its lane. */
#define FOR_SAMPLES(n, ...)                          \
    do {                                             \
        int64_t first = 0;                           \
        for (; first + LANES <= (n); first += LANES) \
            for (int l = 0; l < LANES; l++) {        \
                const int64_t i = first + l;         \
                __VA_ARGS__                          \
            }                                        \
        for (int l = 0; first < (n); first++, l++) { \
            const int64_t i = first;                 \
            __VA_ARGS__                              \
        }                                            \
    } while (0)

/* The gradients' signs against those of the steps before; notes them for the next ones. */
static void see_signs(const ravine_samples *s, watch_statistics *w) {
    const double *restrict gradient = s->gradient;
    double *restrict last = s->notes + s->len, *restrict two = last + s->len;
    double *restrict seen = two + s->len; /* number of the last step with a gradient but 0 */
    double flips[LANES] = {0}, flips_two[LANES] = {0}, quiet[LANES] = {0};
    const int64_t periods = s->steps / QUIET_STEPS - 3; /* that are past remembering */
    const double now = (double)s->steps + 1, since = (double)(periods * QUIET_STEPS) + 1;
    const double known = since > 1 ? since : 1;
    FOR_SAMPLES(s->len, {
        const double g = gradient[i], a = last[i], b = two[i], square = g * g;
        flips[l] += g * a < 0 ? square : 0;
        flips_two[l] += g * b < 0 ? square : 0;
        seen[i] = g != 0 ? now : seen[i];
        quiet[l] += seen[i] < known ? 1.0 : 0.0;
        two[i] = a;
        last[i] = g;
    });
    w->flips2 = total(flips);
    w->flips_two2 = total(flips_two);
    w->quiet = (int64_t)total(quiet);
}

/* The update, and what is counted of it; notes it for the next step. Returns its square. */
static double see_changes(const ravine_samples *s, watch_statistics *w) {
    const double *restrict gradient = s->gradient, *restrict before = s->before;
    const double *restrict after = s->after;
    double *restrict last = s->notes;
    double gradient2[LANES] = {0}, slope[LANES] = {0}, arrival[LANES] = {0}, square[LANES] = {0};
    double zeros[LANES] = {0}, lost[LANES] = {0}, most[LANES] = {0};
    FOR_SAMPLES(s->len, {
        const double g = gradient[i], u = after[i] - before[i], size = fabs(u);
        gradient2[l] += g * g;
        slope[l] += g * u;
        arrival[l] += g * last[i];
        square[l] += u * u;
        const double zero = g == 0 ? 1.0 : 0.0, still = u == 0 ? 1.0 : 0.0;
        zeros[l] += zero;
        lost[l] += still * (1 - zero);
        most[l] = size > most[l] ? size : most[l];
        last[i] = u;
    });
    w->gradient2 = total(gradient2);
    w->slope = total(slope);
    w->arrival = total(arrival);
    w->zeros = (int64_t)total(zeros);
    w->lost = (int64_t)total(lost);
    const double update2 = total(square);
    for (int l = 0; l < LANES; l++) w->update_max = fmax(w->update_max, most[l]);
    if (isnan(update2)) w->update_max = NAN;
    return update2;
}

/* The gradient that the rule takes in, against sigma of the step before. */
static void see_sigma(const ravine_samples *s, watch_statistics *w) {
    if (!s->variance) return;
    const double *restrict gradient = s->gradient, *restrict before = s->before;
    const double *restrict variance = s->variance;
    double rated[LANES] = {0}, ratios[LANES] = {0}, eps[LANES] = {0};
    const double decay = s->decay, bound = s->eps_variance;
    FOR_SAMPLES(s->len, {
        const double v = variance[i], g = gradient[i] + decay * before[i];
        const double known = v > 0 ? 1.0 : 0.0;
        rated[l] += known;
        ratios[l] += known * (g * g) / (v + (1 - known));
        eps[l] += v < bound ? 1.0 : 0.0;
    });
    w->rated = (int64_t)total(rated);
    w->ratios = total(ratios) / s->variance_scale;
    w->eps = (int64_t)total(eps);
    w->scaled = isnan(bound) ? 0 : s->len;
}

static double sum_of_squares(const double *restrict x, int64_t n) {
    double sum[LANES] = {0};
    FOR_SAMPLES(n, { sum[l] += x[i] * x[i]; });
    return total(sum);
}

static int64_t count_nonfinite(const ravine_samples *s) {
    int64_t n = 0;
    for (int64_t i = 0; i < s->len; i++) n += !isfinite(s->gradient[i]);
    return n;
}

/* What the whole parameter has of something that goes with g^2, over what its samples have. */
static double gradient_scale(const ravine_samples *s, double gradient2, double whole) {
    if (isnan(s->grad_norm) || !(gradient2 > 0)) return whole;
    return s->grad_norm / gradient2 * s->grad_norm;
}

static sums look_at(ravine_samples *s) {
    sums t = nothing;
    watch_statistics *w = &t.watched;
    if (!s->stepped || s->len < 1) return t;
    const double whole = (double)s->elements / (double)s->len;
    see_signs(s, w);
    const double update2 = see_changes(s, w);
    see_sigma(s, w);
    w->elements = s->len;
    t.gradient2 = isnan(s->grad_norm) ? whole * w->gradient2 : s->grad_norm * s->grad_norm;
    t.update2 = whole * update2;
    t.param2 = whole * sum_of_squares(s->after, s->len);
    t.slope = whole * w->slope;
    if (!isfinite(w->gradient2)) t.nonfinite = count_nonfinite(s);
    if (s->steps >= 1) {
        t.arrived = true;
        t.slope_before = s->slope;
        t.flip_weight = w->gradient2;
    }
    if (s->steps >= 2) t.flip_two_weight = w->gradient2;
    t.with_momentum = s->momentum != NULL;
    if (s->momentum)
        w->momentum2 = sum_of_squares(s->momentum, s->len) * gradient_scale(s, w->gradient2, whole);
    s->slope = w->slope;
    s->steps++;
    return t;
}

/* ---- all of them, and the report */

static void add(sums *all, const sums *t, int32_t index) {
    watch_statistics *w = &all->watched;
    if (t->nonfinite > 0 && all->nonfinite == 0) all->nonfinite_param = index;
    all->nonfinite += t->nonfinite;
    all->gradient2 += t->gradient2;
    all->update2 += t->update2;
    all->param2 += t->param2;
    all->slope += t->slope;
    all->slope_before += t->slope_before;
    all->flip_weight += t->flip_weight;
    all->flip_two_weight += t->flip_two_weight;
    all->arrived |= t->arrived;
    all->with_momentum |= t->with_momentum;
#define X(type, name) w->name += t->watched.name;
    WATCH_SUM_LIST(X)
#undef X
    if (!(t->watched.update_max <= w->update_max)) w->update_max = t->watched.update_max;
}

/* part / whole; NaN: of nothing. */
static double share(double part, double whole) {
    return whole != 0 ? part / whole : NAN;
}

/* What is known of the step beside the samples is in `known`. */
static ravine_report report_of(const ravine_report *known, const sums *t) {
    const watch_statistics *w = &t->watched;
    ravine_report r = *known;
    r.grad_norm = sqrt(t->gradient2);
    r.update_norm = sqrt(t->update2);
    r.param_norm = sqrt(t->param2);
    r.nonfinite = t->nonfinite;
    r.nonfinite_param = t->nonfinite_param;
    r.nonfinite_index = -1;
    r.grad_dot_update = t->slope;
    r.alpha = t->arrived ? -share(w->arrival, t->slope_before) : NAN;
    r.flips = share(w->flips2, t->flip_weight);
    r.flips_two = share(w->flips_two2, t->flip_two_weight);
    r.momentum_norm = t->with_momentum ? sqrt(w->momentum2) : NAN;
    r.sigma_ratio = sqrt(share(w->ratios, (double)w->rated));
    r.eps_share = share((double)w->eps, (double)w->scaled);
    r.zero_share = share((double)w->zeros, (double)w->elements);
    r.quiet_share = share((double)w->quiet, (double)w->elements);
    r.lost_share = share((double)w->lost, (double)(w->elements - w->zeros));
    r.update_max = w->elements ? w->update_max : NAN;
    return r;
}

static ravine_samples *at(ravine_samples *samples, int32_t k) {
    return (ravine_samples *)(void *)((char *)samples + (size_t)k * samples->size);
}

static ravine_status read_samples(ravine_samples *own, ravine_samples *samples, int32_t k) {
    *own = (ravine_samples){0};
    const ravine_status status = ravine_sized_read(&ravine_sized_samples, own, at(samples, k));
    if (status) return status;
    if (own->len < 0 || own->elements < own->len)
        return ravine_fail(RAVINE_E_ARG, "samples %d have %lld of %lld elements", k,
                           (long long)own->len, (long long)own->elements);
    const bool there = own->gradient && own->before && own->after && own->notes;
    if (own->stepped && own->len > 0 && !there)
        return ravine_fail(RAVINE_E_ARG, "an array of samples %d is NULL", k);
    return RAVINE_OK;
}

ravine_status ravine_doctor_observe_samples(ravine_doctor *d, const ravine_observation *o,
                                            ravine_samples *samples) {
    if (!d || !o) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    ravine_observation own = {0};
    ravine_report known = {0};
    ravine_samples s;
    ravine_status status = ravine_sized_read(&ravine_sized_observation, &own, o);
    if (status) return status;
    if (own.nparts < 0 || (own.nparts > 0 && !samples))
        return ravine_fail(RAVINE_E_ARG, "nparts is %d and there are no samples", own.nparts);
    status = ravine_sized_read(&ravine_sized_report, &known, own.report);
    for (int32_t k = 0; !status && k < own.nparts; k++) status = read_samples(&s, samples, k);
    if (!status) status = doctor_make_parts(d, own.nparts);
    if (status) return status;

    sums all = nothing;
    for (int32_t k = 0; k < own.nparts; k++) {
        (void)read_samples(&s, samples, k);
        const sums t = look_at(&s);
        add(&all, &t, k);
        ravine_sized_write(&ravine_sized_samples, at(samples, k), &s);
        d->reports[k] = report_of(&known, &t);
        d->elements[k] = s.elements;
        if (d->h.kept == 0) d->parts[k].twins = s.twins;
    }
    const ravine_report whole = report_of(&known, &all);
    own.report = &whole;
    own.part_report = d->reports;
    own.part_elements = d->elements;
    return ravine_doctor_feed(d, &own);
}
