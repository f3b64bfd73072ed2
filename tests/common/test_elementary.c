/* SPDX-License-Identifier: Apache-2.0 */
/* The elementary functions against the C library's long double ones, and at every special value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/elementary.h"
#include "math/random.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define TRIES 200000
#define PI_L  3.141592653589793238462643383279502884L

static uint64_t draws; /* a fresh number for every call */

static double between(double low, double high) {
    return low + (high - low) * ravine_random_uniform(1, 0, draws++);
}

/* Distance of `value` from the truth in units in the last place of the truth. */
static double ulps(double value, long double truth) {
    const double rounded = (double)truth;
    if (isinf(rounded) || isinf(value)) return value == rounded ? 0 : HUGE_VAL;
    const double size = fmax(fabs(rounded), DBL_MIN);
    int exponent;
    frexp(size, &exponent);
    return (double)(fabsl((long double)value - truth) / ldexpl(1, exponent - DBL_MANT_DIG));
}

/* m 2^k with m in [1/2, 1) and k uniform in [low, high). */
static double scaled(int low, int high) {
    const int exponent = (int)floor(between(low, high));
    return ldexp(between(0.5, 1), exponent);
}

static void powers_are_within_one_ulp(void **state) {
    (void)state;
    double worst_pow = 0, worst_int = 0, worst_tiny = 0;
    for (int i = 0; i < TRIES; i++) {
        const double base = scaled(-40, 40), exponent = between(-25, 25);
        worst_pow = fmax(worst_pow, ulps(ravine_pow(base, exponent), powl(base, exponent)));
        const double decay = 1 - scaled(-24, 1);
        const int64_t n = (int64_t)(between(0, 700) / (1 - decay));
        const long double truth = powl(decay, (long double)n);
        worst_pow = fmax(worst_pow, ulps(ravine_pow(decay, (double)n), truth));
        double *worst = truth > 1e-290L ? &worst_int : &worst_tiny;
        *worst = fmax(*worst, ulps(ravine_power_int(decay, n), truth));
    }
    print_message("worst error: pow %.3f ulp, power_int %.3f ulp, below 1e-290 %.3f ulp\n",
                  worst_pow, worst_int, worst_tiny);
    assert_true(worst_pow < 1);
    assert_true(worst_int < 1);
    assert_true(worst_tiny < 2);
}

static void cospi_is_within_one_ulp(void **state) {
    (void)state;
    double worst = 0;
    for (int i = 0; i < TRIES; i++) {
        const double x = between(-4, 4);
        const long double r = fabsl(remainderl(x, 2)); /* [0, 1] */
        const long double truth =
            fabsl(r - 0.5L) < 0.25L ? sinl(PI_L * (0.5L - r)) : cosl(PI_L * r);
        worst = fmax(worst, ulps(ravine_cospi(x), truth));
    }
    print_message("worst error: cospi %.3f ulp\n", worst);
    assert_true(worst < 1);
}

static void functions_are_within_their_bound(void **state) {
    (void)state;
    double sine = 0, exponential = 0, logarithm = 0, near_one = 0, tangent = 0, length = 0;
    for (int i = 0; i < TRIES; i++) {
        const double x = between(-4, 4), y = scaled(-60, 60), z = between(-700, 700);
        const long double turned = remainderl(x, 2), left = turned > 0 ? 1 - turned : -1 - turned;
        const long double r = fabsl(turned) > 0.5L ? left : turned;
        sine = fmax(sine, ulps(ravine_sinpi(x), sinl(PI_L * r)));
        exponential = fmax(exponential, ulps(ravine_exp(z), expl(z)));
        logarithm = fmax(logarithm, ulps(ravine_log(y), logl(y)));
        near_one = fmax(near_one, ulps(ravine_log1p(y), log1pl(y)));
        tangent = fmax(tangent, ulps(ravine_tanh(x), tanhl(x)));
        tangent = fmax(tangent, ulps(ravine_tanh(-y), tanhl(-y)));
        length = fmax(length, ulps(ravine_hypot(x, y), hypotl(x, y)));
    }
    print_message("worst error: sinpi %.3f, exp %.3f, log %.3f, log1p %.3f, tanh %.3f, hypot %.3f "
                  "ulp\n",
                  sine, exponential, logarithm, near_one, tangent, length);
    assert_true(sine < 1 && exponential < 1 && logarithm < 1 && near_one < 1);
    assert_true(tangent < 2 && length < 2);
    assert_true(ravine_exp(0) == 1 && ravine_log(1) == 0 && ravine_log(0) == -HUGE_VAL);
    assert_true(ravine_tanh(HUGE_VAL) == 1 && ravine_tanh(-HUGE_VAL) == -1);
    assert_true(isnan(ravine_tanh(NAN)) && isnan(ravine_log(-1)) && isnan(ravine_sinpi(HUGE_VAL)));
    assert_true(ravine_hypot(3e300, 4e300) == 5e300 && ravine_hypot(0, 0) == 0);
}

static void one_minus_power_keeps_its_digits(void **state) {
    (void)state;
    long double worst = 0;
    for (int i = 0; i < 20000; i++) {
        const double base = 1 - pow(10, between(-12, -0.1));
        const int64_t n = 1 + (int64_t)pow(10, between(0, 6));
        const long double truth = -expm1l((long double)n * log1pl((long double)base - 1));
        const long double error = fabsl(ravine_one_minus_power(base, n) - truth) / truth;
        if (error > worst) worst = error;
    }
    print_message("one_minus_power: worst relative error %.2Lg\n", worst);
    assert_true(worst < 0x1p-52L);
    assert_true(ravine_one_minus_power(0.9, 1) == 1 - 0.9);
    assert_true(ravine_one_minus_power(0, 5) == 1 && ravine_one_minus_power(1, 5) == 0);
}

static void exact_results_are_exact(void **state) {
    (void)state;
    for (int n = -1023; n < 1024; n++) {
        assert_true(ravine_power_int(2, n) == ldexp(1, n));
        assert_true(ravine_pow(2, n) == ldexp(1, n));
    }
    assert_true(ravine_power_int(-3, 3) == -27);
    assert_true(ravine_power_int(10, 22) == 1e22);
    for (int n = 0; n < 16; n++) assert_true(ravine_pow(n, 2) == n * n);
    const double quarter[] = {1, 0, -1, 0};
    for (int n = -40; n <= 40; n++) assert_true(ravine_cospi(n / 2.0) == quarter[n & 3]);
    assert_true(ravine_cospi(1e300) == 1);
    assert_true(ravine_cospi(0x1p53 - 1) == -1);
}

static void special_values_follow_annex_f(void **state) {
    (void)state;
    const double inf = HUGE_VAL;
    assert_true(isnan(ravine_cospi(NAN)));
    assert_true(isnan(ravine_cospi(inf)) && isnan(ravine_cospi(-inf)));
    const double special[] = {0, 0.5, 1, 2, 1e-310, 1e308, inf, NAN, -0.5, -1e308, -inf};
    const size_t n = sizeof special / sizeof *special;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            const double base = special[i], y = special[j];
            const double truth = base < 0 && y != 0 ? NAN : pow(base, y);
            const double value = ravine_pow(base, y);
            assert_true(isnan(truth) ? isnan(value) : ulps(value, truth) <= 1);
        }
}

static void integer_powers_are_total(void **state) {
    (void)state;
    const int64_t exponent[] = {INT64_MIN, -1, 0, 1, 2, INT64_MAX};
    const double base[] = {0, 1, -1, 0.5, -0.5, 2, -2, 1e300, -1e300, 1e-310, HUGE_VAL, -HUGE_VAL};
    for (size_t i = 0; i < sizeof base / sizeof *base; i++)
        for (size_t j = 0; j < sizeof exponent / sizeof *exponent; j++) {
            const int odd = exponent[j] & 1; /* which the double of INT64_MAX no longer is */
            const double truth = pow(fabs(base[i]), (double)exponent[j]);
            assert_true(ravine_power_int(base[i], exponent[j]) ==
                        (odd && base[i] < 0 ? -truth : truth));
        }
    assert_true(ravine_power_int(NAN, 0) == 1);
    assert_true(isnan(ravine_power_int(NAN, 1)) && isnan(ravine_power_int(NAN, -2)));
}

/* The hash is what gcc and clang gave for x86-64, with and without AVX2 and FMA; it says nothing
 * about accuracy (the tests above do), only that this build gives the same bits as those. */
static void bits_are_the_same_in_every_build(void **state) {
    (void)state;
    draws = 0;
    uint64_t hash = 14695981039346656037u; /* FNV-1a over words */
    for (int i = 0; i < 10000; i++) {
        const double x = scaled(-30, 9), y = between(-2, 2);
        const double value[] = {ravine_pow(x, y), ravine_power_int(x, i), ravine_cospi(x)};
        for (size_t k = 0; k < sizeof value / sizeof *value; k++) {
            uint64_t bits;
            memcpy(&bits, &value[k], sizeof bits);
            hash = (hash ^ bits) * 1099511628211u;
        }
    }
    assert_int_equal(hash, 0x2073b00b25a0680bu);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(powers_are_within_one_ulp),
        cmocka_unit_test(cospi_is_within_one_ulp),
        cmocka_unit_test(functions_are_within_their_bound),
        cmocka_unit_test(one_minus_power_keeps_its_digits),
        cmocka_unit_test(exact_results_are_exact),
        cmocka_unit_test(special_values_follow_annex_f),
        cmocka_unit_test(integer_powers_are_total),
        cmocka_unit_test(bits_are_the_same_in_every_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
