/* SPDX-License-Identifier: Apache-2.0 */
/* test_step_bits.c - the same bits whatever runs the step: instruction set, threads, the order of
 * the tasks, the address of the arrays. All rules, lengths 0 .. 130, 4,095 .. 4,097 and 65,537, two
 * types, several steps with clipping, with statistics or none, watched; compared are parameters,
 * states and everything in the statistics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/random.h"
#include "support/make.h"
#include "support/numbers.h"
#include "support/random_case.h"
#include "support/reference.h"

enum { SHORT = 131, PARAMS = SHORT + 4, STEPS = 3 };

static int64_t length(int p) {
    static const int64_t lengths[4] = {4095, 4096, 4097, 65537};
    return p < SHORT ? p : lengths[p - SHORT];
}

static int32_t type(int p, uint64_t seed) {
    return ((uint64_t)p + seed) % 3 == 0 ? RAVINE_F64 : RAVINE_F32;
}

/* What runs the steps. */
typedef struct runner {
    const char *isa;
    int32_t threads;
    ravine_parallel parallel;
    void *context;
    int64_t offset; /* elements by which arrays are moved off the allocator's alignment */
} runner;

/* All that a run leaves behind. */
typedef struct trace {
    unsigned char *bytes;
    size_t used, capacity;
} trace;

static void keep(trace *t, const void *bytes, size_t n) {
    if (n == 0) return;
    if (t->used + n > t->capacity) {
        t->capacity = 2 * (t->used + n);
        t->bytes = realloc(t->bytes, t->capacity);
        assert_non_null(t->bytes);
    }
    memcpy(t->bytes + t->used, bytes, n);
    t->used += n;
}

static void keep_stats(trace *t, const ravine_step_stats *r) {
    const double norms[4] = {r->grad_norm, r->update_norm, r->param_norm, r->clip};
    keep(t, norms, sizeof norms);
#define RAVINE_X(name, meaning) keep(t, &r->name, sizeof r->name);
    RAVINE_STATISTIC_LIST(RAVINE_X)
#undef RAVINE_X
}

static void keep_all(trace *t, ravine_optimizer *o) {
    for (int64_t p = 0; p < ravine_param_count(o); p++) {
        ravine_param view = {.size = sizeof view};
        assert_int_equal(ravine_param_view(o, p, &view), RAVINE_OK);
        keep(t, view.data, (size_t)view.len * number_bytes(view.dtype));
        const char *key;
        for (int32_t k = 0; (key = ravine_state_key(o, p, k)) != NULL; k++) {
            ravine_param s = {.size = sizeof s};
            assert_int_equal(ravine_state_view(o, view.name, key, &s), RAVINE_OK);
            keep(t, s.data, (size_t)(s.len * ravine_dtype_bits(s.dtype) / 8));
        }
    }
}

typedef struct arrays {
    void *block[PARAMS], *data[PARAMS], *grad[PARAMS];
} arrays;

static void add_all(ravine_optimizer *o, arrays *a, const runner *r, uint64_t seed) {
    for (int p = 0; p < PARAMS; p++) {
        const int32_t dtype = type(p, seed);
        const size_t bytes = number_bytes(dtype), n = (size_t)length(p);
        const size_t away = (size_t)r->offset * bytes, room = (n * bytes + 127) / 64 * 64 + 64;
        a->block[p] = aligned_alloc(64, 2 * room);
        assert_non_null(a->block[p]);
        a->data[p] = (char *)a->block[p] + away;
        a->grad[p] = (char *)a->block[p] + room + away;
        for (int64_t i = 0; i < length(p); i++) {
            const double x = ravine_random_normal(seed, (uint64_t)p, (uint64_t)i);
            number_set(a->data[p], dtype, i, (long double)x);
        }
        char name[8];
        (void)snprintf(name, sizeof name, "p%d", p);
        make_param(o, 0, name, dtype, a->data[p], a->grad[p], length(p));
    }
}

static trace run(const ravine_config *c, uint64_t seed, const runner *r) {
    trace t = {0};
    arrays a;
    ravine_env env;
    ravine_optimizer *o = NULL;
    ravine_env_init(&env);
    env.isa = r->isa;
    env.threads = r->threads;
    env.statistics = 1;
    env.parallel = r->parallel;
    env.parallel_context = r->context;
    assert_int_equal(ravine_create(&o, c, &env), RAVINE_OK);
    add_all(o, &a, r, seed);
    for (int64_t step = 1; step <= STEPS; step++) {
        for (int p = 0; p < PARAMS; p++) {
            const gradient_kind kind = (gradient_kind)((p + step) % GRADIENT_KINDS);
            random_gradient(a.grad[p], type(p, seed), length(p),
                            kind == GRADIENT_WIDE ? GRADIENT_GAUSSIAN : kind, seed + (uint64_t)p,
                            step);
        }
        make_options(o, RAVINE_HOLD, step == 3 ? 1 : (double)INFINITY, 2, 0);
        ravine_step_stats stats;
        (void)make_step(o, step == 2 ? NULL : &stats);
        if (step != 2) keep_stats(&t, &stats);
    }
    keep_all(&t, o);
    ravine_destroy(o);
    for (int p = 0; p < PARAMS; p++) free(a.block[p]);
    return t;
}

/* What each rule leaves behind on one thread of the baseline; made once. */
static trace plain[RAVINE_RULE_COUNT];

static ravine_config case_of(int rule) {
    ravine_config c;
    random_config(&c, rule, (uint64_t)rule);
    return c;
}

static int make_plain(void **state) {
    (void)state;
    const runner r = {.isa = "baseline", .threads = 1};
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++) {
        const ravine_config c = case_of(rule);
        plain[rule] = run(&c, (uint64_t)rule, &r);
    }
    return 0;
}

static int free_plain(void **state) {
    (void)state;
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++) free(plain[rule].bytes);
    return 0;
}

static void compare(const runner *r, const char *what) {
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++) {
        const ravine_config c = case_of(rule);
        const trace one = plain[rule], other = run(&c, (uint64_t)rule, r);
        if (one.used != other.used || memcmp(one.bytes, other.bytes, one.used) != 0) {
            fail_msg("%s: other bits with %s", config_text(&c), what);
        }
        free(other.bytes);
    }
}

static void every_instruction_set(void **state) {
    (void)state;
    const char *const sets[] = {"baseline", "x86_v3", "x86_v4", "neon", "wasm_simd"};
    int found = 0;
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        if (ravine_isa(sets[k]) == NULL) continue;
        assert_string_equal(ravine_isa(sets[k]), sets[k]);
        found++;
        print_message("instruction set %s\n", sets[k]);
        const runner r = {.isa = sets[k], .threads = 1};
        compare(&r, sets[k]);
    }
    assert_true(found >= 1);
    assert_null(ravine_isa("abacus"));
    const runner best = {.threads = 1};
    compare(&best, "the best instruction set");
}

static void every_number_of_threads(void **state) {
    (void)state;
    const int32_t threads[] = {2, 3, 7, 64};
    for (size_t k = 0; k < sizeof threads / sizeof *threads; k++) {
        char what[32];
        (void)snprintf(what, sizeof what, "%d threads", (int)threads[k]);
        const runner r = {.threads = threads[k]};
        compare(&r, what);
    }
}

/* An executor of the caller's that runs the tasks in another order each time. */
static void shuffled(void *context, ravine_task task, void *arg, int64_t ntasks) {
    uint64_t *const calls = context;
    int64_t *const order = malloc((size_t)(ntasks + 1) * sizeof *order);
    assert_non_null(order);
    for (int64_t i = 0; i < ntasks; i++) order[i] = i;
    for (int64_t i = ntasks - 1; i > 0; i--) {
        const int64_t j = (int64_t)ravine_random_below(*calls, 1, (uint64_t)i, (uint64_t)i + 1);
        const int64_t other = order[j];
        order[j] = order[i];
        order[i] = other;
    }
    ++*calls;
    for (int64_t i = 0; i < ntasks; i++) task(arg, order[i]);
    free(order);
}

static void any_order_of_the_tasks(void **state) {
    (void)state;
    uint64_t calls = 0;
    const runner r = {.threads = 4, .parallel = shuffled, .context = &calls};
    compare(&r, "a shuffled executor");
    assert_true(calls >= RAVINE_RULE_COUNT); /* it was asked at all */
}

static void a_shared_pool(void **state) {
    (void)state;
    ravine_pool *pool = NULL;
    assert_int_equal(ravine_pool_create(&pool, 3), RAVINE_OK);
    const runner r = {.threads = 3, .parallel = ravine_pool_run, .context = pool};
    compare(&r, "a shared pool");
    ravine_pool_destroy(pool);
}

/* Asking for memory ahead brings it sooner, and nothing else; past the end of an array it is
 * harmless. */
static void any_prefetch(void **state) {
    (void)state;
    static const char *const bytes[] = {"0", "64", "2048", "65536"};
    const char *variable = getenv("RAVINE_PREFETCH");
    char *before = variable ? strdup(variable) : NULL;
    for (size_t k = 0; k < sizeof bytes / sizeof *bytes; k++) {
        assert_int_equal(setenv("RAVINE_PREFETCH", bytes[k], 1), 0);
        const runner r = {.threads = 1};
        compare(&r, "memory that is asked for ahead");
    }
    if (before)
        setenv("RAVINE_PREFETCH", before, 1);
    else
        unsetenv("RAVINE_PREFETCH");
    free(before);
}

/* Arrays at the address of any element: nothing in the API asks for more. */
static void any_alignment(void **state) {
    (void)state;
    for (int64_t offset = 1; offset <= 3; offset += 2) {
        const runner r = {.threads = 1, .offset = offset};
        compare(&r, "arrays off the alignment");
    }
}

/* An element does not know the others: cut in pieces, a parameter moves as the whole did. */
static void cut_in_pieces(void **state) {
    (void)state;
    enum { LEN = 1000, CUT = 333 };
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++) {
        if (!reference_knows(rule)) continue; /* its step is one of the whole tensor */
        float whole[LEN], pieces[LEN], grad[LEN];
        const char *const name = ravine_rule_describe(rule)->name;
        for (int i = 0; i < LEN; i++) {
            whole[i] = pieces[i] = (float)ravine_random_normal(3, 1, (uint64_t)i);
        }
        ravine_optimizer *const a = make_optimizer(name), *const b = make_optimizer(name);
        make_param(a, 0, "whole", RAVINE_F32, whole, grad, LEN);
        make_param(b, 0, "left", RAVINE_F32, pieces, grad, CUT);
        make_param(b, 0, "right", RAVINE_F32, pieces + CUT, grad + CUT, LEN - CUT);
        for (int64_t t = 1; t <= STEPS; t++) {
            random_gradient(grad, RAVINE_F32, LEN, GRADIENT_GAUSSIAN, 4, t);
            (void)make_step(a, NULL);
            (void)make_step(b, NULL);
        }
        assert_memory_equal(whole, pieces, sizeof whole);
        ravine_destroy(a);
        ravine_destroy(b);
    }
}

enum { NUMBERS = 9000 };

/* STEPS steps of x, the last one with statistics, which is returned. */
static ravine_step_stats guarded(int rule, ravine_nonfinite nonfinite, int watch,
                                 float x[NUMBERS]) {
    static float grad[NUMBERS];
    ravine_config c;
    ravine_env env;
    ravine_optimizer *o = NULL;
    ravine_step_stats stats;
    ravine_env_init(&env);
    env.threads = 1;
    env.statistics = watch;
    assert_int_equal(ravine_config_init(&c, rule), RAVINE_OK);
    assert_int_equal(ravine_create(&o, &c, &env), RAVINE_OK);
    for (int i = 0; i < NUMBERS; i++) x[i] = (float)ravine_random_normal(3, 1, (uint64_t)i);
    make_param(o, 0, "x", RAVINE_F32, x, grad, NUMBERS);
    make_options(o, nonfinite, (double)INFINITY, 1, 0);
    for (int64_t t = 1; t <= STEPS; t++) {
        random_gradient(grad, RAVINE_F32, NUMBERS, GRADIENT_GAUSSIAN, 4, t);
        (void)make_step(o, t == STEPS ? &stats : NULL);
    }
    ravine_destroy(o);
    return stats;
}

/* A step with nothing to guard, measure or watch takes a shorter way through the kernel. */
static void without_guard_and_stats(void **state) {
    (void)state;
    static float held[NUMBERS], bare[NUMBERS];
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++)
        for (int watch = 0; watch <= 1; watch++) {
            const ravine_step_stats of_held = guarded(rule, RAVINE_HOLD, watch, held);
            const ravine_step_stats of_bare = guarded(rule, RAVINE_PROPAGATE, watch, bare);
            assert_memory_equal(held, bare, sizeof held);
            assert_memory_equal(&of_held, &of_bare, sizeof of_held);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instruction_set),  cmocka_unit_test(every_number_of_threads),
        cmocka_unit_test(any_order_of_the_tasks), cmocka_unit_test(a_shared_pool),
        cmocka_unit_test(any_alignment),          cmocka_unit_test(any_prefetch),
        cmocka_unit_test(cut_in_pieces),          cmocka_unit_test(without_guard_and_stats),
    };
    return cmocka_run_group_tests_name("bits", tests, make_plain, free_plain);
}
