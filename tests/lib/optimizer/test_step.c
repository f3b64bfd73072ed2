/* SPDX-License-Identifier: Apache-2.0 */
/* test_step.c - what a step does around the rules: groups, step_counts, clipping, scaling, the
 * average of the weights. Nearly every number here is a power of two, so that the truth is exact.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "support/make.h"

static void each_group_has_its_rule(void **state) {
    (void)state;
    float a[2] = {1, 2}, ga[2] = {1, -1}, c[1] = {8}, gc[1] = {4};
    double b[1] = {4}, gb[1] = {2};
    ravine_optimizer *const o = make_optimizer("sgd lr=0.5");
    const int32_t climbing = make_group(o, "sgd lr=0.25 maximize=true");
    const int32_t signs = make_group(o, "signum lr=0.125");
    assert_int_equal(climbing, 1);
    assert_int_equal(signs, 2);
    make_param(o, signs, "c", RAVINE_F32, c, gc, 1);
    make_param(o, 0, "a", RAVINE_F32, a, ga, 2);
    make_param(o, climbing, "b", RAVINE_F64, b, gb, 1);
    assert_int_equal(make_step(o, NULL), RAVINE_OK);
    assert_true(a[0] == 0.5F && a[1] == 2.5F);
    assert_true(b[0] == 4.5);
    assert_true(c[0] == 7.875F);
    assert_int_equal(ravine_param_count(o), 3);
    assert_int_equal(ravine_group_count(o), 3);
    assert_true(ga[0] == 1 && ga[1] == -1 && gb[0] == 2 &&
                gc[0] == 4); /* gradients are read only */
    ravine_destroy(o);
}

/* Without a gradient a parameter does not see the step: as if it had not been made. */
static void missing_gradient_moves_nothing(void **state) {
    (void)state;
    float sees_all[3] = {1, 2, 3}, sees_two[3] = {1, 2, 3}, other[1] = {1};
    float g1[3] = {1, .5F, -3}, g2[3] = {-2, 7, .25F}, always[1] = {1};
    ravine_optimizer *const two = make_optimizer("adamw lr=0.125 ema_decay=0.5");
    ravine_optimizer *const all = make_optimizer("adamw lr=0.125 ema_decay=0.5");
    make_param(two, 0, "w", RAVINE_F32, sees_two, g1, 3);
    make_param(all, 0, "other", RAVINE_F32, other, always, 1);
    make_param(all, 0, "w", RAVINE_F32, sees_all, NULL, 3);

    (void)make_step(all, NULL);
    assert_true(sees_all[0] == 1 && sees_all[1] == 2 && sees_all[2] == 3);
    assert_int_equal(ravine_step_count(all, 1), 0);
    make_grad(all, 1, g1);
    (void)make_step(all, NULL);
    make_grad(all, 1, NULL);
    (void)make_step(all, NULL);
    make_grad(all, 1, g2);
    (void)make_step(all, NULL);
    (void)make_step(two, NULL);
    make_grad(two, 0, g2);
    (void)make_step(two, NULL);

    assert_memory_equal(sees_all, sees_two, sizeof sees_all);
    const char *key;
    for (int32_t k = 0; (key = ravine_state_key(two, 0, k)) != NULL; k++) {
        ravine_param view = {.size = sizeof view};
        assert_int_equal(ravine_state_view(two, "w", key, &view), RAVINE_OK);
        if (view.len != 3) continue;
        assert_memory_equal(view.data, make_state(all, "w", key), sizeof sees_all);
    }
    assert_int_equal(ravine_step_count(all, 0), 4);
    assert_int_equal(ravine_step_count(all, 1), 2);
    assert_int_equal(ravine_steps(all), 4);
    assert_int_equal(ravine_step_count(all, 2), -1);
    assert_int_equal(ravine_step_count(all, -1), -1);
    ravine_destroy(all);
    ravine_destroy(two);
}

static void later_parameters_start_at_step_count_zero(void **state) {
    (void)state;
    float a[1] = {1}, b[1] = {1}, g[1] = {1};
    ravine_optimizer *const o = make_optimizer("adam lr=0.125");
    make_param(o, 0, "a", RAVINE_F32, a, g, 1);
    (void)make_step(o, NULL);
    const float first = a[0];
    (void)make_step(o, NULL);
    make_param(o, 0, "b", RAVINE_F32, b, g, 1);
    (void)make_step(o, NULL);
    assert_true(b[0] == first);
    assert_int_equal(ravine_step_count(o, 0), 3);
    assert_int_equal(ravine_step_count(o, 1), 1);
    ravine_destroy(o);
}

/* The norm (3, 4) of two tensors of two groups and types is 5. */
static ravine_optimizer *three_four(float *a, float *ga, double *b, double *gb) {
    *ga = 3;
    *gb = 4;
    *a = 16;
    *b = 16;
    ravine_optimizer *const o = make_optimizer("sgd lr=1");
    (void)make_group(o, "sgd lr=0.5");
    make_param(o, 0, "a", RAVINE_F32, a, ga, 1);
    make_param(o, 1, "b", RAVINE_F64, b, gb, 1);
    return o;
}

static void norm_is_clipped_over_all_groups(void **state) {
    (void)state;
    float a, ga;
    double b, gb;
    ravine_optimizer *const o = three_four(&a, &ga, &b, &gb);
    make_options(o, RAVINE_HOLD, 1.25, 1, 0);
    ravine_step_stats stats;
    assert_int_equal(make_step(o, &stats), RAVINE_CLIPPED);
    assert_true(a == 16 - 0.75F && b == 16 - 0.5);
    assert_true(stats.grad_norm == 5 && stats.clip == 0.25);
    assert_int_equal(make_step(o, NULL), RAVINE_CLIPPED); /* also without statistics */
    assert_true(a == 16 - 1.5F && b == 16 - 1.0);
    ravine_destroy(o);
}

/* At the limit and below it the gradient is used bit for bit. */
static void norm_within_the_limit_is_left_alone(void **state) {
    (void)state;
    float a, ga;
    double b, gb;
    const double limits[3] = {5, 6, (double)INFINITY};
    for (int k = 0; k < 3; k++) {
        ravine_optimizer *const o = three_four(&a, &ga, &b, &gb);
        make_options(o, RAVINE_HOLD, limits[k], 1, 0);
        ravine_step_stats stats;
        assert_int_equal(make_step(o, &stats), RAVINE_OK);
        assert_true(a == 13 && b == 14 && stats.clip == 1);
        ravine_destroy(o);
    }
}

static void gradients_of_zero_are_not_clipped(void **state) {
    (void)state;
    float a[2] = {1, 2}, g[2] = {0, -0.0F};
    ravine_optimizer *const o = make_optimizer("sgd lr=1");
    make_param(o, 0, "a", RAVINE_F32, a, g, 2);
    make_options(o, RAVINE_HOLD, 1, 1, 0);
    ravine_step_stats stats;
    assert_int_equal(make_step(o, &stats), RAVINE_OK);
    assert_true(a[0] == 1 && a[1] == 2 && stats.grad_norm == 0 && stats.clip == 1);
    ravine_destroy(o);
}

/* Squares of these overflow or underflow the type of the gradient; the norm does not. */
static void norm_of_extreme_gradients(void **state) {
    (void)state;
    const float sizes[2] = {0x1p+100F, 0x1p-100F};
    for (int k = 0; k < 2; k++) {
        float a[2] = {0, 0}, g[2] = {3 * sizes[k], 4 * sizes[k]};
        ravine_optimizer *const o = make_optimizer("sgd lr=1");
        make_param(o, 0, "a", RAVINE_F32, a, g, 2);
        make_options(o, RAVINE_HOLD, (double)sizes[k] * 2.5, 1, 0);
        ravine_step_stats stats;
        assert_int_equal(make_step(o, &stats), RAVINE_CLIPPED);
        assert_true(stats.grad_norm == 5 * (double)sizes[k] && stats.clip == 0.5);
        assert_true(a[0] == -1.5F * sizes[k] && a[1] == -2 * sizes[k]);
        ravine_destroy(o);
    }
}

/* grad_scale divides first; the norm and its limit, then the limit on values, are of the result. */
static void scale_then_norm_then_value(void **state) {
    (void)state;
    float a, ga;
    double b, gb;
    ravine_optimizer *const o = three_four(&a, &ga, &b, &gb);
    ga *= 8;
    gb *= 8;
    assert_int_equal(ravine_set(o, -1, RAVINE_CLIP_VALUE, 1.75), RAVINE_OK);
    make_options(o, RAVINE_HOLD, 2.5, 8, 0);
    ravine_step_stats stats;
    assert_int_equal(make_step(o, &stats), RAVINE_CLIPPED);
    assert_true(stats.grad_norm == 5 && stats.clip == 0.5);
    assert_true(a == 16 - 1.5F);       /* 24/8/2 = 1.5 */
    assert_true(b == 16 - 0.5 * 1.75); /* 32/8/2 = 2, clamped */
    ravine_destroy(o);
}

static void values_are_clamped(void **state) {
    (void)state;
    float a[4] = {8, 8, 8, 8}, g[4] = {3, -3, .5F, -.5F};
    ravine_optimizer *const o = make_optimizer("sgd lr=1 clip_value=1");
    make_param(o, 0, "a", RAVINE_F32, a, g, 4);
    assert_int_equal(make_step(o, NULL), RAVINE_OK);
    assert_true(a[0] == 7 && a[1] == 9 && a[2] == 7.5F && a[3] == 8.5F);
    ravine_destroy(o);
}

/* Decay comes after the clamp: it is no gradient of the loss. */
static void coupled_decay_is_not_clamped(void **state) {
    (void)state;
    float a[1] = {8}, g[1] = {3};
    ravine_optimizer *const o = make_optimizer("sgd lr=0.5 clip_value=1 weight_decay=0.5");
    make_param(o, 0, "a", RAVINE_F32, a, g, 1);
    assert_int_equal(make_step(o, NULL), RAVINE_OK);
    assert_true(a[0] == 8 - 0.5F * (1 + 0.5F * 8));
    ravine_destroy(o);
}

static void gradients_are_zeroed_on_request(void **state) {
    (void)state;
    float a[3] = {8, 8, 8}, g[3] = {1, NAN, 2}, b[1] = {1};
    double c[1] = {1}, gc[1] = {1};
    ravine_optimizer *const o = make_optimizer("sgd lr=1");
    make_param(o, 0, "a", RAVINE_F32, a, g, 3);
    make_param(o, 0, "b", RAVINE_F32, b, NULL, 1);
    make_param(o, 0, "c", RAVINE_F64, c, gc, 1);
    make_options(o, RAVINE_HOLD, (double)INFINITY, 1, 1);
    assert_int_equal(make_step(o, NULL), RAVINE_HELD);
    assert_true(a[0] == 7 && a[1] == 8 && a[2] == 6 && c[0] == 0);
    assert_true(g[0] == 0 && g[1] == 0 && g[2] == 0 && gc[0] == 0);
    ravine_destroy(o);
}

/* The first step copies, later ones take (1 - decay) of the difference. */
static void weights_are_averaged(void **state) {
    (void)state;
    float a[2] = {8, 8}, g[2] = {1, 2};
    ravine_optimizer *const o = make_optimizer("sgd lr=1 ema_decay=0.75");
    make_param(o, 0, "a", RAVINE_F32, a, g, 2);
    (void)make_step(o, NULL);
    const float *const ema = make_state(o, "a", "ema");
    assert_true(ema[0] == 7 && ema[1] == 6);
    (void)make_step(o, NULL); /* (6, 4) */
    assert_true(ema[0] == 6.75F && ema[1] == 5.5F);
    (void)make_step(o, NULL); /* (5, 2) */
    assert_true(ema[0] == 6.3125F && ema[1] == 4.625F);
    ravine_destroy(o);
}

static void no_average_without_ema_decay(void **state) {
    (void)state;
    float a[1] = {1}, g[1] = {1};
    ravine_optimizer *const o = make_optimizer("sgd");
    make_param(o, 0, "a", RAVINE_F32, a, g, 1);
    ravine_param view = {.size = sizeof view};
    assert_true(ravine_state_view(o, "a", "ema", &view) < 0);
    ravine_destroy(o);
}

/* New places for data and gradients, found at the next step; state stays. */
static void parameters_can_be_rebound(void **state) {
    (void)state;
    double a[1] = {8}, elsewhere[1] = {32}, g[1] = {1}, g2[1] = {2};
    ravine_optimizer *const o = make_optimizer("sgd lr=1 momentum=0.5");
    make_param(o, 0, "a", RAVINE_F64, a, g, 1);
    (void)make_step(o, NULL); /* b = 1 */
    void *data[1] = {elsewhere}, *grad[1] = {g2};
    assert_int_equal(ravine_bind(o, 0, 1, data, grad), RAVINE_OK);
    (void)make_step(o, NULL); /* b = 2.5 */
    assert_true(a[0] == 7 && elsewhere[0] == 29.5);
    ravine_destroy(o);
}

static void empty_parameters_are_fine(void **state) {
    (void)state;
    float a[1] = {1}, g[1] = {1};
    ravine_optimizer *const o = make_optimizer("adam");
    make_param(o, 0, "none", RAVINE_F32, NULL, NULL, 0);
    make_param(o, 0, "empty", RAVINE_F32, a, g, 0);
    ravine_step_stats stats;
    assert_int_equal(make_step(o, &stats), RAVINE_OK);
    assert_true(a[0] == 1 && stats.grad_norm == 0 && stats.param_norm == 0);
    ravine_destroy(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_group_has_its_rule),
        cmocka_unit_test(missing_gradient_moves_nothing),
        cmocka_unit_test(later_parameters_start_at_step_count_zero),
        cmocka_unit_test(norm_is_clipped_over_all_groups),
        cmocka_unit_test(norm_within_the_limit_is_left_alone),
        cmocka_unit_test(gradients_of_zero_are_not_clipped),
        cmocka_unit_test(norm_of_extreme_gradients),
        cmocka_unit_test(scale_then_norm_then_value),
        cmocka_unit_test(values_are_clamped),
        cmocka_unit_test(coupled_decay_is_not_clamped),
        cmocka_unit_test(gradients_are_zeroed_on_request),
        cmocka_unit_test(weights_are_averaged),
        cmocka_unit_test(no_average_without_ema_decay),
        cmocka_unit_test(parameters_can_be_rebound),
        cmocka_unit_test(empty_parameters_are_fine),
    };
    return cmocka_run_group_tests_name("step", tests, NULL, NULL);
}
