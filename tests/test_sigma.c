/* ravine_sigma: the last step was eta / sigma * m, read back from the parameters themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ravine.h"
#include "support/make.h"
#include <math.h>
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
        cmocka_unit_test(rules_of_signs_have_no_sigma),
        cmocka_unit_test(wrong_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
