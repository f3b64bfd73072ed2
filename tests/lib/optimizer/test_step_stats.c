/* SPDX-License-Identifier: Apache-2.0 */
/* test_step_stats.c - the statistics of a step against sums in long double made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "math/random.h"
#include "support/make.h"
#include "support/numbers.h"

enum { PARAMS = 7, WITHOUT = 3 };

/* Parameters of several lengths, types and groups; number WITHOUT has no gradient. */
static const struct {
    int32_t dtype, group;
    int64_t len;
} shape[PARAMS] = {
    {RAVINE_F32, 0, 1},    {RAVINE_F32, 1, 5000}, {RAVINE_F64, 0, 333},   {RAVINE_F32, 2, 100},
    {RAVINE_F64, 2, 4097}, {RAVINE_F32, 2, 0},    {RAVINE_F32, 0, 12289},
};

typedef struct many {
    ravine_optimizer *o;
    void *data[PARAMS], *before[PARAMS], *grad[PARAMS];
} many;

static size_t bytes_of(int p) {
    return (size_t)shape[p].len * number_bytes(shape[p].dtype);
}

static void make(many *m, const char *const rule[3]) {
    m->o = make_optimizer(rule[0]);
    (void)make_group(m->o, rule[1]);
    (void)make_group(m->o, rule[2]);
    for (int p = 0; p < PARAMS; p++) {
        m->data[p] = calloc(1, bytes_of(p) + 1);
        m->before[p] = calloc(1, bytes_of(p) + 1);
        m->grad[p] = p == WITHOUT ? NULL : calloc(1, bytes_of(p) + 1);
        for (int64_t i = 0; i < shape[p].len; i++) {
            const double x = ravine_random_normal(1, (uint64_t)p, (uint64_t)i);
            const double g = ravine_random_normal(2, (uint64_t)p, (uint64_t)i);
            number_set(m->data[p], shape[p].dtype, i, (long double)x);
            if (p != WITHOUT) number_set(m->grad[p], shape[p].dtype, i, (long double)g);
        }
        const char name[2] = {(char)('a' + p), 0};
        make_param(m->o, shape[p].group, name, shape[p].dtype, m->data[p], m->grad[p],
                   shape[p].len);
    }
}

static void unmake(many *m) {
    ravine_destroy(m->o);
    for (int p = 0; p < PARAMS; p++) {
        free(m->data[p]);
        free(m->before[p]);
        free(m->grad[p]);
    }
}

/* Norms of gradient, change and parameters of one group, or of all: -1. */
typedef struct norms {
    long double grad, update, param;
} norms;

/* Adds the squares of one element; a gradient that is not finite counts in `param` alone. */
static void add_squares(norms *sum, long double g, long double now, long double before) {
    sum->param += now * now;
    if (!isfinite(g)) return;
    sum->grad += g * g;
    sum->update += (now - before) * (now - before);
}

static norms roots(norms squares) {
    return (norms){sqrtl(squares.grad), sqrtl(squares.update), sqrtl(squares.param)};
}

static norms measure(const many *m, int32_t group, long double scale) {
    norms squares = {0, 0, 0};
    for (int p = 0; p < PARAMS; p++) {
        if (m->grad[p] == NULL || (group >= 0 && shape[p].group != group)) continue;
        for (int64_t i = 0; i < shape[p].len; i++)
            add_squares(&squares, number_get(m->grad[p], shape[p].dtype, i) / scale,
                        number_get(m->data[p], shape[p].dtype, i),
                        number_get(m->before[p], shape[p].dtype, i));
    }
    return roots(squares);
}

static void assert_within(double got, long double wanted, long double share, const char *what) {
    if (fabsl((long double)got - wanted) <= share * wanted) return;
    fail_msg("%s is %s, not %s", what, number_text((long double)got), number_text(wanted));
}

static void assert_near(double got, long double wanted, const char *what) {
    assert_within(got, wanted, 1e-12L, what);
}

/* Of float32 128 squares are added in float32, where a change is rounded (twice in its square) as
 * are the square and the eleven additions that it goes through; the root halves it all. */
static void check_norms(const ravine_step_stats *r, norms n) {
    const long double rounding = (2 + 1 + 11) / 2 * 0x1p-24L;
    assert_within(r->grad_norm, n.grad, rounding, "grad_norm");
    assert_within(r->update_norm, n.update, rounding, "update_norm");
    assert_within(r->param_norm, n.param, rounding, "param_norm");
}

static void one_step(many *m, ravine_status wanted, ravine_step_stats *stats) {
    for (int p = 0; p < PARAMS; p++) memcpy(m->before[p], m->data[p], bytes_of(p));
    assert_int_equal(make_step(m->o, stats), wanted);
}

static void norms_are_those_of_long_double(void **state) {
    (void)state;
    const char *const rule[3] = {"adamw lr=0.01", "sgd lr=0.1 momentum=0.9", "lion lr=0.001"};
    const double lr[3] = {0.01, 0.1, 0.001};
    many m;
    make(&m, rule);
    for (int64_t t = 1; t <= 3; t++) {
        ravine_step_stats stats;
        one_step(&m, RAVINE_OK, &stats);
        check_norms(&stats, measure(&m, -1, 1));
        assert_true(stats.group == -1 && stats.step == t && stats.attempts == t);
        assert_true(stats.lr == 0.01 && stats.clip == 1 && stats.nonfinite == 0);
        assert_true(stats.nonfinite_param == -1 && stats.nonfinite_index == -1);
        for (int32_t group = 0; group < 3; group++) {
            ravine_step_stats part = {.size = sizeof part};
            assert_int_equal(ravine_group_stats(m.o, group, &part), RAVINE_OK);
            check_norms(&part, measure(&m, group, 1));
            assert_true(part.group == group && part.step == t && part.attempts == t);
            assert_true(part.lr == lr[group] && part.clip == 1);
        }
    }
    unmake(&m);
}

/* Squares of the parameters' norms add up to those of all; one without a gradient has none. */
static void parameters_have_statistics_of_their_own(void **state) {
    (void)state;
    const char *const rule[3] = {"adamw lr=0.01", "sgd lr=0.1 momentum=0.9", "lion lr=0.001"};
    many m;
    make(&m, rule);
    ravine_step_stats stats, part = {.size = sizeof part};
    one_step(&m, RAVINE_OK, &stats);
    long double grad = 0, update = 0, param = 0;
    for (int64_t p = 0; p < PARAMS; p++) {
        assert_int_equal(ravine_param_stats(m.o, p, &part), RAVINE_OK);
        grad += (long double)part.grad_norm * part.grad_norm;
        update += (long double)part.update_norm * part.update_norm;
        param += (long double)part.param_norm * part.param_norm;
    }
    assert_near(stats.grad_norm, sqrtl(grad), "grad_norm");
    assert_near(stats.update_norm, sqrtl(update), "update_norm");
    assert_near(stats.param_norm, sqrtl(param), "param_norm");

    make_grad(m.o, 1, NULL);
    one_step(&m, RAVINE_OK, &stats);
    assert_int_equal(ravine_param_stats(m.o, 1, &part), RAVINE_OK);
    assert_true(part.grad_norm == 0 && part.update_norm == 0 && part.param_norm == 0);
    assert_int_equal(ravine_param_stats(m.o, 0, &part), RAVINE_OK);
    assert_true(part.update_norm > 0 && part.step == 2);
    assert_int_equal(ravine_param_stats(m.o, PARAMS, &part), RAVINE_E_RANGE);
    assert_int_equal(ravine_param_stats(m.o, -1, &part), RAVINE_E_RANGE);
    unmake(&m);
}

/* Gradient norms are after grad_scale and before clipping; held elements count in param_norm. */
static void norms_of_a_clipped_and_held_step(void **state) {
    (void)state;
    const char *const rule[3] = {"sgd lr=1", "sgd lr=1", "sgd lr=1"};
    many m;
    make(&m, rule);
    number_set(m.grad[1], RAVINE_F32, 4999, INFINITY);
    number_set(m.grad[4], RAVINE_F64, 0, NAN);
    make_options(m.o, RAVINE_HOLD, 0.5, 4, 0);
    ravine_step_stats stats, part = {.size = sizeof part};
    one_step(&m, RAVINE_HELD, &stats);
    check_norms(&stats, measure(&m, -1, 4));
    assert_near(stats.clip, 0.5L / measure(&m, -1, 4).grad, "clip");
    assert_true(stats.nonfinite == 2);
    assert_true(stats.nonfinite_param == 1 && stats.nonfinite_index == 4999);
    assert_int_equal(ravine_group_stats(m.o, 2, &part), RAVINE_OK);
    check_norms(&part, measure(&m, 2, 4));
    assert_true(part.nonfinite == 1 && part.nonfinite_param == 4 && part.nonfinite_index == 0);
    assert_int_equal(ravine_group_stats(m.o, 0, &part), RAVINE_OK);
    assert_true(part.nonfinite == 0 && part.nonfinite_param == -1 && part.nonfinite_index == -1);
    unmake(&m);
}

enum { LEN = 150 };

/* A step theta <- theta - g/8 and the norms of its statistics. */
static void expect_norms(float x[LEN], float g[LEN]) {
    float before[LEN];
    memcpy(before, x, sizeof before);
    ravine_optimizer *const o = make_optimizer("sgd lr=0.125");
    make_param(o, 0, "x", RAVINE_F32, x, g, LEN);
    make_options(o, RAVINE_PROPAGATE, (double)INFINITY, 1, 0);
    ravine_step_stats r;
    (void)make_step(o, &r);
    norms squares = {0, 0, 0};
    long double slope = 0, size = 0;
    for (int i = 0; i < LEN; i++) {
        const long double gradient = (long double)g[i], now = (long double)x[i];
        const long double product = gradient * (now - (long double)before[i]);
        add_squares(&squares, gradient, now, (long double)before[i]);
        slope += product;
        size += fabsl(product);
    }
    check_norms(&r, roots(squares));
    assert_true(fabsl((long double)r.grad_dot_update - slope) <= 13 * 0x1p-24L * size);
    ravine_destroy(o);
}

/* Numbers whose squares float32 does not have: too small, too large, and both in one chunk; and
 * zeros, a chunk of nothing else too. */
static void norms_of_numbers_beyond_the_squares_of_float(void **state) {
    (void)state;
    static const float sizes[] = {0, 1e-44F, 1e-30F, 1e-20F, 1e-15F, 1, 1e16F, 1e20F, 1e30F, 3e38F};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    float x[LEN], g[LEN];
    for (int k = 0; k < SIZES * SIZES; k++) {
        for (int i = 0; i < LEN; i++) {
            g[i] = (i < 128 || i % 3 ? sizes[k / SIZES] : -sizes[k % SIZES]) *
                   (1 - (float)i / LEN / 2);
            x[i] = sizes[k % SIZES] / 4 * (i % 2 ? 1.0F : -0.5F);
        }
        expect_norms(x, g);
    }
    /* A gradient and an update whose squares are in reach, and a last bit left of the parameter. */
    for (int i = 0; i < LEN; i++) {
        g[i] = 8 * 0x1.8p-52F;
        x[i] = 0x1.8p-52F + 0x1p-75F;
    }
    expect_norms(x, g);
    assert_true(x[0] == 0x1p-75F);
}

static void no_stats_no_group_stats(void **state) {
    (void)state;
    float a[1] = {1}, g[1] = {1};
    ravine_optimizer *const o = make_optimizer("sgd");
    make_param(o, 0, "a", RAVINE_F32, a, g, 1);
    ravine_step_stats stats, part = {.size = sizeof part, .lr = 77};
    assert_int_equal(ravine_group_stats(o, 0, &part), RAVINE_E_STATE);
    (void)make_step(o, &stats);
    assert_int_equal(ravine_group_stats(o, 0, &part), RAVINE_OK);
    (void)make_step(o, NULL);
    part = (ravine_step_stats){.size = sizeof part, .lr = 77};
    assert_int_equal(ravine_group_stats(o, 0, &part), RAVINE_E_STATE);
    assert_true(part.lr == 77);
    (void)make_step(o, &stats);
    assert_true(ravine_group_stats(o, 1, &part) < 0);
    assert_true(ravine_group_stats(o, -2, &part) < 0);
    ravine_destroy(o);
}

/* Reports and their absence give the same parameters. */
static void statistics_change_no_bits(void **state) {
    (void)state;
    const char *const rule[3] = {"adam", "rmsprop centered=true momentum=0.9", "yogi"};
    many with, without;
    make(&with, rule);
    make(&without, rule);
    for (int t = 0; t < 3; t++) {
        ravine_step_stats stats;
        (void)make_step(with.o, &stats);
        (void)make_step(without.o, NULL);
    }
    for (int p = 0; p < PARAMS; p++) {
        assert_memory_equal(with.data[p], without.data[p], bytes_of(p));
    }
    unmake(&with);
    unmake(&without);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_are_those_of_long_double),
        cmocka_unit_test(parameters_have_statistics_of_their_own),
        cmocka_unit_test(norms_of_a_clipped_and_held_step),
        cmocka_unit_test(norms_of_numbers_beyond_the_squares_of_float),
        cmocka_unit_test(no_stats_no_group_stats),
        cmocka_unit_test(statistics_change_no_bits),
    };
    return cmocka_run_group_tests_name("step_stats", tests, NULL, NULL);
}
