/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor against problems whose trouble is known exactly: walls, floors, saddles, divergence.
 * Numbers G1 ... are those of docs/internals/doctor.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/lecture.h"
#include "support/trial.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the problems */

static double quadratic(const void *context, int n, const double *theta, int64_t step,
                        double *gradient) {
    const double *curvature = context;
    double loss = 0;
    (void)step;
    for (int i = 0; i < n; i++) {
        gradient[i] = curvature[i] * theta[i];
        loss += 0.5 * gradient[i] * theta[i];
    }
    return loss;
}

/* sum of x^2/2, and y^4/4 - y^2/2 for the last */
static double saddle(const void *context, int n, const double *theta, int64_t step,
                     double *gradient) {
    (void)context;
    (void)step;
    const double y = theta[n - 1];
    double loss = y * y * y * y / 4 - y * y / 2;
    for (int i = 0; i < n - 1; i++) {
        gradient[i] = theta[i];
        loss += 0.5 * theta[i] * theta[i];
    }
    gradient[n - 1] = y * y * y - y;
    return loss;
}

typedef struct walls {
    double steep, flat;
} walls;

static double ravine(const void *context, int n, const double *theta, int64_t step,
                     double *gradient) {
    const walls *w = context;
    (void)n;
    (void)step;
    const double root = sqrt(1 + theta[0] * theta[0]);
    gradient[0] = w->steep * theta[0] / root;
    gradient[1] = w->flat * theta[1];
    return w->steep * (root - 1) + 0.5 * w->flat * theta[1] * theta[1];
}

/* ---- how they are asked */

static trial *begin(trial_loss loss, const void *context, int n, const double *start,
                    const char *optimizer) {
    return trial_new(&(trial_setup){
        .n = n, .start = start, .loss = loss, .context = context, .optimizer = optimizer});
}

static ravine_diagnosis run(trial *t, int64_t steps) {
    ravine_diagnosis x;
    trial_run(t, steps);
    trial_diagnose(t, &x);
    return x;
}

static void expect_verdict(const ravine_diagnosis *x, int verdict) {
    if (x->verdict != verdict)
        fail_msg("at step %lld the doctor says %s, not %s", (long long)x->step,
                 ravine_verdict_word(x->verdict), ravine_verdict_word(verdict));
}

static void expect_near(const char *name, double value, double truth, double error) {
    if (!(fabs(value - truth) <= error))
        fail_msg("%s is %.12g, not %.12g +- %g", name, value, truth, error);
}

static void expect_evidence(const ravine_diagnosis *x, const char *name, double truth,
                            double error) {
    expect_near(name, trial_evidence(x, name), truth, error);
}

static bool cured_by(const ravine_diagnosis *x, const char *words) {
    for (int k = 0; k < x->ncures; k++)
        if (strstr(x->cure[k].text, words)) return true;
    return false;
}

/* ---- critical points */

static void g1_a_minimum(void **state) {
    (void)state;
    const double curvature[3] = {1, 0.1, 0.01}, start[3] = {1, -1, 1};
    trial *t = begin(quadratic, curvature, 3, start, "sgd lr=1");
    ravine_diagnosis x = run(t, 3000);
    expect_verdict(&x, RAVINE_VERDICT_LOCAL_MINIMUM);
    assert_true(x.ncannot_tell > 0); /* without a probe it may be a saddle */
    ravine_probe probe;
    trial_probe(t, &probe);
    trial_diagnose(t, &x);
    expect_verdict(&x, RAVINE_VERDICT_LOCAL_MINIMUM);
    expect_evidence(&x, "lambda_min", 0.01, 1e-8);
    expect_evidence(&x, "lambda_max", 1, 1e-8);
    trial_free(t);
}

static void expect_saddle(double y, int64_t steps) {
    const double start[3] = {1, -0.5, y};
    trial *t = begin(saddle, NULL, 3, start, "sgd lr=0.5");
    ravine_probe probe;
    ravine_diagnosis x = run(t, steps);
    trial_probe(t, &probe);
    trial_diagnose(t, &x);
    expect_verdict(&x, RAVINE_VERDICT_SADDLE);
    expect_evidence(&x, "lambda_min", -1, 1e-7);
    expect_evidence(&x, "escape_steps", 1 / log(1.5), 1e-6);
    assert_true(trial_evidence(&x, "escape_loss") < 0);
    assert_int_equal(x.cure[0].action, RAVINE_CURE_ESCAPE);
    assert_true(x.cure[0].escape > 0);
    trial_free(t);
}

static void g2_a_saddle_and_its_minima(void **state) {
    (void)state;
    expect_saddle(0, 300);
    expect_saddle(1e-60, 250); /* 1.5^250 1e-60 = 1e-16 */
    const double start[3] = {1, -0.5, 1e-3};
    trial *t = begin(saddle, NULL, 3, start, "sgd lr=0.5");
    ravine_probe probe;
    ravine_diagnosis x = run(t, 400);
    trial_probe(t, &probe);
    trial_diagnose(t, &x);
    expect_verdict(&x, RAVINE_VERDICT_LOCAL_MINIMUM);
    expect_near("y", fabs(t->theta[2]), 1, 1e-9);
    expect_evidence(&x, "lambda_max", 2, 1e-7);
    expect_evidence(&x, "lambda_min", 1, 1e-7);
    trial_free(t);
}

/* Where a slope steepens on the way, the curvature along it is negative: no probe needed. */
static void g2_a_saddle_that_is_being_left(void **state) {
    (void)state;
    const double start[3] = {1, -0.5, 1e-60};
    trial *t = begin(saddle, NULL, 3, start, "sgd lr=0.5");
    const ravine_diagnosis x = run(t, 300); /* x: 0.5^300; y: 1.5^300 1e-60 = 1e-8 */
    expect_verdict(&x, RAVINE_VERDICT_SADDLE);
    trial_free(t);
}

/* ---- walls */

static void g3_walls_of_a_limited_slope(void **state) {
    (void)state;
    static const double times[] = {2.5, 4, 10};
    for (int k = 0; k < 3; k++) {
        const walls w = {1, 0.05};
        const double start[2] = {4, 4}, orbit = sqrt(times[k] * times[k] / 4 - 1);
        char optimizer[32];
        snprintf(optimizer, sizeof optimizer, "sgd lr=%g", times[k]);
        trial *t = begin(ravine, &w, 2, start, optimizer);
        /* An error of the orbit shrinks by 1 - 8/(lr h)^2 a step. */
        double error[2] = {0, 0};
        for (int step = 0; step < 400; step++) {
            trial_step(t);
            const double now = fabs(t->theta[0]) - orbit;
            if (fabs(now) > 1e-9 && fabs(now) < 1e-4) {
                error[0] = error[1];
                error[1] = now;
            }
        }
        expect_near("multiplier", fabs(error[1] / error[0]), fabs(1 - 8 / (times[k] * times[k])),
                    0.01);
        const ravine_diagnosis x = run(t, 1200);
        expect_verdict(&x, RAVINE_VERDICT_BOUNCING);
        expect_near("|x|", fabs(t->theta[0]), orbit, 1e-9);
        expect_evidence(&x, "sign_change_rate", 1, 1e-3);
        expect_evidence(&x, "sign_change_rate_lag2", 0, 1e-3);
        expect_evidence(&x, "line_position", 1, 1e-3);
        assert_true(strstr(x.not_text, "a critical point") && x.confidence > 0.6);
        trial_free(t);
    }
}

static void g4_heavy_ball_bounces_in_four_steps(void **state) {
    (void)state;
    /* At 3.5 < 3.8 the minimum is stable as well; the orbit is reached all the same. */
    static const double times[] = {4.2, 10, 20, 3.5};
    for (int k = 0; k < 4; k++) {
        const walls w = {1, 0.05};
        const double start[2] = {2, 4};
        char optimizer[48];
        snprintf(optimizer, sizeof optimizer, "sgd momentum=0.9 lr=%g", times[k]);
        trial *t = begin(ravine, &w, 2, start, optimizer);
        const ravine_diagnosis x = run(t, 2500);
        expect_verdict(&x, RAVINE_VERDICT_BOUNCING);
        expect_evidence(&x, "sign_change_rate", 0.51, 0.03);
        expect_evidence(&x, "sign_change_rate_lag2", 1, 0.03);
        expect_evidence(&x, "zeta", 1.77, 0.03);
        expect_evidence(&x, "line_position", 0.9, 0.05);
        trial_free(t);
    }
}

/* From farther away there are orbits of six and of eight steps. */
static void g4_heavy_ball_bounces_in_more_steps(void **state) {
    (void)state;
    static const struct {
        double lr, start, sign_change_rate, sign_change_rate_lag2;
    } orbit[] = {{4.2, 20, 1 / 3.0, 2 / 3.0}, {10, 20, 0.25, 0.5}, {3.5, 4, 1 / 3.0, 2 / 3.0}};
    for (int k = 0; k < 3; k++) {
        const walls w = {1, 0.05};
        const double start[2] = {orbit[k].start, 4};
        char optimizer[48];
        snprintf(optimizer, sizeof optimizer, "sgd momentum=0.9 lr=%g", orbit[k].lr);
        trial *t = begin(ravine, &w, 2, start, optimizer);
        const ravine_diagnosis x = run(t, 2500);
        expect_verdict(&x, RAVINE_VERDICT_BOUNCING);
        expect_evidence(&x, "sign_change_rate", orbit[k].sign_change_rate, 0.1);
        expect_evidence(&x, "sign_change_rate_lag2", orbit[k].sign_change_rate_lag2, 0.1);
        trial_free(t);
    }
}

static void g5_at_the_limit_itself(void **state) {
    (void)state;
    const double curvature[2] = {1, 0.1}, start[2] = {1, 1};
    trial *t = begin(quadratic, curvature, 2, start, "sgd lr=2");
    ravine_diagnosis x = run(t, 1500);
    expect_verdict(&x, RAVINE_VERDICT_BOUNCING);
    expect_evidence(&x, "line_position", 1, 1e-6);
    expect_evidence(&x, "stability", 1, 1e-6);
    trial_free(t);

    t = begin(lecture_loss, NULL, 2, lecture_start, "sgd lr=1.1449e-6");
    x = run(t, 3000);
    expect_verdict(&x, RAVINE_VERDICT_BOUNCING);
    expect_evidence(&x, "line_position", 1, 1e-3);
    trial_free(t);
}

static void g6_rmsprop_orbits_the_minimum(void **state) {
    (void)state;
    static const char *const optimizer[] = {"rmsprop lr=0.1 alpha=0.9 eps=0",
                                            "rmsprop lr=1 alpha=0.9 eps=0"};
    for (int k = 0; k < 2; k++) {
        const double lr = k ? 1 : 0.1;
        trial *t = begin(lecture_loss, NULL, 2, lecture_start, optimizer[k]);
        const ravine_diagnosis x = run(t, 100000);
        expect_verdict(&x, RAVINE_VERDICT_BOUNCING);
        expect_near("distance",
                    hypot(t->theta[0] - lecture_minimum[0], t->theta[1] - lecture_minimum[1]),
                    lr / sqrt(2), 1e-6 * lr);
        trial_free(t);
    }
}

static void g7_signs_alone_never_settle(void **state) {
    (void)state;
    const double curvature[2] = {1, 30}, start[2] = {0.2517, 0.1208};
    trial *t = begin(quadratic, curvature, 2, start, "signum momentum=0 lr=0.001");
    const ravine_diagnosis x = run(t, 1500);
    expect_verdict(&x, RAVINE_VERDICT_BOUNCING);
    double before[2];
    memcpy(before, t->theta, sizeof before);
    trial_step(t);
    for (int i = 0; i < 2; i++)
        expect_near("amplitude", fabs(t->theta[i] - before[i]), 0.001, 1e-12);
    trial_free(t);
}

/* ---- floors */

static void g8_the_lecture_crawls(void **state) {
    (void)state;
    trial *t = begin(lecture_loss, NULL, 2, lecture_start, "sgd lr=1e-7");
    const ravine_diagnosis x = run(t, 100000);
    expect_verdict(&x, RAVINE_VERDICT_CRAWLING);
    expect_evidence(&x, "steps_to_flatten", 1 / 5.5735e-7, 1e-3 / 5.5735e-7);
    expect_near("b", t->theta[0], -123.692, 1e-3);
    trial_free(t);
}

static void g9_a_rate_far_too_small(void **state) {
    (void)state;
    const double curvature[2] = {1, 0.1}, start[2] = {1, 1};
    trial *t = begin(quadratic, curvature, 2, start, "sgd lr=1e-5");
    ravine_diagnosis x = run(t, 300);
    expect_verdict(&x, RAVINE_VERDICT_CRAWLING);
    assert_true(cured_by(&x, "raise lr"));
    ravine_probe probe;
    trial_probe(t, &probe);
    trial_diagnose(t, &x);
    expect_verdict(&x, RAVINE_VERDICT_CRAWLING);
    ravine_config c; /* half the limit 2/1 */
    assert_int_equal(ravine_config_parse(&c, x.cure[0].optimizer), RAVINE_OK);
    expect_near("lr", c.lr, 1, 0.01);
    trial_free(t);
}

/* ---- divergence */

static void g10_the_lecture_diverges(void **state) {
    (void)state;
    trial *t = begin(lecture_loss, NULL, 2, lecture_start, "sgd lr=1e-2");
    ravine_diagnosis x = run(t, 4);
    expect_verdict(&x, RAVINE_VERDICT_DIVERGING);
    x = run(t, 4);
    expect_verdict(&x, RAVINE_VERDICT_DIVERGING);
    expect_evidence(&x, "growth", 1e-2 * lecture_steep - 1, 1e-6 * 17467);
    expect_evidence(&x, "lambda_max", lecture_steep, 1e-6 * lecture_steep);
    expect_evidence(&x, "lr_limit", 2 / lecture_steep, 1e-6 * 2 / lecture_steep);
    ravine_config c;
    assert_int_equal(ravine_config_parse(&c, x.cure[0].optimizer), RAVINE_OK);
    expect_near("lr", c.lr * lecture_steep, 1, 0.05);
    /* It is the same when the loss is no number any more. */
    x = run(t, 60);
    expect_verdict(&x, RAVINE_VERDICT_DIVERGING);
    trial_free(t);
}

static void g11_momentum_on_both_sides_of_its_limit(void **state) {
    (void)state;
    const double curvature[2] = {1, 0.2}, start[2] = {1, 1};
    trial *t = begin(quadratic, curvature, 2, start, "sgd momentum=0.9 lr=3.99");
    ravine_diagnosis x = run(t, 300); /* 1.05 x 3.8 */
    expect_verdict(&x, RAVINE_VERDICT_DIVERGING);
    expect_evidence(&x, "lambda_max", 1, 1e-6);
    trial_free(t);
    t = begin(quadratic, curvature, 2, start, "sgd momentum=0.9 lr=3.61");
    x = run(t, 100); /* 0.95 x 3.8: it rings by sqrt(0.9) a step, and arrives */
    expect_verdict(&x, RAVINE_VERDICT_HEALTHY);
    x = run(t, 700);
    expect_verdict(&x, RAVINE_VERDICT_LOCAL_MINIMUM);
    trial_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g1_a_minimum),
        cmocka_unit_test(g2_a_saddle_and_its_minima),
        cmocka_unit_test(g2_a_saddle_that_is_being_left),
        cmocka_unit_test(g3_walls_of_a_limited_slope),
        cmocka_unit_test(g4_heavy_ball_bounces_in_four_steps),
        cmocka_unit_test(g4_heavy_ball_bounces_in_more_steps),
        cmocka_unit_test(g5_at_the_limit_itself),
        cmocka_unit_test(g6_rmsprop_orbits_the_minimum),
        cmocka_unit_test(g7_signs_alone_never_settle),
        cmocka_unit_test(g8_the_lecture_crawls),
        cmocka_unit_test(g9_a_rate_far_too_small),
        cmocka_unit_test(g10_the_lecture_diverges),
        cmocka_unit_test(g11_momentum_on_both_sides_of_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
