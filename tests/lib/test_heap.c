/* SPDX-License-Identifier: Apache-2.0 */
/* test_heap.c - where the library's memory comes from: set-up takes it through the allocator of the
 * env and from nowhere else, and later calls take none, not even inside the C library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ravine_checkpoint.h"
#include "ravine_doctor.h"
#include "support/counting.h"
#include "support/heap.h"
#include "support/quadratic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARAMS = 100, LEN = 8, WINDOW = 4096 };

static double data[PARAMS][LEN], grad[PARAMS][LEN];

static void add_params(ravine_optimizer *o, int first, int end) {
    static char name[PARAMS][16];
    ravine_param p[PARAMS];
    for (int k = first; k < end; k++) {
        snprintf(name[k], sizeof name[k], "w%d", (k * 37 + 11) % PARAMS); /* in no order */
        p[k] = (ravine_param){.size = sizeof p[k],
                              .dtype = RAVINE_F64,
                              .group = k % 2,
                              .name = name[k],
                              .data = data[k],
                              .grad = grad[k],
                              .len = LEN};
        for (int i = 0; i < LEN; i++) data[k][i] = 1 + i % 3;
    }
    assert_int_equal(ravine_add(o, p + first, end - first), RAVINE_OK);
}

/* A bowl with a little noise: the loss, and the gradient of every parameter. */
static double descend(int64_t step) {
    double loss = 0;
    for (int k = 0; k < PARAMS; k++)
        for (int i = 0; i < LEN; i++) {
            grad[k][i] = data[k][i] + 0.01 * sin((double)(step * 31 + k * 7 + i));
            loss += grad[k][i] * data[k][i] / 2;
        }
    return loss;
}

static ravine_optimizer *make(const ravine_env *env) {
    ravine_config c;
    ravine_schedule s;
    ravine_optimizer *o = NULL;
    int32_t group;
    assert_int_equal(ravine_config_parse(&c, "adamw lr=0.01 amsgrad=true ema_decay=0.9"), 0);
    assert_int_equal(ravine_create(&o, &c, env), RAVINE_OK);
    assert_int_equal(ravine_add_group(o, &c, &group), RAVINE_OK);
    add_params(o, 0, PARAMS / 2);
    add_params(o, PARAMS / 2, PARAMS);
    assert_int_equal(ravine_schedule_parse(&s, "warmup(10) cosine(900, to=1e-4) lr=1e-2"), 0);
    assert_int_equal(ravine_set_schedule(o, -1, RAVINE_LR, &s), RAVINE_OK);
    return o;
}

static ravine_doctor *make_doctor(const ravine_env *env) {
    ravine_doctor_options options;
    ravine_doctor *d = NULL;
    ravine_doctor_options_init(&options);
    options.window = WINDOW;
    assert_int_equal(ravine_doctor_create(&d, &options, env), RAVINE_OK);
    return d;
}

/* Everything that was taken since both counts were `heap` and `books` came through the env. */
#define assert_all_counted(heap, books, now) \
    assert_int_equal(heap_calls() - (heap), (now).calls - (books))

static void set_up_takes_memory_of_the_env(void **state) {
    (void)state;
    counting books;
    ravine_env env;
    ravine_env_init(&env);
    counting_env(&env, &books);
    env.threads = 1; /* what a thread takes when it starts is the system's */
    env.statistics = 1;
    const int64_t heap = heap_calls();
    ravine_optimizer *o = make(&env);
    ravine_doctor *d = make_doctor(&env);
    ravine_step_stats stats = {.size = sizeof stats};
    const double loss = descend(0);
    assert_int_equal(ravine_step(o, &stats), RAVINE_OK);
    assert_int_equal(ravine_doctor_observe(d, o, loss), RAVINE_OK);
    assert_all_counted(heap, 0, books);
    assert_true(books.calls > 10);
    ravine_doctor_destroy(d);
    ravine_destroy(o);
    assert_true(books.live_bytes == 0 && books.misuse == 0);
}

static void probes_and_trials_take_memory_of_the_env(void **state) {
    (void)state;
    static quadratic q;
    counting books;
    ravine_env env;
    ravine_config c;
    ravine_optimizer *o = NULL;
    quadratic_diagonal(&q, 2, (double[]){100, 1});
    quadratic_place(&q, (double[]){1, 1});
    ravine_env_init(&env);
    counting_env(&env, &books);
    assert_int_equal(ravine_config_parse(&c, "adam lr=0.02"), RAVINE_OK);
    assert_int_equal(ravine_create(&o, &c, &env), RAVINE_OK);
    const ravine_param p = {
        .size = sizeof p, .dtype = RAVINE_F64, .name = "x", .data = q.x, .grad = q.g, .len = 2};
    assert_int_equal(ravine_add(o, &p, 1), RAVINE_OK);
    const ravine_problem problem = quadratic_problem(&q, 20);
    const int64_t heap = heap_calls(), before = books.calls;
    static ravine_probe probe = {.size = sizeof probe};
    static ravine_diagnosis x = {
        .size = sizeof x, .ncures = 1, .cure = {{.optimizer = "adam lr=0.01"}}};
    assert_int_equal(ravine_probe_run(o, &problem, NULL, &probe), RAVINE_OK);
    assert_int_equal(ravine_try_cures(o, &problem, 50, &x), RAVINE_OK);
    assert_all_counted(heap, before, books);
    assert_true(books.calls > before);
    ravine_destroy(o);
    assert_true(books.live_bytes == 0 && books.misuse == 0);
}

/* What a training loop calls: the optimizer's side of it. */
static void step_and_look(ravine_optimizer *o, ravine_step_stats *stats) {
    double value, sigma[LEN];
    assert_true(ravine_step(o, stats) >= 0);
    assert_int_equal(ravine_group_stats(o, 1, stats), RAVINE_OK);
    assert_int_equal(ravine_param_stats(o, 7, stats), RAVINE_OK);
    assert_int_equal(ravine_get(o, 0, RAVINE_LR, &value), RAVINE_OK);
    assert_int_equal(ravine_set(o, 1, RAVINE_WEIGHT_DECAY, value), RAVINE_OK);
    assert_int_equal(ravine_sigma(o, "w3", sigma, LEN), RAVINE_OK);
    assert_true(ravine_set(o, 0, RAVINE_LR, -1) < 0); /* a message, too */
    ravine_param view = {.size = sizeof view};
    assert_int_equal(ravine_state_view(o, "w5", "exp_avg_sq", &view), RAVINE_OK);
    void *gradient = grad[0];
    assert_int_equal(ravine_bind(o, 0, 1, NULL, &gradient), RAVINE_OK);
}

static void later_calls_take_none_on(int32_t threads) {
    ravine_env env;
    ravine_env_init(&env);
    env.threads = threads;
    env.statistics = 1;
    ravine_optimizer *o = make(&env);
    ravine_doctor *d = make_doctor(NULL);
    ravine_options options;
    ravine_options_init(&options);
    options.clip_norm = 1;
    options.nonfinite = RAVINE_SKIP;
    assert_int_equal(ravine_set_options(o, &options), RAVINE_OK);
    ravine_step_stats stats = {.size = sizeof stats};
    static ravine_diagnosis x = {.size = sizeof x};
    ravine_warning warning = {.size = sizeof warning};

    descend(0);
    if (threads > 1) assert_true(ravine_step(o, NULL) >= 0); /* it starts the pool's threads */
    const int64_t before = heap_calls();
    step_and_look(o, &stats);
    assert_int_equal(heap_calls(), before);
    assert_int_equal(ravine_doctor_observe(d, o, descend(0)), RAVINE_OK);
    const int64_t observed = heap_calls();
    assert_true(observed > before); /* groups and samples: the first observation's */
    for (int64_t t = 1; t < 5000; t++) {
        const double loss = descend(t);
        step_and_look(o, &stats);
        assert_int_equal(ravine_doctor_observe(d, o, loss), RAVINE_OK);
        if (t % 500) continue;
        assert_int_equal(ravine_doctor_warning(d, &warning), RAVINE_OK);
        assert_int_equal(ravine_doctor_diagnose(d, &x), RAVINE_OK);
    }
    assert_int_equal(heap_calls(), observed);
    ravine_doctor_destroy(d);
    ravine_destroy(o);
}

static void later_calls_take_none(void **state) {
    (void)state;
    later_calls_take_none_on(1);
    later_calls_take_none_on(2);
}

/* The count itself: what the C library takes for a sort is seen. */
static int by_value(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

static void the_count_sees_the_c_library(void **state) {
    (void)state;
    static int numbers[1000];
    const int64_t before = heap_calls();
    qsort(numbers, 1000, sizeof *numbers, by_value);
    assert_true(heap_calls() > before);
}

int main(void) {
#if defined(__SANITIZE_THREAD__)
    return 0; /* TSan does not tell of all calls */
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_count_sees_the_c_library),
        cmocka_unit_test(set_up_takes_memory_of_the_env),
        cmocka_unit_test(probes_and_trials_take_memory_of_the_env),
        cmocka_unit_test(later_calls_take_none),
    };
    return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
