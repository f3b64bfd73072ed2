/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever happens in a probe, an escape or a trial: parameters, gradients and state keep their
 * bits, memory comes back, and the error says what it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ravine_doctor.h"
#include "support/counting.h"
#include "support/make.h"
#include "support/quadratic.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { N = 9 };
static quadratic q;

/* Everything that must not change: the numbers of the caller and the state of the optimizer. */
typedef struct picture {
    double x[N], g[N], state[8][N];
    double lr;
    int64_t steps, step_count;
    int nstates;
} picture;

static picture take(ravine_optimizer *o) {
    picture p = {.steps = ravine_steps(o), .step_count = ravine_step_count(o, 0)};
    memcpy(p.x, q.x, sizeof p.x);
    memcpy(p.g, q.g, sizeof p.g);
    const char *key;
    for (; (key = ravine_state_key(o, 0, p.nstates)); p.nstates++) {
        ravine_param view = {.size = sizeof view};
        assert_int_equal(ravine_state_view(o, "x", key, &view), RAVINE_OK);
        memcpy(p.state[p.nstates], view.data, (size_t)view.len * sizeof(double));
    }
    assert_int_equal(ravine_get(o, 0, RAVINE_LR, &p.lr), RAVINE_OK);
    return p;
}

static void expect_same(ravine_optimizer *o, const picture *before, const char *when) {
    const picture now = take(o);
    if (memcmp(before, &now, sizeof now)) fail_msg("something has changed: %s", when);
}

static ravine_optimizer *start_with(const char *rule, const ravine_env *env) {
    const double d[N] = {9, 5, 3, 1, 0.5, -1, -2, 0, 2};
    double x[N];
    for (int i = 0; i < N; i++) x[i] = 1 + 0.3 * i;
    quadratic_diagonal(&q, N, d);
    quadratic_rotate(&q, 11);
    q.quartic = 0.1;
    quadratic_place(&q, x);
    ravine_config c;
    ravine_optimizer *o;
    assert_int_equal(ravine_config_parse(&c, rule), RAVINE_OK);
    assert_int_equal(ravine_create(&o, &c, env), RAVINE_OK);
    make_param(o, 0, "x", RAVINE_F64, q.x, q.g, N);
    for (int k = 0; k < 3; k++) quadratic_step(&q, o, 0);
    q.gradients = q.losses = 0;
    return o;
}

static ravine_status probe_all(ravine_optimizer *o) {
    const ravine_problem problem = quadratic_problem(&q, 3);
    static ravine_probe r;
    ravine_probe_options options;
    ravine_probe_options_init(&options);
    options.slice = 5;
    memset(&r, 0x5a, sizeof r);
    r.size = sizeof r;
    const ravine_probe untouched = r;
    const ravine_status status = ravine_probe_run(o, &problem, &options, &r);
    if (status) assert_memory_equal(&r, &untouched, sizeof r);
    return status;
}

static ravine_status escape_far(ravine_optimizer *o) {
    const ravine_problem problem = quadratic_problem(&q, 3);
    return ravine_escape(o, &problem, NULL, 0.5);
}

static ravine_diagnosis cures(void) {
    ravine_diagnosis d = {.size = sizeof d, .ncures = 4};
    d.cure[0] = (ravine_cure){.optimizer = "adam lr=1e-3", .text = "a"};
    d.cure[1] = (ravine_cure){.schedule = "linear(5, from=1e-2, to=1e-4)", .text = "b"};
    d.cure[2] = (ravine_cure){.action = RAVINE_CURE_ESCAPE, .escape = 0.1, .text = "c"};
    d.cure[3] = (ravine_cure){.action = RAVINE_CURE_ADVICE, .text = "d"};
    return d;
}

static ravine_status try_all(ravine_optimizer *o) {
    const ravine_problem problem = quadratic_problem(&q, 3);
    ravine_diagnosis d = cures(), untouched = d;
    const ravine_status status = ravine_try_cures(o, &problem, 4, &d);
    if (status) assert_memory_equal(&d, &untouched, sizeof d);
    return status;
}

typedef ravine_status (*call)(ravine_optimizer *o);
static const struct {
    const char *name;
    call call;
    bool moves;
} calls[] = {{"probe", probe_all, false}, {"escape", escape_far, true}, {"try", try_all, false}};
static const char *const rules[] = {"sgd lr=0.01 momentum=0.9",
                                    "adam lr=0.01 ema_decay=0.9",
                                    "rmsprop lr=0.01 centered=true",
                                    "adan",
                                    "nadam",
                                    "asgd",
                                    "rprop",
                                    "lion lr=0.01",
                                    "adopt lr=0.01"};

static void nothing_changes(void **state) {
    (void)state;
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
        for (int k = 0; k < 3; k++) {
            ravine_optimizer *o = start_with(rules[r], NULL);
            picture before = take(o);
            if (calls[k].call(o))
                fail_msg("%s of %s: %s", calls[k].name, rules[r], ravine_errmsg());
            if (calls[k].moves) {
                assert_memory_not_equal(before.x, q.x, sizeof before.x);
                memcpy(before.x, q.x, sizeof before.x);
            }
            expect_same(o, &before, calls[k].name);
            ravine_destroy(o);
        }
}

/* The k-th call of evaluate fails, for every k that is reached. */
static void every_failure_of_the_problem(void **state) {
    (void)state;
    for (int k = 0; k < 3; k++) {
        int64_t failures = 0;
        for (int64_t at = 1;; at++) {
            ravine_optimizer *o = start_with("adam lr=0.01", NULL);
            const picture before = take(o);
            q.fail_at = at;
            const ravine_status status = calls[k].call(o);
            if (q.gradients + q.losses >= at) {
                /* A trial of an escape that fails is no trial, and the others go on. */
                assert_true(status == RAVINE_E_STATE || k == 2);
                if (status) assert_non_null(strstr(ravine_errmsg(), "answered 7"));
                failures += status != 0;
                if (status || !calls[k].moves) expect_same(o, &before, calls[k].name);
            }
            const bool done = q.gradients + q.losses < at;
            ravine_destroy(o);
            if (done) break;
        }
        assert_true(failures > 15);
    }
}

static void every_failure_of_memory(void **state) {
    (void)state;
    for (int k = 0; k < 3; k++) {
        int64_t failures = 0;
        for (bool done = false; !done;) {
            counting books;
            ravine_env env;
            ravine_env_init(&env);
            env.threads = 1;
            counting_env(&env, &books);
            ravine_optimizer *o = start_with("adam lr=0.01", &env);
            const picture before = take(o);
            const int64_t live = books.live_bytes;
            books.fail_at = books.calls + ++failures;
            const ravine_status status = calls[k].call(o);
            done = books.calls < books.fail_at;
            if (!done) {
                assert_int_equal(status, RAVINE_E_NOMEM);
                expect_same(o, &before, calls[k].name);
            }
            assert_true(books.live_bytes == live && books.misuse == 0);
            ravine_destroy(o);
            assert_true(books.live_bytes == 0);
        }
        assert_true(failures > 2);
    }
}

static void numbers_that_are_none(void **state) {
    (void)state;
    ravine_optimizer *o = start_with("adam lr=0.01", NULL);
    const picture before = take(o);
    q.nan_at = 1;
    assert_int_equal(probe_all(o), RAVINE_E_STATE);
    assert_non_null(strstr(ravine_errmsg(), "nan"));
    expect_same(o, &before, "loss");
    for (int64_t at = 1; at < 40; at++) {
        q.gradients = q.losses = q.nan_at = 0;
        q.bad_gradient_at = at;
        const ravine_status status = probe_all(o);
        if (status) assert_non_null(strstr(ravine_errmsg(), "gradient of x is not finite"));
        assert_true(status == RAVINE_E_STATE || status == RAVINE_OK);
        if (at == 1) assert_int_equal(status, RAVINE_E_STATE);
        expect_same(o, &before, "gradient");
    }
    ravine_destroy(o);
}

static void wrong_calls_are_refused(void **state) {
    (void)state;
    ravine_optimizer *o = start_with("adam lr=0.01", NULL);
    ravine_problem problem = quadratic_problem(&q, 3);
    ravine_probe r = {.size = sizeof r};
    ravine_probe_options options;
    ravine_probe_options_init(&options);
    assert_int_equal(ravine_probe_run(NULL, &problem, NULL, &r), RAVINE_E_ARG);
    assert_int_equal(ravine_probe_run(o, NULL, NULL, &r), RAVINE_E_ARG);
    assert_int_equal(ravine_probe_run(o, &problem, NULL, NULL), RAVINE_E_ARG);
    options.lanczos = RAVINE_LANCZOS_MAX + 1;
    assert_int_equal(ravine_probe_run(o, &problem, &options, &r), RAVINE_E_RANGE);
    assert_non_null(strstr(ravine_errmsg(), "lanczos"));
    options.lanczos = 0;
    options.slice = RAVINE_SLICE_MAX + 1;
    assert_int_equal(ravine_probe_run(o, &problem, &options, &r), RAVINE_E_RANGE);
    options.size = 3;
    assert_int_equal(ravine_probe_run(o, &problem, &options, &r), RAVINE_E_ARG);
    options = (ravine_probe_options){.size = sizeof options};
    assert_int_equal(ravine_escape(o, &problem, &options, 1), RAVINE_E_RANGE);
    r.size = 4;
    assert_int_equal(ravine_probe_run(o, &problem, NULL, &r), RAVINE_E_ARG);
    r.size = sizeof r;
    problem.nbatches = -1;
    assert_int_equal(ravine_probe_run(o, &problem, NULL, &r), RAVINE_E_RANGE);
    problem = (ravine_problem){.size = sizeof problem};
    assert_int_equal(ravine_probe_run(o, &problem, NULL, &r), RAVINE_E_ARG);
    problem = quadratic_problem(&q, 3);
    make_grad(o, 0, NULL);
    assert_int_equal(ravine_probe_run(o, &problem, NULL, &r), RAVINE_E_STATE);
    assert_non_null(strstr(ravine_errmsg(), "no parameter has a gradient"));

    ravine_diagnosis d = cures();
    assert_int_equal(ravine_try_cures(o, &problem, 0, &d), RAVINE_E_RANGE);
    d.ncures = RAVINE_CURES_MAX + 1;
    assert_int_equal(ravine_try_cures(o, &problem, 1, &d), RAVINE_E_RANGE);
    d.size = 1;
    assert_int_equal(ravine_try_cures(o, &problem, 1, &d), RAVINE_E_ARG);
    make_grad(o, 0, q.g);
    d = cures();
    strcpy(d.cure[0].optimizer, "adm lr=1");
    assert_true(ravine_try_cures(o, &problem, 1, &d) < 0);
    assert_non_null(strstr(ravine_errmsg(), "adm"));
    ravine_destroy(o);
}

/* Sums go in one order: the bits do not depend on threads. */
static void threads_change_no_bit(void **state) {
    (void)state;
    enum { LONG = QUADRATIC_MAX };
    ravine_probe result[2];
    for (int k = 0; k < 2; k++) {
        double d[LONG], x[LONG];
        for (int i = 0; i < LONG; i++) {
            d[i] = cos(i);
            x[i] = sin(i);
        }
        quadratic_diagonal(&q, LONG, d);
        quadratic_place(&q, x);
        ravine_env env;
        ravine_env_init(&env);
        env.threads = k ? 4 : 1;
        ravine_config c;
        ravine_optimizer *o;
        assert_int_equal(ravine_config_parse(&c, "adam"), RAVINE_OK);
        assert_int_equal(ravine_create(&o, &c, &env), RAVINE_OK);
        make_param(o, 0, "x", RAVINE_F64, q.x, q.g, LONG);
        memset(&result[k], 0, sizeof result[k]);
        result[k].size = sizeof result[k];
        const ravine_problem problem = quadratic_problem(&q, 3);
        assert_int_equal(ravine_probe_run(o, &problem, NULL, &result[k]), RAVINE_OK);
        ravine_destroy(o);
    }
    assert_memory_equal(&result[0], &result[1], sizeof result[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_changes),         cmocka_unit_test(every_failure_of_the_problem),
        cmocka_unit_test(every_failure_of_memory), cmocka_unit_test(numbers_that_are_none),
        cmocka_unit_test(wrong_calls_are_refused), cmocka_unit_test(threads_change_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
