/* SPDX-License-Identifier: Apache-2.0 */
/* momentum.h - m_t, the signed part of an update. Included by kernel.inc for each REAL type.
 *
 * `m` are the state arrays' elements of the momentum, in place. */

/* m before sigma: what the update divides by sigma. `change` is g - the previous g (Adan). */
INLINE REAL FN(momentum)(kernel_shape shape, const FN(coefficients) * c, REAL g, REAL change,
                         REAL *m) {
    switch (shape.momentum) {
    case MOMENTUM_BUFFER:
        /* b <- mu b + g (Polyak 1964) or m <- beta1 m + (1 - beta1) g (Adam, eq. in Algorithm 1);
         * Nesterov's and NAdam's look ahead mix g in again. */
        m[0] = c->momentum * m[0] + c->intake * g;
        if (shape.form == COEFFICIENTS_USUAL) return m[0];
        return c->from_g * g + c->from_m * m[0];
    case MOMENTUM_LOOKBACK: {
        /* Chen et al. 2023, Algorithm 2: the update's mean is made before the state's. */
        const REAL mean = c->from_m * m[0] + c->from_g * g;
        m[0] = c->momentum * m[0] + c->intake * g;
        return mean;
    }
    case MOMENTUM_DIFFERENCE:
        /* Xie et al. 2022: m, the mean change of g, and the previous g. */
        m[0] = c->momentum * m[0] + c->intake * g;
        m[1] = c->change_keep * m[1] + c->change_intake * change;
        m[2] = g;
        return c->from_m * m[0] + c->from_change * m[1];
    case MOMENTUM_GRADIENT:
    case MOMENTUM_NORMALIZED: break;
    }
    return g;
}

/* m after sigma: the direction g/sigma goes into the buffer instead of g. */
INLINE REAL FN(normalized_momentum)(kernel_shape shape, const FN(coefficients) * c, REAL direction,
                                    REAL *m) {
    if (shape.momentum != MOMENTUM_NORMALIZED) return direction;
    m[0] = c->momentum * m[0] + c->intake * direction;
    return m[0];
}
