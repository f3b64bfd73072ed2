/* SPDX-License-Identifier: Apache-2.0 */
/* Cures on problems where it is known which one helps, and runs from a copy that must be the runs
 * themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/probe/try_copy.h"
#include "ravine_doctor.h"
#include "support/make.h"
#include "support/quadratic.h"

#include <math.h>
#include <string.h>

static quadratic q;

static ravine_diagnosis with_cures(int n, const ravine_cure *cure) {
    ravine_diagnosis d = {.size = sizeof d, .ncures = n};
    for (int k = 0; k < n; k++) {
        d.cure[k] = cure[k];
        d.cure[k].loss_ratio = NAN;
    }
    return d;
}

static void try(ravine_optimizer *o, int64_t nbatches, int64_t steps, ravine_diagnosis *d) {
    const ravine_problem problem = quadratic_problem(&q, nbatches);
    if (ravine_try_cures(o, &problem, steps, d)) fail_msg("%s", ravine_errmsg());
}

static void expect_ratio(const ravine_cure *cure, double expected) {
    if (!cure->tried || !(fabs(cure->loss_ratio / expected - 1) < 1e-9))
        fail_msg("%s: tried %d, ratio %.15g, not %.15g", cure->text, cure->tried, cure->loss_ratio,
                 expected);
}

/* Gradient descent with eta h = 2 in the steep direction swings forever; theta after t steps is
 * (1 - eta h)^t theta, so every ratio is known: the mean of the last eight losses. */
static double mean_loss(double lr, int steps) {
    static const double h[2] = {100, 1};
    double sum = 0;
    for (int t = steps - 7; t <= steps; t++)
        for (int i = 0; i < 2; i++) sum += 0.5 * h[i] * pow(1 - lr * h[i], 2 * t) / 8;
    return sum;
}

static void a_smaller_lr_stops_a_bounce(void **state) {
    (void)state;
    quadratic_diagonal(&q, 2, (double[]){100, 1});
    quadratic_place(&q, (double[]){1, 1});
    ravine_optimizer *o = quadratic_optimizer(&q, "sgd lr=0.02");
    ravine_diagnosis d =
        with_cures(4, (ravine_cure[]){{.optimizer = "sgd lr=0.04", .text = "twice"},
                                      {.action = RAVINE_CURE_ADVICE, .text = "advice"},
                                      {.optimizer = "sgd lr=0.002", .text = "a tenth"},
                                      {.optimizer = "sgd lr=0.01", .text = "half"}});
    try(o, 0, 50, &d);
    assert_int_equal(d.ncures, 3); /* twice the lr did harm */
    assert_string_equal(d.cure[0].text, "half");
    assert_string_equal(d.cure[1].text, "a tenth");
    assert_string_equal(d.cure[2].text, "advice");
    const double unchanged = mean_loss(0.02, 50);
    expect_ratio(&d.cure[0], mean_loss(0.01, 50) / unchanged);
    expect_ratio(&d.cure[1], mean_loss(0.002, 50) / unchanged);
    assert_true(d.cure[2].tried == 0 && isnan(d.cure[2].loss_ratio));
    const double losses[] = {mean_loss(0.01, 50), mean_loss(0.002, 50)};
    assert_true(fabs(d.unchanged_loss / unchanged - 1) < 1e-9);
    for (int k = 0; k < 2; k++) assert_true(fabs(d.cure_loss[k] / losses[k] - 1) < 1e-9);
    for (int k = 2; k < RAVINE_CURES_MAX; k++) assert_true(isnan(d.cure_loss[k]));
    ravine_destroy(o);
}

/* Within 2 % of the unchanged run is no effect, and stands behind what was not tried. */
static void what_has_no_effect_comes_last(void **state) {
    (void)state;
    quadratic_diagonal(&q, 2, (double[]){100, 1});
    quadratic_place(&q, (double[]){1, 1});
    ravine_optimizer *o = quadratic_optimizer(&q, "sgd lr=0.01");
    const ravine_cure cures[] = {{.optimizer = "sgd lr=0.010001", .text = "the same"},
                                 {.action = RAVINE_CURE_ADVICE, .text = "advice"},
                                 {.optimizer = "sgd lr=0.03", .text = "too long"},
                                 {.optimizer = "sgd lr=0.012", .text = "longer"}};
    ravine_diagnosis d = with_cures(4, cures);
    try(o, 0, 60, &d);
    assert_int_equal(d.ncures, 3);
    assert_string_equal(d.cure[0].text, "longer");
    assert_string_equal(d.cure[1].text, "advice");
    assert_string_equal(d.cure[2].text, "the same");
    expect_ratio(&d.cure[0], mean_loss(0.012, 60) / mean_loss(0.01, 60));
    expect_ratio(&d.cure[2], mean_loss(0.010001, 60) / mean_loss(0.01, 60));

    d = with_cures(4, cures); /* what was lost later than a trial takes */
    d.verdict = RAVINE_VERDICT_DIVERGING;
    try(o, 0, 60, &d);
    assert_int_equal(d.ncures, 4);
    assert_string_equal(d.cure[0].text, "longer");
    assert_string_equal(d.cure[1].text, "the same");
    for (int k = 1; k < 4; k++) assert_true(d.cure[k].tried == 0 && isnan(d.cure[k].loss_ratio));

    d = with_cures(1, &cures[2]); /* where all do harm, that is said */
    try(o, 0, 60, &d);
    assert_int_equal(d.ncures, 1);
    assert_int_equal(d.cure[0].action, RAVINE_CURE_ADVICE);
    assert_string_equal(ravine_cure_word(d.cure[0].kind), "nothing_helps");
    assert_non_null(strstr(d.cure[0].text, "made it worse"));
    ravine_destroy(o);
}

/* On a symmetric saddle no lr helps: only the way out does. The loss falls below 0. */
static void an_escape_leaves_a_saddle(void **state) {
    (void)state;
    quadratic_diagonal(&q, 2, (double[]){1, -1});
    q.quartic = 1;
    quadratic_place(&q, (double[]){0.1, 0});
    ravine_optimizer *o = quadratic_optimizer(&q, "sgd lr=0.1");
    ravine_diagnosis d = with_cures(
        2, (ravine_cure[]){{.optimizer = "sgd lr=0.5", .text = "lr"},
                           {.action = RAVINE_CURE_ESCAPE, .escape = 0.3, .text = "escape"}});
    try(o, 0, 100, &d);
    assert_string_equal(d.cure[0].text, "escape");
    /* 1 + (-1/4 - about 0) / (1/4) */
    assert_true(d.cure[0].tried && fabs(d.cure[0].loss_ratio) < 1e-3);
    assert_true(q.x[0] == 0.1 && q.x[1] == 0);
    ravine_destroy(o);

    quadratic_diagonal(&q, 2, (double[]){1, 2}); /* a minimum: nowhere to go, so it is not tried */
    quadratic_place(&q, (double[]){1, 1});
    o = quadratic_optimizer(&q, "sgd lr=0.1");
    try(o, 0, 10, &d);
    assert_string_equal(d.cure[0].text, "lr");
    assert_true(d.cure[1].tried == 0 && isnan(d.cure[1].loss_ratio));
    ravine_destroy(o);
}

/* At the noise floor of a constant lr the floor falls with the lr: decay helps, more lr does not.
 */
static void decay_lowers_the_noise_floor(void **state) {
    (void)state;
    double d_[30], x[30] = {0};
    for (int i = 0; i < 30; i++) d_[i] = 1;
    quadratic_diagonal(&q, 30, d_);
    quadratic_place(&q, x);
    q.noise = 1;
    ravine_optimizer *o = quadratic_optimizer(&q, "sgd lr=0.5");
    for (int k = 0; k < 100; k++) quadratic_step(&q, o, 1000 + k);
    ravine_diagnosis d =
        with_cures(2, (ravine_cure[]){{.optimizer = "sgd lr=1", .text = "more"},
                                      {.schedule = "cosine(300, to=0) lr=0.5", .text = "decay"}});
    try(o, 300, 300, &d);
    assert_int_equal(d.ncures, 1);
    assert_string_equal(d.cure[0].text, "decay");
    assert_true(d.cure[0].loss_ratio < 0.05);
    /* floors: eta noise^2 / (2 (2 - eta h)) a coordinate: 1/2 against 1/6 */
    ravine_destroy(o);
    quadratic_place(&q, x);
    o = quadratic_optimizer(&q, "sgd lr=1");
    for (int k = 0; k < 100; k++) quadratic_step(&q, o, 1000 + k);
    d = with_cures(1, (ravine_cure[]){{.optimizer = "sgd lr=0.5", .text = "less"}});
    try(o, 300, 300, &d);
    assert_true(d.cure[0].loss_ratio > 0.2 && d.cure[0].loss_ratio < 1 / 1.5);
    ravine_destroy(o);
}

static void broken_runs_are_left_out(void **state) {
    (void)state;
    quadratic_diagonal(&q, 1, (double[]){1});
    quadratic_place(&q, (double[]){1});
    ravine_optimizer *o = quadratic_optimizer(&q, "sgd lr=0.1");
    ravine_diagnosis d =
        with_cures(2, (ravine_cure[]){{.optimizer = "sgd lr=1e30"}, {.optimizer = "sgd lr=0.5"}});
    try(o, 0, 40, &d);
    assert_int_equal(d.ncures, 1);
    assert_true(d.cure[0].loss_ratio < 1 && d.cure[0].tried);
    ravine_destroy(o);
    o = quadratic_optimizer(&q, "sgd lr=1e30"); /* and beside a broken run anything helps */
    try(o, 0, 40, &d);
    assert_true(d.ncures == 1 && d.cure[0].loss_ratio == 0);
    ravine_destroy(o);
}

/* ---- copies ---- */

static const char *const rules[] = {"sgd",
                                    "sgd momentum=0.9 nesterov=true",
                                    "adagrad",
                                    "adagrad_mean",
                                    "rmsprop momentum=0.9",
                                    "adadelta",
                                    "adam amsgrad=true ema_decay=0.9",
                                    "adamw",
                                    "adamax",
                                    "nadam",
                                    "radam",
                                    "asgd",
                                    "rprop",
                                    "lion",
                                    "signum",
                                    "adabelief",
                                    "yogi",
                                    "adan",
                                    "adopt"};

/* A copy goes on bit for bit as its original would, schedules and two groups and all. */
static void a_copy_goes_on_as_the_original(void **state) {
    (void)state;
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
        double start[2], end[2][2];
        ravine_schedule s;
        quadratic_diagonal(&q, 2, (double[]){3, 1});
        quadratic_place(&q, (double[]){1, -2});
        ravine_optimizer *o = make_optimizer(rules[r]), *copy;
        make_param(o, 0, "a", RAVINE_F64, q.x, q.g, 1);
        make_param(o, make_group(o, rules[r]), "b", RAVINE_F64, q.x + 1, q.g + 1, 1);
        assert_int_equal(ravine_schedule_parse(&s, "cosine(20, to=1e-3) lr=0.05"), RAVINE_OK);
        assert_int_equal(ravine_set_schedule(o, 1, RAVINE_LR, &s), RAVINE_OK);
        for (int k = 0; k < 7; k++) quadratic_step(&q, o, 0);
        memcpy(start, q.x, sizeof start);
        assert_int_equal(ravine_copy_create(&copy, o, NULL), RAVINE_OK);
        for (int which = 0; which < 2; which++) {
            memcpy(q.x, start, sizeof start);
            for (int k = 0; k < 7; k++) quadratic_step(&q, which ? o : copy, 0);
            memcpy(end[which], q.x, sizeof start);
        }
        if (memcmp(end[0], end[1], sizeof end[0])) fail_msg("%s goes another way", rules[r]);
        assert_true(end[0][0] != start[0]);
        ravine_destroy(copy);
        ravine_destroy(o);
    }
}

static int64_t step_count_under(ravine_optimizer *o, const char *rule) {
    ravine_config c;
    ravine_optimizer *copy;
    assert_int_equal(ravine_config_parse(&c, rule), RAVINE_OK);
    assert_int_equal(ravine_copy_create(&copy, o, &c), RAVINE_OK);
    const int64_t step_count = ravine_step_count(copy, 0);
    ravine_destroy(copy);
    return step_count;
}

/* State is carried where the other rule means the same by it, else the parameter begins anew. */
static void another_rule_takes_what_it_knows(void **state) {
    (void)state;
    static const struct {
        const char *from, *to;
        int64_t step_count;
    } cases[] = {
        {"adam", "adam lr=1", 3},
        {"adam", "adamw", 3},
        {"adam", "adam amsgrad=true", 3},
        {"adam", "lion", 3},  /* exp_avg is all that lion keeps */
        {"adam", "sgd", 3},   /* nothing to carry */
        {"adam", "adopt", 0}, /* its exp_avg is a mean of g / sigma */
        {"adam", "nadam", 0}, /* no product of its momenta */
        {"adam", "rmsprop", 0},
        {"sgd", "adam", 0},
        {"sgd", "sgd momentum=0.9", 3},
        {"sgd momentum=0.9", "sgd momentum=0.5", 3},
        {"sgd momentum=0.9", "sgd momentum=0.9 lr_in_momentum=true", 0},
        {"sgd momentum=0.9", "rmsprop momentum=0.9", 0},
        {"adagrad", "adagrad_mean", 3},
        {"rmsprop", "rmsprop centered=true", 3},
        {"adam", "rprop", 0},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        quadratic_diagonal(&q, 2, (double[]){3, 1});
        quadratic_place(&q, (double[]){1, -2});
        ravine_optimizer *o = quadratic_optimizer(&q, cases[k].from);
        for (int step = 0; step < 3; step++) quadratic_step(&q, o, 0);
        const int64_t step_count = step_count_under(o, cases[k].to);
        if (step_count != cases[k].step_count)
            fail_msg("%s to %s: step_count %lld", cases[k].from, cases[k].to,
                     (long long)step_count);
        ravine_destroy(o);
    }
}

/* A group keeps its own settings and its ratio of lr. */
static void groups_keep_their_differences(void **state) {
    (void)state;
    ravine_config c;
    ravine_optimizer *copy;
    quadratic_diagonal(&q, 2, (double[]){3, 1});
    ravine_optimizer *o = make_optimizer("adamw lr=0.1 weight_decay=0.02 beta1=0.8");
    make_param(o, 0, "a", RAVINE_F64, q.x, q.g, 1);
    make_param(o, make_group(o, "adamw lr=0.3 weight_decay=0 beta1=0.8"), "b", RAVINE_F64, q.x + 1,
               q.g + 1, 1);
    assert_int_equal(ravine_config_parse(&c, "adamw lr=0.01 weight_decay=0.5 beta1=0.7"),
                     RAVINE_OK);
    assert_int_equal(ravine_copy_create(&copy, o, &c), RAVINE_OK);
    double lr, decay, beta1;
    assert_int_equal(ravine_get(copy, 1, RAVINE_LR, &lr), RAVINE_OK);
    assert_int_equal(ravine_get(copy, 1, RAVINE_WEIGHT_DECAY, &decay), RAVINE_OK);
    assert_int_equal(ravine_get(copy, 1, RAVINE_BETA1, &beta1), RAVINE_OK);
    assert_true(fabs(lr - 0.03) < 1e-15 && decay == 0 && beta1 == 0.7);
    assert_int_equal(ravine_get(copy, 0, RAVINE_WEIGHT_DECAY, &decay), RAVINE_OK);
    assert_true(decay == 0.5);
    assert_int_equal(ravine_copy_set_lr(copy, o, 0.2), RAVINE_OK);
    assert_int_equal(ravine_get(copy, 1, RAVINE_LR, &lr), RAVINE_OK);
    assert_true(fabs(lr - 0.6) < 1e-15);
    ravine_destroy(copy);
    ravine_destroy(o);
}

/* What a group may not be is not tried, and the others are. */
static void impossible_cures_are_passed_over(void **state) {
    (void)state;
    quadratic_diagonal(&q, 2, (double[]){1, 1});
    quadratic_place(&q, (double[]){100, 100});
    ravine_optimizer *o = make_optimizer("adamw lr=0.1 weight_decay=0.5");
    const int32_t second = make_group(o, "adamw lr=1 weight_decay=0.5");
    make_param(o, 0, "x", RAVINE_F64, q.x, q.g, 1);
    make_param(o, second, "y", RAVINE_F64, q.x + 1, q.g + 1, 1);
    ravine_diagnosis d = with_cures(
        3, (ravine_cure[]){{.optimizer = "adamw lr=0.3 weight_decay=0.5", .text = "3 0.5 > 1"},
                           {.schedule = "0.3", .text = "the same"},
                           {.optimizer = "adamw lr=0.15 weight_decay=0.5", .text = "fits"}});
    try(o, 0, 5, &d);
    assert_string_equal(d.cure[0].text, "fits");
    assert_int_equal(d.cure[0].tried, 1);
    for (int k = 1; k < 3; k++) assert_true(d.cure[k].tried == 0 && isnan(d.cure[k].loss_ratio));
    ravine_destroy(o);
}

/* Schedules that fit together only as a whole are copied; where a cure has another number for a
 * setting it counts, and not the schedule. */
static void schedules_go_along(void **state) {
    (void)state;
    double beside;
    ravine_schedule up, down, momentum;
    assert_int_equal(ravine_schedule_parse(&up, "linear(10, from=0.01, to=0.5)"), RAVINE_OK);
    assert_int_equal(ravine_schedule_parse(&down, "linear(10, from=1.5, to=0.1)"), RAVINE_OK);
    assert_int_equal(ravine_schedule_parse(&momentum, "0.75"), RAVINE_OK);
    double x[1] = {1}, g[1] = {1};
    ravine_optimizer *o = make_optimizer(
                         "sgd lr=0.001 weight_decay=4 decay_form=decoupled momentum=0.5"),
                     *copy;
    make_param(o, 0, "x", RAVINE_F64, x, g, 1);
    assert_int_equal(ravine_set_schedule(o, 0, RAVINE_WEIGHT_DECAY, &down), RAVINE_OK);
    assert_int_equal(ravine_set_schedule(o, 0, RAVINE_LR, &up), RAVINE_OK);
    assert_int_equal(ravine_set_schedule(o, 0, RAVINE_MOMENTUM, &momentum), RAVINE_OK);
    assert_int_equal(ravine_copy_create(&copy, o, NULL), RAVINE_OK);
    assert_int_equal(ravine_get(copy, 0, RAVINE_WEIGHT_DECAY, &beside), RAVINE_OK);
    assert_true(beside == 1.5);
    ravine_destroy(copy);
    ravine_config c;
    assert_int_equal(ravine_config_parse(&c, "sgd lr=0.1 weight_decay=4 decay_form=decoupled"),
                     RAVINE_OK);
    assert_int_equal(ravine_copy_create(&copy, o, &c), RAVINE_OK);
    assert_int_equal(ravine_get(copy, 0, RAVINE_MOMENTUM, &beside), RAVINE_OK);
    assert_true(beside == 0);
    assert_int_equal(ravine_get(copy, 0, RAVINE_WEIGHT_DECAY, &beside), RAVINE_OK);
    assert_true(beside == 1.5);
    ravine_destroy(copy);
    ravine_destroy(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_smaller_lr_stops_a_bounce),
        cmocka_unit_test(an_escape_leaves_a_saddle),
        cmocka_unit_test(decay_lowers_the_noise_floor),
        cmocka_unit_test(broken_runs_are_left_out),
        cmocka_unit_test(what_has_no_effect_comes_last),
        cmocka_unit_test(a_copy_goes_on_as_the_original),
        cmocka_unit_test(another_rule_takes_what_it_knows),
        cmocka_unit_test(groups_keep_their_differences),
        cmocka_unit_test(impossible_cures_are_passed_over),
        cmocka_unit_test(schedules_go_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
