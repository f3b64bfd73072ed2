/* SPDX-License-Identifier: Apache-2.0 */
/* The plateau controller against PyTorch's ReduceLROnPlateau where that is right, and against its
 * own rule for negative and non-finite metrics, where it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ravine.h"

#include <math.h>

static ravine_plateau plateau(int64_t patience, double factor) {
    ravine_plateau p;
    ravine_plateau_init(&p);
    p.patience = patience;
    p.factor = factor;
    return p;
}

static double tell(ravine_plateau *p, double metric) {
    double scale = -1;
    assert_int_equal(ravine_plateau_tell(p, metric, &scale), RAVINE_OK);
    assert_true(scale == p->scale);
    return scale;
}

#define TELL(p, metrics, scales)                                     \
    for (size_t k = 0; k < sizeof(metrics) / sizeof *(metrics); k++) \
    assert_true(tell(p, (metrics)[k]) == (scales)[k])

static void defaults_are_those_of_pytorch(void **state) {
    (void)state;
    ravine_plateau p;
    ravine_plateau_init(&p);
    assert_true(p.size == sizeof p && p.maximize == 0 && p.factor == 0.1 && p.minimum == 0);
    assert_true(p.threshold == 1e-4 && p.patience == 10 && p.cooldown == 0 && p.scale == 1);
}

/* Patience 2: three equal values after the baseline. */
static void it_reduces_on_the_bad_result_after_patience(void **state) {
    (void)state;
    ravine_plateau p = plateau(2, 0.5);
    const double metric[] = {1, 1, 1, 1, 1, 1, 1, 0.5, 1, 1, 1};
    const double scale[] = {1, 1, 1, .5, .5, .5, .25, .25, .25, .25, .125};
    TELL(&p, metric, scale);
    assert_true(p.best == 0.5 && p.told == 11);
}

static void an_improvement_must_pass_the_threshold(void **state) {
    (void)state;
    ravine_plateau p = plateau(0, 0.5);
    p.threshold = 0.125;
    const double metric[] = {1, 0.875, 0.874, 0.765, 0.764};
    const double scale[] = {1, .5, .5, .25, .5 * .5};
    TELL(&p, metric, scale);
    p = plateau(0, 0.5);
    p.maximize = 1;
    p.threshold = 0.125;
    const double rising[] = {1, 1.125, 1.126, 0};
    TELL(&p, rising, scale);
}

/* PyTorch takes -0.99995 for better than -1: its threshold is a factor on the signed value. */
static void negative_metrics_must_improve_too(void **state) {
    (void)state;
    ravine_plateau p = plateau(0, 0.5);
    const double metric[] = {-1, -0.99995, -1, -1.00005, -1.0002};
    const double scale[] = {1, .5, .25, .125, .125};
    TELL(&p, metric, scale);
    assert_true(p.best == -1.0002);
    p = plateau(0, 0.5);
    p.maximize = 1;
    const double rising[] = {-1, -1.00005, -0.99995, -0.9998};
    const double falling_scale[] = {1, .5, .25, .25};
    TELL(&p, rising, falling_scale);
}

/* Patience 1, measured: 1, 1, .5, .5, .25 as learning rates, so 1, .5, .5, .25 as answers. */
static void what_is_not_finite_is_bad(void **state) {
    (void)state;
    const double inf = HUGE_VAL;
    ravine_plateau p = plateau(1, 0.5);
    const double metric[] = {NAN, NAN, NAN, NAN, -inf, inf, 3, -inf, NAN};
    const double scale[] = {1, .5, .5, .25, .25, .125, .125, .125, .0625};
    TELL(&p, metric, scale);
    assert_true(p.best == 3);
}

static void results_in_the_cooldown_are_not_counted(void **state) {
    (void)state;
    ravine_plateau p = plateau(0, 0.5);
    p.cooldown = 2;
    const double metric[] = {1, 1, 1, 1, 1, 1, 0.5, 1, 1};
    const double scale[] = {1, .5, .5, .5, .25, .25, .25, .125, .125};
    TELL(&p, metric, scale);
}

static void the_scale_keeps_its_minimum(void **state) {
    (void)state;
    ravine_plateau p = plateau(0, 0.5);
    p.minimum = 0.3;
    const double metric[] = {1, 1, 1, 1};
    const double scale[] = {1, .5, .3, .3};
    TELL(&p, metric, scale);
    p.minimum = 0.6; /* raised afterwards: the scale does not rise */
    assert_true(tell(&p, 1) == 0.3);
}

static void settings_out_of_bounds_change_nothing(void **state) {
    (void)state;
    const ravine_plateau good = plateau(0, 0.5);
#define REFUSED(change, status, message)                              \
    {                                                                 \
        ravine_plateau p = good;                                      \
        double scale = 7;                                             \
        change;                                                       \
        assert_int_equal(ravine_plateau_tell(&p, 1, &scale), status); \
        assert_string_equal(ravine_errmsg(), message);                \
        assert_true(scale == 7 && p.told == 0 && isnan(p.best));      \
    }
    REFUSED(p.size = 4, RAVINE_E_ARG,
            "size of a ravine_plateau is 4, not 88; use ravine_plateau_init");
    REFUSED(p.factor = 1, RAVINE_E_RANGE, "factor is 1; it must be in (0, 1)");
    REFUSED(p.factor = 0, RAVINE_E_RANGE, "factor is 0; it must be in (0, 1)");
    REFUSED(p.minimum = -1, RAVINE_E_RANGE, "minimum is -1; it must be in [0, 1]");
    REFUSED(p.minimum = 2, RAVINE_E_RANGE, "minimum is 2; it must be in [0, 1]");
    REFUSED(p.threshold = -1, RAVINE_E_RANGE, "threshold is -1; it must be finite and >= 0");
    REFUSED(p.threshold = HUGE_VAL, RAVINE_E_RANGE, "threshold is inf; it must be finite and >= 0");
    REFUSED(p.patience = -1, RAVINE_E_RANGE, "patience is -1 and cooldown 0; both must be >= 0");
    REFUSED(p.cooldown = -1, RAVINE_E_RANGE, "patience is 0 and cooldown -1; both must be >= 0");
    REFUSED(p.scale = -1, RAVINE_E_RANGE, "scale is -1; it must be in [0, 1]");
    REFUSED(p.scale = 2, RAVINE_E_RANGE, "scale is 2; it must be in [0, 1]");
#undef REFUSED
    assert_int_equal(ravine_plateau_tell(NULL, 1, NULL), RAVINE_E_ARG);
    ravine_plateau p = good;
    assert_int_equal(ravine_plateau_tell(&p, 1, NULL), RAVINE_OK);
    p.told = INT64_MAX; /* is as many as it counts */
    assert_int_equal(ravine_plateau_tell(&p, 1, NULL), RAVINE_OK);
    assert_true(p.told == INT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_pytorch),
        cmocka_unit_test(it_reduces_on_the_bad_result_after_patience),
        cmocka_unit_test(an_improvement_must_pass_the_threshold),
        cmocka_unit_test(negative_metrics_must_improve_too),
        cmocka_unit_test(what_is_not_finite_is_bad),
        cmocka_unit_test(results_in_the_cooldown_are_not_counted),
        cmocka_unit_test(the_scale_keeps_its_minimum),
        cmocka_unit_test(settings_out_of_bounds_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
