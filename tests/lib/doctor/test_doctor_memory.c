/* SPDX-License-Identifier: Apache-2.0 */
/* A doctor's life: what it refuses, what it remembers, what it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/watch/watch_memory.h"
#include "support/counting.h"
#include "support/make.h"
#include "support/trial.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double parabola(const void *context, int n, const double *theta, int64_t step,
                       double *gradient) {
    (void)context;
    (void)step;
    double loss = 0;
    for (int i = 0; i < n; i++) {
        gradient[i] = theta[i] / (i + 1);
        loss += 0.5 * gradient[i] * theta[i];
    }
    return loss;
}

static void words_and_codes(void **state) {
    (void)state;
    assert_string_equal(ravine_verdict_word(RAVINE_VERDICT_SIGMA_BURST), "sigma_burst");
    assert_int_equal(ravine_verdict_exit_code(RAVINE_VERDICT_BOUNCING), 18);
    for (int a = 0; a < RAVINE_VERDICT_COUNT; a++) {
        assert_non_null(ravine_verdict_meaning(a));
        for (int b = 0; b < a; b++)
            assert_string_not_equal(ravine_verdict_word(a), ravine_verdict_word(b));
    }
    assert_null(ravine_verdict_word(-1));
    assert_null(ravine_verdict_meaning(RAVINE_VERDICT_COUNT));
    assert_int_equal(ravine_verdict_exit_code(RAVINE_VERDICT_COUNT), -1);
    assert_string_equal(ravine_warning_word(RAVINE_WARNING_GROWTH), "growth");
    assert_null(ravine_warning_word(RAVINE_WARNING_COUNT));
    assert_string_equal(ravine_fact_word(RAVINE_FACT_VALIDATION), "validation");
    assert_null(ravine_fact_word(-1));
    assert_null(ravine_fact_word(RAVINE_FACT_COUNT));
}

static void expect_refused(const ravine_doctor_options *options, ravine_status status,
                           const char *what) {
    ravine_doctor *d = NULL;
    assert_int_equal(ravine_doctor_create(&d, options, NULL), status);
    assert_null(d);
    assert_non_null(strstr(ravine_errmsg(), what));
}

static void wrong_options_are_refused(void **state) {
    (void)state;
    ravine_doctor_options o;
    ravine_doctor_options_init(&o);
    assert_int_equal(o.window, 256);
    o.size = 4;
    expect_refused(&o, RAVINE_E_ARG, "size");
    ravine_doctor_options_init(&o);
    o.window = 15;
    expect_refused(&o, RAVINE_E_RANGE, "window is 15");
    ravine_doctor_options_init(&o);
    o.window = 65537;
    expect_refused(&o, RAVINE_E_RANGE, "window is 65537");
    ravine_doctor_options_init(&o);
    o.budget = -1;
    expect_refused(&o, RAVINE_E_RANGE, "budget");
    ravine_doctor_options_init(&o);
    o.samples = -1;
    expect_refused(&o, RAVINE_E_RANGE, "samples");
    assert_int_equal(ravine_doctor_create(NULL, NULL, NULL), RAVINE_E_ARG);
    ravine_doctor_destroy(NULL);
}

static void wrong_calls_are_refused(void **state) {
    (void)state;
    float x[4] = {1, 2, 3, 4}, g[4] = {1, 1, 1, 1};
    ravine_optimizer *o = make_optimizer("sgd");
    make_param(o, 0, "x", RAVINE_F32, x, g, 4);
    ravine_doctor *d;
    assert_int_equal(ravine_doctor_create(&d, NULL, NULL), RAVINE_OK);
    make_step(o, NULL);
    assert_int_equal(ravine_doctor_observe(d, o, 1), RAVINE_E_STATE);
    assert_int_equal(ravine_doctor_observe(d, NULL, 1), RAVINE_E_ARG);
    ravine_diagnosis x1 = {.size = 3};
    assert_int_equal(ravine_doctor_diagnose(d, &x1), RAVINE_E_ARG);
    ravine_warning w = {.size = 3};
    assert_int_equal(ravine_doctor_warning(d, &w), RAVINE_E_ARG);
    ravine_probe p = {.size = 3};
    assert_int_equal(ravine_doctor_take_probe(d, &p), RAVINE_E_ARG);
    ravine_observation nothing = {.size = sizeof nothing};
    assert_int_equal(ravine_doctor_feed(d, &nothing), RAVINE_E_ARG);
    /* Nothing seen: nothing said. */
    ravine_diagnosis x2 = {.size = sizeof x2};
    assert_int_equal(ravine_doctor_diagnose(d, &x2), RAVINE_OK);
    assert_int_equal(x2.verdict, RAVINE_VERDICT_UNCLEAR);
    assert_true(x2.confidence == 0.5 && x2.ncannot_tell > 0);
    ravine_doctor_destroy(d);
    ravine_destroy(o);
}

/* ---- memory as numbers */

static trial *new_trial(const double *start, const ravine_doctor_options *options) {
    return trial_new(&(trial_setup){.n = 40,
                                    .start = start,
                                    .loss = parabola,
                                    .optimizer = "adam lr=0.05 beta2=0.99",
                                    .options = options,
                                    .groups = 3});
}

static double *export(const ravine_doctor *d, int64_t *length) {
    *length = ravine_doctor_state_length(d);
    double *numbers = malloc((size_t)*length * sizeof *numbers);
    assert_int_equal(ravine_doctor_export(d, numbers, *length), RAVINE_OK);
    return numbers;
}

/* A doctor that is put away and taken up again says, and remembers, the same to the last bit. */
static void memory_goes_through_numbers(void **state) {
    (void)state;
    double start[40];
    for (int i = 0; i < 40; i++) start[i] = i % 2 ? 1 : -1;
    ravine_doctor_options options;
    ravine_doctor_options_init(&options);
    options.window = 64;
    options.samples = 24;
    static const int64_t at[] = {0, 1, 10, 63, 64, 200, 700};
    for (size_t k = 0; k < sizeof at / sizeof at[0]; k++) {
        trial *whole = new_trial(start, &options), *broken = new_trial(start, &options);
        trial_run(whole, at[k]);
        trial_run(broken, at[k]);
        int64_t length, again;
        double *numbers = export(broken->d, &length);
        ravine_doctor *fresh;
        assert_int_equal(ravine_doctor_create(&fresh, &options, NULL), RAVINE_OK);
        assert_int_equal(ravine_doctor_import(fresh, numbers, length), RAVINE_OK);
        free(numbers);
        ravine_doctor_destroy(broken->d);
        broken->d = fresh;
        trial_run(whole, 300);
        trial_run(broken, 300);
        ravine_diagnosis a, b;
        trial_diagnose(whole, &a);
        trial_diagnose(broken, &b);
        assert_int_equal(a.verdict, b.verdict);
        assert_true(a.confidence == b.confidence && a.nevidence == b.nevidence);
        for (int i = 0; i < a.nevidence; i++)
            assert_string_equal(a.evidence[i].text, b.evidence[i].text);
        numbers = export(whole->d, &length);
        double *others = export(broken->d, &again);
        assert_int_equal(length, again);
        assert_memory_equal(numbers, others, (size_t)length * sizeof *numbers);
        free(numbers);
        free(others);
        trial_free(whole);
        trial_free(broken);
    }
}

static void expect_bad_memory(ravine_doctor *d, const double *numbers, int64_t length) {
    int64_t before_length, after_length;
    double *before = export(d, &before_length);
    assert_int_equal(ravine_doctor_import(d, numbers, length), RAVINE_E_FORMAT);
    double *after = export(d, &after_length);
    assert_int_equal(before_length, after_length);
    assert_memory_equal(before, after, (size_t)before_length * sizeof *before);
    free(before);
    free(after);
}

static void numbers_that_are_no_memory_change_nothing(void **state) {
    (void)state;
    double start[40];
    for (int i = 0; i < 40; i++) start[i] = 1;
    trial *t = new_trial(start, NULL);
    trial_run(t, 100);
    int64_t length;
    double *numbers = export(t->d, &length);
    ravine_doctor *d;
    assert_int_equal(ravine_doctor_create(&d, NULL, NULL), RAVINE_OK);
    expect_bad_memory(d, numbers, length - 1);
    expect_bad_memory(d, numbers, 3);
    expect_bad_memory(d, numbers, -1);
    /* Every number of the head, and a few beyond, with values that cannot be counters. */
    static const double bad[] = {-2, 0.5, 1e300, -INFINITY, NAN};
    int refused = 0;
    for (int64_t k = 0; k < 60; k++)
        for (int j = 0; j < 5; j++) {
            const double right = numbers[k];
            numbers[k] = bad[j];
            ravine_doctor *other;
            assert_int_equal(ravine_doctor_create(&other, NULL, NULL), RAVINE_OK);
            const ravine_status status = ravine_doctor_import(other, numbers, length);
            assert_true(status == RAVINE_OK || status == RAVINE_E_FORMAT);
            refused += status == RAVINE_E_FORMAT;
            ravine_diagnosis x = {.size = sizeof x}; /* whatever was taken can be used */
            assert_int_equal(ravine_doctor_diagnose(other, &x), RAVINE_OK);
            assert_int_equal(ravine_doctor_observe(other, t->o, 1), RAVINE_OK);
            ravine_doctor_destroy(other);
            numbers[k] = right;
        }
    assert_true(refused >= 50);
    ravine_doctor_options options;
    ravine_doctor_options_init(&options);
    options.window = 128;
    ravine_doctor *shorter;
    assert_int_equal(ravine_doctor_create(&shorter, &options, NULL), RAVINE_OK);
    expect_bad_memory(shorter, numbers, length);
    ravine_doctor_destroy(shorter);
    ravine_doctor_destroy(d);
    free(numbers);
    trial_free(t);
}

/* A burst that is open but not counted has no place among those that are. */
static void bursts_that_cannot_be_are_refused(void **state) {
    (void)state;
    enum { HEADER = 8 };
#define PLACE(field) (HEADER + (int64_t)(offsetof(doctor_history, field) / sizeof(double)))
    const struct {
        int64_t at;
        double value;
    } cases[] = {
        {PLACE(burst_counted), 1}, {PLACE(burst_counted), NAN}, {PLACE(burst_counted), -1},
        {PLACE(burst_open), 2},    {PLACE(burst_open), NAN},    {PLACE(burst.start), 1e300},
        {PLACE(burst.start), NAN}, {PLACE(past[3].start), -2},
    };
#undef PLACE
    double start[40];
    for (int i = 0; i < 40; i++) start[i] = 1;
    trial *t = new_trial(start, NULL);
    trial_run(t, 100);
    int64_t length;
    double *numbers = export(t->d, &length);
    ravine_doctor *d;
    assert_int_equal(ravine_doctor_create(&d, NULL, NULL), RAVINE_OK);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const double right = numbers[cases[k].at];
        numbers[cases[k].at] = cases[k].value;
        expect_bad_memory(d, numbers, length);
        numbers[cases[k].at] = right;
    }
    assert_int_equal(ravine_doctor_import(d, numbers, length), RAVINE_OK);
    ravine_doctor_destroy(d);
    free(numbers);
    trial_free(t);
}

/* ---- allocation */

/* A doctor whose memory is counted, and 64 numbers of which the first `len` are a parameter. */
typedef struct counted {
    counting books;
    float x[64], g[64];
    ravine_optimizer *o;
    ravine_doctor *d;
} counted;

static void begin_counted(counted *c, int64_t len) {
    ravine_env env;
    ravine_env_init(&env);
    counting_env(&env, &c->books);
    for (int i = 0; i < 64; i++) c->x[i] = c->g[i] = 1;
    c->o = make_optimizer("sgd lr=0.01");
    make_param(c->o, 0, "x", RAVINE_F32, c->x, c->g, len);
    assert_int_equal(ravine_doctor_create(&c->d, NULL, &env), RAVINE_OK);
}

static void observe_counted(const counted *c) {
    ravine_step_stats r = {.size = sizeof r};
    make_step(c->o, &r);
    assert_int_equal(ravine_doctor_observe(c->d, c->o, 1), RAVINE_OK);
}

static void end_counted(counted *c) {
    ravine_doctor_destroy(c->d);
    assert_true(c->books.live_bytes == 0 && c->books.misuse == 0);
    ravine_destroy(c->o);
}

static void memory_is_taken_once_and_given_back(void **state) {
    (void)state;
    counted c;
    begin_counted(&c, 32);
    observe_counted(&c);
    int64_t calls = c.books.calls;
    for (int k = 0; k < 1000; k++) observe_counted(&c);
    assert_int_equal(c.books.calls, calls);
    /* A group and a parameter more: room for them, once. */
    make_group(c.o, "sgd lr=0.1");
    make_param(c.o, 1, "y", RAVINE_F32, c.x + 32, c.g + 32, 32);
    observe_counted(&c);
    assert_true(c.books.calls > calls);
    calls = c.books.calls;
    observe_counted(&c);
    assert_int_equal(c.books.calls, calls);
    end_counted(&c);
}

/* Nothing of what memory held before goes into a file. */
static void what_is_exported_was_written(void **state) {
    (void)state;
    counted c;
    begin_counted(&c, 64);
    double unwritten;
    memset(&unwritten, 0xA5, sizeof unwritten);
    for (int step = 0; step < 3; step++) {
        int64_t length;
        double *numbers = export(c.d, &length);
        for (int64_t k = 0; k < length; k++)
            if (!memcmp(&numbers[k], &unwritten, sizeof unwritten))
                fail_msg("after %d steps number %lld of %lld", step, (long long)k,
                         (long long)length);
        free(numbers);
        observe_counted(&c);
    }
    end_counted(&c);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    float x[32], g[32];
    for (int i = 0; i < 32; i++) x[i] = g[i] = 1;
    ravine_optimizer *o = make_optimizer("sgd lr=0.01");
    make_param(o, 0, "x", RAVINE_F32, x, g, 32);
    ravine_step_stats r = {.size = sizeof r};
    make_step(o, &r);
    for (int64_t fail = 1;; fail++) {
        counting books;
        ravine_env env;
        ravine_env_init(&env);
        counting_env(&env, &books);
        books.fail_at = fail;
        ravine_doctor *d = NULL;
        ravine_status status = ravine_doctor_create(&d, NULL, &env);
        if (!status) status = ravine_doctor_observe(d, o, 1);
        if (status) assert_int_equal(status, RAVINE_E_NOMEM);
        if (status && d) assert_int_equal(ravine_doctor_observe(d, o, 1), RAVINE_OK);
        ravine_doctor_destroy(d);
        assert_true(books.live_bytes == 0 && books.misuse == 0);
        if (!status) {
            assert_true(fail > 6);
            break;
        }
    }
    ravine_destroy(o);
}

/* ---- a log without statistics */

static void norms_alone_tell_of_divergence(void **state) {
    (void)state;
    ravine_doctor *d;
    assert_int_equal(ravine_doctor_create(&d, NULL, NULL), RAVINE_OK);
    ravine_config c;
    assert_int_equal(ravine_config_parse(&c, "sgd lr=0.1"), RAVINE_OK);
    for (int k = 0; k < 12; k++) {
        ravine_step_stats r = {.size = sizeof r, .group = -1, .step = k + 1, .attempts = k + 1};
        r.lr = 0.1;
        r.grad_norm = pow(3, k);
        r.update_norm = 0.1 * r.grad_norm;
        r.param_norm = 1 + r.grad_norm;
        r.clip = 1;
        r.nonfinite_param = r.nonfinite_index = -1;
#define RAVINE_X(name, meaning) r.name = NAN;
        RAVINE_STATISTIC_LIST(RAVINE_X)
#undef RAVINE_X
        const ravine_observation o = {
            .size = sizeof o, .loss = pow(9, k), .path_efficiency = NAN, .stats = &r, .config = &c};
        assert_int_equal(ravine_doctor_feed(d, &o), RAVINE_OK);
    }
    ravine_diagnosis x = {.size = sizeof x};
    assert_int_equal(ravine_doctor_diagnose(d, &x), RAVINE_OK);
    assert_int_equal(x.verdict, RAVINE_VERDICT_DIVERGING);
    /* G = 3: lambda = (1 + G)/lr */
    assert_true(fabs(trial_evidence(&x, "lambda_max") - 40) < 1e-9);
    assert_true(fabs(trial_evidence(&x, "lr_limit") - 0.05) < 1e-12);
    assert_true(x.ncannot_tell > 0);
    ravine_doctor_destroy(d);
}

/* The way of all elements where there are few; of as many as were asked for where there are more.
 */
static void paths_are_measured(void **state) {
    (void)state;
    double start[40];
    for (int i = 0; i < 40; i++) start[i] = 1;
    static const int32_t samples[] = {4096, 7};
    for (int k = 0; k < 2; k++) {
        ravine_doctor_options options;
        ravine_doctor_options_init(&options);
        options.window = 64;
        options.samples = samples[k];
        /* sgd with a tiny rate goes straight; rmsprop at its orbit goes nowhere. */
        trial *t = trial_new(&(trial_setup){.n = 40,
                                            .start = start,
                                            .loss = parabola,
                                            .optimizer = "sgd lr=1e-6",
                                            .options = &options,
                                            .groups = 3});
        trial_run(t, 200);
        assert_true(fabs(ravine_doctor_path_efficiency(t->d) - 1) < 1e-6);
        trial_free(t);
        t = trial_new(&(trial_setup){.n = 40,
                                     .start = start,
                                     .loss = parabola,
                                     .optimizer = "rmsprop lr=0.05 alpha=0.9",
                                     .options = &options});
        trial_run(t, 2000);
        assert_true(ravine_doctor_path_efficiency(t->d) < 0.05);
        trial_free(t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_codes),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(wrong_calls_are_refused),
        cmocka_unit_test(memory_goes_through_numbers),
        cmocka_unit_test(numbers_that_are_no_memory_change_nothing),
        cmocka_unit_test(bursts_that_cannot_be_are_refused),
        cmocka_unit_test(memory_is_taken_once_and_given_back),
        cmocka_unit_test(what_is_exported_was_written),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(norms_alone_tell_of_divergence),
        cmocka_unit_test(paths_are_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
