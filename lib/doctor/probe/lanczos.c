/* SPDX-License-Identifier: Apache-2.0 */
/* The iteration itself. */
#include "doctor/probe/lanczos.h"

#include "doctor/probe/space.h"
#include "math/random.h"

#include <float.h>
#include <math.h>
#include <string.h>

static double *row(const lanczos *l, int32_t j) {
    return l->basis + (size_t)j * (size_t)l->n;
}

/* Takes the first j + 1 directions of the basis out of w, twice: once is not enough after
 * cancellation (Parlett; Kahan). *defect: the squares of what should not have been there. */
static void orthogonalize(const lanczos *l, int32_t j, double *w, double *defect) {
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t i = 0; i <= j; i++) {
            const double share = ravine_dot(row(l, i), w, l->n);
            ravine_add_scaled(w, -share, row(l, i), l->n);
            if (pass > 0 || i == j || !defect) continue;
            const double expected = i == j - 1 ? l->beta[i] : 0;
            *defect += (share - expected) * (share - expected);
        }
    }
}

/* The operator keeps to the space so far: a random direction outside goes on. */
static void draw(const lanczos *l, int32_t j, double *w) {
    for (int64_t i = 0; i < l->n; i++)
        w[i] = 2 * ravine_random_uniform(l->seed, (uint64_t)j + 1, (uint64_t)i) - 1;
    orthogonalize(l, j, w, NULL);
}

static void set_row(const lanczos *l, int32_t j, const double *w) {
    const double length = ravine_norm(w, l->n);
    double *to = row(l, j);
    for (int64_t i = 0; i < l->n; i++) to[i] = w[i] / length;
}

ravine_status ravine_lanczos_run(lanczos *l, lanczos_product product, void *context) {
    const int32_t steps = l->wanted < l->n ? l->wanted : (int32_t)l->n;
    double *w = l->work, largest = 0, squares = 0;
    set_row(l, 0, row(l, 0));
    for (int32_t j = 0; j < steps; j++) {
        const ravine_status status = product(context, row(l, j), w);
        if (status) return status;
        l->value[j] = ravine_dot(row(l, j), w, l->n);
        orthogonalize(l, j, w, &squares);
        l->beta[j] = ravine_norm(w, l->n);
        largest = fmax(largest, fmax(fabs(l->value[j]), l->beta[j]));
        if (j + 1 == steps) break;
        if (l->beta[j] <= 16 * DBL_EPSILON * largest) {
            l->beta[j] = 0;
            draw(l, j, w);
        }
        set_row(l, j + 1, w);
    }
    l->steps = steps;
    l->last = steps < l->n ? l->beta[steps - 1] : 0;
    l->defect = steps > 1 ? sqrt(squares / (0.5 * steps * (steps - 1))) : 0;
    ravine_tridiagonal(l->value, l->beta, l->vector, steps);
    return RAVINE_OK;
}

double ravine_lanczos_residual(const lanczos *l, int32_t k) {
    const size_t m = (size_t)l->steps;
    return l->last * fabs(l->vector[(m - 1) * m + (size_t)k]);
}

void ravine_lanczos_vector(const lanczos *l, int32_t k, double *y) {
    memset(y, 0, (size_t)l->n * sizeof *y);
    for (int32_t j = 0; j < l->steps; j++)
        ravine_add_scaled(y, l->vector[(size_t)j * (size_t)l->steps + (size_t)k], row(l, j), l->n);
}
