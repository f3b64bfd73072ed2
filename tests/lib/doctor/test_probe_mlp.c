/* SPDX-License-Identifier: Apache-2.0 */
/* A probe of a tanh network against all eigenvalues of its Hessian, found by a method that shares
 * nothing with it: gradient and differences in long double, Jacobi's rotations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/random.h"
#include "ravine_doctor.h"
#include "support/make.h"
#include "support/quadratic.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* 3 inputs, 7 hidden units, 4 outputs; squared error over 20 examples; no biases in the output. */
enum { IN = 3, HIDDEN = 7, OUT = 4, EXAMPLES = 20, SIZE = HIDDEN * (IN + 1) + OUT * HIDDEN };

static double input[EXAMPLES][IN], target[EXAMPLES][OUT];

static long double network(const long double *w, long double *g) {
    const long double *second = w + HIDDEN * (IN + 1);
    long double loss = 0;
    memset(g, 0, SIZE * sizeof *g);
    for (int e = 0; e < EXAMPLES; e++) {
        long double h[HIDDEN], back[HIDDEN] = {0};
        for (int k = 0; k < HIDDEN; k++) {
            long double sum = w[k * (IN + 1) + IN];
            for (int i = 0; i < IN; i++) sum += w[k * (IN + 1) + i] * (long double)input[e][i];
            h[k] = tanhl(sum);
        }
        for (int j = 0; j < OUT; j++) {
            long double error = -(long double)target[e][j];
            for (int k = 0; k < HIDDEN; k++) error += second[j * HIDDEN + k] * h[k];
            loss += error * error / (2 * EXAMPLES);
            for (int k = 0; k < HIDDEN; k++) {
                g[HIDDEN * (IN + 1) + j * HIDDEN + k] += error * h[k] / EXAMPLES;
                back[k] += error * second[j * HIDDEN + k] / EXAMPLES;
            }
        }
        for (int k = 0; k < HIDDEN; k++) {
            const long double slope = back[k] * (1 - h[k] * h[k]);
            for (int i = 0; i < IN; i++) g[k * (IN + 1) + i] += slope * (long double)input[e][i];
            g[k * (IN + 1) + IN] += slope;
        }
    }
    return loss;
}

static double x[SIZE], g[SIZE];
static float x32[SIZE], g32[SIZE];
static bool single;

static int evaluate(void *context, int64_t number, int32_t gradient, double *loss) {
    (void)context;
    (void)number;
    (void)gradient;
    long double w[SIZE], exact[SIZE];
    for (int i = 0; i < SIZE; i++) w[i] = single ? (long double)x32[i] : (long double)x[i];
    *loss = (double)network(w, exact);
    for (int i = 0; i < SIZE; i++) {
        g[i] = (double)exact[i];
        g32[i] = (float)exact[i];
    }
    return 0;
}

static void draw(void) {
    for (int e = 0; e < EXAMPLES; e++) {
        for (int i = 0; i < IN; i++)
            input[e][i] = ravine_random_normal(1, (uint64_t)e, (uint64_t)i);
        for (int j = 0; j < OUT; j++)
            target[e][j] = sin(3 * input[e][j % IN] + j) + 0.3 * input[e][(j + 1) % IN];
    }
    for (int i = 0; i < SIZE; i++) {
        x32[i] = (float)(0.6 * ravine_random_normal(2, 0, (uint64_t)i));
        x[i] = (double)x32[i];
    }
}

static void eigenvalues(long double *value) {
    static long double h[SIZE * SIZE];
    long double w[SIZE], plus[SIZE], minus[SIZE];
    const long double step = 1e-6L;
    for (int i = 0; i < SIZE; i++) w[i] = (long double)x[i];
    for (int i = 0; i < SIZE; i++) {
        w[i] = (long double)x[i] + step;
        network(w, plus);
        w[i] = (long double)x[i] - step;
        network(w, minus);
        w[i] = (long double)x[i];
        for (int k = 0; k < SIZE; k++) h[i * SIZE + k] = (plus[k] - minus[k]) / (2 * step);
    }
    for (int i = 0; i < SIZE; i++)
        for (int k = 0; k < i; k++)
            h[i * SIZE + k] = h[k * SIZE + i] = (h[i * SIZE + k] + h[k * SIZE + i]) / 2;
    jacobi_eigenvalues(h, SIZE, value);
}

static ravine_probe probe(int32_t lanczos) {
    const ravine_problem problem = {.size = sizeof problem, .evaluate = evaluate};
    ravine_probe r = {.size = sizeof r};
    ravine_probe_options options;
    ravine_probe_options_init(&options);
    options.lanczos = lanczos;
    options.preconditioned = 0;
    ravine_optimizer *o = make_optimizer("sgd lr=0.01");
    make_param(o, 0, "w", single ? RAVINE_F32 : RAVINE_F64, single ? (void *)x32 : x,
               single ? (void *)g32 : g, SIZE);
    if (ravine_probe_run(o, &problem, &options, &r)) fail_msg("%s", ravine_errmsg());
    ravine_destroy(o);
    return r;
}

/* Errors as shares of lambda_max: those of the specification's own measurements, rounded up. */
static void extremes_of_a_network(void **state) {
    (void)state;
    static const struct {
        bool single;
        int32_t lanczos;
        double max_error, min_error;
    } cases[] = {{false, 20, 1e-7, 1e-2},
                 {false, SIZE, 1e-8, 1e-8},
                 {true, 20, 1e-4, 1e-2},
                 {true, SIZE, 1e-4, 1e-4}};
    long double value[SIZE];
    draw();
    eigenvalues(value);
    const double greatest = (double)value[SIZE - 1], least = (double)value[0];
    assert_true(greatest > 0 && least < -1e-3 * greatest); /* it has both signs */
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        single = cases[k].single;
        const ravine_probe r = probe(cases[k].lanczos);
        const double max_error = fabs(r.lambda_max - greatest) / greatest;
        const double min_error = fabs(r.lambda_min - least) / greatest;
        print_message("float%d, %d steps: lambda_max %.6g (error %.1e), lambda_min %.6g (%.1e), "
                      "noise %.1e, all of lambda_max\n",
                      single ? 32 : 64, cases[k].lanczos, r.lambda_max, max_error, r.lambda_min,
                      min_error, r.curvature_noise / greatest);
        assert_true(max_error < cases[k].max_error && min_error < cases[k].min_error);
        assert_true(r.lambda_max < greatest + r.curvature_noise);
        assert_true(r.lambda_min > least - r.curvature_noise);
        assert_true(r.lambda_min < -r.curvature_noise); /* the certificate */
        assert_true(r.curvature_noise < 1e-2 * greatest);
        const double lower = fmin(r.escape_loss[0], r.escape_loss[1]);
        assert_true(lower < r.loss);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(extremes_of_a_network)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
