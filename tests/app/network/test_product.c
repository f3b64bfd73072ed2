/* SPDX-License-Identifier: Apache-2.0 */
/* The library that multiplies: right for every way to lie in memory, and the same bits whoever else
 * multiplies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "network/product.h"

enum { MOST = 160, ROW = MOST + 3, THREADS = 4 };

static float a[MOST * ROW], b[MOST * ROW];

static void fill(void) {
    for (int i = 0; i < MOST * ROW; i++) {
        a[i] = (float)sin(i * 0.7 + 1);
        b[i] = (float)cos(i * 0.3 + 2);
    }
}

static double entry(const float *x, bool transposed, int row, int column) {
    return x[transposed ? column * ROW + row : row * ROW + column];
}

/* c, which holds 0.5 everywhere, gets the product; each number is compared with a sum in double. */
static void check(bool ta, bool tb, int m, int n, int k, float beta) {
    static float c[MOST * ROW];
    for (int i = 0; i < MOST * ROW; i++) c[i] = 0.5f;
    product_f32(ta, tb, m, n, k, a, ROW, b, ROW, beta, c, ROW);
    for (int row = 0; row < MOST; row++)
        for (int column = 0; column < ROW; column++) {
            const bool inside = row < m && column < n;
            double sum = inside ? beta * 0.5 : 0.5;
            for (int i = 0; inside && i < k; i++)
                sum += entry(a, ta, row, i) * entry(b, tb, i, column);
            assert_true(fabs(c[row * ROW + column] - sum) <= 1e-6 * (inside ? k + 1 : 0));
        }
}

static void it_is_the_sum_of_products(void **state) {
    (void)state;
    static const int shapes[][3] = {{1, 1, 1}, {1, 160, 7},  {160, 1, 33},  {3, 5, 160},
                                    {5, 3, 0}, {64, 96, 32}, {128, 48, 64}, {160, 160, 160}};
    fill();
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int way = 0; way < 8; way++)
            check(way & 1, way & 2, shapes[s][0], shapes[s][1], shapes[s][2],
                  way & 4 ? 1.0f : 0.0f);
}

static void *multiply(void *out) {
    product_f32(false, true, MOST, MOST, MOST, a, ROW, b, ROW, 0, out, ROW);
    return NULL;
}

static void threads_do_not_change_a_bit(void **state) {
    (void)state;
    static float alone[MOST * ROW], together[THREADS][MOST * ROW];
    pthread_t thread[THREADS];
    fill();
    multiply(alone);
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&thread[t], NULL, multiply, together[t]), 0);
    for (int t = 0; t < THREADS; t++) {
        assert_int_equal(pthread_join(thread[t], NULL), 0);
        assert_memory_equal(together[t], alone, sizeof alone);
    }
}

static void it_has_a_name(void **state) {
    (void)state;
    assert_true(!strncmp(product_library(), "oneDNN ", 7) ||
                !strncmp(product_library(), "OpenBLAS ", 9));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_sum_of_products),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(it_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
