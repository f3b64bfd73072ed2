/* SPDX-License-Identifier: Apache-2.0 */
/* ravine_sigma: the last step was eta / sigma * m, read back from the parameters themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ravine.h"
#include "support/make.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LENGTH = 3 };

/* Makes three steps and compares the third with (lr / sigma) m, m being what `m_of` says. */
static void expect_step(const char *rule, const char *m_key, double m_divisor) {
    double x[LENGTH] = {1, -2, 3}, g[LENGTH], before[LENGTH], sigma[LENGTH], lr;
    ravine_optimizer *o = make_optimizer(rule);
    make_param(o, 0, "x", RAVINE_F64, x, g, LENGTH);
    for (int step = 0; step < 3; step++) {
        memcpy(before, x, sizeof x);
        for (int i = 0; i < LENGTH; i++) g[i] = x[i] * (i + 1) + 0.1 * step;
        make_step(o, NULL);
    }
    const double *m = m_key ? make_state(o, "x", m_key) : g;
    assert_int_equal(ravine_get(o, 0, RAVINE_LR, &lr), RAVINE_OK);
    assert_int_equal(ravine_sigma(o, "x", sigma, LENGTH), RAVINE_OK);
    for (int i = 0; i < LENGTH; i++) {
        const double step = lr / sigma[i] * m[i] / m_divisor;
        if (fabs(before[i] - x[i] - step) > 1e-12 * fabs(step))
            fail_msg("%s [%d]: the step was %.17g, eta/sigma*m is %.17g", rule, i, before[i] - x[i],
                     step);
    }
    ravine_destroy(o);
}

static void the_step_is_eta_over_sigma_times_m(void **state) {
    (void)state;
    expect_step("sgd", NULL, 1);
    expect_step("sgd momentum=0.9", "momentum_buffer", 1);
    expect_step("adagrad eps=0.1", NULL, 1);
    expect_step("adagrad_mean", NULL, 1);
    expect_step("adagrad_mean eps=0.1 eps_form=hat", NULL, 1);
    expect_step("rmsprop", NULL, 1);
    expect_step("rmsprop centered=true eps=0.1", NULL, 1);
    const double bias = 1 - 0.9 * 0.9 * 0.9;
    expect_step("adam eps=0.1", "exp_avg", bias);
    expect_step("adam eps=0.1 eps_form=hat", "exp_avg", bias);
    expect_step("adam eps=0.1 eps_form=inside amsgrad=true", "exp_avg", bias);
    expect_step("adamax", "exp_avg", bias);
    expect_step("radam beta2=0.99", "exp_avg", bias); /* not rectified yet: sigma is 1 */
    expect_step("yogi", "exp_avg", 1);
    expect_step("adabelief eps=1e-3", "exp_avg", bias);
}

/* The update of step t after gradients that were 0, the gradient being 1: r_t / sigma alone. */
static double rectified_update(double beta2, int64_t t) {
    char rule[80];
    double x = 0, g = 0;
    (void)snprintf(rule, sizeof rule, "radam lr=1 beta1=0 beta2=%.17g eps=1e-300", beta2);
    ravine_optimizer *o = make_optimizer(rule);
    make_param(o, 0, "x", RAVINE_F64, &x, &g, 1);
    for (int64_t step = 1; step < t; step++) make_step(o, NULL);
    g = 1;
    make_step(o, NULL);
    ravine_destroy(o);
    return -x;
}

/* Liu et al. 2020, algorithm 2, in long double. */
static long double exact_rectified_update(double beta2, int64_t t) {
    const long double beta = (long double)beta2, rest = 1 - beta, most = (1 + beta) / rest;
    const long double power = powl(beta, (long double)t), bias = 1 - power;
    const long double rho = most - 2 * (long double)t * power / bias;
    const long double r2 = (rho - 4) / (most - 4) * ((rho - 2) / (most - 2)) * (most / rho);
    return sqrtl(r2 * bias / rest);
}

static void radam_is_rectified_to_the_last_bits(void **state) {
    (void)state;
    static const double beta2[] = {0.9, 0.95, 0.99, 0.999};
    for (size_t k = 0; k < sizeof beta2 / sizeof *beta2; k++)
        for (int64_t t = 100; t <= 6400; t *= 2) {
            const double update = rectified_update(beta2[k], t);
            const long double exact = exact_rectified_update(beta2[k], t);
            const long double units = fabsl((long double)update - exact) / exact / DBL_EPSILON;
            if (!(units < 3))
                fail_msg("beta2 %g, step %d: %.17g is %.1Lf units from the formula", beta2[k],
                         (int)t, update, units);
        }
}

static void rules_of_signs_have_no_sigma(void **state) {
    (void)state;
    static const char *const rules[] = {"lion", "signum", "rprop"};
    for (int k = 0; k < 3; k++) {
        float x[2] = {1, 2}, g[2] = {1, 1};
        double sigma[2];
        ravine_optimizer *o = make_optimizer(rules[k]);
        make_param(o, 0, "x", RAVINE_F32, x, g, 2);
        make_step(o, NULL);
        assert_int_equal(ravine_sigma(o, "x", sigma, 2), RAVINE_E_UNSUPPORTED);
        assert_non_null(strstr(ravine_errmsg(), rules[k]));
        ravine_destroy(o);
    }
}

static void wrong_calls_are_refused(void **state) {
    (void)state;
    float x[2] = {1, 2}, g[2] = {1, 1};
    double sigma[2] = {7, 7};
    ravine_optimizer *o = make_optimizer("adam");
    make_param(o, 0, "x", RAVINE_F32, x, g, 2);
    assert_int_equal(ravine_sigma(o, "x", sigma, 2), RAVINE_E_STATE);
    make_step(o, NULL);
    assert_int_equal(ravine_sigma(o, "x", sigma, 3), RAVINE_E_ARG);
    assert_int_equal(ravine_sigma(o, "y", sigma, 2), RAVINE_E_ARG);
    assert_int_equal(ravine_sigma(NULL, "x", sigma, 2), RAVINE_E_ARG);
    assert_true(sigma[0] == 7 && sigma[1] == 7);
    ravine_destroy(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_step_is_eta_over_sigma_times_m),
        cmocka_unit_test(radam_is_rectified_to_the_last_bits),
        cmocka_unit_test(rules_of_signs_have_no_sigma),
        cmocka_unit_test(wrong_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
