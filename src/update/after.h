/* after.h - what follows the update. Included by kernel.inc for each REAL type. */

/* a <- a + weight (x - a); the first average (weight 1) is a copy, to the bit. */
INLINE REAL FN(average)(REAL a, REAL x, REAL weight) {
    return weight == 1 ? x : a + weight * (x - a);
}

INLINE REAL FN(after)(kernel_shape shape, const FN(coefficients) * c, REAL theta, REAL *a) {
    switch (shape.after) {
    case AFTER_AVERAGE: /* Polyak & Juditsky 1992; ASGD */
        a[0] = FN(average)(a[0], theta, c->average);
        return theta;
    case AFTER_SHRINK:
        return theta - c->shrink * theta; /* argmin of |x - theta|^2 + eta lambda |x|^2 */
    case AFTER_NOTHING: break;
    }
    return theta;
}
