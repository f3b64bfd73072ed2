/* SPDX-License-Identifier: Apache-2.0 */
#include "logs/log_findings.h"

#include "io/failure.h"
#include "math/sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Points of one quantity, and room to sort as many. */
typedef struct curve {
    double *step, *value, *scratch; /* [count] */
    size_t count;
} curve;

static int curve_make(curve *c, const log_data *log, log_quantity q, double until) {
    *c = (curve){.step = malloc((log->npoints + 1) * sizeof *c->step),
                 .value = malloc((log->npoints + 1) * sizeof *c->value),
                 .scratch = malloc((log->npoints + 1) * sizeof *c->scratch)};
    if (!c->step || !c->value || !c->scratch) return failure(FAILURE_INPUT, "out of memory");
    for (size_t k = 0; k < log->npoints; k++) {
        const log_point *p = &log->point[k];
        if (!(p->told >> q & 1) || p->value[LOG_STEP] > until) continue;
        c->step[c->count] = p->value[LOG_STEP];
        c->value[c->count++] = p->value[q];
    }
    return 0;
}

static void curve_free(curve *c) {
    free(c->step);
    free(c->value);
    free(c->scratch);
}

static void keep_finite(curve *c) {
    size_t kept = 0;
    for (size_t k = 0; k < c->count; k++) {
        if (!isfinite(c->value[k])) continue;
        c->step[kept] = c->step[k];
        c->value[kept++] = c->value[k];
    }
    c->count = kept;
}

static double median_of(const curve *c, size_t first, size_t n) {
    memcpy(c->scratch, c->value + first, n * sizeof *c->scratch);
    return ravine_median(c->scratch, (int64_t)n);
}

/* How far points lie from the middle of their neighbours, as a standard deviation. */
static double noise_of(const curve *c) {
    if (c->count < 3) return NAN;
    for (size_t k = 0; k + 2 < c->count; k++)
        c->scratch[k] = fabs(c->value[k + 1] - (c->value[k] + c->value[k + 2]) / 2);
    return 1.4826 * ravine_median(c->scratch, (int64_t)c->count - 2) / sqrt(1.5);
}

/* A share of the points, at least one. */
static size_t share_of(size_t count, size_t of) {
    return count / of > 0 ? count / of : 1;
}

static double relative(double from, double to) {
    const double scale = fmax(fabs(from), fabs(to));
    return scale > 0 ? (from - to) / scale : 0;
}

/* A median of n points has about the error of 0.64 n of them. */
static double error_of(double noise, size_t a, size_t b) {
    return noise * sqrt((1.0 / (double)a + 1.0 / (double)b) / 0.64);
}

static double in_errors(double difference, double error) {
    if (error > 0) return difference / error;
    return difference > 0 ? (double)INFINITY : difference < 0 ? -(double)INFINITY : 0;
}

/* ---- the loss ---- */

static void find_least(log_findings *f, const curve *c) {
    const size_t n = share_of(c->count, 10), last = share_of(c->count, 5);
    double least = NAN;
    for (size_t k = 0; k + n <= c->count; k += n) {
        const double here = median_of(c, k, n);
        if (here >= least) continue;
        least = here;
        f->least_step = c->step[k + n - 1];
    }
    f->least = least;
    f->above_least = relative(f->now, least);
    f->least_z = in_errors(f->now - least, error_of(f->noise, n, last));
}

/* From the end back: medians of a tenth each that do not differ from now by more than they scatter.
 */
static void find_flat(log_findings *f, const curve *c) {
    const size_t n = share_of(c->count, 10);
    const double error = error_of(f->noise, n, share_of(c->count, 5)), least = 0.01;
    size_t k = c->count;
    while (k >= n && fabs(median_of(c, k - n, n) - f->now) <= fmax(2 * error, least * fabs(f->now)))
        k -= n;
    f->flat_since = k < c->count ? c->step[k] : NAN;
}

static void find_late(log_findings *f, const curve *c) {
    const size_t n = c->count / 4;
    if (n == 0) return;
    const double before = median_of(c, c->count - 2 * n, n), after = median_of(c, c->count - n, n);
    const double scale = fmax(fabs(before), fabs(after));
    f->late = relative(before, after);
    f->late_error = scale > 0 ? error_of(f->noise, n, n) / scale : 0;
}

static void find_halves(log_findings *f, const curve *c) {
    const size_t half = c->count / 2;
    if (half == 0) return;
    const double first = median_of(c, 0, half), second = median_of(c, c->count - half, half);
    f->halves_z = in_errors(first - second, error_of(f->noise, half, half));
    f->steady = 1;
    for (size_t k = 1; k < c->count; k++)
        if (c->value[k] >= c->value[k - 1]) f->steady = 0;
}

/* The first steps may throw the loss up before it comes down again. */
static void find_throw(log_findings *f, const curve *c) {
    double most = c->value[0];
    f->begin = c->value[0];
    for (size_t k = 0; k < share_of(c->count, 10); k++) most = fmax(most, c->value[k]);
    f->thrown = most / fabs(f->begin);
    f->thrown_z = in_errors(most - f->begin, f->noise);
}

static void find_loss(log_findings *f, const curve *c) {
    const size_t first = share_of(c->count, 10), last = share_of(c->count, 5);
    f->losses = (double)c->count;
    if (c->count == 0) return;
    f->noise = noise_of(c);
    f->start = median_of(c, 0, first);
    f->now = median_of(c, c->count - last, last);
    f->spread = f->noise / fmax(fabs(f->start), fabs(f->now));
    f->fallen = relative(f->start, f->now);
    f->fallen_z = in_errors(f->start - f->now, error_of(f->noise, first, last));
    find_halves(f, c);
    find_throw(f, c);
    find_least(f, c);
    find_flat(f, c);
    find_late(f, c);
}

/* ---- leaps: of medians side by side the one that rises by most, and by what the others differ */

enum { LEAP_POINTS = 16, LEAP_MEDIANS = 4096 };

/* A fall is one change, a throw at the start two, what goes on and on is a rhythm. */
static double count_swings(const double *median, size_t count) {
    double least = median[0], most = median[0], swings = 0;
    int side = 0; /* -1 below, 1 above, 0 neither yet */
    for (size_t k = 1; k < count; k++) {
        least = fmin(least, median[k]);
        most = fmax(most, median[k]);
    }
    for (size_t k = 0; k < count; k++) {
        const double at = (median[k] - least) / (most - least);
        const int now = at < 0.25 ? -1 : at > 0.75 ? 1 : 0;
        swings += now * side < 0;
        if (now) side = now;
    }
    return swings;
}

static void find_leap(log_findings *f, const curve *c) {
    double median[LEAP_MEDIANS], change[LEAP_MEDIANS];
    size_t n = share_of(c->count, 40), count = 0, at = 0;
    if (n > LEAP_POINTS) n = LEAP_POINTS;
    while (c->count / n > LEAP_MEDIANS) n *= 2;
    for (size_t k = 0; k + n <= c->count; k += n) median[count++] = median_of(c, k, n);
    if (count < 8) return;
    f->swings = count_swings(median, count);
    double most = 0, least = median[0], fallen = 0;
    for (size_t k = 1; k < count; k++) {
        change[k - 1] = fabs(median[k] - median[k - 1]);
        if (median[k] - median[k - 1] > most) {
            most = median[k] - median[k - 1];
            at = k;
            fallen = f->start - least;
        }
        least = fmin(least, median[k]);
    }
    if (at == 0) return;
    f->leap = relative(median[at], median[at - 1]);
    f->leap_z = in_errors(most, error_of(f->noise, n, n));
    f->leap_at = c->step[at * n];
    f->leap_height = fallen > 0 ? most / fallen : (double)INFINITY;
    f->leap_usual = in_errors(most, ravine_median(change, (int64_t)count - 1));
}

/* ---- what is no number any more ---- */

static void find_lost(log_findings *f, curve *c) {
    size_t k = c->count;
    while (k > 0 && !isfinite(c->value[k - 1])) k--;
    if (k < c->count) f->lost_at = c->step[k];
    const size_t all = c->count;
    keep_finite(c);
    f->lost_losses = (double)(all - c->count);
    const size_t few = c->count < 3 ? c->count : 3;
    if (k < all && few > 0)
        f->lost_rise =
            median_of(c, c->count - few, few) / fabs(median_of(c, 0, share_of(c->count, 10)));
}

static void find_gradient(log_findings *f, curve *c) {
    size_t k = c->count, zeros = 0;
    while (k > 0 && !isfinite(c->value[k - 1])) k--;
    f->gradient_lost = (double)(c->count - k);
    if (k < c->count) f->gradient_lost_at = c->step[k];
    const size_t all = c->count;
    keep_finite(c);
    f->gradient_holes = (double)(all - c->count);
    if (c->count == 0) return;
    for (k = 0; k < c->count; k++) zeros += c->value[k] == 0;
    f->gradient_zeros = (double)zeros / (double)c->count;
    const size_t last = share_of(c->count, 5);
    f->gradient = median_of(c, c->count - last, last);
    f->gradient_most = median_of(c, 0, c->count);
}

static void find_zeros(log_findings *f, const curve *c) {
    size_t zeros = 0;
    for (size_t k = 0; k < c->count; k++) zeros += c->value[k] == 0;
    f->zeros = c->count ? (double)zeros / (double)c->count : (double)NAN;
}

static void find_scale(log_findings *f, const curve *c) {
    size_t low = 0;
    const size_t half = c->count / 2;
    if (half < 3) return;
    for (size_t k = c->count - half; k < c->count; k++) low += c->value[k] <= 1;
    f->scale_floor = (double)low / (double)half;
}

/* ---- the learning rate ---- */

/* The greatest leap to ten times all that was before; what rises so within the first points is a
 * warm-up. */
static void find_lr_leap(log_findings *f, const curve *c) {
    enum { WARM_UP = 4 };
    const double tenfold = 10;
    double before = 0;
    f->lr_before = f->lr_leapt = f->lr_leapt_at = NAN;
    for (size_t k = 0; k < c->count; k++) {
        if (k >= WARM_UP && before > 0 && c->value[k] > tenfold * before) {
            f->lr_before = before;
            f->lr_leapt = c->value[k];
            f->lr_leapt_at = c->step[k];
        }
        before = fmax(before, c->value[k]);
    }
}

static void find_lr(log_findings *f, curve *c) {
    const double next_to_nothing = 1e-3;
    size_t zeros = 0, k;
    keep_finite(c);
    find_lr_leap(f, c);
    if (c->count == 0) return;
    f->lr = c->value[c->count - 1];
    f->lr_most = c->count == 1 ? f->lr : 0;
    for (k = 0; k < c->count; k++) {
        if (k > 0) f->lr_most = fmax(f->lr_most, fmin(c->value[k], c->value[k - 1]));
        zeros += c->value[k] == 0;
    }
    f->lr_zeros = (double)zeros / (double)c->count;
    f->lr_share = f->lr_most > 0 ? f->lr / f->lr_most : (double)NAN;
    for (k = c->count; k > 0 && c->value[k - 1] <= next_to_nothing * f->lr_most;) k--;
    f->lr_low_points = (double)(c->count - k);
    if (k == c->count) return;
    f->lr_low_since = c->step[k];
    f->lr_low_share = (f->last - f->lr_low_since) / fmax(f->last - f->first, 1);
}

/* ---- examples that are not trained on ---- */

/* The training loss at a step: of the points around it. */
static double loss_at(const curve *c, double step) {
    const size_t few = share_of(c->count, 10);
    size_t k = 0;
    while (k < c->count && c->step[k] <= step) k++;
    if (k < few) return c->count ? median_of(c, 0, few) : (double)NAN;
    return median_of(c, k - few, few);
}

static void find_validation(log_findings *f, curve *c, const curve *loss) {
    enum { LAST = 3 };
    keep_finite(c);
    f->validations = (double)c->count;
    if (c->count == 0) return;
    size_t least = 0;
    for (size_t k = 1; k < c->count; k++)
        if (c->value[k] < c->value[least]) least = k;
    const size_t last = c->count < LAST ? c->count : LAST;
    f->validation_least = c->value[least];
    f->validation_least_step = c->step[least];
    f->validation_now = median_of(c, c->count - last, last);
    f->validation_rise = relative(f->validation_now, f->validation_least);
    f->validation_z = in_errors(f->validation_now - f->validation_least, noise_of(c));
    f->validation_fallen = relative(c->value[0], f->validation_now);
    f->validation_fallen_z = in_errors(c->value[0] - f->validation_now, noise_of(c));
    f->train_since = relative(loss_at(loss, f->validation_least_step), f->now);
}

/* ---- all of it ---- */

/* ln of a number of classes, if the loss can be that of no other number. */
static double classes_of(const log_findings *f) {
    const double count = round(exp(f->now));
    if (!(count >= 2 && count <= 1000)) return NAN;
    const double off = fabs(f->now - log(count)), apart = log((count + 1) / count);
    return off < 0.002 * log(count) && off < apart / 5 ? count : (double)NAN;
}

static log_findings nothing(void) {
    log_findings f;
    double *number = (double *)&f;
    for (size_t k = 0; k < sizeof f / sizeof *number; k++) number[k] = NAN;
    return f;
}

static int find(log_findings *f, const log_data *log, double until, curve c[LOG_QUANTITIES],
                curve *all) {
    int status = curve_make(all, log, LOG_LOSS, until);
    for (int q = 0; q < LOG_QUANTITIES && !status; q++)
        status = curve_make(&c[q], log, (log_quantity)q, until);
    if (status) return status;
    if (all->count == 0)
        return failure(FAILURE_INPUT, "%s: no loss is logged up to that step", log->path);
    curve *loss = &c[log->rewarded ? LOG_REWARD : LOG_LOSS];
    f->rewarded = log->rewarded;
    f->resumed = log->resumed;
    for (size_t k = 0; log->rewarded && k < loss->count; k++) loss->value[k] = -loss->value[k];
    f->first = c[LOG_STEP].step[0];
    f->last = c[LOG_STEP].step[c[LOG_STEP].count - 1];
    keep_finite(loss);
    find_loss(f, loss);
    find_lost(f, all);
    find_leap(f, loss);
    if (!log->rewarded) find_zeros(f, loss);
    find_gradient(f, &c[LOG_GRAD_NORM]);
    find_scale(f, &c[LOG_SCALE]);
    find_lr(f, &c[LOG_LR]);
    find_validation(f, &c[LOG_VALIDATION], loss);
    f->classes = classes_of(f);
    return 0;
}

int log_find(log_findings *f, const log_data *log, double until) {
    curve c[LOG_QUANTITIES] = {0}, all = {0};
    *f = nothing();
    const int status = find(f, log, until, c, &all);
    for (int q = 0; q < LOG_QUANTITIES; q++) curve_free(&c[q]);
    curve_free(&all);
    return status;
}
