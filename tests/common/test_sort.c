/* SPDX-License-Identifier: Apache-2.0 */
/* The one sort and the one median, beside qsort and a count of what lies below. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/random.h"
#include "math/sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 200 };

static int rising(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Many equal ones among them. */
static void draw(double *values, int n, uint64_t stream) {
    for (int k = 0; k < n; k++)
        values[k] = (double)ravine_random_below(3, stream, (uint64_t)k, 50) - 20;
}

static void it_sorts_as_qsort_does(void **state) {
    (void)state;
    for (int n = 0; n <= MOST; n++) {
        double ours[MOST], theirs[MOST];
        draw(ours, n, (uint64_t)n);
        memcpy(theirs, ours, sizeof theirs);
        ravine_sort(ours, n, sizeof *ours, rising);
        qsort(theirs, (size_t)n, sizeof *theirs, rising);
        for (int k = 0; k < n; k++) assert_true(ours[k] == theirs[k]);
    }
}

/* As many lie below as above. */
static void a_median_lies_in_the_middle(void **state) {
    (void)state;
    for (int n = 1; n <= MOST; n++) {
        double values[MOST], copy[MOST];
        int below = 0, above = 0;
        draw(values, n, 1000 + (uint64_t)n);
        memcpy(copy, values, sizeof copy);
        const double median = ravine_median(copy, n);
        for (int k = 0; k < n; k++) below += values[k]<median, above += values[k]> median;
        assert_true(2 * below <= n && 2 * above <= n);
    }
    assert_true(ravine_median((double[]){4, 1}, 2) == 2.5);
    assert_true(ravine_median((double[]){4, 1, 3}, 3) == 3);
}

static void what_is_no_number_is_left_out(void **state) {
    (void)state;
    assert_true(isnan(ravine_median(NULL, 0)));
    assert_true(isnan(ravine_median((double[]){NAN, NAN}, 2)));
    assert_true(ravine_median((double[]){NAN, 7, NAN, 1, 9}, 5) == 7);
    /* The largest numbers have a middle too, and an infinity is one of them. */
    assert_true(ravine_median((double[]){1.7e308, 1.5e308}, 2) == 1.6e308);
    assert_true(isinf(ravine_median((double[]){1, INFINITY, INFINITY}, 3)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_sorts_as_qsort_does),
        cmocka_unit_test(a_median_lies_in_the_middle),
        cmocka_unit_test(what_is_no_number_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
