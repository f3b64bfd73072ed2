/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what parameters keep: how many numbers each row has, and that the arrays of every
 * rule are those that its kernel walks over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/rules.h"
#include "rules/state.h"
#include "support/make.h"
#include "support/random_case.h"

#include <string.h>

static void expect_shape(state_extent extent, const state_owner *owner, int32_t ndim,
                         const int64_t *shape) {
    int64_t found[4] = {-1, -1, -1, -1};
    assert_int_equal(ravine_state_shape(extent, owner, found), ndim);
    for (int32_t k = 0; k < ndim; k++) assert_int_equal(found[k], shape[k]);
}

static void extents_have_their_sides(void **state) {
    (void)state;
    const int64_t shape[] = {2, 3, 4};
    const state_owner owner = {.shape = shape, .ndim = 3, .dtype = RAVINE_F32, .watched = 24};
    expect_shape(EXTENT_ELEMENT, &owner, 3, shape);
    expect_shape(EXTENT_ROW, &owner, 3, (int64_t[]){2, 3, 1});
    expect_shape(EXTENT_COLUMN, &owner, 3, (int64_t[]){2, 1, 4});
    expect_shape(EXTENT_ROW_SQUARE, &owner, 3, (int64_t[]){2, 3, 3});
    expect_shape(EXTENT_COLUMN_SQUARE, &owner, 3, (int64_t[]){2, 4, 4});
    expect_shape(EXTENT_SCALAR, &owner, 0, NULL);
    expect_shape(EXTENT_WATCHED, &owner, 1, (int64_t[]){24});
    const state_owner number = {.shape = NULL, .ndim = 0, .dtype = RAVINE_F32, .watched = 1};
    expect_shape(EXTENT_ELEMENT, &number, 0, NULL);
    expect_shape(EXTENT_VECTOR, &number, 0, NULL);
}

/* Of matrices and vectors, under settings that make every state there is. */
static void arrays_are_those_of_the_kernel(void **state) {
    (void)state;
    const int64_t shape[] = {5, 7};
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++)
        for (uint64_t seed = 0; seed < 40; seed++)
            for (int32_t ndim = 0; ndim <= 2; ndim++) {
                ravine_config c;
                state_kind kind[STATE_COUNT];
                random_config(&c, rule, seed);
                const state_owner owner = {.shape = shape, .ndim = ndim, .dtype = RAVINE_F64};
                const int n = ravine_states(&c, &owner, kind);
                const kernel_shape kernel = ravine_rule_shape(&c);
                int arrays = 0;
                for (int k = 0; k < n; k++) {
                    const state_extent extent = ravine_state_row(kind[k])->extent;
                    arrays += kind[k] != STATE_EMA &&
                              (extent == EXTENT_ELEMENT || extent == EXTENT_VECTOR ||
                               extent == EXTENT_ROW); /* with columns it stands for an array */
                }
                if (arrays != momentum_arrays(kernel) + scale_arrays(kernel) + after_arrays(kernel))
                    fail_msg("%s has %d arrays", config_text(&c), arrays);
            }
}

/* What the library tells of its rows. */
static void every_state_is_described(void **state) {
    (void)state;
    for (int k = 0; k < STATE_COUNT; k++) {
        const ravine_state_info *const info = ravine_state_describe(k);
        assert_true(*info->key != 0 && *info->extent != 0);
        for (int j = 0; j < k; j++)
            assert_string_not_equal(info->key, ravine_state_describe(j)->key);
    }
    assert_null(ravine_state_describe(-1));
    assert_null(ravine_state_describe(STATE_COUNT));
}

/* A new parameter holds what the table says: the settings' values, one, zero. */
static void states_begin_as_the_table_says(void **state) {
    (void)state;
    static const struct {
        const char *rule, *key;
        double value;
    } begins[] = {{"adagrad initial=0.25", "sum", 0.25},
                  {"yogi initial=0.5", "exp_avg_sq", 0.5},
                  {"yogi", "exp_avg", 0},
                  {"adam", "exp_avg_sq", 0},
                  {"asgd lr=0.125", "eta", 0.125},
                  {"asgd", "mu", 1},
                  {"nadam", "mu_product", 1},
                  {"sgd momentum=0.9", "momentum_buffer", 0},
                  {"adamw ema_decay=0.5", "ema", 0}};
    for (size_t k = 0; k < sizeof begins / sizeof *begins; k++) {
        double x[3] = {1, 2, 3}, g[3] = {0};
        ravine_optimizer *const o = make_optimizer(begins[k].rule);
        make_param(o, 0, "x", RAVINE_F64, x, g, 3);
        const double *const held = make_state(o, "x", begins[k].key);
        assert_true(held[0] == begins[k].value);
        ravine_destroy(o);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extents_have_their_sides),
        cmocka_unit_test(arrays_are_those_of_the_kernel),
        cmocka_unit_test(every_state_is_described),
        cmocka_unit_test(states_begin_as_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
