/* SPDX-License-Identifier: Apache-2.0 */
/* Exact Hessians: [size, size], row by row. */
#include "math/elementary.h"
#include "surface/bodies.h"
#include "surface/lecture_points.h"

#include <math.h>
#include <string.h>

static void set_symmetric(double *h, double xx, double xy, double yy) {
    h[0] = xx;
    h[1] = h[2] = xy;
    h[3] = yy;
}

/* The lower half from the upper one: symmetric to the last bit. */
static void mirror(double *h, int n) {
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) h[i * n + j] = h[j * n + i];
}

void lecture_hessian(const surface *s, const double *theta, double *h) {
    (void)s, (void)theta;
    double sum = 0, squares = 0;
    for (int k = 0; k < LECTURE_POINTS; k++) {
        sum += lecture_x[k];
        squares += lecture_x[k] * lecture_x[k];
    }
    set_symmetric(h, 2 * LECTURE_POINTS, 2 * sum, 2 * squares);
}

void crescent_hessian(const surface *s, const double *theta, double *h) {
    (void)s;
    const double x = theta[0], y = theta[1];
    set_symmetric(h, 2 + 1200 * x * x - 400 * y, -400 * x, 200);
}

void ravine_hessian(const surface *s, const double *theta, double *h) {
    const double root = sqrt(1 + theta[0] * theta[0]);
    set_symmetric(h, s->parameter[0] / (root * root * root), 0, s->parameter[1]);
}

void quadratic_hessian(const surface *s, const double *theta, double *h) {
    (void)theta;
    const size_t n = (size_t)s->size;
    memset(h, 0, n * n * sizeof *h);
    for (size_t i = 0; s->rows == 1 && i < n; i++) h[i * n + i] = s->data[i];
    if (s->rows > 1) memcpy(h, s->data, n * n * sizeof *h);
}

void saddle_hessian(const surface *s, const double *theta, double *h) {
    (void)s;
    set_symmetric(h, 1, 0, 3 * theta[1] * theta[1] - 1);
}

void monkey_hessian(const surface *s, const double *theta, double *h) {
    (void)s;
    set_symmetric(h, 6 * theta[0], -6 * theta[1], -6 * theta[0]);
}

/* Residual k is r = c_k - x (1 - y^k): r_x = y^k - 1, r_y = k x y^(k-1), r_xy = k y^(k-1),
 * r_yy = k (k-1) x y^(k-2). */
void beale_hessian(const surface *s, const double *theta, double *h) {
    (void)s;
    static const double c[3] = {1.5, 2.25, 2.625};
    const double x = theta[0], y = theta[1];
    double xx = 0, xy = 0, yy = 0;
    for (int k = 1; k <= 3; k++) {
        const double before = ravine_power_int(y, k - 1), power = before * y;
        const double r = c[k - 1] - x * (1 - power), rx = power - 1, ry = k * x * before;
        const double ryy = k == 1 ? 0 : k * (k - 1) * x * ravine_power_int(y, k - 2);
        xx += 2 * rx * rx;
        xy += 2 * (rx * ry + r * k * before);
        yy += 2 * (ry * ry + r * ryy);
    }
    set_symmetric(h, xx, xy, yy);
}

void himmelblau_hessian(const surface *s, const double *theta, double *h) {
    (void)s;
    const double x = theta[0], y = theta[1];
    set_symmetric(h, 12 * x * x + 4 * y - 42, 4 * (x + y), 12 * y * y + 4 * x - 26);
}

void rastrigin_hessian(const surface *s, const double *theta, double *h) {
    const double turn = 6.283185307179586;
    const size_t n = (size_t)s->size;
    memset(h, 0, n * n * sizeof *h);
    for (size_t i = 0; i < n; i++) h[i * n + i] = 2 + 10 * turn * turn * ravine_cospi(2 * theta[i]);
}

/* Row i is the derivative of the backward pass of body.inc along theta_i: a tangent (da, dback)
 * through both passes. */
void tanh_chain_hessian(const surface *s, const double *theta, double *h) {
    const int n = s->size;
    double a[SURFACE_SIZE_MAX + 1] = {1};
    for (int k = 0; k < n; k++) a[k + 1] = ravine_tanh(theta[k] * a[k]);
    for (int i = 0; i < n; i++) {
        double da[SURFACE_SIZE_MAX + 1] = {0};
        for (int k = i; k < n; k++)
            da[k + 1] = (1 - a[k + 1] * a[k + 1]) * (theta[k] * da[k] + (k == i ? a[k] : 0));
        double back = a[n] - s->parameter[1], dback = da[n];
        for (int k = n - 1; k >= 0; k--) {
            const double slope = 1 - a[k + 1] * a[k + 1], dslope = -2 * a[k + 1] * da[k + 1];
            const double inner = back * slope, dinner = dback * slope + back * dslope;
            h[i * n + k] = dinner * a[k] + inner * da[k];
            dback = dinner * theta[k] + (k == i ? inner : 0);
            back = inner * theta[k];
        }
    }
    mirror(h, n);
}

void logistic_hessian(const surface *s, const double *theta, double *h) {
    const int n = s->size;
    memset(h, 0, (size_t)n * (size_t)n * sizeof *h);
    for (int i = 0; i < n; i++) h[i * n + i] = s->parameter[2];
    for (int k = 0; k < s->rows; k++) {
        const double *point = s->data + k * n;
        double margin = 0;
        for (int i = 0; i < n; i++) margin += point[i] * theta[i];
        const double small = ravine_exp(-fabs(margin));
        const double weight = small / ((1 + small) * (1 + small)) / s->rows;
        for (int i = 0; i < n; i++)
            for (int j = i; j < n; j++) h[i * n + j] += weight * point[i] * point[j];
    }
    mirror(h, n);
}
