/* SPDX-License-Identifier: Apache-2.0 */
/* pair.h - numbers of twice the precision of a double.
 *
 * Exact sums and products of doubles are Knuth's and Dekker's (T. J. Dekker, "A floating-point
 * technique for extending the available precision", Numerische Mathematik 18, 1971): IEEE + - *
 * alone, so that every machine gets the same bits.
 */
#ifndef RAVINE_MATH_PAIR_H
#define RAVINE_MATH_PAIR_H

#include <math.h>

/* hi + lo, where |lo| is at most half a unit in the last place of hi. */
typedef struct pair {
    double hi, lo;
} pair;

static inline pair pair_sum(double a, double b) {
    const double hi = a + b;
    const double of_b = hi - a;
    return (pair){hi, (a - (hi - of_b)) + (b - of_b)};
}

/* The upper half of the bits of x; x minus it is the lower half. */
static inline double upper_half(double x) {
    const double spread = 0x1.0000002p+27 * x;
    return spread - (spread - x);
}

static inline pair pair_product(double a, double b) {
    const double hi = a * b;
    const double limit = 0x1p+990; /* beyond it the halves overflow; there lo is left out */
    if (!(fabs(a) < limit && fabs(b) < limit && fabs(hi) < limit)) return (pair){hi, 0};
    const double a1 = upper_half(a), a2 = a - a1;
    const double b1 = upper_half(b), b2 = b - b1;
    return (pair){hi, ((a1 * b1 - hi) + a1 * b2 + a2 * b1) + a2 * b2};
}

static inline pair pair_add(pair a, pair b) {
    const pair sum = pair_sum(a.hi, b.hi);
    return pair_sum(sum.hi, sum.lo + a.lo + b.lo);
}

static inline pair pair_multiply(pair a, pair b) {
    const pair product = pair_product(a.hi, b.hi);
    if (!isfinite(product.hi)) return product;
    return pair_sum(product.hi, product.lo + (a.hi * b.lo + a.lo * b.hi));
}

static inline pair pair_divide(pair a, pair b) {
    const double quotient = a.hi / b.hi;
    const pair back = pair_multiply((pair){quotient, 0}, b);
    return pair_sum(quotient, (((a.hi - back.hi) - back.lo) + a.lo) / b.hi);
}

#endif
