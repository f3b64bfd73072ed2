/* SPDX-License-Identifier: Apache-2.0 */
/* The eigenvalues of a small tridiagonal matrix: QR steps with Wilkinson's shift, chasing the bulge
 * (Golub & Van Loan, algorithm 8.3.2). */
#include "doctor/probe/lanczos.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Columns k and k + 1 of z turn by the rotation (c, s). */
static void turn(double *z, int32_t m, int32_t k, double c, double s) {
    for (int32_t row = 0; row < m; row++) {
        double *at = z + (size_t)row * (size_t)m + k;
        const double left = at[0], right = at[1];
        at[0] = c * left + s * right;
        at[1] = c * right - s * left;
    }
}

/* One step on the unreduced part low ... high. */
static void step(double *d, double *e, double *z, int32_t m, int32_t low, int32_t high) {
    const double half = (d[high - 1] - d[high]) / 2, beside = e[high - 1];
    const double shift = d[high] - beside * beside / (half + copysign(hypot(half, beside), half));
    double x = d[low] - shift, bulge = e[low];
    for (int32_t k = low; k < high; k++) {
        const double length = hypot(x, bulge);
        const double c = length > 0 ? x / length : 1, s = length > 0 ? bulge / length : 0;
        const double a = d[k], b = e[k], f = d[k + 1];
        if (k > low) e[k - 1] = length;
        d[k] = c * c * a + 2 * c * s * b + s * s * f;
        d[k + 1] = s * s * a - 2 * c * s * b + c * c * f;
        e[k] = c * s * (f - a) + (c * c - s * s) * b;
        x = e[k];
        if (k + 1 < high) {
            bulge = s * e[k + 1];
            e[k + 1] *= c;
        }
        turn(z, m, k, c, s);
    }
}

static bool negligible(const double *d, const double *e, int32_t k) {
    return fabs(e[k]) <= DBL_EPSILON * (fabs(d[k]) + fabs(d[k + 1])) || fabs(e[k]) < DBL_MIN;
}

static void sort(double *d, double *z, int32_t m) {
    for (int32_t i = 0; i < m; i++) {
        int32_t least = i;
        for (int32_t k = i + 1; k < m; k++)
            if (d[k] < d[least]) least = k;
        if (least == i) continue;
        const double value = d[i];
        d[i] = d[least];
        d[least] = value;
        for (int32_t row = 0; row < m; row++) {
            double *at = z + (size_t)row * (size_t)m;
            const double entry = at[i];
            at[i] = at[least];
            at[least] = entry;
        }
    }
}

void ravine_tridiagonal(double *d, double *e, double *z, int32_t m) {
    enum { STEPS_EACH = 50 }; /* two or three are usual: a bound for the sake of termination */
    memset(z, 0, (size_t)m * (size_t)m * sizeof *z);
    for (int32_t k = 0; k < m; k++) z[(size_t)k * (size_t)m + (size_t)k] = 1;
    int32_t high = m - 1;
    for (int64_t left = (int64_t)STEPS_EACH * m; high > 0 && left > 0; left--) {
        if (negligible(d, e, high - 1)) {
            high--;
            continue;
        }
        int32_t low = high - 1;
        while (low > 0 && !negligible(d, e, low - 1)) low--;
        step(d, e, z, m, low, high);
    }
    sort(d, z, m);
}
