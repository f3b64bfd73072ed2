/* SPDX-License-Identifier: Apache-2.0 */
/* The race: paths that are known in closed form, what is recorded, what is counted, mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/failure.h"
#include "surface/race.h"

#include <float.h>
#include <math.h>
#include <string.h>

static surface *make(const char *spec) {
    surface *s = NULL;
    if (surface_create(&s, spec)) fail_msg("%s", failure_text());
    return s;
}

static race_result run(const race_setup *setup) {
    race_result r;
    if (race_run(&r, setup)) fail_msg("%s: %s", setup->optimizer, failure_text());
    return r;
}

/* theta_t = (1 - lr curvature)^t of each coordinate; distances, windows and settling follow. */
static void gradient_descent_on_an_ellipse_is_a_power(void **state) {
    (void)state;
    enum { STEPS = 200 };
    surface *s = make("quadratic condition=10");
    const double start[2] = {-3, 2}, lr = 0.5, factor[2] = {0.5, 0.95};
    race_result r = run(&(race_setup){.surface = s,
                                      .start = start,
                                      .optimizer = "sgd lr=0.5",
                                      .steps = STEPS,
                                      .dtype = RAVINE_F64,
                                      .record_every = 7});
    assert_int_equal(r.done, STEPS);
    assert_int_equal(r.trace.count, STEPS / 7 + 2); /* 0, 7 ... 196, and the end */
    int64_t settled = 0;
    double distance_at[STEPS + 1], loss_at[STEPS + 1];
    for (int t = 0; t <= STEPS; t++) {
        const double x = start[0] * pow(factor[0], t), y = start[1] * pow(factor[1], t);
        distance_at[t] = hypot(x, y);
        loss_at[t] = x * x / 2 + 0.1 * y * y / 2;
        if (distance_at[t] >= 1) settled = t + 1;
    }
    for (int64_t k = 0; k < r.trace.count; k++) {
        const int64_t t = k < r.trace.count - 1 ? 7 * k : STEPS;
        assert_int_equal(r.trace.step[k], t);
        assert_true(fabs(r.trace.loss[k] - loss_at[t]) <= 1e-13 * loss_at[t]);
        assert_true(k == r.trace.count - 1 ? isnan(r.trace.eta[k]) : r.trace.eta[k] == lr);
    }
    assert_true(fabs(r.distance - distance_at[STEPS]) <= 1e-13 * r.distance);
    assert_true(fabs(r.loss - loss_at[STEPS]) <= 1e-13 * r.loss && r.excess_loss == r.loss);
    assert_true(fabs(r.grad_norm - 0.1 * distance_at[STEPS]) <= 1e-12 * r.grad_norm);
    assert_true(fabs(r.worst_distance - distance_at[180]) <= 1e-13 * r.worst_distance);
    assert_true(fabs(r.worst_excess_loss - loss_at[180]) <= 1e-13 * r.worst_excess_loss);
    assert_int_equal(r.settled_step, settled);
    assert_int_equal(r.nonfinite_step, RACE_NEVER);
    assert_int_equal(r.bursts, 0);
    race_free(&r);
    surface_destroy(s);
}

/* Between walls of limited slope too large a step bounces for ever at sqrt((lr/2)^2 - 1), and the
 * curvature there is below the limit although the floor's is far above. */
static void a_soft_wall_is_bounced_off_for_ever(void **state) {
    (void)state;
    surface *s = make("ravine");
    const double start[2] = {0.5, 1};
    race_result r = run(&(race_setup){.surface = s,
                                      .start = start,
                                      .optimizer = "sgd lr=6",
                                      .steps = 4001,
                                      .dtype = RAVINE_F64,
                                      .record_every = 1});
    assert_true(fabs(fabs(r.end[0]) - sqrt(8)) < 1e-12);
    assert_true(r.end[0] * r.trace.theta[2 * 4000] < 0);
    assert_int_equal(r.first_unstable_step, 0);
    assert_true(r.trace.sharpness[4000] < 2);
    assert_true(fabs(r.trace.sharpness[4000] - 6 / 27.0) < 1e-12); /* 1 + x^2 is 9 */
    assert_int_equal(r.bursts, 0);                                 /* it never reached the floor */
    race_free(&r);
    surface_destroy(s);
}

/* What is recorded belongs together: theta - eta / sigma m is the next theta. */
static void the_trace_is_the_step(void **state) {
    (void)state;
    static const struct {
        const char *optimizer, *schedule;
    } rules[] = {{"sgd lr=1e-3", NULL},
                 {"sgd lr=1e-3 momentum=0.9", NULL},
                 {"adagrad lr=0.1 lr_decay=0.01", NULL},
                 {"adagrad_mean", "warmup(50) cosine(100) lr=0.01"},
                 {"rmsprop lr=1e-3 centered=true", NULL},
                 {"adam lr=0.01 bias_correction=false amsgrad=true", "decay(gamma=0.99) lr=0.1"},
                 {"asgd lr=1e-3 lambd=0.01 average_start=1e9", NULL}};
    surface *s = make("crescent");
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
        race_result r = run(&(race_setup){.surface = s,
                                          .optimizer = rules[k].optimizer,
                                          .schedule = rules[k].schedule,
                                          .steps = 200,
                                          .dtype = RAVINE_F64,
                                          .record_every = 1});
        const race_trace *t = &r.trace;
        assert_int_equal(t->count, 201);
        for (int64_t i = 0; i < 200; i++) {
            double gradient[2];
            const double loss = surface_gradient(s, t->theta + 2 * i, i, gradient);
            assert_true(t->loss[i] == loss);
            assert_true(fabs(t->grad_norm[i] - hypot(gradient[0], gradient[1])) <=
                        1e-14 * t->grad_norm[i]);
            for (int64_t j = 2 * i; j < 2 * i + 2; j++) {
                const double decay = r.config.rule == RAVINE_ASGD ? 1 - 0.01 * t->eta[i] : 1;
                const double next = decay * t->theta[j] - t->eta[i] / t->sigma[j] * t->m[j];
                assert_true(t->gradient[j] == gradient[j - 2 * i]);
                if (fabs(next - t->theta[j + 2]) > 1e-13)
                    fail_msg("%s, step %lld: %.17g, not %.17g", rules[k].optimizer, (long long)i,
                             t->theta[j + 2], next);
            }
        }
        assert_true(memcmp(r.end, t->theta + 400, sizeof(double[2])) == 0);
        race_free(&r);
    }
    surface_destroy(s);
}

/* adopt divides by the sigma from before its gradient. */
static void adopt_is_judged_by_the_sigma_it_used(void **state) {
    (void)state;
    surface *s = make("crescent");
    race_result r = run(&(race_setup){.surface = s,
                                      .optimizer = "adopt lr=0.01 beta1=0 beta2=0.9",
                                      .steps = 60,
                                      .dtype = RAVINE_F64,
                                      .record_every = 1});
    for (int64_t i = 20; i < 60; i++) /* later than the bound (t - 1)^(1/4) that could matter */
        for (int64_t j = 2 * i; j < 2 * i + 2; j++) {
            const double step = r.trace.theta[j] - r.trace.theta[j + 2];
            const double ratio = fabs(r.trace.gradient[j]) / r.trace.sigma[j];
            assert_true(fabs(fabs(step) - 0.01 * fmin(ratio, pow((double)i, 0.25))) < 1e-12);
        }
    race_free(&r);
    surface_destroy(s);
}

/* RAdam's first five steps are made without sigma. At lr = 1 the curvature of the lecture's valley,
 * 1.7e6, is far above their limit, and they throw it out for good; at 1e-6 it is far below. */
static void steps_without_sigma_are_judged_at_once(void **state) {
    (void)state;
    surface *s = make("lecture");
    race_result r = run(
        &(race_setup){.surface = s, .optimizer = "radam lr=1", .steps = 20, .dtype = RAVINE_F64});
    assert_int_equal(r.first_unstable_step, 0);
    race_free(&r);
    r = run(&(race_setup){
        .surface = s, .optimizer = "radam lr=1e-6", .steps = 20, .dtype = RAVINE_F64});
    assert_int_equal(r.first_unstable_step, RACE_NEVER);
    race_free(&r);
    r = run(&(race_setup){/* stable at first, and no more from step 3 on */
                          .surface = s,
                          .optimizer = "radam",
                          .schedule = "constant(3, from=1e-6) constant(99, from=1)",
                          .steps = 20,
                          .dtype = RAVINE_F64});
    assert_int_equal(r.first_unstable_step, 3);
    race_free(&r);
    surface_destroy(s);
}

/* Everything that moves is float32; what is said about it is float64. */
static void a_float32_race_is_float32(void **state) {
    (void)state;
    surface *s = make("crescent");
    race_result r = run(&(race_setup){.surface = s,
                                      .optimizer = "sgd lr=1e-3 momentum=0.5",
                                      .steps = 100,
                                      .dtype = RAVINE_F32,
                                      .record_every = 1});
    float theta[2] = {-1.5f, 2}, buffer[2] = {0, 0}, gradient[2];
    for (int64_t i = 0; i < 100; i++) {
        surface_gradient_f32(s, theta, i, gradient);
        const double wide[2] = {(double)theta[0], (double)theta[1]};
        assert_true(r.trace.loss[i] == surface_loss(s, wide));
        for (int j = 0; j < 2; j++) {
            assert_true(r.trace.theta[2 * i + j] == wide[j]);
            buffer[j] = 0.5f * buffer[j] + gradient[j];
            assert_true(r.trace.m[2 * i + j] == (double)buffer[j]);
            theta[j] -= 1e-3f * buffer[j];
        }
    }
    race_free(&r);
    r = run(
        &(race_setup){.surface = s, .optimizer = "sgd lr=1", .steps = 100, .dtype = RAVINE_F32});
    assert_in_range(r.nonfinite_step, 1, 8); /* cubes of cubes leave 1e38 soon */
    assert_true(isfinite(r.loss) && isnan(r.worst_distance));
    race_free(&r);
    surface_destroy(s);
}

/* Across the valley, in steps of -0.6: 0.3, -0.3, ... is no burst; a jump to 3 is one. The path is
 * made by noise-free gradient descent whose rate is scheduled. */
static void a_swing_through_the_floor_is_no_burst(void **state) {
    (void)state;
    surface *s = make("quadratic condition=1e6");
    const double start[2] = {3, 0};
    /* rate 1.02, then 2.9: |x| <- 0.02 |x|, then 1.9 |x|; it grows past 0.5 once */
    race_result r = run(&(race_setup){.surface = s,
                                      .start = start,
                                      .optimizer = "sgd",
                                      .schedule = "constant(1, from=1.02) constant(12, from=1) "
                                                  "constant(9, from=2.9) constant(100, from=0.9)",
                                      .steps = 100,
                                      .dtype = RAVINE_F64});
    assert_int_equal(r.bursts, 0); /* rate 1 puts it on the floor: nothing is left to grow */
    assert_int_equal(r.first_unstable_step, 13);
    race_free(&r);
    /* rate 1.02 and 0.01: 0.06 decays to 0.05 in the floor for 17 steps, then grows by 1.9 */
    r = run(&(race_setup){.surface = s,
                          .start = start,
                          .optimizer = "sgd",
                          .schedule = "constant(1, from=1.02) constant(17, from=0.01) "
                                      "constant(5, from=2.9) constant(100, from=0.9)",
                          .steps = 100,
                          .dtype = RAVINE_F64});
    /* 0.06 0.99^17 = 0.0506; x 1.9^4 = 0.659 after the fourth step of the third part: theta_22 */
    assert_int_equal(r.bursts, 1);
    assert_int_equal(r.first_burst_step, 22);
    race_free(&r);
    /* the same growth after one step in the floor only */
    r = run(&(race_setup){.surface = s,
                          .start = start,
                          .optimizer = "sgd",
                          .schedule = "constant(2, from=1.02) constant(8, from=2.9) "
                                      "constant(100, from=0.9)",
                          .steps = 100,
                          .dtype = RAVINE_F64});
    assert_int_equal(r.bursts, 0);
    race_free(&r);
    surface_destroy(s);
}

static void mistakes_are_named(void **state) {
    (void)state;
    surface *s = make("crescent");
    const double far[2] = {1e39, 0}, nowhere[2] = {NAN, 0};
    const struct {
        race_setup setup;
        const char *says;
    } wrong[] = {
        {{.optimizer = "adma", .steps = 1, .dtype = RAVINE_F64}, "adam"},
        {{.optimizer = "adam learning=1", .steps = 1, .dtype = RAVINE_F64}, "learning"},
        {{.optimizer = "adam", .schedule = "cosin(3)", .steps = 1, .dtype = RAVINE_F64}, "cosin"},
        {{.optimizer = "adam", .steps = 0, .dtype = RAVINE_F64}, "[1, 1000000000]"},
        {{.optimizer = "adam", .steps = RACE_STEPS_MAX + 1LL, .dtype = RAVINE_F64}, "1000000001"},
        {{.start = nowhere, .optimizer = "adam", .steps = 1, .dtype = RAVINE_F64}, "start[0]"},
        {{.start = far, .optimizer = "adam", .steps = 1, .dtype = RAVINE_F32}, "1e+39"},
    };
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        race_setup setup = wrong[k].setup;
        setup.surface = s;
        race_result r;
        assert_int_equal(race_run(&r, &setup), EXIT_USAGE);
        if (!strstr(failure_text(), wrong[k].says)) fail_msg("%s", failure_text());
    }
    surface_destroy(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_descent_on_an_ellipse_is_a_power),
        cmocka_unit_test(a_soft_wall_is_bounced_off_for_ever),
        cmocka_unit_test(the_trace_is_the_step),
        cmocka_unit_test(adopt_is_judged_by_the_sigma_it_used),
        cmocka_unit_test(steps_without_sigma_are_judged_at_once),
        cmocka_unit_test(a_float32_race_is_float32),
        cmocka_unit_test(a_swing_through_the_floor_is_no_burst),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
