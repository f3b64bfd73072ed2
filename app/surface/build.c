/* SPDX-License-Identifier: Apache-2.0 */
/* What the table cannot hold as numbers: data, and minima that follow from it. */
#include "io/failure.h"
#include "math/elementary.h"
#include "surface/bodies.h"
#include "surface/lecture_points.h"
#include "surface/matrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(const surface *s) {
    return failure(FAILURE_INPUT, "out of memory for a surface of size %d", s->size);
}

/* Least squares about the means, and the eigenvector of 2 [[n, sum x], [sum x, sum x^2]]. */
int lecture_build(surface *s) {
    double x = 0, y = 0, xx = 0, xy = 0, squares = 0;
    for (int k = 0; k < LECTURE_POINTS; k++) {
        x += lecture_x[k] / LECTURE_POINTS;
        y += lecture_y[k] / LECTURE_POINTS;
        squares += lecture_x[k] * lecture_x[k];
    }
    for (int k = 0; k < LECTURE_POINTS; k++) {
        xx += (lecture_x[k] - x) * (lecture_x[k] - x);
        xy += (lecture_x[k] - x) * (lecture_y[k] - y);
    }
    s->minimum[1] = xy / xx;
    s->minimum[0] = y - s->minimum[1] * x;
    double gradient[2];
    s->least = lecture_f64(s, s->minimum, gradient);
    const double sum = x * LECTURE_POINTS, half = (squares - LECTURE_POINTS) / 2;
    const double across[2] = {sum, half + ravine_hypot(half, sum)},
                 length = ravine_hypot(across[0], across[1]);
    s->steep[0] = across[0] / length;
    s->steep[1] = across[1] / length;
    return 0;
}

/* Makes the rows of q [n, n] orthonormal, in place (modified Gram-Schmidt, twice for rounding). */
static void orthonormalize(double *q, int n) {
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < 2 * i; k++) {
            const double *other = q + k / 2 * n;
            double dot = 0;
            for (int j = 0; j < n; j++) dot += q[i * n + j] * other[j];
            for (int j = 0; j < n; j++) q[i * n + j] -= dot * other[j];
        }
        double squares = 0;
        for (int j = 0; j < n; j++) squares += q[i * n + j] * q[i * n + j];
        for (int j = 0; j < n; j++) q[i * n + j] /= sqrt(squares);
    }
}

/* Eigenvalue k of n: from 1 down to 1/condition in equal ratios. */
static double eigenvalue(const surface *s, int k) {
    return ravine_pow(s->parameter[1], -(double)k / (s->size - 1));
}

/* data = sum of eigenvalue k times q_k q_k^T over the rows q_k of a random rotation. */
static int rotated_build(surface *s) {
    const int n = s->size;
    const size_t bytes = (size_t)n * (size_t)n * sizeof(double);
    double *q = malloc(bytes);
    s->data = malloc(bytes);
    if (!q || !s->data) {
        free(q);
        return no_memory(s);
    }
    for (int i = 0; i < n * n; i++) q[i] = surface_normal(s, STREAM_ROTATION, (uint64_t)i);
    orthonormalize(q, n);
    for (int i = 0; i < n; i++)
        for (int j = i; j < n; j++) {
            double sum = 0;
            for (int k = n - 1; k >= 0; k--) /* small ones first */
                sum += eigenvalue(s, k) * (q[k * n + i] * q[k * n + j]);
            s->data[i * n + j] = s->data[j * n + i] = sum;
        }
    s->rows = n;
    memcpy(s->steep, q, (size_t)n * sizeof *q);
    free(q);
    return 0;
}

int quadratic_build(surface *s) {
    const double condition = s->parameter[1];
    const bool rotated = s->parameter[2] != 0;
    if (rotated) return rotated_build(s);
    s->data = malloc((size_t)s->size * sizeof(double));
    if (!s->data) return no_memory(s);
    for (int i = 0; i < s->size; i++) s->data[i] = condition == 1 ? 1 : eigenvalue(s, i);
    s->rows = 1;
    return 0;
}

/* Newton's method, each step halved until it does not climb; the loss is strictly convex. work:
 * [size, size] and two vectors. */
static void find_minimum(surface *s, double *work) {
    enum { STEPS_MAX = 100 };
    const int n = s->size;
    double *h = work, *step = work + n * n, *next = step + n;
    for (int t = 0; t < STEPS_MAX; t++) {
        const double loss = logistic_f64(s, s->minimum, step);
        logistic_hessian(s, s->minimum, h);
        if (!matrix_factor(h, n)) return;
        matrix_solve(h, n, step);
        double share = 1, gradient[SURFACE_SIZE_MAX];
        for (;; share /= 2) {
            for (int i = 0; i < n; i++) next[i] = s->minimum[i] - share * step[i];
            if (logistic_f64(s, next, gradient) <= loss || share < 0x1p-40) break;
        }
        if (memcmp(next, s->minimum, (size_t)n * sizeof *next) == 0) return;
        memcpy(s->minimum, next, (size_t)n * sizeof *next);
    }
}

/* Two clouds of normal points about (c, ..., c) and (-c, ..., -c), labels 1 and -1 in turn. */
int logistic_build(surface *s) {
    const double centre = 0.75;
    const int n = s->size, rows = (int)s->parameter[1];
    const size_t numbers = (size_t)n * (size_t)rows;
    double *work = malloc(((size_t)n * (size_t)n + 2 * (size_t)n) * sizeof(double));
    s->data = malloc(numbers * sizeof(double));
    if (!work || !s->data) {
        free(work);
        return no_memory(s);
    }
    s->rows = rows;
    for (size_t k = 0; k < numbers; k++) {
        const double label = k / (size_t)n % 2 ? -1 : 1;
        s->data[k] = centre + label * surface_normal(s, STREAM_POINTS, k);
    }
    find_minimum(s, work);
    double gradient[SURFACE_SIZE_MAX];
    s->least = logistic_f64(s, s->minimum, gradient);
    free(work);
    return 0;
}
