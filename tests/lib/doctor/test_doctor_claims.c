/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor must never say, whatever it sees: a verdict without a step, a number that is
 * none, one thing of a loss and another of its negative, a throw because a loss begins near 0. */
#include "math/random.h"
#include "support/trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N = 16 };

/* Sum of h_i theta_i^2 / 2 over curvatures from 1 down to `flat`, noise on the gradient; plus
 * `offset`, and all of it times `sign`. */
typedef struct bowl {
    double flat, noise, offset, sign;
    uint64_t seed;
} bowl;

static double bowl_loss(const void *context, int n, const double *theta, int64_t step,
                        double *gradient) {
    const bowl *b = context;
    double sum = b->offset;
    for (int i = 0; i < n; i++) {
        const double h = pow(b->flat, (double)i / (n - 1));
        const double noise =
            step < 0 ? 0 : b->noise * ravine_random_normal(b->seed, (uint64_t)step, (uint64_t)i);
        const double away = theta[i] + noise;
        sum += h * away * away / 2;
        gradient[i] = b->sign * h * away;
    }
    return b->sign * sum;
}

static void look(const bowl *b, double start, const char *optimizer, int64_t steps,
                 ravine_diagnosis *x) {
    double theta[N];
    for (int i = 0; i < N; i++) theta[i] = start;
    trial *t = trial_new(&(trial_setup){
        .n = N, .start = theta, .loss = bowl_loss, .context = b, .optimizer = optimizer});
    trial_run(t, steps);
    trial_diagnose(t, x);
    trial_free(t);
}

/* -f under maximize is f. */
static void ascent_is_descent(void **state) {
    (void)state;
    static const struct {
        const char *rule;
        double flat, noise;
        int64_t steps;
    } cases[] = {{"adam lr=1e-2", 0.1, 0.3, 400}, {"sgd lr=0.5", 0.5, 0.3, 400},
                 {"sgd lr=1e-5", 0.1, 0, 400},    {"sgd lr=2.1", 0.1, 0, 60},
                 {"sgd lr=0.5", 0.5, 0.3, 3000},  {"adam lr=1e-6", 0.1, 0.01, 400}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ravine_diagnosis down, up;
        char ascending[64];
        bowl b = {.flat = cases[k].flat, .noise = cases[k].noise, .sign = 1, .seed = 7};
        look(&b, 3, cases[k].rule, cases[k].steps, &down);
        snprintf(ascending, sizeof ascending, "%s maximize=true", cases[k].rule);
        b.sign = -1;
        look(&b, 3, ascending, cases[k].steps, &up);
        if (up.verdict != down.verdict)
            fail_msg("%s: descending it is %s, ascending %s", cases[k].rule,
                     ravine_verdict_word(down.verdict), ravine_verdict_word(up.verdict));
        assert_true(up.confidence == down.confidence);
        assert_int_equal(up.ncures, down.ncures);
        for (int c = 0; c < up.ncures; c++) assert_string_equal(up.cure[c].text, down.cure[c].text);
    }
}

/* Too long were the steps at the rate of then: that of now, at the end of the schedule, is neither
 * to be raised nor the one to begin anew below. */
static void a_rate_that_the_schedule_has_left_is_not_blamed(void **state) {
    (void)state;
    static const double peak[] = {1, 3, 10, 30, 100};
    int anew = 0;
    for (size_t k = 0; k < sizeof peak / sizeof *peak; k++) {
        double theta[N];
        for (int i = 0; i < N; i++) theta[i] = 0.1;
        const bowl b = {.flat = 1e-3, .noise = 0.3, .sign = 1, .seed = k};
        char schedule[64];
        snprintf(schedule, sizeof schedule, "cosine(60, to=1e-5) lr=%g", peak[k]);
        trial *t = trial_new(&(trial_setup){.n = N,
                                            .start = theta,
                                            .loss = bowl_loss,
                                            .context = &b,
                                            .optimizer = "adam",
                                            .schedule = schedule});
        ravine_diagnosis x;
        for (int64_t step = 10; step <= 60; step += 10) {
            trial_run(t, 10);
            trial_diagnose(t, &x);
            if (x.verdict != RAVINE_VERDICT_DIVERGING && x.verdict != RAVINE_VERDICT_WARMUP_NEEDED)
                continue;
            for (int c = 0; c < x.ncures; c++) {
                assert_null(strstr(x.cure[c].text, "raise lr"));
                if (step < 50) continue;
                assert_null(strstr(x.cure[c].text, "lower lr"));
                if (!strstr(x.cure[c].text, "start again")) continue;
                assert_true(fabs(x.cure[c].old_value / peak[k] - 1) < 0.01);
                anew++;
            }
        }
        trial_free(t);
    }
    assert_true(anew > 0);
}

/* Losses that cross 0: likelihoods, policy gradients. Where they begin says nothing. */
static void a_loss_that_begins_near_zero(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        ravine_diagnosis x;
        bowl b = {.flat = 0.5, .noise = 0.3, .sign = 1, .seed = seed};
        const double first = ravine_random_normal(seed, 99, 0) * 0.05;
        double theta[N], gradient[N];
        for (int i = 0; i < N; i++) theta[i] = 3;
        b.offset = first - bowl_loss(&b, N, theta, 0, gradient);
        look(&b, 3, "adam lr=1e-2", 300, &x);
        assert_int_equal(x.verdict, RAVINE_VERDICT_HEALTHY);
        for (int k = 0; k < x.nalso; k++)
            assert_int_not_equal(x.also[k], RAVINE_VERDICT_WARMUP_NEEDED);
    }
}

static void nothing_is_said_of_no_step(void **state) {
    (void)state;
    const bowl b = {.flat = 0.5, .sign = 1};
    for (int64_t steps = 0; steps <= 4; steps++) {
        ravine_diagnosis x;
        look(&b, 3, "sgd lr=0.1", steps, &x);
        assert_int_equal(x.verdict, RAVINE_VERDICT_UNCLEAR);
        assert_true(x.ncannot_tell > 0);
    }
}

/* Every gradient is 0 from the first step on, or from the last one. */
static void no_number_is_told_that_is_none(void **state) {
    (void)state;
    for (int alive = 0; alive <= 40; alive += 20) {
        ravine_doctor *d;
        ravine_diagnosis x = {.size = sizeof x};
        assert_int_equal(ravine_doctor_create(&d, NULL, NULL), RAVINE_OK);
        for (int t = 1; t <= 80; t++) {
            const double g = t <= alive ? 1 : 0;
            const ravine_step_stats r = {.size = sizeof r,
                                         .step = t,
                                         .attempts = t,
                                         .lr = 0.1,
                                         .grad_norm = g,
                                         .update_norm = 0.1 * g,
                                         .param_norm = 1,
                                         .clip = 1};
            const ravine_observation o = {
                .size = sizeof o, .loss = 2, .path_efficiency = NAN, .stats = &r};
            assert_int_equal(ravine_doctor_feed(d, &o), RAVINE_OK);
        }
        char text[RAVINE_DIAGNOSIS_TEXT_MAX];
        assert_int_equal(ravine_doctor_diagnose(d, &x), RAVINE_OK);
        assert_int_equal(ravine_diagnosis_format(&x, text, sizeof text, NULL), RAVINE_OK);
        if (strstr(text, "nan") || strstr(text, "inf ")) fail_msg("%s", text);
        if (alive == 0) assert_int_not_equal(ravine_verdict_exit_code(x.verdict), 0);
        ravine_doctor_destroy(d);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascent_is_descent),
        cmocka_unit_test(a_rate_that_the_schedule_has_left_is_not_blamed),
        cmocka_unit_test(a_loss_that_begins_near_zero),
        cmocka_unit_test(nothing_is_said_of_no_step),
        cmocka_unit_test(no_number_is_told_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
