/* SPDX-License-Identifier: Apache-2.0 */
/* test_statistics_history.c - statistics whose values are known without any sum: analytic problems
 * and made-up gradients; and what becomes of the history they need: steps without statistics,
 * refused gradients, skipped steps, resumed runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "math/random.h"
#include "support/counting.h"
#include "support/make.h"
#include "support/numbers.h"
#include "support/random_case.h"

static ravine_optimizer *make_watched(const char *rule) {
    ravine_config c;
    ravine_env env;
    ravine_optimizer *o = NULL;
    ravine_env_init(&env);
    env.threads = 1;
    env.statistics = 1;
    assert_int_equal(ravine_config_parse(&c, rule), RAVINE_OK);
    assert_int_equal(ravine_create(&o, &c, &env), RAVINE_OK);
    return o;
}

static void assert_near(double got, double wanted, double tolerance) {
    if (fabs(got - wanted) <= tolerance) return;
    fail_msg("%.17g is not %.17g", got, wanted);
}

static bool same_statistics(const ravine_step_stats *a, const ravine_step_stats *b) {
#define RAVINE_X(name, meaning)                                                            \
    if (memcmp(&a->name, &b->name, sizeof a->name) && !(isnan(a->name) && isnan(b->name))) \
        return false;
    RAVINE_STATISTIC_LIST(RAVINE_X)
#undef RAVINE_X
    return a->grad_norm == b->grad_norm;
}

/* ---- analytic truth ----------------------------------------------------------------------------
 */

enum { LEN = 37 };

/* theta <- theta - eta h theta with eta h = 2: each step goes as far up the other wall. */
static void a_bounce_of_period_two(void **state) {
    (void)state;
    double x[LEN], g[LEN];
    ravine_optimizer *const o = make_watched("sgd lr=0.5");
    for (int i = 0; i < LEN; i++) x[i] = ravine_random_normal(1, 1, (uint64_t)i);
    make_param(o, 0, "x", RAVINE_F64, x, g, LEN);
    for (int t = 1; t <= 5; t++) {
        ravine_step_stats r;
        for (int i = 0; i < LEN; i++) g[i] = 4 * x[i];
        (void)make_step(o, &r);
        if (t >= 2) assert_true(r.line_position == 1 && r.sign_change_rate == 1);
        if (t >= 3) assert_true(r.sign_change_rate_lag2 == 0);
        if (t == 1) assert_true(isnan(r.line_position) && isnan(r.sign_change_rate));
        if (t <= 2) assert_true(isnan(r.sign_change_rate_lag2));
    }
    ravine_destroy(o);
}

/* Gradient descent on a quadratic: 1 + line_position = eta g'Hg / g'g, g the gradient of the step
 * before.
 */
static void rayleigh_quotient_of_the_step(void **state) {
    (void)state;
    const double eta = 0.01;
    double x[LEN], g[LEN], h[LEN], quotient = NAN;
    ravine_optimizer *const o = make_watched("sgd lr=0.01");
    for (int i = 0; i < LEN; i++) {
        x[i] = ravine_random_normal(2, 1, (uint64_t)i);
        h[i] = pow(10, -3 + 5 * ravine_random_uniform(2, 2, (uint64_t)i));
    }
    make_param(o, 0, "x", RAVINE_F64, x, g, LEN);
    for (int t = 1; t <= 20; t++) {
        ravine_step_stats r;
        double above = 0, below = 0;
        for (int i = 0; i < LEN; i++) g[i] = h[i] * x[i];
        (void)make_step(o, &r);
        if (t > 1) assert_near((1 + r.line_position) / (eta * quotient), 1, 1e-10);
        for (int i = 0; i < LEN; i++) {
            above += h[i] * g[i] * g[i];
            below += g[i] * g[i];
        }
        quotient = above / below;
        assert_near(r.grad_dot_update, -eta * below, 1e-12 * eta * below);
    }
    ravine_destroy(o);
}

/* A slope that never changes. */
static void coherent_drift(void **state) {
    (void)state;
    float x[LEN] = {0}, g[LEN];
    ravine_optimizer *const o = make_watched("sgd lr=0.125");
    for (int i = 0; i < LEN; i++) g[i] = i % 2 ? 1 : -1;
    make_param(o, 0, "x", RAVINE_F32, x, g, LEN);
    for (int t = 1; t <= 4; t++) {
        ravine_step_stats r;
        (void)make_step(o, &r);
        if (t < 3) continue;
        assert_true(r.sign_change_rate == 0 && r.sign_change_rate_lag2 == 0 &&
                    r.line_position == -1);
        assert_true(r.zero_share == 0 && r.underflow_share == 0 && r.update_max == 0.125);
    }
    ravine_destroy(o);
}

/* Signs + + - - + + - -: against the last sign every other step, always against the one before. */
static void a_bounce_of_period_four(void **state) {
    (void)state;
    float x = 0, g;
    ravine_optimizer *const o = make_watched("adam");
    make_param(o, 0, "x", RAVINE_F32, &x, &g, 1);
    for (int t = 0; t < 12; t++) {
        ravine_step_stats r;
        g = t / 2 % 2 ? -3 : 3;
        (void)make_step(o, &r);
        if (t >= 1) assert_true(r.sign_change_rate == (t % 2 ? 0 : 1));
        if (t >= 2) assert_true(r.sign_change_rate_lag2 == 1);
    }
    ravine_destroy(o);
}

/* Flips weigh what their gradients' squares weigh; zero has no sign. */
static void sign_changes_are_weighted(void **state) {
    (void)state;
    double x[3] = {0}, g[3] = {1, 1, 1};
    ravine_optimizer *const o = make_watched("sgd");
    ravine_step_stats r;
    make_param(o, 0, "x", RAVINE_F64, x, g, 3);
    (void)make_step(o, &r);
    g[0] = -3, g[1] = 4, g[2] = 0;
    (void)make_step(o, &r);
    assert_near(r.sign_change_rate, 9.0 / 25, 1e-15);
    assert_near(r.zero_share, 1.0 / 3, 1e-15);
    g[0] = -3, g[1] = 4, g[2] = -5; /* the third: from nothing, but against two steps before */
    (void)make_step(o, &r);
    assert_true(r.sign_change_rate == 0);
    assert_near(r.sign_change_rate_lag2, (9 + 25) / 50.0, 1e-15);
    ravine_destroy(o);
}

/* RMSProp with alpha=0.5: v_1 = g^2 / 2, so that g^2 / v_1 = 2; a gradient 5 times larger: 50. */
static void gradients_against_sigma(void **state) {
    (void)state;
    float x[2] = {0}, g[2] = {2, 0};
    ravine_optimizer *const o = make_watched("rmsprop alpha=0.5 eps=0");
    ravine_step_stats r;
    make_param(o, 0, "x", RAVINE_F32, x, g, 2);
    (void)make_step(o, &r);
    assert_true(isnan(r.sigma_ratio));
    g[0] = 10;
    (void)make_step(o, &r); /* the second element has no sigma yet */
    assert_near(r.sigma_ratio, sqrt(50), 1e-6);
    ravine_destroy(o);

    ravine_optimizer *const adam = make_watched("adam");
    make_param(adam, 0, "x", RAVINE_F32, x, g, 2);
    for (int t = 1; t <= 5; t++) { /* a constant gradient is what the corrected sigma says */
        (void)make_step(adam, &r);
        if (t > 1) assert_near(r.sigma_ratio, 1, 1e-4);
    }
    ravine_destroy(adam);
}

static void momentum_and_eps(void **state) {
    (void)state;
    double x[4] = {0}, g[4] = {3, 4, 1e-9, 0};
    ravine_optimizer *const o = make_watched("adam beta1=0.75 eps=1e-8");
    ravine_step_stats r;
    make_param(o, 0, "x", RAVINE_F64, x, g, 4);
    (void)make_step(o, &r);
    assert_near(r.momentum_norm, 0.25 * 5, 1e-14);
    assert_near(r.eps_share, 0.5, 0);
    ravine_destroy(o);
    /* with the learning rate inside the buffer it is still one of gradients */
    ravine_optimizer *const heavy = make_watched("sgd momentum=0.5 lr=0.125 lr_in_momentum=true");
    make_param(heavy, 0, "x", RAVINE_F64, x, g, 2);
    (void)make_step(heavy, &r);
    assert_near(r.momentum_norm, 5, 1e-14);
    ravine_destroy(heavy);
}

static void lost_below_the_last_bit(void **state) {
    (void)state;
    float x[4] = {1, 1, 1, 1}, g[4] = {1e-3F, 1, -1, 0};
    ravine_optimizer *const o = make_watched("sgd lr=1e-6");
    ravine_step_stats r;
    make_param(o, 0, "x", RAVINE_F32, x, g, 4);
    (void)make_step(o, &r);
    assert_near(r.underflow_share, 1.0 / 3, 1e-15);
    assert_near(r.zero_share, 0.25, 0);
    ravine_destroy(o);
}

/* ---- the history -------------------------------------------------------------------------------
 */

/* Of chunks of 128 elements every `every`th is watched; the rest changes its sign and is not seen.
 */
static void see_chunks(int n, int every) {
    const int period = every * 128, watched = (n + period - 1) / period * 128;
    float *const x = calloc((size_t)n, sizeof *x), *const g = calloc((size_t)n, sizeof *g);
    assert_true(x && g);
    ravine_optimizer *const o = make_watched("sgd momentum=0.5");
    ravine_step_stats r;
    make_param(o, 0, "x", RAVINE_F32, x, g, n);
    for (int t = 0; t < 3; t++) {
        for (int i = 0; i < n; i++)
            g[i] = i % period < 128 ? (i % 2 ? -1.0F : 1.0F) : t % 2 ? -2.0F : 2.0F;
        (void)make_step(o, &r);
    }
    assert_true(r.sign_change_rate == 0 && r.sign_change_rate_lag2 == 0 && r.line_position == -1);
    /* momentum of the watched, 1.75, goes for all: |g| stands in the same proportion to it */
    assert_near(r.momentum_norm, 1.75 * r.grad_norm, 1e-6 * r.grad_norm);
    ravine_param view = {.size = sizeof view};
    assert_int_equal(ravine_state_view(o, "x", "watched_signs", &view), RAVINE_OK);
    assert_true(view.dtype == RAVINE_U8 && view.ndim == 1 && view.shape[0] == view.len);
    assert_true(view.len == watched);
    assert_int_equal(ravine_state_view(o, "x", "watched_update", &view), RAVINE_OK);
    assert_true(view.dtype == RAVINE_F32 && view.len == watched);
    ravine_destroy(o);
    free(x);
    free(g);
}

static void a_chunk_of_many(void **state) {
    (void)state;
    see_chunks(20 * 4096 - 5, 32); /* one in each block */
    see_chunks(64 * 4096, 64);     /* in every other block */
    see_chunks(999 * 4096 - 3000, 128);
}

static void unknown_without_watching(void **state) {
    (void)state;
    float x[2] = {1, 2}, g[2] = {1, -1};
    ravine_optimizer *const o = make_optimizer("adam");
    ravine_step_stats r;
    make_param(o, 0, "x", RAVINE_F32, x, g, 2);
    for (int t = 0; t < 3; t++) (void)make_step(o, &r);
    assert_true(r.grad_dot_update < 0);
    assert_true(isnan(r.line_position) && isnan(r.sign_change_rate) &&
                isnan(r.sign_change_rate_lag2) && isnan(r.momentum_norm));
    assert_true(isnan(r.sigma_ratio) && isnan(r.eps_share) && isnan(r.zero_share));
    assert_true(isnan(r.underflow_share) && isnan(r.update_max));
    for (int32_t k = 0; ravine_state_key(o, 0, k); k++)
        assert_null(strstr(ravine_state_key(o, 0, k), "watched"));
    ravine_destroy(o);
}

/* A refused gradient is one of zero, of an update of zero: no flip, and two steps later none. */
static void a_refused_gradient(void **state) {
    (void)state;
    double x[2] = {0}, g[2] = {1, 1};
    ravine_optimizer *const o = make_watched("sgd lr=1");
    ravine_step_stats r;
    make_param(o, 0, "x", RAVINE_F64, x, g, 2);
    (void)make_step(o, &r);
    g[0] = NAN, g[1] = -1;
    assert_int_equal(make_step(o, &r), RAVINE_HELD);
    assert_true(r.sign_change_rate == 1 && r.line_position == 0.5 && r.zero_share == 0 &&
                r.underflow_share == 0);
    g[0] = -1, g[1] = -1;
    (void)make_step(o, &r);
    assert_true(r.sign_change_rate == 0 && r.sign_change_rate_lag2 == 1 && r.line_position == -1);
    ravine_destroy(o);
}

/* A skipped step and one without statistics between: the first leaves no trace, the second does. */
static void steps_that_are_skipped_or_silent(void **state) {
    (void)state;
    float x[2][LEN] = {{0}}, g[2][LEN];
    ravine_optimizer *o[2];
    ravine_step_stats r[2];
    for (int k = 0; k < 2; k++) {
        o[k] = make_watched("adamw");
        make_param(o[k], 0, "x", RAVINE_F32, x[k], g[k], LEN);
        make_options(o[k], RAVINE_SKIP, INFINITY, 1, 0);
    }
    for (int64_t t = 1; t <= 4; t++) {
        for (int k = 0; k < 2; k++) {
            random_gradient(g[k], RAVINE_F32, LEN, GRADIENT_GAUSSIAN, 3, t);
            if (k == 0) {
                const float kept = g[0][1];
                g[0][1] = NAN;
                assert_int_equal(make_step(o[0], &r[0]), RAVINE_SKIPPED);
                assert_true(isnan(r[0].line_position) && isnan(r[0].update_max) &&
                            r[0].grad_dot_update == 0);
                g[0][1] = kept;
            }
            (void)make_step(o[k], t == 3 && k == 1 ? NULL : &r[k]);
        }
        if (t != 3) assert_true(same_statistics(&r[0], &r[1]));
    }
    ravine_destroy(o[0]);
    ravine_destroy(o[1]);
}

/* State of a parameter of another optimizer, by its keys. */
static void copy_state(ravine_optimizer *from, ravine_optimizer *to) {
    const char *key;
    for (int32_t k = 0; (key = ravine_state_key(from, 0, k)); k++) {
        ravine_param a = {.size = sizeof a}, b = {.size = sizeof b};
        assert_int_equal(ravine_state_view(from, "x", key, &a), RAVINE_OK);
        assert_int_equal(ravine_state_view(to, "x", key, &b), RAVINE_OK);
        assert_true(a.len == b.len && a.dtype == b.dtype);
        memcpy(b.data, a.data, (size_t)(a.len * ravine_dtype_bits(a.dtype) / 8));
    }
    assert_int_equal(ravine_set_step_count(to, 0, ravine_step_count(from, 0)), RAVINE_OK);
}

static void resumed_with_its_history(void **state) {
    (void)state;
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++) {
        for (int k = 0; k <= 3; k++) {
            double x[2][LEN] = {{0}}, g[LEN];
            ravine_step_stats r[2];
            ravine_optimizer *o[2];
            for (int i = 0; i < 2; i++) {
                o[i] = make_watched(ravine_rule_describe(rule)->name);
                make_param(o[i], 0, "x", RAVINE_F64, x[i], g, LEN);
            }
            for (int64_t t = 0; t < 3 + k; t++) {
                random_gradient(g, RAVINE_F64, LEN, GRADIENT_GAUSSIAN, 4, t);
                if (t == k) {
                    memcpy(x[1], x[0], sizeof x[0]);
                    copy_state(o[0], o[1]);
                }
                for (int i = 0; i < (t < k ? 1 : 2); i++) (void)make_step(o[i], &r[i]);
                if (t >= k) assert_true(same_statistics(&r[0], &r[1]));
            }
            ravine_destroy(o[0]);
            ravine_destroy(o[1]);
        }
    }
}

/* Watching and looking change no bit of parameters and state. */
static void nothing_else_changes(void **state) {
    (void)state;
    enum { MANY = 5000 };
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++) {
        static float x[2][MANY], g[MANY];
        memset(x, 0, sizeof x);
        const char *const name = ravine_rule_describe(rule)->name;
        ravine_optimizer *const o[2] = {make_optimizer(name), make_watched(name)};
        for (int k = 0; k < 2; k++) make_param(o[k], 0, "x", RAVINE_F32, x[k], g, MANY);
        for (int64_t t = 1; t <= 4; t++) {
            ravine_step_stats r;
            random_gradient(g, RAVINE_F32, MANY, t == 3 ? GRADIENT_BROKEN : GRADIENT_GAUSSIAN, 5,
                            t);
            (void)make_step(o[0], NULL);
            (void)make_step(o[1], &r);
        }
        assert_memory_equal(x[0], x[1], sizeof x[0]);
        const char *key;
        for (int32_t k = 0; (key = ravine_state_key(o[0], 0, k)); k++) {
            ravine_param a = {.size = sizeof a}, b = {.size = sizeof b};
            assert_int_equal(ravine_state_view(o[0], "x", key, &a), RAVINE_OK);
            assert_int_equal(ravine_state_view(o[1], "x", key, &b), RAVINE_OK);
            assert_memory_equal(a.data, b.data, (size_t)a.len * number_bytes(a.dtype));
        }
        ravine_destroy(o[0]);
        ravine_destroy(o[1]);
    }
}

/* 5 bytes an element of float32 that is watched, and nothing in a step. */
static void memory_is_announced(void **state) {
    (void)state;
    enum { MANY = 9 * 4096, WATCHED = MANY / 16 };
    static float x[MANY], g[MANY];
    int64_t bytes[2], calls;
    for (int watch = 0; watch < 2; watch++) {
        counting books;
        ravine_config c;
        ravine_env env;
        ravine_optimizer *o = NULL;
        ravine_step_stats r = {.size = sizeof r};
        ravine_env_init(&env);
        counting_env(&env, &books);
        env.threads = 1;
        env.statistics = watch;
        assert_int_equal(ravine_config_init(&c, RAVINE_ADAMW), RAVINE_OK);
        assert_int_equal(ravine_create(&o, &c, &env), RAVINE_OK);
        const ravine_param p = {
            .size = sizeof p, .dtype = RAVINE_F32, .name = "x", .data = x, .grad = g, .len = MANY};
        const int64_t before = books.live_bytes;
        assert_int_equal(ravine_state_bytes(o, &p, 1, &bytes[watch]), RAVINE_OK);
        assert_int_equal(ravine_add(o, &p, 1), RAVINE_OK);
        assert_true(books.live_bytes == before + bytes[watch]);
        assert_true(ravine_memory_bytes(o) == books.live_bytes);
        calls = books.calls;
        for (int t = 0; t < 3; t++) assert_int_equal(ravine_step(o, &r), RAVINE_OK);
        assert_true(books.calls == calls);
        ravine_destroy(o);
        assert_true(books.live_bytes == 0 && books.misuse == 0);
    }
    const int64_t more = bytes[1] - bytes[0];
    assert_true(more >= 5 * WATCHED && more < 5 * WATCHED + 9 * 128 + 4096); /* staggered, books */
}

/* Element i has a gradient in every (i + 1)^2-th step; the last one at two steps alone. What is
 * quiet is counted from the whole past, in periods of 64 of the parameter's steps. */
static bool has_gradient(int i, int t) {
    return i < LEN - 1 ? t % ((i + 1) * (i + 1)) == 0 : t == 3 || t == 900;
}

static double share_of_quiet(int steps) {
    enum { PERIOD = 64, PERIODS = 4 };
    const int period = (steps - 1) / PERIOD;
    const int since = period < PERIODS ? 1 : (period - PERIODS + 1) * PERIOD + 1;
    int quiet = 0;
    for (int i = 0; i < LEN; i++) {
        bool seen = false;
        for (int t = since; t <= steps; t++) seen = seen || has_gradient(i, t);
        quiet += !seen;
    }
    return quiet / (double)LEN;
}

static void what_is_quiet_for_long(void **state) {
    (void)state;
    double x[LEN] = {0}, g[LEN];
    ravine_optimizer *const o = make_watched("adam");
    make_param(o, 0, "x", RAVINE_F64, x, g, LEN);
    for (int t = 1; t <= 1600; t++) {
        ravine_step_stats r;
        for (int i = 0; i < LEN; i++) g[i] = has_gradient(i, t) ? 1 : 0;
        /* A step without a gradient is none of the parameter's. */
        if (t % 7 == 0) {
            make_grad(o, 0, NULL);
            make_step(o, &r);
            assert_true(isnan(r.quiet_share));
            make_grad(o, 0, g);
        }
        make_step(o, &r);
        assert_near(r.quiet_share, share_of_quiet(t), 1e-15);
        assert_true(r.quiet_share <= r.zero_share);
    }
    ravine_destroy(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_quiet_for_long),
        cmocka_unit_test(a_bounce_of_period_two),
        cmocka_unit_test(rayleigh_quotient_of_the_step),
        cmocka_unit_test(coherent_drift),
        cmocka_unit_test(a_bounce_of_period_four),
        cmocka_unit_test(sign_changes_are_weighted),
        cmocka_unit_test(gradients_against_sigma),
        cmocka_unit_test(momentum_and_eps),
        cmocka_unit_test(lost_below_the_last_bit),
        cmocka_unit_test(a_chunk_of_many),
        cmocka_unit_test(unknown_without_watching),
        cmocka_unit_test(a_refused_gradient),
        cmocka_unit_test(steps_that_are_skipped_or_silent),
        cmocka_unit_test(resumed_with_its_history),
        cmocka_unit_test(nothing_else_changes),
        cmocka_unit_test(memory_is_announced),
    };
    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
