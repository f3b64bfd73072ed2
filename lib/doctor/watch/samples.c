/* SPDX-License-Identifier: Apache-2.0 */
/* A step of an optimizer that is not ours, from some elements of its parameters.
 *
 * The statistics are those that kernels measure while they step (lib/update/elementwise/watch.h,
 * docs/internals/statistics.md), made afterwards: of what was copied before, and of what is there.
 */
#include "base/sized.h"
#include "doctor/watch/watch_memory.h"
#include "text/error.h"
#include "update/elementwise/kernel.h"

#include <math.h>
#include <string.h>

/* Sums beside those of the watched elements. X(type, name) */
#define SAMPLE_SUM_LIST(X)                                                                       \
    X(double, gradient2) /* of whole parameters, as are the next three */                        \
    X(double, update2)                                                                           \
    X(double, param2)                                                                            \
    X(double, slope)                                                                             \
    /* What statistics of several parameters are shares of: see the totals in optimizer_stats.c. \
     */                                                                                          \
    X(double, slope_before)                                                                      \
    X(double, flip_weight)                                                                       \
    X(double, flip_two_weight)                                                                   \
    X(int64_t, arrived) /* parameters that made a step before, here and below */                 \
    X(int64_t, with_momentum)                                                                    \
    X(int64_t, nonfinite) /* gradients */                                                        \
    X(int64_t, shares)    /* samples: more than one of a part where processes share it */        \
    X(int64_t, twins)     /* of them, weights whose rows are all the same */

typedef struct sums {
#define X(type, name) type name;
    SAMPLE_SUM_LIST(X)
#undef X
    watch_statistics watched;
    int64_t nonfinite_param, nonfinite_index;
} sums;

static const sums nothing = {.nonfinite_param = -1, .nonfinite_index = -1};

/* Notes of a parameter, [len] each. */
enum { BEFORE, GRADIENT, VARIANCE, LAST_UPDATE, LAST_GRADIENT, GRADIENT_BEFORE, LAST_SEEN };
_Static_assert(LAST_SEEN + 1 == RAVINE_SAMPLES_NOTES, "a place for each");

static double *note(const ravine_samples *s, int which, int64_t at) {
    return s->notes + which * s->len + at;
}

/* ---- numbers where they lie */

/* The next chunk: where its samples stand among all, where in the parameter, how many there are. */
typedef struct chunk {
    int64_t at, from, n;
} chunk;

static bool next_chunk(const ravine_samples *s, chunk *c) {
    const bool begins = c->n == 0;
    c->from += begins ? 0 : s->pitch;
    c->at += c->n;
    c->n = s->len - c->at < RAVINE_SAMPLES_CHUNK ? s->len - c->at : RAVINE_SAMPLES_CHUNK;
    return c->n > 0;
}

static void copy(const ravine_samples *s, int which, int32_t dtype, const void *from) {
    for (chunk c = {0}; next_chunk(s, &c);)
        ravine_widen(note(s, which, c.at), dtype, from, c.from, c.n);
}

/* ---- a parameter */

enum { LANES = 8 }; /* of every sum, so that compilers use vectors */

static double total(const double lane[LANES]) {
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* Runs a body for every i < n, with `l` its lane. */
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

typedef struct lanes {
    double flipped[LANES], flipped_two[LANES], quiet[LANES];
    double gradient2[LANES], slope[LANES], arrival[LANES], update2[LANES], param2[LANES];
    double zeros[LANES], lost[LANES], most[LANES];
    double rated[LANES], ratios[LANES], eps[LANES], momentum2[LANES];
} lanes;

/* The gradients' signs against those of the steps before; notes them for the next ones. */
static void see_signs(const ravine_samples *s, const chunk *c, lanes *sum) {
    const double *restrict gradient = note(s, GRADIENT, c->at);
    double *restrict last = note(s, LAST_GRADIENT, c->at);
    double *restrict two = note(s, GRADIENT_BEFORE, c->at);
    double *restrict seen = note(s, LAST_SEEN, c->at); /* step of the last one that was not 0 */
    double flipped[LANES] = {0}, flipped_two[LANES] = {0}, quiet[LANES] = {0};
    const int64_t periods = s->steps / QUIET_STEPS - 3; /* that are past remembering */
    const double now = (double)s->steps + 1, since = (double)(periods * QUIET_STEPS) + 1;
    const double known = since > 1 ? since : 1;
    FOR_SAMPLES(c->n, {
        const double g = gradient[i], a = last[i], b = two[i], square = g * g;
        flipped[l] += g * a < 0 ? square : 0;
        flipped_two[l] += g * b < 0 ? square : 0;
        seen[i] = g != 0 ? now : seen[i];
        quiet[l] += seen[i] < known ? 1.0 : 0.0;
        two[i] = a;
        last[i] = g;
    });
    for (int l = 0; l < LANES; l++) {
        sum->flipped[l] += flipped[l];
        sum->flipped_two[l] += flipped_two[l];
        sum->quiet[l] += quiet[l];
    }
}

/* The update, and what is counted of it; notes it for the next step. */
static void see_changes(const ravine_samples *s, const chunk *c, const double *restrict after,
                        lanes *sum) {
    const double *restrict gradient = note(s, GRADIENT, c->at);
    const double *restrict before = note(s, BEFORE, c->at);
    double *restrict last = note(s, LAST_UPDATE, c->at);
    lanes own = {0};
    FOR_SAMPLES(c->n, {
        const double g = gradient[i], x = after[i], u = x - before[i], size = fabs(u);
        const double zero = g == 0 ? 1.0 : 0.0, still = u == 0 ? 1.0 : 0.0;
        own.gradient2[l] += g * g;
        own.slope[l] += g * u;
        own.arrival[l] += g * last[i];
        own.update2[l] += u * u;
        own.param2[l] += x * x;
        own.zeros[l] += zero;
        own.lost[l] += still * (1 - zero);
        own.most[l] = size > own.most[l] ? size : own.most[l];
        last[i] = u;
    });
    for (int l = 0; l < LANES; l++) {
        sum->gradient2[l] += own.gradient2[l];
        sum->slope[l] += own.slope[l];
        sum->arrival[l] += own.arrival[l];
        sum->update2[l] += own.update2[l];
        sum->param2[l] += own.param2[l];
        sum->zeros[l] += own.zeros[l];
        sum->lost[l] += own.lost[l];
        sum->most[l] = fmax(sum->most[l], own.most[l]);
    }
}

/* The gradient that the rule takes in, against sigma of the step before. */
static void see_sigma(const ravine_samples *s, const chunk *c, lanes *sum) {
    const double *restrict gradient = note(s, GRADIENT, c->at);
    const double *restrict before = note(s, BEFORE, c->at);
    const double *restrict variance = note(s, VARIANCE, c->at);
    double rated[LANES] = {0}, ratios[LANES] = {0}, eps[LANES] = {0};
    const double decay = s->decay, bound = s->eps_variance;
    FOR_SAMPLES(c->n, {
        const double v = variance[i], g = gradient[i] + decay * before[i];
        const double known = v > 0 ? 1.0 : 0.0;
        rated[l] += known;
        ratios[l] += known * (g * g) / (v + (1 - known));
        eps[l] += v < bound ? 1.0 : 0.0;
    });
    for (int l = 0; l < LANES; l++) {
        sum->rated[l] += rated[l];
        sum->ratios[l] += ratios[l];
        sum->eps[l] += eps[l];
    }
}

static void see_momentum(const chunk *c, const double *restrict momentum, lanes *sum) {
    double squares[LANES] = {0};
    FOR_SAMPLES(c->n, { squares[l] += momentum[i] * momentum[i]; });
    for (int l = 0; l < LANES; l++) sum->momentum2[l] += squares[l];
}

/* How many gradients are not finite, and where the first of them is in the parameter, unless what
 * is there are copies of a part of it. */
static void find_nonfinite(const ravine_samples *s, sums *t) {
    const double *gradient = note(s, GRADIENT, 0);
    const bool placed = s->len == s->elements || s->pitch > RAVINE_SAMPLES_CHUNK;
    for (int64_t i = 0; i < s->len; i++) {
        if (isfinite(gradient[i])) continue;
        if (t->nonfinite == 0 && placed)
            t->nonfinite_index = i / RAVINE_SAMPLES_CHUNK * s->pitch + i % RAVINE_SAMPLES_CHUNK;
        t->nonfinite++;
    }
}

/* What the whole parameter has of something that goes with g^2, over what its samples have. */
static double gradient_scale(const ravine_samples *s, double gradient2, double whole) {
    if (isnan(s->grad_norm) || !(gradient2 > 0)) return whole;
    return s->grad_norm / gradient2 * s->grad_norm;
}

static lanes see_chunks(const ravine_samples *s) {
    double here[RAVINE_SAMPLES_CHUNK];
    lanes sum = {0};
    for (chunk c = {0}; next_chunk(s, &c);) {
        see_signs(s, &c, &sum);
        ravine_widen(here, s->dtype, s->data, c.from, c.n);
        see_changes(s, &c, here, &sum);
        if (s->variance) see_sigma(s, &c, &sum);
        if (!s->momentum) continue;
        ravine_widen(here, s->state_dtype, s->momentum, c.from, c.n);
        see_momentum(&c, here, &sum);
    }
    return sum;
}

static watch_statistics statistics_of(const ravine_samples *s, const lanes *sum) {
    watch_statistics w = {.elements = s->len,
                          .gradient2 = total(sum->gradient2),
                          .slope = total(sum->slope),
                          .arrival = total(sum->arrival),
                          .flips2 = total(sum->flipped),
                          .flips_two2 = total(sum->flipped_two),
                          .quiet = (int64_t)total(sum->quiet),
                          .zeros = (int64_t)total(sum->zeros),
                          .lost = (int64_t)total(sum->lost)};
    for (int l = 0; l < LANES; l++) w.update_max = fmax(w.update_max, sum->most[l]);
    if (isnan(total(sum->update2))) w.update_max = NAN;
    if (!s->variance) return w;
    w.rated = (int64_t)total(sum->rated);
    w.ratios = total(sum->ratios) / s->variance_scale;
    w.eps = (int64_t)total(sum->eps);
    w.scaled = isnan(s->eps_variance) ? 0 : s->len;
    return w;
}

static sums look_at(ravine_samples *s) {
    sums t = nothing;
    s->way2 = 0;
    if (s->len > 0) t.shares = 1, t.twins = s->twins;
    if (!s->gradient || s->len < 1) return t;
    const double whole = (double)s->elements / (double)s->len;
    const lanes sum = see_chunks(s);
    watch_statistics *w = &t.watched;
    *w = statistics_of(s, &sum);
    s->way2 = total(sum.update2);
    t.gradient2 = isnan(s->grad_norm) ? whole * w->gradient2 : s->grad_norm * s->grad_norm;
    t.update2 = whole * s->way2;
    t.param2 = whole * total(sum.param2);
    t.slope = whole * w->slope;
    if (!isfinite(w->gradient2)) find_nonfinite(s, &t);
    if (s->steps >= 1) {
        t.arrived = 1;
        t.slope_before = s->slope;
        t.flip_weight = w->gradient2;
    }
    if (s->steps >= 2) t.flip_two_weight = w->gradient2;
    t.with_momentum = s->momentum != NULL;
    if (s->momentum) w->momentum2 = total(sum.momentum2) * gradient_scale(s, w->gradient2, whole);
    s->slope = w->slope;
    s->steps++;
    return t;
}

/* ---- all of them, and the statistics */

static void add(sums *all, const sums *t, int32_t index) {
    watch_statistics *w = &all->watched;
    if (t->nonfinite > 0 && all->nonfinite == 0) {
        all->nonfinite_param = index;
        all->nonfinite_index = t->nonfinite_index;
    }
#define X(type, name) all->name += t->name;
    SAMPLE_SUM_LIST(X)
#undef X
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
static ravine_step_stats stats_of(const ravine_step_stats *known, const sums *t) {
    const watch_statistics *w = &t->watched;
    ravine_step_stats r = *known;
    r.grad_norm = sqrt(t->gradient2);
    r.update_norm = sqrt(t->update2);
    r.param_norm = sqrt(t->param2);
    r.nonfinite = t->nonfinite;
    r.nonfinite_param = t->nonfinite_param;
    r.nonfinite_index = t->nonfinite_index;
    r.grad_dot_update = t->slope;
    r.line_position = t->arrived ? -share(w->arrival, t->slope_before) : NAN;
    r.sign_change_rate = share(w->flips2, t->flip_weight);
    r.sign_change_rate_lag2 = share(w->flips_two2, t->flip_two_weight);
    r.momentum_norm = t->with_momentum ? sqrt(w->momentum2) : NAN;
    r.sigma_ratio = sqrt(share(w->ratios, (double)w->rated));
    r.eps_share = share((double)w->eps, (double)w->scaled);
    r.zero_share = share((double)w->zeros, (double)w->elements);
    r.quiet_share = share((double)w->quiet, (double)w->elements);
    r.underflow_share = share((double)w->lost, (double)(w->elements - w->zeros));
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
    const bool has_state = own->momentum || own->variance;
    if (own->len < 0 || own->elements < own->len)
        return ravine_fail(RAVINE_E_ARG, "samples %d have %lld of %lld elements", k,
                           (long long)own->len, (long long)own->elements);
    if (own->pitch < RAVINE_SAMPLES_CHUNK)
        return ravine_fail(RAVINE_E_ARG, "pitch of samples %d is %lld; it must be %d or more", k,
                           (long long)own->pitch, RAVINE_SAMPLES_CHUNK);
    if (!own->gradient || own->len == 0) return RAVINE_OK;
    if (!own->data || !own->notes)
        return ravine_fail(RAVINE_E_ARG, "data or notes of samples %d are NULL", k);
    if (!ravine_is_real(own->dtype) || (has_state && !ravine_is_real(own->state_dtype)))
        return ravine_fail(RAVINE_E_ARG, "samples %d are neither F32, F64, BF16 nor F16", k);
    return RAVINE_OK;
}

static ravine_status check_samples(ravine_samples *samples, int32_t nparts) {
    ravine_samples own;
    ravine_status status = RAVINE_OK;
    if (nparts < 0 || (nparts > 0 && !samples))
        return ravine_fail(RAVINE_E_ARG, "nparts is %d and there are no samples", nparts);
    for (int32_t k = 0; !status && k < nparts; k++) status = read_samples(&own, samples, k);
    return status;
}

ravine_status ravine_samples_take(ravine_samples *samples, int32_t nparts) {
    ravine_samples s;
    const ravine_status status = check_samples(samples, nparts);
    if (status) return status;
    for (int32_t k = 0; k < nparts; k++) {
        (void)read_samples(&s, samples, k);
        if (!s.gradient || s.len == 0) continue;
        copy(&s, BEFORE, s.dtype, s.data);
        copy(&s, GRADIENT, s.dtype, s.gradient);
        if (s.variance) copy(&s, VARIANCE, s.state_dtype, s.variance);
        double *gradient = note(&s, GRADIENT, 0);
        for (int64_t i = 0; i < s.len && s.gradient_scale != 1; i++)
            gradient[i] /= s.gradient_scale;
    }
    return RAVINE_OK;
}

/* ---- the doctor is told */

/* An observation of whose statistics a few numbers are known, and what becomes of it part by part.
 */
typedef struct seen {
    ravine_observation own;
    ravine_step_stats known;
    sums all;
} seen;

static ravine_status begin(seen *n, const ravine_observation *o) {
    *n = (seen){.all = nothing};
    ravine_status status = ravine_sized_read(&ravine_sized_observation, &n->own, o);
    if (!status) status = ravine_sized_read(&ravine_sized_step_stats, &n->known, n->own.stats);
    if (!status && n->own.nparts < 0)
        status = ravine_fail(RAVINE_E_ARG, "nparts is %d", n->own.nparts);
    return status;
}

static void see_part(seen *n, ravine_doctor *d, int32_t k, const sums *t, int64_t elements) {
    add(&n->all, t, k);
    d->all_stats[k] = stats_of(&n->known, t);
    d->elements[k] = elements;
    if (d->h.kept == 0) d->parts[k].twins = t->shares > 0 && t->twins == t->shares;
}

static ravine_status finish(seen *n, ravine_doctor *d) {
    const ravine_step_stats whole = stats_of(&n->known, &n->all);
    n->own.stats = &whole;
    n->own.part_stats = d->all_stats;
    n->own.part_elements = d->elements;
    return ravine_doctor_feed(d, &n->own);
}

ravine_status ravine_doctor_observe_samples(ravine_doctor *d, const ravine_observation *o,
                                            ravine_samples *samples) {
    if (!d || !o) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    seen n;
    ravine_samples s;
    ravine_status status = begin(&n, o);
    if (!status) status = check_samples(samples, n.own.nparts);
    if (!status) status = ravine_doctor_make_parts(d, n.own.nparts);
    if (status) return status;
    for (int32_t k = 0; k < n.own.nparts; k++) {
        (void)read_samples(&s, samples, k);
        const sums t = look_at(&s);
        ravine_sized_write(&ravine_sized_samples, at(samples, k), &s);
        see_part(&n, d, k, &t, s.elements);
    }
    return finish(&n, d);
}

/* ---- sums of several processes */

enum {
#define X(type, name) +1
    USED_SUMS = SAMPLE_SUM_LIST(X) WATCH_SUM_LIST(X)
#undef X
};
_Static_assert((int)USED_SUMS <= (int)RAVINE_SAMPLES_SUMS, "a place for each");

static void write_sums(double to[RAVINE_SAMPLES_SUMS], const sums *t) {
    memset(to, 0, RAVINE_SAMPLES_SUMS * sizeof *to);
#define X(type, name) *to++ = (double)t->name;
    SAMPLE_SUM_LIST(X)
#undef X
#define X(type, name) *to++ = (double)t->watched.name;
    WATCH_SUM_LIST(X)
#undef X
}

static double read_double(double x) {
    return x;
}

static int64_t read_int64_t(double x) {
    return x > 0 && x < 0x1p53 ? (int64_t)x : 0; /* whatever else was handed over is no count */
}

/* The greatest update of all is no sum. */
static sums read_sums(const double *from) {
    sums t = nothing;
#define X(type, name) t.name = read_##type(*from++);
    SAMPLE_SUM_LIST(X)
#undef X
#define X(type, name) t.watched.name = read_##type(*from++);
    WATCH_SUM_LIST(X)
#undef X
    t.watched.update_max = NAN;
    return t;
}

ravine_status ravine_samples_measure(ravine_samples *samples, int32_t nparts, double *sums_of) {
    if (nparts > 0 && !sums_of) return ravine_fail(RAVINE_E_ARG, "the sums are NULL");
    const ravine_status status = check_samples(samples, nparts);
    if (status) return status;
    for (int32_t k = 0; k < nparts; k++) {
        ravine_samples s;
        (void)read_samples(&s, samples, k);
        const sums t = look_at(&s);
        ravine_sized_write(&ravine_sized_samples, at(samples, k), &s);
        write_sums(sums_of + (size_t)k * RAVINE_SAMPLES_SUMS, &t);
    }
    return RAVINE_OK;
}

ravine_status ravine_doctor_observe_sums(ravine_doctor *d, const ravine_observation *o,
                                         const double *sums_of) {
    if (!d || !o) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    seen n;
    ravine_status status = begin(&n, o);
    if (!status && n.own.nparts > 0 && (!sums_of || !n.own.part_elements))
        status = ravine_fail(RAVINE_E_ARG, "the sums or the part_elements are NULL");
    if (!status) status = ravine_doctor_make_parts(d, n.own.nparts);
    if (status) return status;
    for (int32_t k = 0; k < n.own.nparts; k++) {
        const sums t = read_sums(sums_of + (size_t)k * RAVINE_SAMPLES_SUMS);
        see_part(&n, d, k, &t, n.own.part_elements[k]);
    }
    return finish(&n, d);
}
