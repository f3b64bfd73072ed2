/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller tells of the net, the loss and the data decides, though the loss falls as it
 * should: a descent that is HEALTHY without the fact, and with a harmless one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "support/trial.h"

static double bowl(const void *context, int n, const double *theta, int64_t step,
                   double *gradient) {
    double loss = 0.1;
    (void)context;
    (void)step;
    for (int i = 0; i < n; i++) {
        gradient[i] = theta[i];
        loss += 0.5 * theta[i] * theta[i];
    }
    return loss;
}

typedef struct told {
    int fact;
    double value;
} told;

/* What is said after 40 steps of a descent that goes on. */
static int verdict_with(const told *facts, size_t count) {
    const double start[4] = {1, -2, 3, -4};
    trial *t =
        trial_new(&(trial_setup){.n = 4, .start = start, .loss = bowl, .optimizer = "sgd lr=0.02"});
    ravine_diagnosis x;
    trial_run(t, 20);
    for (size_t k = 0; k < count; k++)
        assert_int_equal(ravine_doctor_tell(t->d, facts[k].fact, facts[k].value), RAVINE_OK);
    trial_run(t, 20);
    trial_diagnose(t, &x);
    trial_free(t);
    return x.verdict;
}

static void expect(int fact, double value, int verdict) {
    const told one = {fact, value};
    const int said = verdict_with(&one, 1);
    if (said != verdict)
        fail_msg("told that %s is %g it says %s, not %s", ravine_fact_word(fact), value,
                 ravine_verdict_word(said), ravine_verdict_word(verdict));
}

static void without_a_fact_it_is_healthy(void **state) {
    (void)state;
    assert_int_equal(verdict_with(NULL, 0), RAVINE_VERDICT_HEALTHY);
}

static void a_loss_that_is_given_the_wrong_thing(void **state) {
    (void)state;
    expect(RAVINE_FACT_LOSS_INPUT, 0, RAVINE_VERDICT_HEALTHY);
    for (int wrong = 1; wrong <= 4; wrong++)
        expect(RAVINE_FACT_LOSS_INPUT, wrong, RAVINE_VERDICT_NOT_LEARNING);
}

static void units_that_are_dropped(void **state) {
    (void)state;
    expect(RAVINE_FACT_DROPOUT, 0.5, RAVINE_VERDICT_HEALTHY);
    expect(RAVINE_FACT_DROPOUT, 0.95, RAVINE_VERDICT_NOT_LEARNING);
}

static void norms_that_are_never_trained(void **state) {
    (void)state;
    expect(RAVINE_FACT_NORMS_UNTRAINED, 0, RAVINE_VERDICT_HEALTHY);
    expect(RAVINE_FACT_NORMS_UNTRAINED, 1, RAVINE_VERDICT_NOT_LEARNING);
}

static void inputs_and_targets_of_another_size(void **state) {
    (void)state;
    expect(RAVINE_FACT_INPUT_SIZE, 1, RAVINE_VERDICT_HEALTHY);
    expect(RAVINE_FACT_INPUT_SIZE, 150, RAVINE_VERDICT_UNSCALED_INPUT);
    expect(RAVINE_FACT_INPUT_PEAK, 4, RAVINE_VERDICT_HEALTHY);
    expect(RAVINE_FACT_INPUT_PEAK, 1000, RAVINE_VERDICT_UNSCALED_INPUT);
    expect(RAVINE_FACT_TARGET_SIZE, 3, RAVINE_VERDICT_HEALTHY);
    expect(RAVINE_FACT_TARGET_SIZE, 3e5, RAVINE_VERDICT_UNSCALED_INPUT);
    expect(RAVINE_FACT_TARGET_PEAK, 20, RAVINE_VERDICT_HEALTHY); /* prices have such tails */
    expect(RAVINE_FACT_TARGET_PEAK, 1000, RAVINE_VERDICT_UNSCALED_INPUT);
    const told sparse[] = {{RAVINE_FACT_INPUT_RATIO, 100}, {RAVINE_FACT_INPUT_SIZE, 0.1}};
    assert_int_equal(verdict_with(sparse, 2), RAVINE_VERDICT_HEALTHY);
    const told column[] = {{RAVINE_FACT_INPUT_RATIO, 1000}, {RAVINE_FACT_INPUT_SIZE, 12}};
    assert_int_equal(verdict_with(column, 2), RAVINE_VERDICT_UNSCALED_INPUT);
}

/* A bound on the loss of the best constant prediction far below ln of the classes: one class has
 * nearly all examples. The held-out loss says whether that is harmful. */
static void one_class_has_nearly_all_examples(void **state) {
    (void)state;
    const double held_out = 60;
    told facts[] = {{RAVINE_FACT_CLASSES, 10},
                    {RAVINE_FACT_CONSTANT_LOSS, 0.2},
                    {RAVINE_FACT_VALIDATION, held_out}};
    assert_int_equal(verdict_with(facts, 3), RAVINE_VERDICT_NOT_LEARNING);
    facts[1].value = 2.3;
    assert_int_equal(verdict_with(facts, 3), RAVINE_VERDICT_HEALTHY);
}

/* Examples that are not trained on are worse off than before the first step. */
static void held_out_above_its_start(void **state) {
    (void)state;
    told losses[] = {{RAVINE_FACT_VALIDATION, 2},
                     {RAVINE_FACT_VALIDATION, 1.9},
                     {RAVINE_FACT_VALIDATION, 1.9},
                     {RAVINE_FACT_VALIDATION, 1.9}};
    assert_int_equal(verdict_with(losses, 4), RAVINE_VERDICT_HEALTHY);
    for (int k = 1; k < 4; k++) losses[k].value = 2.02;
    assert_int_equal(verdict_with(losses, 4), RAVINE_VERDICT_UNCLEAR);
}

/* A net that was trained before may have large weights, and says more than a constant. */
static void first_weights_that_are_too_large(void **state) {
    (void)state;
    const double started = 15.1;
    told facts[] = {{RAVINE_FACT_WEIGHT_GAIN, 1.41}, {RAVINE_FACT_CONSTANT_LOSS, started / 5}};
    assert_int_equal(verdict_with(facts, 2), RAVINE_VERDICT_HEALTHY);
    facts[0].value = 20;
    assert_int_equal(verdict_with(facts, 2), RAVINE_VERDICT_EXPLODING);
    facts[1].value = started;
    assert_int_equal(verdict_with(facts, 2), RAVINE_VERDICT_HEALTHY);
}

static void an_error_that_is_made_larger(void **state) {
    (void)state;
    expect(RAVINE_FACT_ASCENT, 0, RAVINE_VERDICT_HEALTHY);
    expect(RAVINE_FACT_ASCENT, 1, RAVINE_VERDICT_DIVERGING);
}

static void a_state_that_was_lost(void **state) {
    (void)state;
    expect(RAVINE_FACT_STATE_LOST, 20, RAVINE_VERDICT_RESUME_JUMP);
    expect(RAVINE_FACT_STATE_LOST, -2000, RAVINE_VERDICT_HEALTHY); /* it has been built up again */
}

/* The mean over the labels of a batch that has none. */
static double mean_of_nothing(const void *context, int n, const double *theta, int64_t step,
                              double *gradient) {
    if (step < 30) return bowl(context, n, theta, step, gradient);
    for (int i = 0; i < n; i++) gradient[i] = NAN;
    return NAN;
}

static int verdict_of_nan(double labels_kept) {
    const double start[4] = {1, -2, 3, -4};
    trial *t = trial_new(&(trial_setup){
        .n = 4, .start = start, .loss = mean_of_nothing, .optimizer = "sgd lr=0.02"});
    ravine_diagnosis x;
    assert_int_equal(ravine_doctor_tell(t->d, RAVINE_FACT_LABELS_KEPT, labels_kept), RAVINE_OK);
    trial_run(t, 40);
    trial_diagnose(t, &x);
    trial_free(t);
    return x.verdict;
}

static void labels_that_are_all_masked(void **state) {
    (void)state;
    assert_int_equal(verdict_of_nan(0), RAVINE_VERDICT_LABELS_LOST);
    assert_int_equal(verdict_of_nan(0.1), RAVINE_VERDICT_NONFINITE);
    expect(RAVINE_FACT_LABELS_KEPT, 0, RAVINE_VERDICT_HEALTHY); /* such a batch did no harm */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_fact_it_is_healthy),
        cmocka_unit_test(a_loss_that_is_given_the_wrong_thing),
        cmocka_unit_test(units_that_are_dropped),
        cmocka_unit_test(norms_that_are_never_trained),
        cmocka_unit_test(inputs_and_targets_of_another_size),
        cmocka_unit_test(one_class_has_nearly_all_examples),
        cmocka_unit_test(held_out_above_its_start),
        cmocka_unit_test(first_weights_that_are_too_large),
        cmocka_unit_test(an_error_that_is_made_larger),
        cmocka_unit_test(a_state_that_was_lost),
        cmocka_unit_test(labels_that_are_all_masked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
