/* SPDX-License-Identifier: Apache-2.0 */
/* A doctor that is told numbers: what it says of them, and warns of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/make.h"
#include "support/trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static ravine_doctor *new_doctor(void) {
    ravine_doctor *d;
    assert_int_equal(ravine_doctor_create(&d, NULL, NULL), RAVINE_OK);
    return d;
}

static ravine_step_stats stats_at(int64_t step, double gradient) {
    return (ravine_step_stats){.size = sizeof(ravine_step_stats),
                               .step = step,
                               .attempts = step,
                               .lr = 0.1,
                               .grad_norm = gradient,
                               .update_norm = 0.1 * gradient,
                               .param_norm = 1,
                               .line_position = NAN,
                               .sign_change_rate = NAN,
                               .sign_change_rate_lag2 = NAN,
                               .quiet_share = NAN,
                               .sigma_ratio = NAN};
}

static void feed(ravine_doctor *d, double loss, const ravine_step_stats *r,
                 const ravine_config *c) {
    const ravine_observation o = {
        .size = sizeof o, .loss = loss, .path_efficiency = NAN, .stats = r, .config = c};
    assert_int_equal(ravine_doctor_feed(d, &o), RAVINE_OK);
}

static void diagnose(const ravine_doctor *d, ravine_diagnosis *x) {
    *x = (ravine_diagnosis){.size = sizeof *x};
    assert_int_equal(ravine_doctor_diagnose(d, x), RAVINE_OK);
}

static void assert_evidence(const ravine_diagnosis *x, const char *name, const char *text) {
    for (int32_t k = 0; k < x->nevidence; k++)
        if (!strcmp(x->evidence[k].name, name)) {
            assert_string_equal(x->evidence[k].text, text);
            return;
        }
    fail_msg("there is no evidence %s", name);
}

/* A log of losses and gradient norms, as most tools write it. */
static void lengths_that_are_not_known_are_finite(void **state) {
    (void)state;
    ravine_doctor *d = new_doctor();
    ravine_diagnosis x;
    for (int step = 1; step <= 100; step++) {
        ravine_step_stats r = stats_at(step, 1.0 / step);
        r.update_norm = r.param_norm = NAN;
        feed(d, exp(-0.02 * step), &r, NULL);
    }
    diagnose(d, &x);
    assert_int_equal(x.verdict, RAVINE_VERDICT_HEALTHY);
    ravine_step_stats r = stats_at(101, 0.01);
    r.param_norm = INFINITY;
    feed(d, 1, &r, NULL);
    diagnose(d, &x);
    assert_int_equal(x.verdict, RAVINE_VERDICT_NONFINITE);
    ravine_doctor_destroy(d);
}

/* No rate is not a rate of 0. */
static void a_log_without_a_learning_rate(void **state) {
    (void)state;
    ravine_doctor *d = new_doctor();
    ravine_diagnosis x;
    for (int step = 1; step <= 100; step++) {
        ravine_step_stats r = stats_at(step, NAN);
        r.lr = r.update_norm = r.param_norm = NAN;
        feed(d, exp(-0.02 * step), &r, NULL);
    }
    diagnose(d, &x);
    assert_int_equal(x.verdict, RAVINE_VERDICT_HEALTHY);
    ravine_doctor_destroy(d);
}

static void a_log_of_losses_alone(void **state) {
    (void)state;
    ravine_doctor *d = new_doctor();
    ravine_diagnosis x;
    for (int step = 1; step <= 100; step++) {
        ravine_step_stats r = stats_at(step, NAN);
        r.update_norm = r.param_norm = NAN;
        feed(d, exp(-0.02 * step), &r, NULL);
    }
    diagnose(d, &x);
    assert_int_equal(x.verdict, RAVINE_VERDICT_HEALTHY);
    ravine_step_stats r = stats_at(101, 0.5);
    feed(d, 0.1, &r, NULL);
    r = stats_at(102, NAN); /* it was known before */
    feed(d, 0.1, &r, NULL);
    diagnose(d, &x);
    assert_int_equal(x.verdict, RAVINE_VERDICT_NONFINITE);
    ravine_doctor_destroy(d);
}

/* The very first gradient is not finite: there is no step to tell of, nor a rule to change. */
static void not_finite_from_the_start(void **state) {
    (void)state;
    ravine_doctor *d = new_doctor();
    ravine_diagnosis x;
    ravine_warning w = {.size = sizeof w};
    ravine_step_stats r = stats_at(1, NAN);
    r.nonfinite = 3;
    r.nonfinite_param = 2;
    r.nonfinite_index = 5;
    feed(d, 1, &r, NULL);
    diagnose(d, &x);
    assert_int_equal(x.verdict, RAVINE_VERDICT_NONFINITE);
    assert_evidence(&x, "first_step", "after step 0 the gradient was not finite");
    assert_evidence(&x, "elements", "3 elements of the gradient");
    assert_evidence(&x, "first_param", "first in parameter 2, element 5");
    assert_true(isnan(trial_evidence(&x, "last_loss")));
    for (int32_t k = 0; k < x.ncures; k++) assert_string_equal(x.cure[k].optimizer, "");
    assert_int_equal(ravine_doctor_warning(d, &w), RAVINE_OK);
    assert_int_equal(w.kind, RAVINE_WARNING_NONFINITE_GRADIENT);
    assert_string_equal(w.text, "loss or gradient is not finite");
    r = stats_at(2, 1); /* it passes */
    feed(d, 1, &r, NULL);
    assert_int_equal(ravine_doctor_warning(d, &w), RAVINE_OK);
    assert_int_equal(w.kind, RAVINE_WARNING_NONE);
    ravine_doctor_destroy(d);
}

/* The verdict on a loss that is thrown from `first` to `most` in six steps and then rests at
 * `rest`, with a little noise; NaN in step `lost`, if that is one of them. */
static int verdict_after_throw(double first, double most, double rest, int lost) {
    enum { STEPS = 64, THROWN = 6 };
    ravine_doctor *d = new_doctor();
    ravine_diagnosis x;
    ravine_config config;
    assert_int_equal(ravine_config_parse(&config, "sgd lr=0.1"), RAVINE_OK);
    for (int t = 0; t < STEPS; t++) {
        const double way = t < THROWN ? (double)t / (THROWN - 1) : 0;
        const double noise = t % 3 == 0 ? 1.01 : t % 3 == 1 ? 1 : 0.99;
        const double loss = t < THROWN ? first * pow(most / first, way) : rest * noise;
        ravine_step_stats r = stats_at(t + 1, t < THROWN ? sqrt(loss) : 0.3 * noise);
        if (t > 0 && t < THROWN) r.param_norm = pow(most / first, way / 2);
        feed(d, t == lost ? NAN : loss, &r, &config);
    }
    diagnose(d, &x);
    if (x.verdict == RAVINE_VERDICT_DIVERGING && lost < 0) {
        assert_true(trial_evidence(&x, "thrown") > 1e6);
        assert_string_equal(x.cure[0].text, "go back to an earlier checkpoint, or start again, "
                                            "with lr 0.01 instead of 0.1");
        for (int32_t k = 0; k < x.ncures; k++)
            assert_int_equal(x.cure[k].action, RAVINE_CURE_ADVICE);
        assert_string_equal(x.not_text,
                            "a minimum: it was thrown out here, and nothing leads back");
    }
    ravine_doctor_destroy(d);
    return x.verdict;
}

/* What was thrown so far that it came to rest far out is neither at a minimum nor a victim of its
 * data; what came back and got better is not lost, nor what was never high. */
static void thrown_onto_a_plateau(void **state) {
    (void)state;
    for (double scale = 1e-6; scale < 2e6; scale *= 1e6) {
        assert_int_equal(verdict_after_throw(3 * scale, 1e20 * scale, 2.3 * scale, -1),
                         RAVINE_VERDICT_DIVERGING);
        assert_int_equal(verdict_after_throw(3 * scale, 1e20 * scale, 2.9 * scale, 12),
                         RAVINE_VERDICT_DIVERGING);
        assert_int_not_equal(verdict_after_throw(3 * scale, 1e20 * scale, 1.2 * scale, -1),
                             RAVINE_VERDICT_DIVERGING);
        assert_int_not_equal(verdict_after_throw(3 * scale, 2e6 * scale, 2.9 * scale, -1),
                             RAVINE_VERDICT_DIVERGING);
        assert_int_not_equal(verdict_after_throw(1e-9 * scale, scale, scale, -1),
                             RAVINE_VERDICT_DIVERGING);
    }
    assert_int_equal(verdict_after_throw(3, 1e3, 2.9, 12), RAVINE_VERDICT_NONFINITE);
}

/* lr times what was probed, against the limit, as long as the probe is not older than a window. */
static void too_sharp_for_lr(void **state) {
    (void)state;
    static const struct {
        double sharpness;
        int64_t steps_later;
        bool warns;
    } cases[] = {{30, 0, true}, {19, 0, false}, {30, 256, true}, {30, 257, false}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ravine_doctor *d = new_doctor();
        ravine_warning w = {.size = sizeof w};
        const ravine_probe probe = {
            .size = sizeof probe, .step = 1, .sharpness = cases[k].sharpness, .limit = 2};
        ravine_step_stats r = stats_at(1, 1);
        feed(d, 1, &r, NULL);
        assert_int_equal(ravine_doctor_take_probe(d, &probe), RAVINE_OK);
        r = stats_at(1 + cases[k].steps_later, 1);
        feed(d, 1, &r, NULL);
        assert_int_equal(ravine_doctor_warning(d, &w), RAVINE_OK);
        assert_int_equal(w.kind, cases[k].warns ? RAVINE_WARNING_STABILITY : RAVINE_WARNING_NONE);
        if (cases[k].warns)
            assert_string_equal(
                w.text, "lr times the sharpness that was probed is 1.5 of the rule's limit");
        ravine_doctor_destroy(d);
    }
}

/* A cure's whole setting reads back to the settings that were fed, but for lr. */
static void settings_of_a_cure(void **state) {
    (void)state;
    static const char *const rules[] = {
        "adamw lr=0.1 amsgrad=true eps_form=inside beta2=0.99 ema_decay=0.5",
        "sgd lr=0.1 momentum=0.9 nesterov=true clip_value=3", "rprop lr=0.1 step_max=7"};
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
        ravine_doctor *d = new_doctor();
        ravine_diagnosis x;
        ravine_config given, read;
        assert_int_equal(ravine_config_parse(&given, rules[k]), RAVINE_OK);
        ravine_step_stats r = stats_at(1, 1);
        feed(d, 1, &r, &given);
        feed(d, NAN, &r, &given);
        diagnose(d, &x);
        assert_int_equal(x.verdict, RAVINE_VERDICT_NONFINITE);
        assert_evidence(&x, "first_step", "after step 0 the loss was not finite");
        int settings = 0;
        for (int32_t i = 0; i < x.ncures; i++) {
            if (x.cure[i].action != RAVINE_CURE_SETTINGS) continue;
            assert_int_equal(ravine_config_parse(&read, x.cure[i].optimizer), RAVINE_OK);
            assert_true(fabs(read.lr - 0.01) < 1e-12);
            read.lr = given.lr;
            assert_memory_equal(&read, &given, sizeof read);
            settings++;
        }
        assert_int_equal(settings, 1);
        ravine_doctor_destroy(d);
    }
}

/* Nearly all gradients of one group are zero: it is told by its name. */
static void dead_group(void **state) {
    (void)state;
    static const char *const names[] = {"first", "second"};
    ravine_doctor *d = new_doctor();
    ravine_diagnosis x;
    for (int64_t step = 1; step <= 300; step++) {
        const ravine_step_stats all = stats_at(step, 1);
        ravine_step_stats groups[] = {all, all};
        groups[1].zero_share = 0.99;
        const ravine_observation o = {.size = sizeof o,
                                      .nparts = 2,
                                      .loss = 1,
                                      .path_efficiency = NAN,
                                      .stats = &all,
                                      .part_stats = groups,
                                      .part_name = names};
        assert_int_equal(ravine_doctor_feed(d, &o), RAVINE_OK);
    }
    diagnose(d, &x);
    assert_int_equal(x.verdict, RAVINE_VERDICT_DEAD);
    assert_evidence(&x, "zero_share_1", "99.0 % in group 1, second");
    assert_true(isnan(trial_evidence(&x, "zero_share_0")));
    ravine_doctor_destroy(d);
}

/* ---- memory of another optimizer ------------------------------------------------------------- */

static double bowl(const void *context, int n, const double *theta, int64_t step,
                   double *gradient) {
    (void)context, (void)step;
    double loss = 0;
    for (int i = 0; i < n; i++) {
        gradient[i] = theta[i];
        loss += theta[i] * theta[i] / 2;
    }
    return loss;
}

/* The parameter is shorter than the one whose elements were followed: others are, not memory behind
 * its end. */
static void parameters_that_became_shorter(void **state) {
    (void)state;
    static const double start[200] = {1};
    trial_setup setup = {.n = 200, .start = start, .loss = bowl, .optimizer = "sgd lr=0.1"};
    trial *longer = trial_new(&setup);
    trial_run(longer, 3);
    setup.n = 10;
    trial *shorter = trial_new(&setup);
    const int64_t length = ravine_doctor_state_length(longer->d);
    double *numbers = malloc((size_t)length * sizeof *numbers);
    assert_non_null(numbers);
    assert_int_equal(ravine_doctor_export(longer->d, numbers, length), RAVINE_OK);
    assert_int_equal(ravine_doctor_import(shorter->d, numbers, length), RAVINE_OK);
    trial_run(shorter, 1);
    assert_true(ravine_doctor_state_length(shorter->d) < length); /* it follows 10 elements now */
    free(numbers);
    trial_free(longer);
    trial_free(shorter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_that_are_not_known_are_finite),
        cmocka_unit_test(a_log_without_a_learning_rate),
        cmocka_unit_test(a_log_of_losses_alone),
        cmocka_unit_test(not_finite_from_the_start),
        cmocka_unit_test(thrown_onto_a_plateau),
        cmocka_unit_test(too_sharp_for_lr),
        cmocka_unit_test(settings_of_a_cure),
        cmocka_unit_test(dead_group),
        cmocka_unit_test(parameters_that_became_shorter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
