/* SPDX-License-Identifier: Apache-2.0 */
/* The loss over the run: where it came from, whether it falls, what repeats in it.
 *
 * Block medians stand for the run, single losses for its beginning and its noise. Noise is robust,
 * and neighbours may be correlated.
 */
#include "doctor/judge/findings.h"
#include "math/sort.h"

#include <math.h>

/* Median of value[first], ..., value[first + n - 1]. */
static double median_of(const double *value, int64_t first, int64_t n) {
    double copy[DOCTOR_BLOCKS];
    for (int64_t k = 0; k < n; k++) copy[k] = value[first + k];
    return ravine_median(copy, n);
}

/* The last points of the loss, oldest first: medians of blocks, or in the first steps losses. */
static int64_t collect(const ravine_doctor *d, int64_t windows, double *value) {
    enum { BLOCKS_LEAST = 8 };
    int64_t n = windows * DOCTOR_BLOCKS_A_WINDOW;
    const int64_t blocks = (int64_t)d->h.blocks;
    if (blocks >= BLOCKS_LEAST) {
        if (n > blocks) n = blocks;
        for (int64_t k = 0; k < n; k++) value[k] = d->h.block[(blocks - n + k) % DOCTOR_BLOCKS];
        return n;
    }
    const int64_t length = ravine_doctor_window_length(d);
    if (n > length) n = length;
    for (int64_t k = 0; k < n; k++) value[k] = ravine_doctor_back(d, n - 1 - k)->loss;
    return n;
}

/* The nearest points that never rise, into fit: neighbours that do are pooled to their mean. */
static void fit_falling(const double *value, int64_t n, double *fit) {
    int64_t start[DOCTOR_BLOCKS];
    double mean[DOCTOR_BLOCKS];
    int64_t pools = 0;
    for (int64_t k = 0; k < n; k++) {
        start[pools] = k;
        mean[pools++] = value[k];
        while (pools > 1 && mean[pools - 1] > mean[pools - 2]) {
            const double last = (double)(k + 1 - start[pools - 1]);
            const double both = (double)(k + 1 - start[pools - 2]);
            mean[pools - 2] += (mean[pools - 1] - mean[pools - 2]) * last / both;
            pools--;
        }
    }
    for (int64_t pool = 0; pool < pools; pool++) {
        const int64_t end = pool + 1 < pools ? start[pool + 1] : n;
        for (int64_t k = start[pool]; k < end; k++) fit[k] = mean[pool];
    }
}

/* What a fall of any form leaves of the points: 1.4826 times the median of magnitudes, and the
 * correlation of neighbours. */
static double residual_noise(const double *value, int64_t n, double *correlation) {
    double residual[DOCTOR_BLOCKS], magnitude[DOCTOR_BLOCKS];
    fit_falling(value, n, residual);
    for (int64_t k = 0; k < n; k++) {
        residual[k] = value[k] - residual[k];
        magnitude[k] = fabs(residual[k]);
    }
    const double noise = 1.4826 * ravine_median(magnitude, n), most = 3 * noise;
    double product = 0, square = 0, before = 0;
    for (int64_t k = 0; k < n; k++) {
        const double r = noise > 0 ? fmax(fmin(residual[k], most), -most) / noise : 0;
        square += r * r;
        product += r * before;
        before = r;
    }
    *correlation = square > 0 ? fmax(0, fmin(0.95, product / square)) : 0;
    return noise;
}

typedef struct trend {
    int64_t points;
    double drop;  /* from the first to the last quarter of the span, over the greater magnitude */
    double error; /* of drop: its standard error, neighbours correlated */
    double z;     /* drop / error */
} trend;

/* Of the loss over the last `windows` windows, or as many as there are. */
static trend trend_of(const ravine_doctor *d, int64_t windows) {
    enum { POINTS_LEAST = 4 };
    double value[DOCTOR_BLOCKS];
    trend t = {.points = collect(d, windows, value)};
    if (t.points < POINTS_LEAST) {
        t.drop = t.error = t.z = NAN;
        return t;
    }
    const int64_t quarter = t.points / 4;
    const double start = median_of(value, 0, quarter);
    const double end = median_of(value, t.points - quarter, quarter);
    double correlation;
    const double noise = residual_noise(value, t.points, &correlation);
    /* A median of k points has about the error of 0.64 k of them. */
    const double independent = (double)quarter * (1 - correlation) / (1 + correlation);
    const double error = noise * sqrt(2 / (0.64 * fmax(independent, 0.5)));
    const double scale = fmax(fabs(start), fabs(end)); /* losses may cross 0 */
    t.drop = scale > 0 ? (start - end) / scale : 0;
    t.error = scale > 0 ? error / scale : 0;
    t.z = error > 0 ? (start - end) / error : start > end ? INFINITY : start < end ? -INFINITY : 0;
    return t;
}

static void find_trends(const ravine_doctor *d, doctor_findings *f) {
    const double least_z = 3, least_drop = 0.02, stall = 0.1;
    const trend whole = trend_of(d, 4), late = trend_of(d, 2);
    f->drop = whole.drop;
    f->drop_error = whole.error;
    f->drop_z = whole.z;
    f->late_drop = late.drop;
    f->late_error = late.error;
    f->falling = whole.z > least_z && whole.drop > least_drop &&
                 late.drop + 2 * late.error > stall * whole.drop;
}

/* ---- against the start, the least, the best constant */

static double greater_size(double a, double b) {
    return fmax(fabs(a), fabs(b));
}

/* Of the best constant prediction: as told, or ln of the number of outputs, if the loss begins
 * there as that of a classifier does. */
static double constant_loss(const doctor_history *h) {
    const double near = 0.35, told = h->fact[RAVINE_FACT_CONSTANT_LOSS];
    const double guess = log(h->fact[RAVINE_FACT_CLASSES]);
    if (!isnan(told)) return told;
    return fabs(h->loss_first - guess) < near * guess ? guess : NAN;
}

enum { NOW = 16 }; /* steps whose median is the loss of now */

static void find_level(const ravine_doctor *d, doctor_findings *f) {
    const doctor_history *h = &d->h;
    const int64_t n = ravine_doctor_window_length(d), recent = n < NOW ? n : NOW;
    const int64_t early = h->kept < DOCTOR_EARLY ? (int64_t)h->kept : DOCTOR_EARLY;
    double first[DOCTOR_EARLY];
    for (int64_t k = 0; k < early; k++) first[k] = h->early[k];
    f->loss = n > 0 ? ravine_doctor_loss_of(d, 0) : NAN;
    /* The first steps may have thrown it: then only the very first loss is that of the start. */
    const bool thrown = h->update_first > 0.2 * h->param_first;
    f->loss_start = thrown ? h->loss_first : ravine_median(first, early);
    f->loss_range = h->loss_most - h->loss_least;
    f->loss_scale = fmax(fabs(f->loss), f->loss_range);
    const double now = ravine_doctor_median_back(d, recent, ravine_doctor_loss_of);
    const double noise =
        1.4826 * ravine_doctor_median_back(d, n, ravine_doctor_surprise_of) / sqrt(1.5);
    f->spread = noise / fabs(now);
    const double scale = greater_size(f->loss_start, now);
    f->fallen = scale > 0 ? (f->loss_start - now) / scale : 0;
    const double error = noise * sqrt((1.0 / (double)early + 1.0 / (double)recent) / 0.64);
    f->fallen_z = (f->loss_start - now) / error;
    f->above_least = f->above_least_z = NAN;
    if (h->blocks > 0) {
        const double least = h->block_least, size = greater_size(least, now);
        f->above_least = size > 0 ? (now - least) / size : 0;
        f->above_least_z = (now - least) / (noise * sqrt(2 / (0.64 * (double)recent)));
    }
    const double constant = constant_loss(h);
    f->constant_known = !isnan(constant);
    f->loss_first = h->loss_first;
    f->start_over = h->loss_first / constant;
    f->below_constant = (constant - now) / fabs(constant);
    f->zero_losses = h->zero_losses;
    f->zero_share_of_run = h->zero_losses / h->observed;
}

/* The loss has come down from what it was thrown to, and not below half of what it began with. */
static bool find_explosion(const ravine_doctor *d, const doctor_findings *f) {
    const double overflow = 1e6;
    const doctor_history *h = &d->h;
    const double first = fabs(h->loss_first), rise = h->loss_most - h->loss_first;
    return !ravine_doctor_is_adaptive(d) && rise > overflow * fmax(first, fabs(f->loss)) &&
           f->loss > h->loss_first - first / 2;
}

/* ---- what leaps and what repeats */

/* Blocks that lie above the one before by far more than blocks do: the greatest, its age, how many
 * in the last window. */
static void find_leaps(const ravine_doctor *d, doctor_findings *f) {
    enum { POINTS_LEAST = 8 };
    double value[DOCTOR_BLOCKS], change[DOCTOR_BLOCKS];
    const int64_t n = collect(d, 4, value);
    f->jump = f->jump_rise = f->jump_height = f->jump_age = f->sawteeth = NAN;
    if (n < POINTS_LEAST || d->h.blocks < POINTS_LEAST) return;
    for (int64_t k = 1; k < n; k++) change[k - 1] = fabs(value[k] - value[k - 1]);
    const double usual = ravine_median(change, n - 1);
    double most = 0;
    int64_t at = 0;
    f->sawteeth = 0;
    for (int64_t k = 1; k < n; k++) {
        const double rise = value[k] - value[k - 1];
        if (rise > most) {
            most = rise;
            at = k;
        }
        if (rise > 6 * usual && k >= n - DOCTOR_BLOCKS_A_WINDOW) f->sawteeth++;
    }
    f->jump = usual > 0 ? most / usual : most > 0 ? INFINITY : 0;
    f->jump_age = (double)(n - at);
    f->jump_rise = at > 0 ? most / fabs(value[at - 1]) : 0;
    f->jump_height = most / fabs(f->loss_start - d->h.loss_least);
}

/* Autocorrelation of the losses of the window; the period is the least lag at which it comes back
 * after it was gone. */
static void find_period(const ravine_doctor *d, doctor_findings *f) {
    enum { LOSSES = 1024, LEAST = 48 };
    double loss[LOSSES], mean = 0, square = 0;
    const int64_t length = ravine_doctor_window_length(d), n = length < LOSSES ? length : LOSSES;
    f->period = f->period_share = NAN;
    if (n < LEAST) return;
    for (int64_t k = 0; k < n; k++) mean += (loss[k] = ravine_doctor_loss_of(d, k)) / (double)n;
    for (int64_t k = 0; k < n; k++) square += (loss[k] - mean) * (loss[k] - mean);
    f->period = f->period_share = 0;
    if (!(square > 0)) return;
    bool gone = false;
    for (int64_t lag = 1; lag <= n / 2; lag++) {
        double product = 0;
        for (int64_t k = lag; k < n; k++) product += (loss[k] - mean) * (loss[k - lag] - mean);
        const double correlation = product / square * (double)n / (double)(n - lag);
        if (correlation < 0.2) gone = true;
        /* Multiples of the period repeat as well, and noise may make one of them look better. */
        if (gone && correlation > f->period_share + 0.05) {
            f->period_share = correlation;
            f->period = (double)lag;
        }
    }
}

void ravine_doctor_find_loss(const ravine_doctor *d, doctor_findings *f) {
    find_level(d, f);
    find_trends(d, f);
    f->exploded = find_explosion(d, f);
    find_leaps(d, f);
    f->jump_over_spread = f->jump_rise / f->spread;
    find_period(d, f);
}
