/* SPDX-License-Identifier: Apache-2.0 */
/* test_step_settings.c - settings between steps, schedules of them, and calls that must fail: with
 * a message that names thing, value and limit, and nothing changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "support/make.h"

/* The last message has all these words. */
#define assert_says(...)                                                           \
    do {                                                                           \
        const char *const words[] = {__VA_ARGS__};                                 \
        for (size_t w = 0; w < sizeof words / sizeof *words; w++) {                \
            if (strstr(ravine_errmsg(), words[w]) == NULL)                         \
                fail_msg("\"%s\" does not say \"%s\"", ravine_errmsg(), words[w]); \
        }                                                                          \
    } while (0)

static double get(const ravine_optimizer *o, int32_t group, int setting) {
    double value = NAN;
    assert_int_equal(ravine_get(o, group, setting, &value), RAVINE_OK);
    return value;
}

static void settings_change_one_group_or_all(void **state) {
    (void)state;
    ravine_optimizer *const o = make_optimizer("adam");
    (void)make_group(o, "adamw");
    assert_int_equal(ravine_set(o, 1, RAVINE_LR, 0.25), RAVINE_OK);
    assert_true(get(o, 0, RAVINE_LR) == 1e-3 && get(o, 1, RAVINE_LR) == 0.25);
    assert_int_equal(ravine_set(o, -1, RAVINE_BETA1, 0.5), RAVINE_OK);
    assert_true(get(o, 0, RAVINE_BETA1) == 0.5 && get(o, 1, RAVINE_BETA1) == 0.5);
    ravine_destroy(o);
}

static void a_changed_setting_acts_from_the_next_step(void **state) {
    (void)state;
    double a[1] = {8}, g[1] = {1};
    ravine_optimizer *const o = make_optimizer("sgd lr=1");
    make_param(o, 0, "a", RAVINE_F64, a, g, 1);
    (void)make_step(o, NULL);
    assert_int_equal(ravine_set(o, 0, RAVINE_LR, 0.25), RAVINE_OK);
    assert_int_equal(ravine_set(o, 0, RAVINE_MAXIMIZE, 1), RAVINE_OK);
    (void)make_step(o, NULL);
    assert_true(a[0] == 7.25);
    ravine_destroy(o);
}

static ravine_schedule linear(double from, double to, int64_t steps) {
    ravine_schedule s = {.size = sizeof s, .nsegments = 1};
    s.segment[0] =
        (ravine_segment){.shape = RAVINE_SHAPE_LINEAR, .steps = steps, .from = from, .to = to};
    return s;
}

static void schedules_are_followed_step_by_step(void **state) {
    (void)state;
    double a[1] = {0}, g[1] = {1}, b[1] = {0};
    ravine_optimizer *const o = make_optimizer("sgd lr=7");
    (void)make_group(o, "sgd lr=0.5");
    make_param(o, 0, "a", RAVINE_F64, a, g, 1);
    make_param(o, 1, "b", RAVINE_F64, b, g, 1);
    const ravine_schedule s = linear(4, 0, 4);
    assert_int_equal(ravine_set_schedule(o, 0, RAVINE_LR, &s), RAVINE_OK);
    const double value[6] = {4, 3, 2, 1, 0, 0};
    double place = 0;
    for (int t = 0; t < 6; t++) {
        assert_true(get(o, 0, RAVINE_LR) == value[t]);
        ravine_step_stats stats;
        (void)make_step(o, &stats);
        assert_true(stats.lr == value[t]);
        place -= value[t];
        assert_true(a[0] == place && b[0] == -0.5 * (t + 1));
    }
    assert_int_equal(ravine_set(o, 0, RAVINE_LR, 16), RAVINE_OK); /* a constant again */
    (void)make_step(o, NULL);
    assert_true(a[0] == place - 16 && get(o, 0, RAVINE_LR) == 16);
    ravine_destroy(o);
}

static void any_number_may_be_scheduled(void **state) {
    (void)state;
    double a[1] = {0}, g[1] = {1};
    ravine_optimizer *const o = make_optimizer("sgd lr=1 momentum=0.5");
    make_param(o, 0, "a", RAVINE_F64, a, g, 1);
    const ravine_schedule s = linear(0.5, 1, 2);
    assert_int_equal(ravine_set_schedule(o, 0, RAVINE_MOMENTUM, &s), RAVINE_OK);
    (void)make_step(o, NULL); /* b = 1 */
    (void)make_step(o, NULL); /* b = 0.75 + 1 */
    (void)make_step(o, NULL); /* b = 1.75 + 1 */
    assert_true(a[0] == -(1 + 1.75 + 2.75));
    ravine_destroy(o);
}

static void bad_settings_are_refused(void **state) {
    (void)state;
    ravine_optimizer *const o = make_optimizer("adam");
    (void)make_group(o, "sgd momentum=0.5");
    assert_int_equal(ravine_set(o, 0, RAVINE_BETA2, 1.5), RAVINE_E_RANGE);
    assert_says("beta2", "0", "1.5", "[0, 1)");
    assert_int_equal(ravine_set(o, 0, RAVINE_BETA2, 1), RAVINE_E_RANGE);
    assert_int_equal(ravine_set(o, 0, RAVINE_LR, -1), RAVINE_E_RANGE);
    assert_says("lr", "-1");
    assert_int_equal(ravine_set(o, 0, RAVINE_LR, (double)NAN), RAVINE_E_RANGE);
    assert_int_equal(ravine_set(o, 0, RAVINE_LR, (double)INFINITY), RAVINE_E_RANGE);
    assert_int_equal(ravine_set(o, 0, RAVINE_MAXIMIZE, 0.5), RAVINE_E_RANGE);
    assert_says("maximize", "0.5");
    assert_int_equal(ravine_set(o, 0, RAVINE_EPS_FORM, 3), RAVINE_E_RANGE);
    assert_true(ravine_set(o, 1, RAVINE_BETA1, 0.5) < 0); /* sgd has none */
    assert_says("beta1", "sgd");
    assert_true(ravine_set(o, 2, RAVINE_LR, 1) < 0);
    assert_says("2");
    assert_true(ravine_set(o, -2, RAVINE_LR, 1) < 0);
    assert_true(ravine_set(o, 0, RAVINE_SETTING_COUNT, 1) < 0);
    assert_true(ravine_set(o, 0, -1, 1) < 0);
    /* Of all groups: none changes if one refuses. */
    assert_true(ravine_set(o, -1, RAVINE_BETA1, 0.25) < 0);
    assert_true(get(o, 0, RAVINE_BETA1) == 0.9);
    assert_true(get(o, 0, RAVINE_BETA2) == 0.999 && get(o, 0, RAVINE_LR) == 1e-3);
    double value = 77;
    assert_true(ravine_get(o, 5, RAVINE_LR, &value) < 0 && value == 77);
    ravine_destroy(o);
}

static void bad_schedules_are_refused(void **state) {
    (void)state;
    ravine_optimizer *const o = make_optimizer("adam");
    const ravine_schedule fine = linear(0, 1, 10);
    ravine_schedule broken = linear((double)NAN, 1, 10);
    assert_true(ravine_set_schedule(o, 0, RAVINE_LR, &broken) < 0);
    broken = linear(0, 1, 0);
    assert_true(ravine_set_schedule(o, 0, RAVINE_LR, &broken) < 0);
    assert_true(ravine_set_schedule(o, 0, RAVINE_AMSGRAD, &fine) < 0); /* a flag */
    assert_says("amsgrad");
    assert_true(ravine_set_schedule(o, 0, RAVINE_EPS_FORM, &fine) < 0);
    assert_true(ravine_set_schedule(o, 0, RAVINE_MOMENTUM, &fine) < 0); /* adam has none */
    assert_true(ravine_set_schedule(o, 1, RAVINE_LR, &fine) < 0);
    assert_true(ravine_set_schedule(o, 0, RAVINE_LR, NULL) < 0);
    broken = linear(0.5, 2, 10); /* it would leave [0, 1) on the way */
    assert_int_equal(ravine_set_schedule(o, 0, RAVINE_BETA1, &broken), RAVINE_E_RANGE);
    assert_says("beta1");
    assert_true(get(o, 0, RAVINE_LR) == 1e-3 && get(o, 0, RAVINE_BETA1) == 0.9);
    ravine_destroy(o);
}

/* What decides which state exists is fixed by the first parameter. */
static void settings_that_decide_the_state_are_fixed(void **state) {
    (void)state;
    float a[1] = {1}, b[1] = {1}, g[1] = {1};
    ravine_optimizer *const o = make_optimizer("adam");
    (void)make_group(o, "sgd momentum=0.5");
    (void)make_group(o, "rmsprop");
    assert_int_equal(ravine_set(o, 0, RAVINE_AMSGRAD, 1), RAVINE_OK); /* still free */
    make_param(o, 0, "a", RAVINE_F32, a, g, 1);
    make_param(o, 1, "b", RAVINE_F32, b, g, 1);
    assert_int_equal(ravine_set(o, 0, RAVINE_AMSGRAD, 0), RAVINE_E_STATE);
    assert_says("amsgrad", "0");
    assert_int_equal(ravine_set(o, 0, RAVINE_EMA_DECAY, 0.5), RAVINE_E_STATE);
    assert_int_equal(ravine_set(o, 1, RAVINE_MOMENTUM, 0), RAVINE_E_STATE);
    assert_says("momentum", "1");
    assert_int_equal(ravine_set(o, 1, RAVINE_MOMENTUM, 0.75), RAVINE_OK);
    assert_int_equal(ravine_set(o, 2, RAVINE_CENTERED, 1), RAVINE_OK); /* no parameters there */
    assert_true(get(o, 0, RAVINE_AMSGRAD) == 1 && get(o, 0, RAVINE_EMA_DECAY) == 0);
    assert_true(get(o, 1, RAVINE_MOMENTUM) == 0.75);
    ravine_destroy(o);
}

static void expect_no_room(ravine_optimizer *o, int32_t group, int setting,
                           const ravine_schedule *s) {
    assert_int_equal(ravine_set_schedule(o, group, setting, s), RAVINE_E_STATE);
    assert_says(ravine_setting_describe(setting)->name, "has no state for it");
}

/* A schedule may not ask for state that the group's own setting does not make: not of parameters
 * that are there, and not of those that come. */
static void schedules_need_the_state_of_the_config(void **state) {
    (void)state;
    double a[1] = {1}, b[1] = {1}, g[1] = {1};
    ravine_optimizer *const o = make_optimizer("sgd");
    (void)make_group(o, "sgd momentum=0.5 ema_decay=0.5");
    make_param(o, 0, "a", RAVINE_F64, a, g, 1);
    const ravine_schedule off = linear(0, 0, 5), on = linear(0, 0.5, 5), later = linear(0.5, 0, 5);
    expect_no_room(o, 0, RAVINE_MOMENTUM, &on);
    expect_no_room(o, -1, RAVINE_MOMENTUM, &on); /* of all groups: none */
    expect_no_room(o, 0, RAVINE_MOMENTUM, &later);
    expect_no_room(o, 0, RAVINE_EMA_DECAY, &on);
    assert_true(get(o, 0, RAVINE_MOMENTUM) == 0 && get(o, 1, RAVINE_MOMENTUM) == 0.5);
    assert_int_equal(ravine_set_schedule(o, 0, RAVINE_MOMENTUM, &off), RAVINE_OK);
    assert_int_equal(ravine_set_schedule(o, 1, RAVINE_MOMENTUM, &on), RAVINE_OK);
    assert_int_equal(ravine_set_schedule(o, 1, RAVINE_EMA_DECAY, &later), RAVINE_OK);
    assert_int_equal(ravine_set(o, 1, RAVINE_MOMENTUM, 0), RAVINE_OK); /* no parameters there */
    expect_no_room(o, 1, RAVINE_MOMENTUM, &on);
    make_param(o, 1, "b", RAVINE_F64, b, g, 1);
    expect_no_room(o, 1, RAVINE_MOMENTUM, &on);
    (void)make_step(o, NULL);
    ravine_destroy(o);
}

/* What begins the state counts once: it has no schedule, and parameters that are there have it. */
static void what_begins_the_state_is_fixed(void **state) {
    (void)state;
    double a[1] = {1}, g[1] = {1};
    ravine_optimizer *const o = make_optimizer("adagrad");
    const ravine_schedule s = linear(1, 2, 5);
    assert_int_equal(ravine_set_schedule(o, 0, RAVINE_INITIAL, &s), RAVINE_E_ARG);
    assert_says("initial of group 0", "before the first step");
    assert_int_equal(ravine_set(o, 0, RAVINE_INITIAL, 0.5), RAVINE_OK);
    make_param(o, 0, "a", RAVINE_F64, a, g, 1);
    assert_true(*(double *)make_state(o, "a", "sum") == 0.5);
    assert_int_equal(ravine_set(o, 0, RAVINE_INITIAL, 0.25), RAVINE_E_STATE);
    assert_int_equal(ravine_set(o, 0, RAVINE_INITIAL, 0.5), RAVINE_OK);
    assert_true(get(o, 0, RAVINE_INITIAL) == 0.5);
    ravine_destroy(o);
}

/* Where a config may not go, a schedule may not either, at any step. */
static void schedules_keep_settings_together(void **state) {
    (void)state;
    ravine_optimizer *const o = make_optimizer("adamw lr=0.1 weight_decay=0.5");
    const ravine_schedule up = linear(0.1, 100, 50), some = linear(0.1, 2, 50);
    assert_int_equal(ravine_set_schedule(o, 0, RAVINE_LR, &up), RAVINE_E_RANGE);
    assert_says("lr weight_decay of group 0 at step 49 is 49.001", "turns weights around");
    assert_int_equal(ravine_set_schedule(o, 0, RAVINE_LR, &some), RAVINE_OK);
    assert_int_equal(ravine_set(o, 0, RAVINE_WEIGHT_DECAY, 0.75), RAVINE_E_RANGE);
    assert_says("at step 49 is 1.47");
    assert_true(get(o, 0, RAVINE_WEIGHT_DECAY) == 0.5);
    const ravine_schedule down = linear(10, 0.25, 50); /* 1 and 0.5 at the ends */
    assert_int_equal(ravine_set_schedule(o, 0, RAVINE_WEIGHT_DECAY, &down), RAVINE_OK);
    ravine_destroy(o);

    ravine_optimizer *const r = make_optimizer("rprop step_max=1");
    assert_int_equal(ravine_set_schedule(r, 0, RAVINE_STEP_MIN, &some), RAVINE_E_RANGE);
    assert_says("step_min of group 0 at step 49 is 1.9", "step_max, 1");
    assert_int_equal(ravine_set_schedule(r, 0, RAVINE_STEP_MAX, &up), RAVINE_OK);
    assert_int_equal(ravine_set(r, 0, RAVINE_STEP_MIN, 0.5), RAVINE_E_RANGE);
    assert_says("step_min of group 0 at step 0 is 0.5");
    ravine_destroy(r);

    ravine_optimizer *const n = make_optimizer("sgd momentum=0.5 nesterov=true");
    const ravine_schedule fade = linear(0.5, 0, 5);
    assert_int_equal(ravine_set_schedule(n, 0, RAVINE_MOMENTUM, &fade), RAVINE_E_RANGE);
    assert_says("nesterov of group 0 at step 5 is 1");
    ravine_destroy(n);
}

/* Two schedules may meet between the steps that were looked at: the step says so, and is none. */
static void a_step_refuses_what_schedules_make_together(void **state) {
    (void)state;
    double a[1] = {1}, b[1] = {1}, g[1] = {1}, before, after;
    ravine_optimizer *const o = make_optimizer("adam");
    (void)make_group(o, "adamw lr=0.1 weight_decay=0.5");
    make_param(o, 0, "a", RAVINE_F64, a, g, 1);
    make_param(o, 1, "b", RAVINE_F64, b, g, 1);
    const ravine_schedule mean = linear(0.9, 0.5, 10), up = linear(0, 2.5, 10),
                          down = linear(2, 0, 10);
    assert_int_equal(ravine_set_schedule(o, 0, RAVINE_BETA2, &mean), RAVINE_OK);
    assert_int_equal(ravine_set_schedule(o, 1, RAVINE_WEIGHT_DECAY, &down), RAVINE_OK);
    assert_int_equal(ravine_set_schedule(o, 1, RAVINE_LR, &up), RAVINE_OK);
    for (int t = 0; t < 3; t++) (void)make_step(o, NULL);
    const double place[2] = {a[0], b[0]};
    assert_int_equal(ravine_sigma(o, "a", &before, 1), RAVINE_OK);
    assert_int_equal(ravine_step(o, NULL), RAVINE_E_RANGE);
    assert_says("lr weight_decay of group 1 at step 3 is 1.05");
    assert_true(a[0] == place[0] && b[0] == place[1] && ravine_steps(o) == 3);
    assert_int_equal(ravine_sigma(o, "a", &after, 1), RAVINE_OK);
    assert_true(before == after);
    assert_int_equal(ravine_set(o, 1, RAVINE_WEIGHT_DECAY, 0.25), RAVINE_OK);
    (void)make_step(o, NULL);
    ravine_destroy(o);
}

static void bad_configs_make_nothing(void **state) {
    (void)state;
    ravine_config c;
    ravine_optimizer *o = NULL;
    assert_int_equal(ravine_config_init(&c, RAVINE_ADAM), RAVINE_OK);
    c.beta2 = 1.5;
    assert_int_equal(ravine_create(&o, &c, NULL), RAVINE_E_RANGE);
    assert_says("beta2", "1.5", "[0, 1)");
    assert_null(o);
    assert_int_equal(ravine_config_init(&c, RAVINE_SGD), RAVINE_OK);
    c.beta1 = 0.5; /* sgd does not use it */
    assert_true(ravine_create(&o, &c, NULL) < 0);
    assert_says("beta1", "sgd");
    c.rule = RAVINE_RULE_COUNT;
    assert_true(ravine_create(&o, &c, NULL) < 0);
    assert_true(ravine_create(&o, NULL, NULL) < 0);
    assert_null(o);
    assert_true(ravine_config_init(&c, -1) < 0);
    assert_int_equal(ravine_config_init(&c, RAVINE_SGD), RAVINE_OK);
    c.size = 0;
    assert_true(ravine_create(&o, &c, NULL) < 0);
    assert_true(ravine_create(NULL, &c, NULL) < 0);
}

static void bad_parameters_add_nothing(void **state) {
    (void)state;
    float a[6] = {0}, g[6] = {0};
    const int64_t two_by_three[2] = {2, 3}, two_by_two[2] = {2, 2}, negative[2] = {-2, -3};
    const ravine_param good = {.size = sizeof good,
                               .dtype = RAVINE_F32,
                               .name = "good",
                               .data = a,
                               .grad = g,
                               .len = 6,
                               .shape = two_by_three,
                               .ndim = 2};
    ravine_optimizer *const o = make_optimizer("adam");
    const int64_t bytes = ravine_memory_bytes(o);
    ravine_param bad[10];
    for (int k = 0; k < 10; k++) bad[k] = good;
    bad[0].name = NULL;
    bad[1].data = NULL;
    bad[2].len = -1;
    bad[3].dtype = 77;
    bad[4].group = 1;
    bad[5].shape = two_by_two;
    bad[6].shape = negative;
    bad[7].size = 0;
    bad[8].dtype = RAVINE_BF16;
    bad[9].name = "";
    for (int k = 0; k < 10; k++) {
        const ravine_param both[2] = {good, bad[k]};
        ravine_param named = bad[k];
        if (k != 0 && k != 9) named.name = "bad";
        const ravine_param pair[2] = {both[0], named};
        if (ravine_add(o, pair, 2) >= 0) fail_msg("bad parameter %d was taken", k);
        int64_t wanted = 77;
        assert_true(ravine_state_bytes(o, pair, 2, &wanted) < 0 && wanted == 77);
        assert_int_equal(ravine_param_count(o), 0);
        assert_true(ravine_memory_bytes(o) == bytes);
    }
    const ravine_param twice[2] = {good, good};
    assert_true(ravine_add(o, twice, 2) < 0);
    assert_says("good");
    assert_int_equal(ravine_add(o, &good, 1), RAVINE_OK);
    assert_true(ravine_add(o, &good, 1) < 0); /* the name is taken */
    assert_says("good");
    assert_true(ravine_add(o, NULL, 1) < 0 && ravine_add(o, &good, -1) < 0);
    assert_int_equal(ravine_param_count(o), 1);
    ravine_destroy(o);
}

/* Names that no checkpoint could hold are refused where they come in, not at the first save. */
static void names_that_cannot_be_saved_are_refused(void **state) {
    (void)state;
    float a[1] = {1}, g[1] = {1};
    static const struct {
        const char *with, *name, *says;
    } bad[] = {
        {"w", "a\xff", "not UTF-8"},
        {"w", "\xc0\x80", "not UTF-8"},
        {"w", "__metadata__", "__metadata__"},
        {"w", "state.w.exp_avg", "the state of w"},
        {"w", "state.w.step", "the state of w"},
        {"state.w.max_exp_avg_sq", "w", "the state of w"},
        {"state.a.b.ema", "a.b", "the state of a.b"},
    };
    static const char *const good[] = {"state",        "state.",           "state.w.exp_avg_",
                                       "state.w",      "state.x.exp_avg",  "state.w.w.exp_avg",
                                       "w.exp_avg",    "state.w.exp_avg.", "Gewicht \xc3\xbc",
                                       "states.w.step"};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        for (int together = 0; together < 2; together++) {
            ravine_optimizer *const o = make_optimizer("adam amsgrad=true ema_decay=0.5");
            ravine_param p[2] = {{.size = sizeof *p, .dtype = RAVINE_F32, .data = a, .grad = g}};
            p[0].len = 1;
            p[1] = p[0];
            p[0].name = bad[k].with;
            p[1].name = bad[k].name;
            if (!together) assert_int_equal(ravine_add(o, p, 1), RAVINE_OK);
            assert_int_equal(ravine_add(o, together ? p : p + 1, together ? 2 : 1), RAVINE_E_ARG);
            assert_says(bad[k].says);
            assert_int_equal(ravine_param_count(o), !together);
            ravine_destroy(o);
        }
    }
    ravine_optimizer *const o = make_optimizer("adam amsgrad=true ema_decay=0.5");
    make_param(o, 0, "w", RAVINE_F32, a, g, 1);
    for (size_t k = 0; k < sizeof good / sizeof *good; k++)
        make_param(o, 0, good[k], RAVINE_F32, a, g, 1);
    ravine_destroy(o);
}

/* Where numbers lie is looked at when the library is told: it reads whole ones. */
static void unaligned_numbers_are_refused(void **state) {
    (void)state;
    static const struct {
        int32_t dtype;
        size_t size;
    } kinds[] = {{RAVINE_F32, 4}, {RAVINE_F64, 8}};
    _Alignas(16) char memory[64] = {0};
    for (size_t k = 0; k < 2; k++) {
        char *whole = memory + kinds[k].size, *odd = memory + kinds[k].size / 2;
        ravine_optimizer *const o = make_optimizer("sgd");
        ravine_param p = {.size = sizeof p, .dtype = kinds[k].dtype, .name = "w", .len = 2};
        p.data = odd;
        p.grad = whole;
        assert_int_equal(ravine_add(o, &p, 1), RAVINE_E_ARG);
        assert_says("data of w", kinds[k].size == 4 ? "multiple of 4" : "multiple of 8");
        p.data = whole;
        p.grad = odd;
        assert_int_equal(ravine_add(o, &p, 1), RAVINE_E_ARG);
        assert_says("grad of w");
        p.grad = whole;
        assert_int_equal(ravine_add(o, &p, 1), RAVINE_OK);
        void *bad[1] = {odd}, *good[1] = {memory};
        assert_int_equal(ravine_bind(o, 0, 1, bad, good), RAVINE_E_ARG);
        assert_says("data of w");
        assert_int_equal(ravine_bind(o, 0, 1, good, bad), RAVINE_E_ARG);
        assert_says("grad of w");
        ravine_param view = {.size = sizeof view};
        assert_int_equal(ravine_param_view(o, 0, &view), RAVINE_OK);
        assert_true(view.data == whole && view.grad == whole);
        assert_int_equal(ravine_bind(o, 0, 1, good, good), RAVINE_OK);
        ravine_destroy(o);
    }
    /* Of nothing, no number is read. */
    ravine_optimizer *const o = make_optimizer("sgd");
    make_param(o, 0, "empty", RAVINE_F64, memory + 1, memory + 1, 0);
    void *anywhere[1] = {memory + 3};
    assert_int_equal(ravine_bind(o, 0, 1, anywhere, anywhere), RAVINE_OK);
    ravine_destroy(o);
}

static void bad_options_change_nothing(void **state) {
    (void)state;
    double a[1] = {8}, g[1] = {4};
    ravine_optimizer *const o = make_optimizer("sgd lr=1");
    make_param(o, 0, "a", RAVINE_F64, a, g, 1);
    make_options(o, RAVINE_HOLD, 1, 2, 0);
    ravine_options bad[8];
    for (int k = 0; k < 8; k++) ravine_options_init(&bad[k]);
    bad[0].clip_norm = 0;
    bad[1].clip_norm = -1;
    bad[2].clip_norm = (double)NAN;
    bad[3].grad_scale = 0;
    bad[4].grad_scale = (double)INFINITY;
    bad[5].grad_scale = -2;
    bad[6].nonfinite = 3;
    bad[7].zero_grad = 2;
    const char *const word[8] = {"clip_norm",  "clip_norm",  "clip_norm", "grad_scale",
                                 "grad_scale", "grad_scale", "nonfinite", "zero_grad"};
    for (int k = 0; k < 8; k++) {
        assert_true(ravine_set_options(o, &bad[k]) < 0);
        assert_says(word[k]);
    }
    assert_true(ravine_set_options(o, NULL) < 0);
    (void)make_step(o, NULL); /* still 4/2, clipped to 1 */
    assert_true(a[0] == 7);
    ravine_destroy(o);
}

static void bad_bindings_change_nothing(void **state) {
    (void)state;
    double a[1] = {8}, b[1] = {8}, g[1] = {1}, other[1] = {100};
    ravine_optimizer *const o = make_optimizer("sgd lr=1");
    make_param(o, 0, "a", RAVINE_F64, a, g, 1);
    make_param(o, 0, "b", RAVINE_F64, b, g, 1);
    void *data[3] = {other, other, other}, *grad[3] = {NULL, NULL, NULL};
    void *hole[2] = {other, NULL};
    assert_true(ravine_bind(o, 1, 2, data, grad) < 0);
    assert_true(ravine_bind(o, -1, 1, data, grad) < 0);
    assert_true(ravine_bind(o, 3, 0, data, grad) < 0);
    assert_true(ravine_bind(o, 0, INT64_MAX, data, grad) < 0);
    assert_true(ravine_bind(o, 0, 2, hole, grad) < 0); /* data of b would be nowhere */
    (void)make_step(o, NULL);
    assert_true(a[0] == 7 && b[0] == 7 && other[0] == 100);
    ravine_destroy(o);
}

static void bad_views_are_refused(void **state) {
    (void)state;
    float a[1] = {1}, g[1] = {1};
    ravine_optimizer *const o = make_optimizer("adam");
    make_param(o, 0, "a", RAVINE_F32, a, g, 1);
    ravine_param view = {.size = sizeof view};
    assert_true(ravine_state_view(o, "b", "exp_avg", &view) < 0);
    assert_says("b");
    assert_true(ravine_state_view(o, "a", "sum", &view) < 0);
    assert_says("sum");
    assert_true(ravine_param_view(o, 1, &view) < 0);
    assert_null(ravine_state_key(o, 1, 0));
    assert_null(ravine_state_key(o, 0, -1));
    assert_null(ravine_state_key(o, 0, 1000));
    ravine_destroy(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_change_one_group_or_all),
        cmocka_unit_test(a_changed_setting_acts_from_the_next_step),
        cmocka_unit_test(schedules_are_followed_step_by_step),
        cmocka_unit_test(any_number_may_be_scheduled),
        cmocka_unit_test(bad_settings_are_refused),
        cmocka_unit_test(bad_schedules_are_refused),
        cmocka_unit_test(settings_that_decide_the_state_are_fixed),
        cmocka_unit_test(schedules_need_the_state_of_the_config),
        cmocka_unit_test(what_begins_the_state_is_fixed),
        cmocka_unit_test(schedules_keep_settings_together),
        cmocka_unit_test(a_step_refuses_what_schedules_make_together),
        cmocka_unit_test(bad_configs_make_nothing),
        cmocka_unit_test(bad_parameters_add_nothing),
        cmocka_unit_test(names_that_cannot_be_saved_are_refused),
        cmocka_unit_test(unaligned_numbers_are_refused),
        cmocka_unit_test(bad_options_change_nothing),
        cmocka_unit_test(bad_bindings_change_nothing),
        cmocka_unit_test(bad_views_are_refused),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
