/* Does the loss fall? Block medians, a robust measure of their noise, neighbours correlated. */
#include "base/sort.h"
#include "doctor/doctor.h"

#include <math.h>

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double doctor_median(double *values, int64_t n) {
    if (n <= 0) return NAN;
    ravine_sort(values, n, sizeof *values, ascending);
    const int64_t half = n / 2;
    return n % 2 ? values[half] : values[half - 1] + (values[half] - values[half - 1]) / 2;
}

/* Median of value[first], ..., value[first + n - 1]. */
static double median_of(const double *value, int64_t first, int64_t n) {
    double copy[DOCTOR_BLOCKS];
    for (int64_t k = 0; k < n; k++) copy[k] = value[first + k];
    return doctor_median(copy, n);
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
    const int64_t length = doctor_window_length(d);
    if (n > length) n = length;
    for (int64_t k = 0; k < n; k++) value[k] = doctor_back(d, n - 1 - k)->loss;
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
    const double noise = 1.4826 * doctor_median(magnitude, n), most = 3 * noise;
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

doctor_trend doctor_loss_trend(const ravine_doctor *d, int64_t windows) {
    enum { POINTS_LEAST = 4 };
    double value[DOCTOR_BLOCKS];
    doctor_trend t = {.points = collect(d, windows, value)};
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
    const double scale = fabs(start);
    t.drop = scale > 0 ? (start - end) / scale : 0;
    t.error = scale > 0 ? error / scale : 0;
    t.z = error > 0 ? (start - end) / error : start > end ? INFINITY : start < end ? -INFINITY : 0;
    return t;
}
