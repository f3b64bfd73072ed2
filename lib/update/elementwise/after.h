/* SPDX-License-Identifier: Apache-2.0 */
/* after.h - what follows the update. Included by kernel.inc for each REAL type. */

/* a <- a + weight (x - a); the first average (weight 1) is a copy, to the bit. */
INLINE REAL FN(average)(REAL a, REAL x, REAL weight) {
    return weight == 1 ? x : a + weight * (x - a);
}

/* theta - move, divided by 1 + eta lambda: the argmin of |x - (theta - move)|^2 + eta lambda |x|^2.
 * All of it is one subtraction from theta: alone, a small decay would vanish in theta's rounding.
 */
INLINE REAL FN(with_shrinking)(kernel_shape shape, const FN(coefficients) * c, REAL theta,
                               REAL move) {
    return shape.after == AFTER_SHRINK ? move + c->shrink * (theta - move) : move;
}

/* Polyak & Juditsky 1992: the average of the path is the answer (ASGD). */
INLINE void FN(keep_average)(kernel_shape shape, const FN(coefficients) * c, REAL theta, REAL *a) {
    if (shape.after == AFTER_AVERAGE) a[0] = FN(average)(a[0], theta, c->average);
}
