/* SPDX-License-Identifier: Apache-2.0 */
/* quadratic.c - see quadratic.h. */
#include "quadratic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "make.h"
#include "math/random.h"

#include <math.h>
#include <stdlib.h>

void quadratic_diagonal(quadratic *q, int n, const double *d) {
    *q = (quadratic){.n = n, .dtype = RAVINE_F64};
    for (int i = 0; i < n; i++) q->h[i * n + i] = d[i];
}

/* Reflections at random planes: each is its own inverse. */
void quadratic_rotate(quadratic *q, uint64_t seed) {
    const int n = q->n;
    for (uint64_t turn = 0; turn < 3; turn++) {
        double v[QUADRATIC_MAX], squares = 0;
        for (int i = 0; i < n; i++) {
            v[i] = ravine_random_normal(seed, turn, (uint64_t)i);
            squares += v[i] * v[i];
        }
        for (int side = 0; side < 2; side++)
            for (int i = 0; i < n; i++) {
                double *at = side ? q->h + i : q->h + i * n, along = 0;
                const int step = side ? n : 1;
                for (int k = 0; k < n; k++) along += v[k] * at[k * step];
                for (int k = 0; k < n; k++) at[k * step] -= 2 * along / squares * v[k];
            }
    }
}

void quadratic_place(quadratic *q, const double *x) {
    for (int i = 0; i < q->n; i++) {
        q->x[i] = x[i];
        q->x32[i] = (float)x[i];
    }
}

static double at(const quadratic *q, int i) {
    return q->dtype == RAVINE_F64 ? q->x[i] : (double)q->x32[i];
}

static double compute(const quadratic *q, double *gradient) {
    double loss = 0;
    for (int i = 0; i < q->n; i++) {
        double g = 0;
        for (int k = 0; k < q->n; k++) g += q->h[i * q->n + k] * (at(q, k) - q->center[k]);
        loss += 0.5 * g * (at(q, i) - q->center[i]) + q->quartic / 4 * pow(at(q, i), 4);
        if (gradient) gradient[i] = g + q->quartic * pow(at(q, i), 3);
    }
    return loss;
}

double quadratic_loss(const quadratic *q) {
    return compute(q, NULL);
}

static int evaluate(void *context, int64_t number, int32_t gradient, double *loss) {
    quadratic *q = context;
    double g[QUADRATIC_MAX];
    *(gradient ? &q->gradients : &q->losses) += 1;
    const int64_t call = q->gradients + q->losses;
    if (call == q->fail_at) return 7;
    const double computed = compute(q, g);
    *loss = call == q->nan_at ? NAN : computed;
    for (int i = 0; gradient && i < q->n; i++) {
        const uint64_t stream = (uint64_t)number;
        if (number) g[i] += q->noise * ravine_random_normal(99, stream, (uint64_t)i);
        if (call == q->bad_gradient_at && i == q->n - 1) g[i] = HUGE_VAL;
        q->g[i] = g[i];
        q->g32[i] = (float)g[i];
    }
    return 0;
}

ravine_problem quadratic_problem(quadratic *q, int64_t nbatches) {
    return (ravine_problem){
        .size = sizeof(ravine_problem), .evaluate = evaluate, .context = q, .nbatches = nbatches};
}

static int multiply(void *context, int64_t number, const double *x, double *out) {
    quadratic *q = context;
    q->products++;
    if (q->products == q->fail_product_at) return 7;
    for (int i = 0; i < q->n; i++) {
        out[i] = 3 * q->quartic * pow(at(q, i), 2) * x[i];
        for (int k = 0; k < q->n; k++) out[i] += q->h[i * q->n + k] * x[k];
    }
    if (q->products == q->bad_product_at) out[q->n - 1] = NAN;
    return number != 0;
}

ravine_problem quadratic_problem_with_product(quadratic *q, int64_t nbatches) {
    ravine_problem problem = quadratic_problem(q, nbatches);
    problem.product = multiply;
    return problem;
}

ravine_optimizer *quadratic_optimizer(quadratic *q, const char *rule) {
    ravine_optimizer *o = make_optimizer(rule);
    const int single = q->dtype == RAVINE_F32;
    make_param(o, 0, "x", q->dtype, single ? (void *)q->x32 : q->x, single ? (void *)q->g32 : q->g,
               q->n);
    return o;
}

void quadratic_step(quadratic *q, ravine_optimizer *o, int64_t number) {
    double loss;
    assert_int_equal(evaluate(q, number, 1, &loss), 0);
    make_step(o, NULL);
}

static int compare(const void *a, const void *b) {
    const long double x = *(const long double *)a, y = *(const long double *)b;
    return (x > y) - (x < y);
}

void jacobi_eigenvalues(long double *h, int n, long double *value) {
    for (int sweep = 0; sweep < 30; sweep++) {
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) {
                const long double beside = h[p * n + q];
                if (beside == 0) continue;
                const long double half = (h[q * n + q] - h[p * n + p]) / (2 * beside);
                const long double t = copysignl(1, half) / (fabsl(half) + sqrtl(half * half + 1));
                const long double c = 1 / sqrtl(t * t + 1), s = t * c;
                for (int k = 0; k < n; k++) {
                    const long double a = h[k * n + p], b = h[k * n + q];
                    h[k * n + p] = c * a - s * b;
                    h[k * n + q] = s * a + c * b;
                }
                for (int k = 0; k < n; k++) {
                    const long double a = h[p * n + k], b = h[q * n + k];
                    h[p * n + k] = c * a - s * b;
                    h[q * n + k] = s * a + c * b;
                }
            }
    }
    for (int k = 0; k < n; k++) value[k] = h[k * n + k];
    qsort(value, (size_t)n, sizeof *value, compare);
}
