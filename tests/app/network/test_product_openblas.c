/* SPDX-License-Identifier: Apache-2.0 */
/* What OpenBLAS is told: a processor with AVX2 must not be taken for one without, and it needs no
 * threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cblas.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "network/product_openblas.c"

static void the_choice_of_the_user_stands(void **state) {
    (void)state;
    assert_int_equal(setenv("OPENBLAS_CORETYPE", "Prescott", 1), 0);
    assert_null(better_core());
}

static void only_a_wrong_guess_is_replaced(void **state) {
    (void)state;
    assert_int_equal(unsetenv("OPENBLAS_CORETYPE"), 0);
    const char *better = better_core();
#if defined(__x86_64__)
    const bool wrong = strcmp(openblas_get_corename(), "Prescott") == 0 &&
                       __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    assert_int_equal(better != NULL, wrong);
    if (better) assert_true(!strcmp(better, "SkylakeX") || !strcmp(better, "Haswell"));
#else
    assert_null(better);
#endif
}

/* Set once, so that a program that starts again for it does so once. */
static void threads_of_its_own_are_declined(void **state) {
    (void)state;
    assert_int_equal(setenv("OPENBLAS_CORETYPE", "Haswell", 1), 0);
    assert_int_equal(unsetenv("OPENBLAS_NUM_THREADS"), 0);
    assert_true(product_prepare());
    assert_string_equal(getenv("OPENBLAS_NUM_THREADS"), "1");
    assert_string_equal(getenv("OPENBLAS_CORETYPE"), "Haswell");
    assert_false(product_prepare());
    assert_int_equal(setenv("OPENBLAS_NUM_THREADS", "7", 1), 0);
    assert_false(product_prepare());
    assert_string_equal(getenv("OPENBLAS_NUM_THREADS"), "7");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_choice_of_the_user_stands),
        cmocka_unit_test(only_a_wrong_guess_is_replaced),
        cmocka_unit_test(threads_of_its_own_are_declined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
