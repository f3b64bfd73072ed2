/* SPDX-License-Identifier: Apache-2.0 */
/* The range test and the limit, on problems whose largest stable rate is known; and a net as a
 * problem. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/failure.h"
#include "support/make.h"
#include "support/quadratic.h"
#include "trainer/find_lr.h"
#include "trainer/problem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static quadratic q;

static void place(void) {
    quadratic_diagonal(&q, 3, (double[]){50, 5, 1});
    quadratic_rotate(&q, 6);
    quadratic_place(&q, (double[]){1, -1, 2});
}

static int search(find_lr_result *r, const char *rule) {
    ravine_optimizer *o = quadratic_optimizer(&q, rule);
    const ravine_problem problem = quadratic_problem(&q, 4);
    ravine_config c;
    assert_int_equal(ravine_config_parse(&c, rule), RAVINE_OK);
    q.gradients = q.losses = 0;
    const int status = find_lr(
        r, &(find_lr_setup){
               .optimizer = o, .rule = c.rule, .problem = &problem, .steps = 400, .warmup = 50});
    assert_int_equal(ravine_steps(o), 0);
    ravine_destroy(o);
    return status;
}

static void gradient_descent_on_a_quadratic(void **state) {
    (void)state;
    find_lr_result r;
    place();
    double before[3];
    memcpy(before, q.x, sizeof before);
    if (search(&r, "sgd")) fail_msg("%s", failure_text());
    assert_memory_equal(before, q.x, sizeof before);
    for (int k = 0; k < FIND_LR_PROBES; k++) {
        assert_true(fabs(r.stable[k] - 0.04) < 1e-6); /* 2 / 50 */
        assert_true(r.probe[k].limit == 2 && fabs(r.probe[k].sharpness - 50) < 1e-3);
    }
    assert_true(r.probe[0].step == 0 && r.probe[1].step == 50);
    /* It blows up above the limit, and not before. */
    assert_true(r.lr[r.npoints - 1] > 0.04 && r.lr[r.npoints - 1] < 1);
    assert_true(r.count == 4 * r.npoints && r.losses >= r.npoints + 1);
    assert_true(fabs(r.first - quadratic_loss(&q)) < 1e-12);
    assert_true(r.steepest < r.lowest && !(r.lowest > r.blow_up));
    assert_true(r.suggested > 1e-3 && r.suggested < 0.04);
    assert_true(fabs(r.lr[0] / (1e-7 * pow(1e8, 3.0 / 399)) - 1) < 1e-12); /* the fourth step */
    for (int64_t k = 1; k < r.npoints; k++) {
        const double factor = pow(1e8, 4.0 / 399);
        assert_true(fabs(r.lr[k] / r.lr[k - 1] / factor - 1) < 1e-9);
    }
    assert_true(r.gradients == q.gradients && r.losses == q.losses);
    assert_true(r.gradients == r.count + 50 + r.probe[0].gradients + r.probe[1].gradients);
    find_lr_free(&r);
}

/* Every rule of the library has an answer, and the rate it says does lower the loss. */
static void every_rule_gets_an_answer(void **state) {
    (void)state;
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++) {
        find_lr_result r;
        const char *name = ravine_rule_describe(rule)->name;
        place();
        const double first = quadratic_loss(&q);
        if (search(&r, name)) fail_msg("%s: %s", name, failure_text());
        char text[64];
        snprintf(text, sizeof text, "%s lr=%.17g", name, r.suggested);
        ravine_optimizer *o = quadratic_optimizer(&q, text);
        for (int k = 0; k < 500; k++) {
            const double lr = r.suggested * fmin(1, (k + 1) / 50.0);
            assert_int_equal(ravine_set(o, 0, RAVINE_LR, lr), RAVINE_OK);
            quadratic_step(&q, o, 0);
        }
        if (!(quadratic_loss(&q) < 0.5 * first))
            fail_msg("%s: loss %g from %g", text, quadratic_loss(&q), first);
        assert_true(*r.reason.in[PAGE_ENGLISH] != '\0');
        ravine_destroy(o);
        find_lr_free(&r);
    }
}

static void a_plane_has_no_answer(void **state) {
    (void)state;
    find_lr_result r;
    quadratic_diagonal(&q, 2, (double[]){0, 0});
    quadratic_place(&q, (double[]){1, 1});
    assert_int_equal(search(&r, "adam"), FAILURE_NO);
    assert_non_null(strstr(failure_text(), "no learning rate"));
    assert_true(q.x[0] == 1 && r.lr == NULL);
    place();
    q.fail_at = 30;
    assert_int_equal(search(&r, "adam"), FAILURE_INPUT);
}

/* Two groups: each keeps its own settings, and a decay bounds the range. */
static void a_decay_bounds_the_range(void **state) {
    (void)state;
    find_lr_result r;
    place();
    ravine_optimizer *o = make_optimizer("adamw weight_decay=0.5");
    make_param(o, 0, "a", RAVINE_F64, q.x, q.g, 1);
    make_param(o, make_group(o, "adamw weight_decay=0"), "b", RAVINE_F64, q.x + 1, q.g + 1, 2);
    const ravine_problem problem = quadratic_problem(&q, 0);
    assert_int_equal(find_lr(&r, &(find_lr_setup){.optimizer = o,
                                                  .rule = RAVINE_ADAMW,
                                                  .problem = &problem,
                                                  .steps = 50,
                                                  .warmup = 5}),
                     0);
    assert_true(r.lr[r.npoints - 1] <= 2.0000001);
    find_lr_free(&r);
    ravine_destroy(o);
}

/* ---- a net as a problem ---- */

enum { EXAMPLES = 50, FEATURES = 3, CLASSES = 4 };

static dataset make_data(void) {
    dataset d = {
        .count = EXAMPLES, .shape = {FEATURES, 1, 1}, .size = FEATURES, .outputs = CLASSES};
    d.x = calloc(EXAMPLES * FEATURES, sizeof *d.x);
    d.label = calloc(EXAMPLES, sizeof *d.label);
    assert_true(d.x && d.label);
    for (int k = 0; k < EXAMPLES; k++) {
        d.label[k] = k % CLASSES;
        for (int i = 0; i < FEATURES; i++) d.x[k * FEATURES + i] = (float)sin(k + 2 * i);
    }
    return d;
}

static ravine_pool *pool;

static net *make_net(net_norm norm, double dropout) {
    net *n;
    const net_spec spec = {.model = NET_MLP,
                           .input = {FEATURES, 1, 1},
                           .outputs = CLASSES,
                           .nwidths = 1,
                           .widths = {8},
                           .norm = norm,
                           .dropout = dropout,
                           .loss = NET_CROSS_ENTROPY,
                           .seed = 3};
    assert_int_equal(net_create(&n, &spec, EXAMPLES, ravine_pool_run, pool), 0);
    return n;
}

/* The fixed batch is the mean over its examples, however it is cut. */
static void slices_make_one_batch(void **state) {
    (void)state;
    dataset d = make_data();
    net *n = make_net(NET_NORM_NONE, 0);
    double loss[2], first[2] = {0};
    for (int k = 0; k < 2; k++) {
        net_problem *p;
        assert_int_equal(
            net_problem_create(
                &p,
                &(net_problem_setup){
                    .net = n, .data = &d, .batch = 5, .fixed = 40, .slice = k ? 7 : 40, .seed = 9}),
            0);
        const ravine_problem problem = net_problem_view(p);
        double without;
        assert_int_equal(problem.evaluate(problem.context, 0, 1, &loss[k]), 0);
        for (int64_t i = 0; i < net_param_count(n); i++) {
            const net_tensor t = net_param(n, i);
            for (int64_t e = 0; e < t.len; e++) first[k] += (double)(t.grad[e] * t.grad[e]);
        }
        assert_int_equal(problem.evaluate(problem.context, 0, 0, &without), 0);
        assert_true(fabs(without - loss[k]) < 1e-12);
        assert_int_equal(problem.nbatches, 2); /* ten examples are left */
        net_problem_destroy(p);
    }
    assert_true(fabs(loss[0] - loss[1]) < 1e-6 && fabs(first[0] / first[1] - 1) < 1e-4);
    double whole;
    int64_t correct;
    whole = net_evaluate(n, d.x, d.label, NULL, EXAMPLES, &correct);
    net_problem *p;
    assert_int_equal(
        net_problem_create(
            &p,
            &(net_problem_setup){
                .net = n, .data = &d, .batch = 5, .fixed = 1000, .slice = 20, .seed = 9}),
        0);
    const ravine_problem problem = net_problem_view(p);
    assert_int_equal(problem.evaluate(problem.context, 0, 1, &loss[0]), 0);
    assert_true(fabs(loss[0] - whole) < 1e-6);
    assert_int_equal(problem.nbatches, 10); /* all are in both */
    net_problem_destroy(p);
    net_destroy(n);
    free(d.x);
    free(d.label);
}

/* With batch norm and dropout: the same bits again, and the running statistics stay. */
static void the_same_batch_gives_the_same_bits(void **state) {
    (void)state;
    dataset d = make_data();
    net *n = make_net(NET_NORM_BATCH, 0.3);
    net_problem *p;
    assert_int_equal(
        net_problem_create(
            &p,
            &(net_problem_setup){
                .net = n, .data = &d, .batch = 10, .fixed = 25, .slice = 25, .seed = 1}),
        0);
    const ravine_problem problem = net_problem_view(p);
    const net_tensor buffer = net_buffer(n, 0);
    const float kept = buffer.data[0];
    double loss[4], again;
    for (int k = 0; k < 4; k++)
        assert_int_equal(problem.evaluate(problem.context, k, 1, &loss[k]), 0);
    for (int k = 0; k < 4; k++) {
        assert_int_equal(problem.evaluate(problem.context, k, k % 2, &again), 0);
        assert_true(again == loss[k]);
    }
    assert_true(loss[1] != loss[2] && problem.nbatches == 3); /* 10, 10 and 5 examples */
    assert_int_equal(problem.evaluate(problem.context, 4, 0, &again), 0);
    assert_true(again == loss[1]); /* after the last they begin again */
    assert_true(buffer.data[0] == kept);
    net_problem_destroy(p);
    net_destroy(n);
    free(d.x);
    free(d.label);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_descent_on_a_quadratic),
        cmocka_unit_test(every_rule_gets_an_answer),
        cmocka_unit_test(a_plane_has_no_answer),
        cmocka_unit_test(a_decay_bounds_the_range),
        cmocka_unit_test(slices_make_one_batch),
        cmocka_unit_test(the_same_batch_gives_the_same_bits),
    };
    if (ravine_pool_create(&pool, 2)) return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ravine_pool_destroy(pool);
    return failed;
}
