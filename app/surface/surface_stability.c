/* SPDX-License-Identifier: Apache-2.0 */
/* The curvature of a dense Hessian, held against the limit of the rule. */
#include "surface/surface_stability.h"

#include "surface/matrix.h"

#include <math.h>

/* True if a bound that costs n^2 settles it: no eigenvalue exceeds the Frobenius norm. */
static bool surely_below(const double *hessian, const double *sigma, int n, double eta,
                         double limit) {
    double squares = 0;
    for (int i = 0; i < n; i++) {
        double row = 0;
        for (int j = 0; j < n; j++) row += hessian[i * n + j] * hessian[i * n + j] / sigma[j];
        squares += row / sigma[i];
    }
    return eta * eta * squares <= limit * limit;
}

bool stability_exceeded(const double *hessian, const double *sigma, int n, double eta, double limit,
                        double *work) {
    if (surely_below(hessian, sigma, n, eta, limit)) return false;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < i; j++) work[i * n + j] = -eta * hessian[i * n + j];
        work[i * n + i] = limit * sigma[i] - eta * hessian[i * n + i];
    }
    return !matrix_factor(work, n);
}

double stability_sharpness(const double *hessian, const double *sigma, int n, double eta,
                           double *work) {
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            work[i * n + j] = hessian[i * n + j] / (sqrt(sigma[i]) * sqrt(sigma[j]));
    return eta * matrix_largest_eigenvalue(work, n);
}
