/* SPDX-License-Identifier: Apache-2.0 */
/* spread.h - mean and deviation of a few numbers, of which those that are NaN are not known. */
#ifndef RAVINE_MATH_SPREAD_H
#define RAVINE_MATH_SPREAD_H

#include <math.h>
#include <stdint.h>

typedef struct ravine_spread {
    int64_t count;          /* of the numbers that are known */
    double mean, deviation; /* that of a sample: over count - 1; NaN of a single one */
    double least, greatest; /* infinities where there is none */
} ravine_spread;

static inline ravine_spread ravine_spread_of(const double *number, int64_t n) {
    ravine_spread out = {.least = INFINITY, .greatest = -INFINITY};
    double sum = 0, squares = 0;
    for (int64_t k = 0; k < n; k++) {
        if (isnan(number[k])) continue;
        out.count++;
        sum += number[k];
        out.least = fmin(out.least, number[k]);
        out.greatest = fmax(out.greatest, number[k]);
    }
    out.mean = sum / (double)out.count;
    for (int64_t k = 0; k < n; k++) {
        const double from_mean = number[k] - out.mean;
        if (!isnan(from_mean)) squares += from_mean * from_mean;
    }
    out.deviation = out.count > 1 ? sqrt(squares / (double)(out.count - 1)) : NAN;
    return out;
}

#endif
