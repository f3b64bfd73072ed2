/* SPDX-License-Identifier: Apache-2.0 */
/* test_step_nonfinite.c - gradients that are not finite: held, the step skipped, or propagated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/make.h"
#include "support/numbers.h"
#include "support/random_case.h"

enum { LEN = 5000 };

/* Two parameters; `bad` stands at element `index` of the second. */
typedef struct fixture {
    ravine_optimizer *o;
    float a[4], ga[4], b[LEN], gb[LEN];
} fixture;

static fixture *make(const char *rule, float bad, int64_t index) {
    fixture *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    for (int i = 0; i < 4; i++) f->a[i] = f->ga[i] = 1;
    for (int i = 0; i < LEN; i++) f->b[i] = f->gb[i] = 1;
    f->gb[index] = bad;
    f->o = make_optimizer(rule);
    make_param(f->o, 0, "a", RAVINE_F32, f->a, f->ga, 4);
    make_param(f->o, 0, "b", RAVINE_F32, f->b, f->gb, LEN);
    return f;
}

static void unmake(fixture *f) {
    ravine_destroy(f->o);
    free(f);
}

static const float broken[3] = {NAN, INFINITY, -INFINITY};

static void held_elements_stay(void **state) {
    (void)state;
    const int64_t places[4] = {0, 17, 4096, LEN - 1};
    for (int k = 0; k < 12; k++) {
        const int64_t at = places[k / 3];
        fixture *const f = make("adamw lr=0.5", broken[k % 3], at);
        ravine_step_stats stats;
        assert_int_equal(make_step(f->o, &stats), RAVINE_HELD);
        assert_true(stats.nonfinite == 1 && stats.nonfinite_param == 1);
        assert_int_equal(stats.nonfinite_index, at);
        assert_true(stats.grad_norm == sqrt(4 + LEN - 1));
        const float *const m = make_state(f->o, "b", "exp_avg");
        const float *const v = make_state(f->o, "b", "exp_avg_sq");
        for (int64_t i = 0; i < LEN; i++) {
            assert_true((f->b[i] == 1) == (i == at));
            assert_true((m[i] == 0) == (i == at) && (v[i] == 0) == (i == at));
        }
        assert_true(f->a[0] == f->b[at == 0 ? 1 : 0]);
        assert_int_equal(make_step(f->o, NULL), RAVINE_HELD); /* also without statistics */
        unmake(f);
    }
}

/* One that is held, then finite again, goes on where it was. */
static void held_elements_go_on(void **state) {
    (void)state;
    fixture *const f = make("sgd lr=1 momentum=0.5", 1, 3);
    (void)make_step(f->o, NULL); /* b = 1, p = 0 */
    f->gb[3] = NAN;
    assert_int_equal(make_step(f->o, NULL), RAVINE_HELD);
    f->gb[3] = 1;
    assert_int_equal(make_step(f->o, NULL), RAVINE_OK); /* b = 1.5 */
    assert_true(f->b[3] == -1.5F);
    unmake(f);
}

static void all_are_counted_and_the_first_is_named(void **state) {
    (void)state;
    fixture *const f = make("sgd lr=1", NAN, 4500);
    f->gb[4999] = INFINITY;
    f->gb[77] = -INFINITY;
    ravine_step_stats stats;
    assert_int_equal(make_step(f->o, &stats), RAVINE_HELD);
    assert_true(stats.nonfinite == 3 && stats.nonfinite_param == 1);
    assert_true(stats.nonfinite_index == 77);
    f->ga[2] = NAN;
    assert_int_equal(make_step(f->o, &stats), RAVINE_HELD);
    assert_true(stats.nonfinite == 4 && stats.nonfinite_param == 0);
    assert_true(stats.nonfinite_index == 2);
    unmake(f);
}

/* The norm that clips is the norm of the finite ones. */
static void held_and_clipped(void **state) {
    (void)state;
    double a[3] = {8, 8, 8}, g[3] = {3, NAN, 4};
    ravine_optimizer *const o = make_optimizer("sgd lr=1");
    make_param(o, 0, "a", RAVINE_F64, a, g, 3);
    make_options(o, RAVINE_HOLD, 2.5, 1, 0);
    ravine_step_stats stats;
    assert_int_equal(make_step(o, &stats), RAVINE_HELD);
    assert_true(stats.grad_norm == 5 && stats.clip == 0.5);
    assert_true(a[0] == 6.5 && a[1] == 8 && a[2] == 6);
    ravine_destroy(o);
}

/* A finite gradient may become infinite by its scale; an infinite one is not saved by clip_value.
 */
static void what_counts_is_the_scaled_gradient(void **state) {
    (void)state;
    float a[3] = {8, 8, 8}, g[3] = {0x1p100F, INFINITY, 0};
    ravine_optimizer *const o = make_optimizer("sgd lr=1 clip_value=1");
    make_param(o, 0, "a", RAVINE_F32, a, g, 3);
    make_options(o, RAVINE_HOLD, (double)INFINITY, 0x1p-100, 0);
    ravine_step_stats stats;
    assert_int_equal(make_step(o, &stats), RAVINE_HELD);
    assert_true(stats.nonfinite == 2 && stats.nonfinite_index == 0);
    assert_true(a[0] == 8 && a[1] == 8 && a[2] == 8);
    ravine_destroy(o);
}

/* Every state of parameter "w", and the parameter itself. */
static void assert_finite(ravine_optimizer *o, const char *rule, int kind) {
    ravine_param view = {.size = sizeof view};
    assert_int_equal(ravine_param_view(o, 0, &view), RAVINE_OK);
    const char *key = "the parameter";
    for (int32_t k = 0; key != NULL; k++) {
        for (int64_t i = 0; i < view.len; i++) {
            if (isfinite(number_get(view.data, view.dtype, i))) continue;
            fail_msg("%s: %s [%d] is not finite, gradients of kind %d", rule, key, (int)i, kind);
        }
        key = ravine_state_key(o, 0, k);
        view = (ravine_param){.size = sizeof view};
        if (key != NULL) assert_int_equal(ravine_state_view(o, "w", key, &view), RAVINE_OK);
    }
}

/* Whatever the gradients, a held run has finite states: every rule, every kind of gradient. */
static void states_stay_finite(void **state) {
    (void)state;
    float w[64], g[64];
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++) {
        const char *const name = ravine_rule_describe(rule)->name;
        for (int kind = 0; kind < GRADIENT_KINDS; kind++) {
            for (int i = 0; i < 64; i++) w[i] = (float)i / 32;
            ravine_optimizer *const o = make_optimizer(name);
            make_param(o, 0, "w", RAVINE_F32, w, g, 64);
            for (int64_t t = 1; t <= 20; t++) {
                random_gradient(g, RAVINE_F32, 64, (gradient_kind)kind, 5, t);
                (void)make_step(o, NULL);
            }
            assert_finite(o, name, kind);
            ravine_destroy(o);
        }
    }
}

/* The average of the weights is one of the weights, also where the first gradient was held. */
static void average_of_a_held_element(void **state) {
    (void)state;
    float a[2] = {8, 8}, g[2] = {1, NAN};
    ravine_optimizer *const o = make_optimizer("sgd lr=1 ema_decay=0.5");
    make_param(o, 0, "a", RAVINE_F32, a, g, 2);
    assert_int_equal(make_step(o, NULL), RAVINE_HELD);
    const float *const ema = make_state(o, "a", "ema");
    assert_true(ema[0] == 7 && ema[1] == 8);
    ravine_destroy(o);
}

static void skipped_steps_change_nothing(void **state) {
    (void)state;
    for (int k = 0; k < 6; k++) {
        const double clip = k < 3 ? (double)INFINITY : 1;
        fixture *const f = make("adamw lr=0.5 ema_decay=0.5", 1, 0);
        make_options(f->o, RAVINE_SKIP, clip, 1, 0);
        ravine_step_stats stats;
        assert_true(make_step(f->o, &stats) != RAVINE_SKIPPED);
        f->gb[4100] = broken[k % 3];
        float a[4], b[LEN], m[LEN], ema[LEN];
        memcpy(a, f->a, sizeof a);
        memcpy(b, f->b, sizeof b);
        memcpy(m, make_state(f->o, "b", "exp_avg"), sizeof m);
        memcpy(ema, make_state(f->o, "b", "ema"), sizeof ema);

        assert_int_equal(make_step(f->o, &stats), RAVINE_SKIPPED);
        assert_true(stats.nonfinite == 1 && stats.nonfinite_param == 1);
        assert_true(stats.nonfinite_index == 4100);
        assert_true(stats.step == 1 && stats.attempts == 2 && stats.update_norm == 0);
        assert_int_equal(make_step(f->o, NULL), RAVINE_SKIPPED);
        assert_memory_equal(a, f->a, sizeof a);
        assert_memory_equal(b, f->b, sizeof b);
        assert_memory_equal(m, make_state(f->o, "b", "exp_avg"), sizeof m);
        assert_memory_equal(ema, make_state(f->o, "b", "ema"), sizeof ema);
        assert_true(ravine_steps(f->o) == 1 && ravine_step_count(f->o, 1) == 1);

        f->gb[4100] = 1;
        assert_true(make_step(f->o, &stats) >= 0);
        assert_true(stats.step == 2 && stats.attempts == 4);
        unmake(f);
    }
}

/* A schedule counts applied steps. */
static void skipped_steps_do_not_move_the_schedule(void **state) {
    (void)state;
    double a[1] = {0}, g[1] = {NAN};
    ravine_optimizer *const o = make_optimizer("sgd");
    make_param(o, 0, "a", RAVINE_F64, a, g, 1);
    make_options(o, RAVINE_SKIP, (double)INFINITY, 1, 0);
    ravine_schedule s = {.size = sizeof s, .nsegments = 1};
    s.segment[0] = (ravine_segment){.shape = RAVINE_SHAPE_LINEAR, .steps = 4, .from = 4, .to = 0};
    assert_int_equal(ravine_set_schedule(o, 0, RAVINE_LR, &s), RAVINE_OK);
    assert_int_equal(make_step(o, NULL), RAVINE_SKIPPED);
    double lr;
    assert_int_equal(ravine_get(o, 0, RAVINE_LR, &lr), RAVINE_OK);
    assert_true(lr == 4);
    *g = 1;
    (void)make_step(o, NULL);
    assert_true(a[0] == -4);
    (void)make_step(o, NULL);
    assert_true(a[0] == -7);
    ravine_destroy(o);
}

static void propagate_checks_nothing(void **state) {
    (void)state;
    fixture *const f = make("adam lr=0.5", NAN, 9);
    make_options(f->o, RAVINE_PROPAGATE, (double)INFINITY, 1, 0);
    ravine_step_stats stats;
    assert_int_equal(make_step(f->o, &stats), RAVINE_OK);
    assert_int_equal(stats.nonfinite, 0);
    const float *const m = make_state(f->o, "b", "exp_avg");
    for (int i = 0; i < LEN; i++) {
        assert_true((isnan(f->b[i]) != 0) == (i == 9) && (isnan(m[i]) != 0) == (i == 9));
    }
    unmake(f);
}

/* The norm leaves a refused element out, so the clipping that follows must not let it in again. */
static void clipping_lets_nothing_in(void **state) {
    (void)state;
    float x[2] = {1, 1}, g[2] = {1e20F, 1}; /* adam cannot square 1e20 */
    ravine_optimizer *const o = make_optimizer("adam");
    make_param(o, 0, "x", RAVINE_F32, x, g, 2);
    make_options(o, RAVINE_HOLD, 0.01, 1, 0);
    ravine_step_stats stats;
    assert_int_equal(make_step(o, &stats), RAVINE_HELD);
    assert_true(x[0] == 1 && x[1] < 1);
    assert_true(stats.nonfinite == 1 && stats.nonfinite_index == 0);
    assert_true(stats.grad_norm == 1 && stats.clip == 0.01);
    ravine_destroy(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clipping_lets_nothing_in),
        cmocka_unit_test(held_elements_stay),
        cmocka_unit_test(held_elements_go_on),
        cmocka_unit_test(all_are_counted_and_the_first_is_named),
        cmocka_unit_test(held_and_clipped),
        cmocka_unit_test(what_counts_is_the_scaled_gradient),
        cmocka_unit_test(states_stay_finite),
        cmocka_unit_test(average_of_a_held_element),
        cmocka_unit_test(skipped_steps_change_nothing),
        cmocka_unit_test(skipped_steps_do_not_move_the_schedule),
        cmocka_unit_test(propagate_checks_nothing),
    };
    return cmocka_run_group_tests_name("nonfinite", tests, NULL, NULL);
}
