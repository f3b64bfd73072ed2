/* SPDX-License-Identifier: Apache-2.0 */
/* The stability limit of every rule that has one, found by running the rule itself.
 *
 * On the round quadratic every curvature is 1. An eps of 1e8 holds sigma at 1e8, whatever the
 * gradients are, so that lr / sigma is what the limit is about: just below it the rule arrives,
 * just above it the rule is thrown out, and the race must say the same before it happens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/failure.h"
#include "surface/race.h"

#include <math.h>
#include <stdio.h>

/* The lr / sigma that is just stable: from docs/surfaces.md, and from the recursion
 * theta <- a theta - lr m at an error that changes sign at every step. */
static const struct {
    const char *optimizer;
    double sigma, critical;
} cases[] = {
    {"sgd", 1, 2},
    {"sgd momentum=0.9", 1, 2 * 1.9},
    {"sgd momentum=0.5", 1, 2 * 1.5},
    {"sgd momentum=0.9 nesterov=true", 1, 2 * 1.9 / 2.8},
    {"sgd momentum=0.9 dampening=0.3", 1, 2 * 1.9 / 0.7},
    {"sgd momentum=0.9 lr_in_momentum=true", 1, 2 * 1.9},
    {"sgd weight_decay=0.5", 1, 2 / 1.5},                      /* it adds to the curvature */
    {"sgd weight_decay=0.1 decay_form=decoupled", 1, 2 / 1.1}, /* lr < 2 - 0.1 lr */
    {"sgd weight_decay=0.25 decay_form=independent", 1, 1.75}, /* a = 0.75 */
    {"sgd momentum=0.9 weight_decay=0.25 decay_form=independent", 1, 1.75 * 1.9},
    {"asgd lambd=0", 1, 2},
    {"adagrad eps=1e8", 1e8, 2},
    {"adagrad_mean eps=1e8", 1e8, 2},
    {"adadelta eps=1e8", 1, 2},
    {"rmsprop eps=1e8", 1e8, 2},
    {"rmsprop eps=1e8 momentum=0.9", 1e8, 3.8},
    {"adam eps=1e8", 1e8, 38},
    {"adam eps=1e8 beta1=0.95 bias_correction=false", 1e8, 78},
    {"adam eps=1e8 amsgrad=true", 1e8, 38},
    {"adamw eps=1e8 weight_decay=0", 1e8, 38},
    {"adamw eps=1e8 weight_decay=1e-10", 1e8, 38 / 1.19}, /* lr < 19 (2 - 0.01 lr) */
    {"adamax eps=1e8", 1e8, 38},
    {"nadam eps=1e8 momentum_decay=1e9", 1e8, 2 * 1.9 / (0.1 * 2.8)}, /* mu is beta1 throughout */
    {"radam beta2=0.5", 1, 38}, /* it never trusts so short a memory: sigma is 1 */
    {"adabelief eps=1e16", 1e16, 38},
    {"yogi eps=1e8", 1e8, 38},
    {"adopt eps=1e8", 1e8, 38},
    {"adan eps=1e8 beta1=0.9 beta2=0.9", 1e8, 2 * 1.9 / (0.1 * 2.8)},
};

static void run(const surface *s, const char *optimizer, double lr, bool stable) {
    char text[256];
    snprintf(text, sizeof text, "%s lr=%.17g", optimizer, lr);
    race_result r;
    const race_setup setup = {
        .surface = s, .optimizer = text, .steps = 6000, .dtype = RAVINE_F64, .record_every = 1};
    if (race_run(&r, &setup)) fail_msg("%s: %s", text, failure_text());
    const bool arrived = r.nonfinite_step == RACE_NEVER && r.distance < 0.1;
    double farthest = 0; /* not the end: thrown far enough, a sum of squares calms the rule */
    for (int64_t k = 0; k < r.trace.count; k++)
        farthest = fmax(farthest, surface_distance(s, r.trace.theta + 2 * k));
    if (stable ? !arrived : !(farthest > 100))
        fail_msg("%s: distance %g at the end, %g at most", text, r.distance, farthest);
    if (stable != (r.first_unstable_step == RACE_NEVER))
        fail_msg("%s: first unstable step %lld, limit %g", text, (long long)r.first_unstable_step,
                 r.limit);
    race_free(&r);
}

static void the_limit_is_where_the_rule_is_thrown_out(void **state) {
    (void)state;
    surface *s;
    assert_int_equal(surface_create(&s, "quadratic condition=1"), 0);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const double lr = cases[k].critical * cases[k].sigma;
        run(s, cases[k].optimizer, 0.96 * lr, true);
        run(s, cases[k].optimizer, 1.04 * lr, false);
    }
    surface_destroy(s);
}

/* Signs have no sigma: no limit, and nothing to record. */
static void signs_have_no_limit(void **state) {
    (void)state;
    static const char *const rules[] = {"lion lr=10", "signum lr=10", "rprop"};
    surface *s;
    assert_int_equal(surface_create(&s, "quadratic"), 0);
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
        race_result r;
        const race_setup setup = {.surface = s,
                                  .optimizer = rules[k],
                                  .steps = 50,
                                  .dtype = RAVINE_F64,
                                  .record_every = 1};
        assert_int_equal(race_run(&r, &setup), 0);
        assert_true(r.first_unstable_step == RACE_NEVER && isnan(r.limit));
        assert_true(isnan(r.trace.sigma[0]) && isnan(r.trace.sharpness[0]));
        assert_true(isfinite(r.trace.m[0]));
        race_free(&r);
    }
    surface_destroy(s);
}

/* In more than two coordinates, where a factorization decides: gradient descent on a rotated
 * ellipse whose largest curvature is 1. */
static void larger_surfaces_have_the_same_limit(void **state) {
    (void)state;
    surface *s;
    assert_int_equal(surface_create(&s, "quadratic size=12 condition=1e3 rotated=true seed=2"), 0);
    race_result r;
    race_setup setup = {.surface = s,
                        .optimizer = "sgd lr=1.999999",
                        .steps = 20,
                        .dtype = RAVINE_F64,
                        .record_every = 1};
    assert_int_equal(race_run(&r, &setup), 0);
    assert_true(r.first_unstable_step == RACE_NEVER);
    assert_true(fabs(r.trace.sharpness[7] - 1.999999) < 1e-13);
    race_free(&r);
    setup.optimizer = "sgd lr=2.000001";
    assert_int_equal(race_run(&r, &setup), 0);
    assert_true(r.first_unstable_step == 0);
    race_free(&r);
    setup.optimizer = "sgd"; /* lr 1.01 + 0.1 t crosses 2 between steps 9 and 10 */
    setup.schedule = "linear(20, from=1.01, to=3.01)";
    assert_int_equal(race_run(&r, &setup), 0);
    assert_true(r.first_unstable_step == 10);
    race_free(&r);
    surface_destroy(s);
}

/* A climb is stable where the surface bends down, and thrown out where it bends up. */
static void climbing_turns_the_surface_over(void **state) {
    (void)state;
    surface *s;
    assert_int_equal(surface_create(&s, "saddle"), 0);
    race_result r;
    const double top[2] = {1e-9, 0.1}; /* d2/dy2 is 3 y^2 - 1 = -0.97, d2/dx2 is 1 */
    const race_setup setup = {.surface = s,
                              .start = top,
                              .optimizer = "sgd lr=0.5 maximize=true",
                              .steps = 3,
                              .dtype = RAVINE_F64,
                              .record_every = 1};
    assert_int_equal(race_run(&r, &setup), 0);
    assert_true(fabs(r.trace.sharpness[0] - 0.5 * 0.97) < 1e-15);
    race_free(&r);
    surface_destroy(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_is_where_the_rule_is_thrown_out),
        cmocka_unit_test(signs_have_no_limit),
        cmocka_unit_test(larger_surfaces_have_the_same_limit),
        cmocka_unit_test(climbing_turns_the_surface_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
