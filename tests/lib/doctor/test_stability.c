/* SPDX-License-Identifier: Apache-2.0 */
/* The stability limit of every rule, found by bisection of the rule itself.
 *
 * On 1/2 x^2 the curvature is 1 and stays it. An eps of 1e8 holds sigma at 1e8 whatever the
 * gradients are, so that lr / sigma is what the limit is about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ravine_doctor.h"
#include "support/make.h"

#include <math.h>
#include <stdbool.h>

enum { STEPS = 4000 };

static bool is_thrown_out(const char *rule, double lr) {
    double x = 1e-60, g; /* young means of Adam overshoot far before they settle */
    ravine_optimizer *o = make_optimizer(rule);
    make_param(o, 0, "x", RAVINE_F64, &x, &g, 1);
    if (ravine_set(o, 0, RAVINE_LR, lr)) fail_msg("%s: %s", rule, ravine_errmsg());
    double late = 0, early = 0; /* greatest |x| of the last tenth, and of one before */
    for (int k = 0; k < STEPS && fabs(x) < 1e4; k++) {
        g = x;
        make_step(o, NULL);
        if (k >= STEPS / 2 && k < STEPS / 2 + STEPS / 10) early = fmax(early, fabs(x));
        if (k >= STEPS - STEPS / 10) late = fmax(late, fabs(x));
    }
    ravine_destroy(o);
    return fabs(x) >= 1e4 || late > early;
}

/* sigma, and how far bisection tells the limit from its neighbours in so many steps. */
static const struct {
    const char *rule;
    double sigma;
} cases[] = {
    {"sgd", 1},
    {"sgd momentum=0.9", 1},
    {"sgd momentum=0.9 nesterov=true", 1},
    {"sgd momentum=0.5 dampening=0.3", 1},
    {"sgd momentum=0.9 lr_in_momentum=true", 1},
    {"sgd weight_decay=0.01 decay_form=decoupled", 1},
    {"sgd weight_decay=0.25 decay_form=independent", 1},
    {"asgd lambd=0", 1},
    {"adagrad eps=1e8", 1e8},
    {"adagrad_mean eps=1e8", 1e8},
    {"adadelta eps=1e8", 1},
    {"rmsprop eps=1e8", 1e8},
    {"rmsprop eps=1e8 momentum=0.9", 1e8},
    {"rmsprop eps=1e8 centered=true", 1e8},
    {"adam eps=1e8", 1e8},
    {"adam eps=1e8 beta1=0.95", 1e8},
    {"adam eps=1e8 amsgrad=true", 1e8},
    {"adamw eps=1e8 weight_decay=0", 1e8},
    {"adamw eps=1e8 weight_decay=1e-10", 1e8},
    {"adamax eps=1e8", 1e8},
    {"nadam eps=1e8 momentum_decay=1e9", 1e8},
    {"radam beta2=0.5", 1},
    {"adabelief eps=1e16", 1e16},
    {"yogi eps=1e8", 1e8},
    {"adopt eps=1e8", 1e8},
    {"adan eps=1e8 beta1=0.9 beta2=0.9", 1e8},
    {"adan eps=1e8 weight_decay=1e-10", 1e8},
};

static void bisection_finds_the_limit(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        double low = 0.1 * cases[k].sigma, high = 90 * cases[k].sigma;
        assert_true(!is_thrown_out(cases[k].rule, low) && is_thrown_out(cases[k].rule, high));
        while (high / low > 1.0005) {
            const double middle = sqrt(low * high);
            *(is_thrown_out(cases[k].rule, middle) ? &high : &low) = middle;
        }
        ravine_config c;
        assert_int_equal(ravine_config_parse(&c, cases[k].rule), RAVINE_OK);
        const double limit = ravine_stability_limit(&c, low, STEPS);
        if (fabs(low / cases[k].sigma / limit - 1) > 2e-3)
            fail_msg("%s: %.6g by bisection, %.6g computed", cases[k].rule, low / cases[k].sigma,
                     limit);
    }
}

/* The limits of docs/surfaces.md. */
static void known_limits(void **state) {
    (void)state;
    static const struct {
        const char *rule;
        double limit;
    } known[] = {{"sgd", 2},
                 {"sgd momentum=0.9", 3.8},
                 {"sgd momentum=0.9 nesterov=true", 3.8 / 2.8},
                 {"adagrad", 2},
                 {"rmsprop", 2},
                 {"adam", 38},
                 {"adamw weight_decay=0 beta1=0.95", 78}};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        ravine_config c;
        assert_int_equal(ravine_config_parse(&c, known[k].rule), RAVINE_OK);
        assert_true(fabs(ravine_stability_limit(&c, 1e-3, 10) / known[k].limit - 1) < 1e-13);
    }
    ravine_config c;
    assert_int_equal(ravine_config_parse(&c, "lion"), RAVINE_OK);
    assert_true(isnan(ravine_stability_limit(&c, 1, 0)));
    assert_true(isnan(ravine_stability_limit(NULL, 1, 0)));
}

/* adagrad and asgd lower the rate themselves: what a step of sigma 1 really moves. */
static void effective_rates(void **state) {
    (void)state;
    ravine_config c;
    assert_int_equal(ravine_config_parse(&c, "adagrad lr_decay=0.5"), RAVINE_OK);
    assert_true(fabs(ravine_effective_lr(&c, 0.3, 4) - 0.1) < 1e-16);
    assert_int_equal(ravine_config_parse(&c, "asgd lambd=0.5 power=1"), RAVINE_OK);
    assert_true(fabs(ravine_effective_lr(&c, 2, 3) - 0.5) < 1e-15);
    assert_int_equal(ravine_config_parse(&c, "adam"), RAVINE_OK);
    assert_true(ravine_effective_lr(&c, 0.3, 4) == 0.3);
    assert_true(isnan(ravine_effective_lr(NULL, 0.3, 4)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bisection_finds_the_limit),
        cmocka_unit_test(known_limits),
        cmocka_unit_test(effective_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
