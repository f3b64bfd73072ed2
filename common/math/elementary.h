/* SPDX-License-Identifier: Apache-2.0 */
/* elementary.h - powers, exponentials and circular functions that give the same bits on every
 * machine.
 *
 * The C library chooses its own by processor, and they may differ in the last bit. These use IEEE
 * + - * / (compiled without contraction) and exact scaling by powers of two, and nothing else.
 * Errors, measured by tests/common/test_elementary.c: below 1 unit in the last place (integer
 * powers below 1e-290, tanh and hypot: below 2).
 *
 * Every function is total: NaN, infinities, zeros and overflow give what C's Annex F gives, except
 * that a power of a negative base with a real exponent is always NaN.
 */
#ifndef RAVINE_MATH_ELEMENTARY_H
#define RAVINE_MATH_ELEMENTARY_H

#include <stdint.h>

double ravine_pow(double base, double exponent);        /* base >= 0 */
double ravine_power_int(double base, int64_t exponent); /* 1 / base^-exponent if negative */
/* 1 - base^exponent for base in [0, 1], exponent >= 0: without the error that subtracting a rounded
 * power has where the power is near 1. */
double ravine_one_minus_power(double base, int64_t exponent);
double ravine_cospi(double x); /* cos(pi x) */
double ravine_sinpi(double x); /* sin(pi x) */
double ravine_exp(double x);
double ravine_log(double x);
double ravine_log1p(double x); /* log(1 + x), x >= 0 */
double ravine_tanh(double x);
double ravine_hypot(double x, double y); /* sqrt(x^2 + y^2), without overflow */

#endif
