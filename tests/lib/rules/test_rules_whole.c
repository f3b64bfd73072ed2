/* SPDX-License-Identifier: Apache-2.0 */
/* test_rules_whole.c - rules whose step depends on the whole tensor, against reference_whole.c:
 * many shapes and settings, each step from the state that the library had before it; and what must
 * hold for empty, zero and broken tensors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/random.h"
#include "support/make.h"
#include "support/numbers.h"
#include "support/random_case.h"
#include "support/reference_whole.h"

enum { STEPS = 6, NDIM = 4 };

static const struct {
    int32_t ndim;
    int64_t side[NDIM];
} shapes[] = {{0, {0}},       {1, {1}},       {1, {5003}},       {2, {1, 1}},
              {2, {7, 1}},    {2, {1, 9}},    {2, {65, 130}},    {2, {130, 65}},
              {2, {300, 40}}, {3, {4, 3, 5}}, {4, {2, 3, 4, 5}}, {4, {64, 16, 3, 3}},
              {2, {3, 5000}}, {2, {5000, 3}}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

typedef struct trial {
    ravine_config c;
    ravine_optimizer *o;
    int32_t dtype;
    int64_t shape[NDIM], len;
    void *data, *grad;
    whole_tensor w;
} trial;

static long double *numbers(int64_t n) {
    long double *const x = calloc((size_t)n + 1, sizeof *x);
    assert_non_null(x);
    return x;
}

static ravine_param view_of(const trial *t, const char *key) {
    ravine_param view = {.size = sizeof view};
    assert_int_equal(ravine_state_view(t->o, "w", key, &view), RAVINE_OK);
    return view;
}

/* Keys of the library and arrays of the reference. */
typedef struct held_array {
    const char *key;
    long double **array;
} held_array;

static int arrays_of(trial *t, held_array held[4]) {
    const held_array lamb[] = {{"exp_avg", &t->w.mean}, {"exp_avg_sq", &t->w.square}};
    const held_array vector[] = {{"variance", &t->w.variance}};
    const held_array matrix[] = {{"row_var", &t->w.row}, {"col_var", &t->w.column}};
    const held_array *const from = t->c.rule == RAVINE_LAMB ? lamb : t->w.rows ? matrix : vector;
    const int n = from == vector ? 1 : 2;
    for (int k = 0; k < n; k++) held[k] = from[k];
    return n;
}

static void begin(trial *t, int32_t dtype, int shape, uint64_t seed) {
    ravine_env env;
    ravine_env_init(&env);
    env.threads = 1 + (int32_t)(seed % 2);
    t->dtype = dtype;
    t->len = 1;
    const int32_t ndim = shapes[shape].ndim;
    for (int32_t k = 0; k < ndim; k++) t->len *= t->shape[k] = shapes[shape].side[k];
    t->data = calloc((size_t)t->len, sizeof(double));
    t->grad = calloc((size_t)t->len, sizeof(double));
    for (int64_t i = 0; i < t->len; i++)
        number_set(t->data, dtype, i, (long double)ravine_random_normal(seed, 2, (uint64_t)i));
    const ravine_param p = {.size = sizeof p,
                            .dtype = dtype,
                            .name = "w",
                            .data = t->data,
                            .grad = t->grad,
                            .len = t->len,
                            .shape = t->shape,
                            .ndim = ndim};
    assert_int_equal(ravine_create(&t->o, &t->c, &env), RAVINE_OK);
    assert_int_equal(ravine_add(t->o, &p, 1), RAVINE_OK);
    t->w = (whole_tensor){.len = t->len,
                          .rows = ndim >= 2 ? t->shape[ndim - 2] : 0,
                          .columns = ndim >= 2 ? t->shape[ndim - 1] : 0,
                          .theta = numbers(t->len),
                          .gradient = numbers(t->len),
                          .move = numbers(t->len),
                          .size = numbers(t->len),
                          .held = calloc((size_t)t->len + 1, sizeof(bool))};
    held_array held[4];
    for (int k = arrays_of(t, held); k-- > 0;)
        *held[k].array = numbers(view_of(t, held[k].key).len);
}

static void finish(trial *t) {
    long double *const all[] = {t->w.size,   t->w.theta,    t->w.gradient, t->w.move,  t->w.mean,
                                t->w.square, t->w.variance, t->w.row,      t->w.column};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]);
    free(t->w.held);
    free(t->data);
    free(t->grad);
    ravine_destroy(t->o);
}

/* A number of the library beside that of the reference; `terms`: sizes of what it was made of. */
static void expect(const trial *t, const char *what, int64_t i, long double got, long double wanted,
                   long double terms) {
    const long double ulp = number_spacing(t->dtype, 1);
    const long double limit =
        2 * number_spacing(t->dtype, wanted) + 64 * ulp * terms + 4 * number_spacing(t->dtype, 0);
    if (fabsl(got - wanted) <= limit) return;
    fail_msg("%s, %s, shape %d [%d %d ...]: %s [%d] is %s, not %s", config_text(&t->c),
             t->dtype == RAVINE_F32 ? "float32" : "float64", (int)t->len, (int)t->shape[0],
             (int)t->shape[1], what, (int)i, number_text(got), number_text(wanted));
}

static void step_and_compare(trial *t, int64_t step, gradient_kind kind, uint64_t seed) {
    held_array held[4];
    const int n = arrays_of(t, held);
    random_gradient(t->grad, t->dtype, t->len, kind, seed, step);
    for (int64_t i = 0; i < t->len; i++) {
        t->w.theta[i] = number_get(t->data, t->dtype, i);
        t->w.gradient[i] = number_get(t->grad, t->dtype, i);
        t->w.move[i] = 0;
    }
    for (int k = 0; k < n; k++) {
        const ravine_param view = view_of(t, held[k].key);
        for (int64_t i = 0; i < view.len; i++)
            (*held[k].array)[i] = number_get(view.data, t->dtype, i);
    }
    whole_step(&t->c, &t->w, step, number_largest(t->dtype), number_spacing(t->dtype, 1));
    (void)make_step(t->o, NULL);
    for (int64_t i = 0; i < t->len; i++) {
        const long double g = fabsl(t->w.gradient[i]), lost = g > 0 ? t->w.size[i] / g : 1;
        if (lost > 1e4L) continue; /* a gradient that is what rounding leaves of decay */
        expect(t, "theta", i, number_get(t->data, t->dtype, i), t->w.theta[i], lost * t->w.move[i]);
    }
    for (int k = 0; k < n; k++) {
        const ravine_param view = view_of(t, held[k].key);
        for (int64_t i = 0; i < view.len; i++) {
            const long double wanted = (*held[k].array)[i];
            /* What it took in may be the small difference of larger numbers. */
            const bool coupled = t->c.decay_form == RAVINE_DECAY_COUPLED;
            const long double largest = coupled ? t->w.largest : 0;
            const long double size = view.len == t->len ? t->w.size[i] : largest;
            const bool mean = *held[k].array == t->w.mean;
            expect(t, held[k].key, i, number_get(view.data, t->dtype, i), wanted,
                   fabsl(wanted) + (mean ? 12 * size : size * size));
        }
    }
}

/* Noise, zeros, constants, one outlier, one that is not finite. */
static void steps_are_those_of_long_double(void **state) {
    (void)state;
    static const gradient_kind kinds[] = {GRADIENT_GAUSSIAN, GRADIENT_HALF_ZERO, GRADIENT_CONSTANT,
                                          GRADIENT_OUTLIER, GRADIENT_BROKEN};
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++) {
        if (!whole_knows(rule)) continue;
        for (int shape = 0; shape < SHAPES; shape++)
            for (uint64_t seed = 0; seed < 20; seed++) {
                trial t = {0};
                random_config(&t.c, rule, seed);
                if (t.c.eps < 1e-9 && rule == RAVINE_LAMB) t.c.eps = 1e-9; /* 0/0 is its own test */
                begin(&t, seed % 2 ? RAVINE_F64 : RAVINE_F32, shape, seed);
                for (int64_t step = 1; step <= STEPS; step++)
                    step_and_compare(&t, step, kinds[(seed + (uint64_t)step) % 5], seed);
                finish(&t);
            }
    }
}

/* ---- what is known without a formula ------------------------------------------------------------
 */

static const char *const rules[] = {"lamb", "adafactor"};

/* Length is what the gradient's size does not change: lamb with eps 0, adafactor far from eps1. */
static void the_step_is_as_long_as_the_tensor(void **state) {
    (void)state;
    for (int k = 0; k < 3; k++) {
        double x[8], g[8], length = 0, moved = 0;
        for (int i = 0; i < 8; i++) {
            x[i] = i - 3.0;
            g[i] = (i % 3 - 0.7) * pow(1e4, k - 1);
            length += x[i] * x[i];
        }
        ravine_optimizer *o = make_optimizer("lamb lr=0.01 weight_decay=0 eps=0");
        double before[8];
        memcpy(before, x, sizeof x);
        make_param(o, 0, "x", RAVINE_F64, x, g, 8);
        make_step(o, NULL);
        for (int i = 0; i < 8; i++) moved += (x[i] - before[i]) * (x[i] - before[i]);
        assert_true(fabs(sqrt(moved / length) - 0.01) < 1e-15);
        ravine_destroy(o);
    }
}

/* No gradient at all, no theta at all, no element at all: no step is NaN. */
static void nothing_becomes_nan(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++)
        for (int zero = 0; zero < 3; zero++) {
            float x[6] = {1, -2, 3, 4, 5, 6}, g[6] = {1, 2, 3, -4, 5, 6};
            if (zero != 1) memset(g, 0, sizeof g);
            if (zero != 0) memset(x, 0, sizeof x);
            char text[64];
            (void)snprintf(text, sizeof text, "%s weight_decay=0", rules[k]);
            ravine_optimizer *o = make_optimizer(text);
            const int64_t shape[] = {2, 3}, none[] = {0, 3};
            const ravine_param p[] = {
                {sizeof *p, RAVINE_F32, 0, 0, "a", x, g, 6, shape, 2, 0},
                {sizeof *p, RAVINE_F32, 0, 0, "empty", NULL, NULL, 0, none, 2, 0},
            };
            assert_int_equal(ravine_add(o, p, 2), RAVINE_OK);
            const float before[6] = {x[0], x[1], x[2], x[3], x[4], x[5]};
            for (int step = 0; step < 3; step++) make_step(o, NULL);
            for (int i = 0; i < 6; i++) assert_true(isfinite(x[i]));
            if (zero != 1) assert_memory_equal(x, before, sizeof x);
            if (zero == 1) assert_true(x[0] < 0 && x[3] > 0); /* lamb: ratio 1; adafactor: eps2 */
            ravine_destroy(o);
        }
}

/* Elements whose gradient is not finite stay, and are in no norm and no mean; the others move as if
 * such an element were not there. */
static void held_elements_count_nowhere(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++) {
        double x[3] = {1, 2, 3}, g[3] = {0.5, NAN, -0.25}, y[2] = {1, 3}, h[2] = {0.5, -0.25};
        ravine_optimizer *a = make_optimizer(rules[k]), *b = make_optimizer(rules[k]);
        make_param(a, 0, "x", RAVINE_F64, x, g, 3);
        make_param(b, 0, "x", RAVINE_F64, y, h, 2);
        for (int step = 0; step < 3; step++) {
            assert_int_equal(make_step(a, NULL), RAVINE_HELD);
            make_step(b, NULL);
        }
        assert_true(x[0] == y[0] && x[1] == 2 && x[2] == y[1]);
        ravine_destroy(a);
        ravine_destroy(b);
    }
}

/* A whole row and column that are not finite leave their means as they are. */
static void a_row_that_is_held_keeps_its_mean(void **state) {
    (void)state;
    float x[6] = {1, 2, 3, 4, 5, 6}, g[6] = {1, 2, 3, 4, 5, 6};
    const int64_t shape[] = {2, 3};
    ravine_optimizer *o = make_optimizer("adafactor");
    const ravine_param p = {sizeof p, RAVINE_F32, 0, 0, "x", x, g, 6, shape, 2, 0};
    assert_int_equal(ravine_add(o, &p, 1), RAVINE_OK);
    make_step(o, NULL);
    const float *const row = make_state(o, "x", "row_var"), *const column =
                                                                make_state(o, "x", "col_var");
    const float row0 = row[0], row1 = row[1], column1 = column[1];
    assert_true(fabsf(row0 - 14.F / 3) < 1e-6F && fabsf(column1 - 14.5F) < 1e-5F);
    for (int i = 0; i < 3; i++) g[i] = INFINITY;
    g[4] = NAN;
    make_step(o, NULL);
    assert_true(row[0] == row0 && row[1] != row1 && column[1] == column1);
    for (int i = 0; i < 3; i++) assert_true(isfinite(x[i]));
    ravine_destroy(o);
}

/* sigma of a matrix is that of its factors; the step follows from it. */
static void sigma_of_a_matrix(void **state) {
    (void)state;
    double x[6] = {1, 2, 3, 4, 5, 6}, g[6] = {1, -2, 3, 4, -5, 6}, sigma[6], before[6];
    const int64_t shape[] = {3, 2};
    ravine_optimizer *o = make_optimizer("adafactor lr=0.01");
    const ravine_param p = {sizeof p, RAVINE_F64, 0, 0, "x", x, g, 6, shape, 2, 0};
    assert_int_equal(ravine_add(o, &p, 1), RAVINE_OK);
    memcpy(before, x, sizeof x);
    make_step(o, NULL);
    assert_int_equal(ravine_sigma(o, "x", sigma, 6), RAVINE_OK);
    const double row[] = {2.5, 12.5, 30.5}, column[] = {35.0 / 3, 56.0 / 3}, mean = 45.5 / 3;
    for (int i = 0; i < 6; i++) {
        assert_true(fabs(sigma[i] - sqrt(row[i / 2] * column[i % 2] / mean)) < 1e-14);
        const double unit = (before[0] - x[0]) * sigma[0] / g[0];
        assert_true(fabs((before[i] - x[i]) * sigma[i] / g[i] / unit - 1) < 1e-12);
    }
    ravine_destroy(o);
}

/* Half of what Adam keeps is a small part: n + m numbers of an n x m matrix. */
static void rows_and_columns_are_all_that_is_kept(void **state) {
    (void)state;
    static float x[512 * 256];
    const int64_t shape[] = {512, 256};
    const ravine_param p = {sizeof p, RAVINE_F32, 0, 0, "x", x, x, 512 * 256, shape, 2, 0};
    ravine_optimizer *o = make_optimizer("adafactor"), *adam = make_optimizer("adam");
    int64_t bytes, full;
    assert_int_equal(ravine_state_bytes(o, &p, 1, &bytes), RAVINE_OK);
    assert_int_equal(ravine_state_bytes(adam, &p, 1, &full), RAVINE_OK);
    assert_true(bytes < 10000 && full > 2 * (int64_t)sizeof x);
    ravine_destroy(o);
    ravine_destroy(adam);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_those_of_long_double),
        cmocka_unit_test(the_step_is_as_long_as_the_tensor),
        cmocka_unit_test(nothing_becomes_nan),
        cmocka_unit_test(held_elements_count_nowhere),
        cmocka_unit_test(a_row_that_is_held_keeps_its_mean),
        cmocka_unit_test(sigma_of_a_matrix),
        cmocka_unit_test(rows_and_columns_are_all_that_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
