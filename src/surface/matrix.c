/* Cholesky's factor, and Jacobi's eigenvalues. */
#include "surface/matrix.h"

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

/* Rotates coordinates p and q so that a[p, q] becomes 0. */
static void rotate(double *a, int n, int p, int q) {
    const double apq = a[p * n + q];
    const double theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
    const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + hypot(theta, 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int k = 0; k < n; k++) {
        const double kp = a[k * n + p], kq = a[k * n + q];
        a[k * n + p] = c * kp - s * kq;
        a[k * n + q] = s * kp + c * kq;
    }
    for (int k = 0; k < n; k++) {
        const double pk = a[p * n + k], qk = a[q * n + k];
        a[p * n + k] = c * pk - s * qk;
        a[q * n + k] = s * pk + c * qk;
    }
}

/* One pass over all pairs; false if none of them mattered any more. */
static bool sweep(double *a, int n) {
    bool rotated = false;
    for (int p = 0; p < n; p++)
        for (int q = p + 1; q < n; q++) {
            const double small = 0x1p-54 * sqrt(fabs(a[p * n + p])) * sqrt(fabs(a[q * n + q]));
            if (!(fabs(a[p * n + q]) > small)) continue;
            rotate(a, n, p, q);
            rotated = true;
        }
    return rotated;
}

double matrix_largest_eigenvalue(double *a, int n) {
    enum { SWEEPS_MAX = 60 }; /* about 10 do, whatever n is */
    if (n == 2) {
        const double middle = a[0] / 2 + a[3] / 2, half = a[0] / 2 - a[3] / 2;
        return middle + hypot(half, a[1]);
    }
    for (int k = 0; k < SWEEPS_MAX && sweep(a, n); k++) continue;
    double largest = a[0];
    for (int i = 1; i < n; i++) largest = fmax(largest, a[i * n + i]);
    return largest;
}
