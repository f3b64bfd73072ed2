/* SPDX-License-Identifier: Apache-2.0 */
/* elementary.c - the functions are their Taylor series after an exact reduction of the argument.
 *
 * What must not be rounded to one double - the logarithm that a power multiplies, the reduced
 * argument of exp - is carried as a pair (math/pair.h). Nothing here is tabulated but ln 2, pi and
 * 1/3; the series are summed until the first term left out is below 2^-58 of the result (2^-69 in
 * the logarithm).
 */
#include "math/elementary.h"

#include "math/pair.h"

#include <math.h>

/* ln 2 = LN2_HI + LN2_LO: HI has 42 bits, so that k HI is exact for every exponent k of a double.
 */
#define LN2_HI 0x1.62e42fefa38p-1
#define LN2_LO 0x1.ef35793c7673p-45
static const pair pi = {0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53};
static const pair third = {0x1.5555555555555p-2, 0x1.5555555555555p-56};

/* e^x = 2^k e^r with |r| <= ln(2)/2. */
static double exp_of(pair x) {
    if (!(x.hi < 710)) return x.hi * HUGE_VAL; /* overflow, inf, NaN */
    if (x.hi < -746) return 0;
    const double k = floor(x.hi * 0x1.71547652b82fep+0 + 0.5); /* x / ln 2 */
    const pair r = pair_sum(x.hi - k * LN2_HI, x.lo - k * LN2_LO);
    double series = 1; /* of (e^r - 1 - r) / (r^2/2) */
    for (int n = 14; n > 2; n--) series = 1 + r.hi * series / n;
    return ldexp(1 + (r.hi + (r.hi * r.hi * series / 2 + r.lo)), (int)k);
}

/* log x = k log 2 + log m with sqrt(1/2) <= m < sqrt(2), and
 * log m = 2 artanh(s) = 2 (s + s^3/3 + s^5/5 + ...) with s = (m - 1)/(m + 1), |s| < 0.172. */
static pair log_of(double x) {
    int k;
    double m = frexp(x, &k);
    if (m < 0x1.6a09e667f3bcdp-1) m *= 2, k--;
    const pair s = pair_divide((pair){m - 1, 0}, pair_sum(m, 1));
    const pair z = pair_multiply(s, s);
    double series = 0; /* of (artanh(s)/s - 1)/z - 1/3 */
    for (int n = 27; n > 3; n -= 2) series = z.hi * (1.0 / n + series);
    const pair cubic = pair_multiply(pair_multiply(s, z), pair_add(third, (pair){series, 0}));
    const pair half = pair_add(s, cubic);
    return pair_add((pair){k * LN2_HI, k * LN2_LO}, (pair){2 * half.hi, 2 * half.lo});
}

double ravine_pow(double base, double exponent) {
    if (exponent == 0 || base == 1) return 1;
    if (!(base >= 0) || isnan(exponent)) return NAN;
    if (base == 0) return exponent > 0 ? 0 : HUGE_VAL;
    if (isinf(base)) return exponent > 0 ? base : 0;
    return exp_of(pair_multiply(log_of(base), (pair){exponent, 0}));
}

/* By squaring; in pairs, because each squaring doubles the relative error. */
static pair power_of(double base, uint64_t n) {
    pair square = {base, 0}, power = {1, 0};
    for (; n; n >>= 1) {
        if (n & 1) power = pair_multiply(power, square);
        if (n > 1) square = pair_multiply(square, square);
    }
    return power;
}

double ravine_power_int(double base, int64_t exponent) {
    if (exponent < 0) return 1 / power_of(base, 0 - (uint64_t)exponent).hi;
    return power_of(base, (uint64_t)exponent).hi;
}

double ravine_one_minus_power(double base, int64_t exponent) {
    const pair power = power_of(base, (uint64_t)exponent);
    return (1 - power.hi) - power.lo;
}

/* sin(pi x) for 0 <= x <= 1/4. */
static double sin_near_zero(double x) {
    const pair t = pair_multiply(pi, (pair){x, 0});
    const double z = t.hi * t.hi;
    double series = 1;
    for (int n = 16; n > 2; n -= 2) series = 1 - z * series / (n * (n + 1));
    return t.hi + (t.lo - t.hi * z * series / 6);
}

/* cos(pi x) for 0 <= x <= 1/4. */
static double cos_near_zero(double x) {
    const pair t = pair_multiply(pi, (pair){x, 0});
    const double z = t.hi * t.hi;
    double series = 1;
    for (int n = 17; n > 3; n -= 2) series = 1 - z * series / (n * (n + 1));
    const pair parabola = pair_sum(1, -z / 2);
    return parabola.hi + (parabola.lo + (z * z * series / 24 - t.hi * t.lo));
}

double ravine_cospi(double x) {
    if (!isfinite(x)) return NAN;
    x = fmod(fabs(x), 2); /* exact, as are the differences below */
    if (x > 1) x = 2 - x;
    const double sign = x > 0.5 ? -1 : 1;
    if (x > 0.5) x = 1 - x;
    return sign * (x > 0.25 ? sin_near_zero(0.5 - x) : cos_near_zero(x));
}

double ravine_sinpi(double x) {
    if (!isfinite(x)) return NAN;
    const double sign = x < 0 ? -1 : 1;
    x = fmod(fabs(x), 2);
    const double side = x > 1 ? -sign : sign;
    if (x > 1) x -= 1; /* exact, as are the differences below */
    if (x > 0.5) x = 1 - x;
    return side * (x > 0.25 ? cos_near_zero(0.5 - x) : sin_near_zero(x));
}

double ravine_exp(double x) {
    return exp_of((pair){x, 0});
}

double ravine_log(double x) {
    if (!(x >= 0)) return NAN;
    if (x == 0) return -HUGE_VAL;
    return isinf(x) ? x : log_of(x).hi;
}

double ravine_log1p(double x) {
    if (!(x >= 0)) return NAN;
    if (isinf(x)) return x;
    const pair whole = pair_sum(1, x);
    return pair_add(log_of(whole.hi), (pair){whole.lo / whole.hi, 0}).hi;
}

/* Near 0 Lambert's continued fraction, x / (1 + x^2 / (3 + x^2 / (5 + ...))); its first part left
 * out changes nothing below 1. */
double ravine_tanh(double x) {
    const double size = fabs(x);
    if (!(size < 1)) return copysign(1 - 2 / (ravine_exp(2 * size) + 1), x);
    double below = 21;
    for (int n = 19; n > 0; n -= 2) below = n + x * x / below;
    return x / below;
}

double ravine_hypot(double x, double y) {
    const double large = fmax(fabs(x), fabs(y)), small = fmin(fabs(x), fabs(y));
    if (isnan(x) || isnan(y)) return NAN;
    if (!(large > 0 && isfinite(large))) return large;
    const double ratio = small / large;
    return large * sqrt(1 + ratio * ratio);
}
