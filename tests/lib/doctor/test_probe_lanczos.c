/* SPDX-License-Identifier: Apache-2.0 */
/* Tridiagonal matrices and operators whose spectrum is known, and spaces that end early. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/probe/lanczos.h"
#include "doctor/probe/space.h"
#include "text/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 200 };

/* Differences of neighbours: diagonal 2, beside it -1, eigenvalues 2 - 2 cos(pi k / (m + 1)). */
static void second_differences(void **state) {
    (void)state;
    static double d[MOST], e[MOST], z[MOST * MOST];
    static const int32_t sizes[] = {1, 2, 3, 10, 57, MOST};
    for (size_t at = 0; at < sizeof sizes / sizeof *sizes; at++) {
        const int32_t m = sizes[at];
        for (int32_t k = 0; k < m; k++) {
            d[k] = 2;
            e[k] = -1;
        }
        ravine_tridiagonal(d, e, z, m);
        for (int32_t k = 0; k < m; k++) {
            const double angle = acos(-1) * (k + 1) / (m + 1);
            if (fabs(d[k] - (2 - 2 * cos(angle))) > 1e-14 * m)
                fail_msg("size %d, eigenvalue %d: %.17g", m, k, d[k]);
            /* the vector is sin(j angle), up to sign */
            double along = 0;
            for (int32_t j = 0; j < m; j++)
                along += z[j * m + k] * sin((j + 1) * angle) * sqrt(2.0 / (m + 1));
            if (fabs(fabs(along) - 1) > 1e-12 * m)
                fail_msg("size %d, vector %d: %.17g", m, k, along);
        }
    }
}

/* Zeros beside the diagonal, equal eigenvalues, a matrix of zeros, sizes far apart. */
static void hard_cases(void **state) {
    (void)state;
    double d[4] = {3, -1, 3, 0}, e[4] = {0, 0, 0, 0}, z[16];
    ravine_tridiagonal(d, e, z, 4);
    assert_true(d[0] == -1 && d[1] == 0 && d[2] == 3 && d[3] == 3);
    double zero[3] = {0}, beside[3] = {0};
    ravine_tridiagonal(zero, beside, z, 3);
    assert_true(zero[0] == 0 && zero[2] == 0 && z[0] == 1);
    double pair[2] = {0, 0}, one[2] = {1e-30, 0}; /* eigenvalues -+1e-30 */
    ravine_tridiagonal(pair, one, z, 2);
    assert_true(fabs(pair[0] + 1e-30) < 1e-44 && fabs(pair[1] - 1e-30) < 1e-44);
    double far[2] = {1e200, 1e-200}, link[2] = {1, 0};
    ravine_tridiagonal(far, link, z, 2);
    assert_true(far[1] == 1e200 && fabs(far[0]) <= 1e-199);
}

/* y = diag(d) x */
typedef struct diagonal {
    const double *d;
    int64_t n;
    int calls, fail_at;
} diagonal;

static ravine_status multiply(void *context, const double *x, double *y) {
    diagonal *a = context;
    if (++a->calls == a->fail_at) return ravine_fail(RAVINE_E_STATE, "told to");
    for (int64_t i = 0; i < a->n; i++) y[i] = a->d[i] * x[i];
    return RAVINE_OK;
}

static double memory[MOST * (MOST + 1) + MOST * (MOST + 2)];

static lanczos prepare(int64_t n, int32_t wanted, double first) {
    lanczos l = {.n = n, .wanted = wanted, .seed = 5, .basis = memory};
    l.work = l.basis + (int64_t)wanted * n;
    l.value = l.work + n;
    l.beta = l.value + wanted;
    l.vector = l.beta + wanted;
    for (int64_t i = 0; i < n; i++) l.basis[i] = i ? 1 : first;
    return l;
}

static void both_ends_are_found(void **state) {
    (void)state;
    double d[MOST];
    for (int i = 0; i < MOST; i++) d[i] = 0.1 + 0.005 * i;
    d[17] = -3;
    d[91] = 2;
    diagonal a = {.d = d, .n = MOST};
    lanczos l = prepare(MOST, 30, 1);
    assert_int_equal(ravine_lanczos_run(&l, multiply, &a), RAVINE_OK);
    assert_int_equal(a.calls, 30);
    assert_int_equal(l.steps, 30);
    assert_true(fabs(l.value[0] + 3) < 1e-12 && fabs(l.value[29] - 2) < 1e-12);
    assert_true(l.defect < 1e-14);
    double y[MOST];
    ravine_lanczos_vector(&l, 0, y);
    assert_true(fabs(fabs(y[17]) - 1) < 1e-10 && fabs(ravine_norm(y, MOST) - 1) < 1e-12);
}

/* Every Ritz value has an eigenvalue within its residual, whatever has converged. */
static void residuals_hold(void **state) {
    (void)state;
    double d[MOST];
    for (int i = 0; i < MOST; i++) d[i] = sin(i * 0.7) * i;
    for (int32_t steps = 1; steps < 60; steps += 7) {
        diagonal a = {.d = d, .n = MOST};
        lanczos l = prepare(MOST, steps, 1);
        assert_int_equal(ravine_lanczos_run(&l, multiply, &a), RAVINE_OK);
        for (int32_t k = 0; k < steps; k++) {
            double nearest = HUGE_VAL;
            for (int i = 0; i < MOST; i++) nearest = fmin(nearest, fabs(d[i] - l.value[k]));
            if (nearest > ravine_lanczos_residual(&l, k) + 1e-10)
                fail_msg("%d steps, value %d: %g away, residual %g", steps, k, nearest,
                         ravine_lanczos_residual(&l, k));
        }
        assert_true(steps == 1 || l.value[0] < l.value[steps - 1]);
    }
}

/* Fewer dimensions than steps, eigenvalues that are equal, a start that sees one direction alone,
 * an operator of zeros: the whole spectrum, with its multiplicities. */
static void exhausted_spaces_go_on(void **state) {
    (void)state;
    const double d[] = {2, 2, 2, -1, -1, 0, 5};
    diagonal a = {.d = d, .n = 7};
    lanczos l = prepare(7, 20, 1);
    assert_int_equal(ravine_lanczos_run(&l, multiply, &a), RAVINE_OK);
    assert_int_equal(l.steps, 7);
    assert_true(l.last == 0);
    const double sorted[] = {-1, -1, 0, 2, 2, 2, 5};
    for (int k = 0; k < 7; k++) assert_true(fabs(l.value[k] - sorted[k]) < 1e-13);

    lanczos narrow = prepare(7, 20, 1);
    memset(narrow.basis + 1, 0, 6 * sizeof(double));
    assert_int_equal(ravine_lanczos_run(&narrow, multiply, &a), RAVINE_OK);
    for (int k = 0; k < 7; k++) assert_true(fabs(narrow.value[k] - sorted[k]) < 1e-13);

    const double nothing[4] = {0};
    diagonal zero = {.d = nothing, .n = 4};
    lanczos flat = prepare(4, 4, 1);
    assert_int_equal(ravine_lanczos_run(&flat, multiply, &zero), RAVINE_OK);
    for (int k = 0; k < 4; k++) assert_true(flat.value[k] == 0);
}

static void a_failing_product_ends_it(void **state) {
    (void)state;
    const double d[] = {1, 2, 3};
    diagonal a = {.d = d, .n = 3, .fail_at = 2};
    lanczos l = prepare(3, 3, 1);
    assert_int_equal(ravine_lanczos_run(&l, multiply, &a), RAVINE_E_STATE);
    assert_int_equal(a.calls, 2);
}

/* Norms of numbers whose squares are no doubles. */
static void norms_keep_their_range(void **state) {
    (void)state;
    const double large[2] = {3e200, 4e200}, small[2] = {3e-200, 4e-200}, zero[2] = {0};
    assert_true(fabs(ravine_norm(large, 2) / 5e200 - 1) < 1e-15);
    assert_true(fabs(ravine_norm(small, 2) / 5e-200 - 1) < 1e-15);
    assert_true(ravine_norm(zero, 2) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_differences),     cmocka_unit_test(hard_cases),
        cmocka_unit_test(both_ends_are_found),    cmocka_unit_test(residuals_hold),
        cmocka_unit_test(exhausted_spaces_go_on), cmocka_unit_test(a_failing_product_ends_it),
        cmocka_unit_test(norms_keep_their_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
