/* SPDX-License-Identifier: Apache-2.0 */
/* The float32 functions of the network against the C library in float64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>

#include "network/math_f32.h"

/* Largest relative error in units of 2^-24 over steps of x in [low, high]. */
#define WORST(low, high, got, want)                                              \
    double worst = 0;                                                            \
    for (int i = 0; i <= 200000; i++) {                                          \
        const float x = (float)((low) + ((high) - (low)) * i / 200000.0);        \
        const double wanted = (want);                                            \
        const double error = fabs((double)(got)-wanted) / fabs(wanted) * 0x1p24; \
        if (wanted != 0 && !(error <= worst)) worst = error;                     \
    }

static void exponential(void **state) {
    (void)state;
    WORST(-87, 88, exp_f32(x), exp((double)x))
    assert_true(worst < 4);
    assert_true(exp_f32(0) == 1);
    assert_true(exp_f32(-1000) < 1e-37f && exp_f32(-INFINITY) < 1e-37f);
    assert_true(exp_f32(1000) > 1e38f);
    assert_true(isnan(exp_f32(NAN)));
}

static void hyperbolic_tangent(void **state) {
    (void)state;
    WORST(-10, 10, tanh_f32(x), tanh((double)x))
    assert_true(worst < 6);
    assert_true(tanh_f32(1e-30f) == 1e-30f);
    assert_true(tanh_f32(1e30f) == 1 && tanh_f32(-INFINITY) == -1);
    assert_true(isnan(tanh_f32(NAN)));
}

static float probability(float z) {
    float density;
    return normal_f32(z, &density);
}

static void normal_distribution(void **state) {
    (void)state;
    float density;
    /* In the tail the rounding of z^2 counts z^2 times. */
    WORST(-3, 9, probability(x), 0.5 * erfc(-(double)x / sqrt(2)))
    assert_true(worst < 12);
    assert_true(normal_f32(0, &density) > 0.4999999f && normal_f32(0, &density) < 0.5000001f);
    assert_true(fabs((double)density - 0.3989422804014327) < 1e-7);
    assert_true(probability(-40) < 1e-30f && probability(40) == 1);
    assert_true(isnan(probability(NAN)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exponential),
        cmocka_unit_test(hyperbolic_tangent),
        cmocka_unit_test(normal_distribution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
