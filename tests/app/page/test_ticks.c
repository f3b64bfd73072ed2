/* SPDX-License-Identifier: Apache-2.0 */
/* Round values along an axis: within it, evenly apart, and no more than are wanted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/random.h"
#include "page/ticks.h"

#include <float.h>
#include <math.h>

static void strides_are_round(void **state) {
    (void)state;
    assert_true(ticks_stride(10, 5) == 2);
    assert_true(ticks_stride(10, 4) == 5);
    assert_true(ticks_stride(10, 1) == 10);
    assert_true(ticks_stride(0.3, 3) == 0.1); /* 0.3 / 3 is above 0.1 by a rounding error */
    assert_true(isfinite(ticks_stride(DBL_MAX / 2, 1)));
}

static void ticks_lie_within(void **state) {
    (void)state;
    enum { ROOM = 12 };
    for (uint64_t k = 0; k < 2000; k++) {
        const double a = ravine_random_uniform(1, k, 0) * pow(10, (double)(k % 20) - 10);
        const double low = k % 2 ? -a : a;
        const double high = low + a * (0.01 + ravine_random_uniform(1, k, 1));
        const double stride = ticks_stride(high - low, 6);
        double tick[ROOM];
        const size_t n = ticks_between(low, high, stride, tick, ROOM);
        assert_in_range(n, 2, 7);
        for (size_t i = 0; i < n; i++) {
            assert_true(tick[i] >= low - 1e-6 * stride && tick[i] <= high + 1e-6 * stride);
            assert_true(!signbit(tick[i]) || tick[i] < 0); /* no "-0" */
            if (i) assert_true(fabs((tick[i] - tick[i - 1]) / stride - 1) < 1e-6);
        }
    }
}

static void never_more_than_there_is_room_for(void **state) {
    (void)state;
    double tick[3];
    assert_int_equal(ticks_between(0, 100, 1, tick, 3), 3);
    assert_true(tick[2] == 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strides_are_round),
        cmocka_unit_test(ticks_lie_within),
        cmocka_unit_test(never_more_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
