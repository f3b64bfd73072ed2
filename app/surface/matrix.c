/* SPDX-License-Identifier: Apache-2.0 */
/* Cholesky's factor, and one eigenvalue by way of the tridiagonal form. */
#include "surface/matrix.h"

#include "math/elementary.h"

#include <math.h>

bool matrix_factor(double *a, int n) {
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            double rest = a[i * n + j];
            for (int k = 0; k < j; k++) rest -= a[i * n + k] * a[j * n + k];
            if (i == j && !(rest > 0)) return false;
            a[i * n + j] = i == j ? sqrt(rest) : rest / a[j * n + j];
        }
    return true;
}

void matrix_solve(const double *l, int n, double *x) {
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++) x[i] -= l[i * n + k] * x[k];
        x[i] /= l[i * n + i];
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++) x[i] -= l[k * n + i] * x[k];
        x[i] /= l[i * n + i];
    }
}

/* Brings a to tridiagonal form by reflections, one a column: diagonal d [n] and below it e [n - 1]
 * (Golub & Van Loan, Matrix Computations, 8.3.1). */
static void tridiagonalize(double *a, int n, double *d, double *e) {
    double v[MATRIX_SIZE_MAX], p[MATRIX_SIZE_MAX];
    for (int k = 0; k < n - 1; k++) {
        double length = 0;
        for (int i = k + 1; i < n; i++) length = ravine_hypot(length, a[i * n + k]);
        const double pivot = a[(k + 1) * n + k], alpha = pivot > 0 ? -length : length;
        d[k] = a[k * n + k];
        e[k] = alpha;
        double squares = 0;
        for (int i = k + 1; i < n; i++) {
            v[i] = (a[i * n + k] - (i == k + 1 ? alpha : 0)) / (length > 0 ? length : 1);
            squares += v[i] * v[i];
        }
        if (!(squares > 0)) continue; /* the column is 0 already */
        double vp = 0;
        for (int i = k + 1; i < n; i++) {
            p[i] = 0;
            for (int j = k + 1; j < n; j++) p[i] += a[i * n + j] * v[j] * (2 / squares);
            vp += v[i] * p[i];
        }
        for (int i = k + 1; i < n; i++) p[i] -= vp / squares * v[i];
        for (int i = k + 1; i < n; i++)
            for (int j = k + 1; j < n; j++) a[i * n + j] -= v[i] * p[j] + p[i] * v[j];
    }
    d[n - 1] = a[n * n - 1];
}

/* True if an eigenvalue of the tridiagonal matrix is above x (Sylvester's law of inertia). */
static bool reaches_above(const double *d, const double *e, int n, double x) {
    double q = d[0] - x;
    for (int i = 1; i < n; i++) {
        if (q >= 0) return true;
        q = d[i] - x - e[i - 1] * e[i - 1] / q;
    }
    return q >= 0;
}

double matrix_largest_eigenvalue(double *a, int n) {
    if (n == 2) {
        const double middle = a[0] / 2 + a[3] / 2, half = a[0] / 2 - a[3] / 2;
        return middle + ravine_hypot(half, a[1]);
    }
    double d[MATRIX_SIZE_MAX], e[MATRIX_SIZE_MAX];
    tridiagonalize(a, n, d, e);
    double low = d[0], high = d[0]; /* the largest diagonal element; Gershgorin's bound */
    for (int i = 0; i < n; i++) {
        const double radius = (i > 0 ? fabs(e[i - 1]) : 0) + (i < n - 1 ? fabs(e[i]) : 0);
        low = fmax(low, d[i]);
        high = fmax(high, d[i] + radius);
    }
    for (;;) {
        const double middle = low / 2 + high / 2;
        if (!(middle > low && middle < high)) return high;
        if (reaches_above(d, e, n, middle))
            low = middle;
        else
            high = middle;
    }
}
