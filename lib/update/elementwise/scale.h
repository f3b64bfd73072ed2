/* SPDX-License-Identifier: Apache-2.0 */
/* scale.h - sigma_t, the size of a parameter's gradients. Included by kernel.inc for each REAL
 * type.
 *
 * `v` are the state arrays' elements of the scale, in place. */

/* sigma = sqrt(v_scale v + eps_inside) sigma_scale + eps_outside holds every form of eps and bias
 * correction: the coefficients that a form does not use are exact ones and zeros. */
INLINE REAL FN(root)(const FN(coefficients) * c, REAL v) {
    return SQRT(c->v_scale * v + c->eps_inside) * c->sigma_scale + c->eps_outside;
}

/* No gradient so far and no eps: a step of zero, not 0/0. */
INLINE REAL FN(divide)(REAL numerator, REAL sigma) {
    return sigma == 0 ? 0 : numerator / sigma;
}

/* numerator/sigma of the mean square v. */
INLINE REAL FN(over_root)(kernel_shape shape, const FN(coefficients) * c, REAL numerator, REAL v) {
    if (shape.form == COEFFICIENTS_USUAL)
        return numerator / (SQRT(v) * c->sigma_scale + c->eps_outside);
    return FN(divide)(numerator, FN(root)(c, v));
}

INLINE REAL FN(sign)(REAL x) {
    return (REAL)((x > 0) - (x < 0));
}

INLINE REAL FN(clamp)(REAL x, REAL bound) {
    x = x > bound ? bound : x;
    return x < -bound ? -bound : x;
}

/* Rprop without weight-backtracking (Igel & Huesken 2000, iRprop-; PyTorch): v[0] the previous
 * gradient, v[1] the parameter's own step. */
INLINE REAL FN(rprop)(const FN(coefficients) * c, REAL g, REAL *v) {
    const REAL agreement = FN(sign)(g) * FN(sign)(v[0]); /* a product of two small g may vanish */
    REAL own = v[1] + c->first * c->step;                /* starts at eta */
    own *= agreement > 0 ? c->grow : agreement < 0 ? c->cut : 1;
    own = own < c->step_min ? c->step_min : own;
    own = own > c->step_max ? c->step_max : own;
    g = agreement < 0 ? 0 : g;
    v[0] = g;
    v[1] = own;
    return FN(sign)(g) * own;
}

/* The mean square of which sigma is the root, or v itself. */
INLINE REAL FN(variance)(kernel_shape shape, const FN(coefficients) * c, const REAL *v) {
    if (shape.scale == SCALE_GREATEST) return v[1];
    if (shape.scale == SCALE_FACTORED) return v[0] > c->least ? v[0] : c->least;
    if (shape.scale != SCALE_CENTERED) return v[0];
    const REAL variance = v[0] - v[1] * v[1]; /* rounding can make it negative: clamp it */
    return variance < 0 ? 0 : variance;
}

/* What the step divides by, of the state that it divides by. */
INLINE REAL FN(sigma)(kernel_shape shape, const FN(coefficients) * c, const REAL *v) {
    switch (shape.scale) {
    case SCALE_SQUARES:
    case SCALE_CENTERED:
    case SCALE_GREATEST:
    case SCALE_BELIEF:
    case SCALE_YOGI:
    case SCALE_FACTORED:
    case SCALE_LOOKAHEAD: return FN(root)(c, FN(variance)(shape, c, v));
    case SCALE_MAXIMUM: return v[0];
    case SCALE_PREVIOUS: {
        const REAL root = SQRT(v[0]);
        return root > c->eps_outside ? root : c->eps_outside;
    }
    case SCALE_DELTA: return SQRT(v[0] + c->eps_inside) / SQRT(v[1] + c->eps_inside);
    case SCALE_ONE:
    case SCALE_SIGN:
    case SCALE_RPROP: break;
    }
    return 1;
}

/* v takes in a gradient; m are the momentum's elements, `change` as there. */
INLINE void FN(take_square)(kernel_shape shape, const FN(coefficients) * c, REAL g, REAL change,
                            const REAL *m, REAL *v) {
    switch (shape.scale) {
    case SCALE_SQUARES:
        /* Duchi et al. 2011 (sum); Tieleman & Hinton 2012, Kingma & Ba 2015 (mean). */
    case SCALE_FACTORED: /* a vector's; Shazeer & Stern 2018, Algorithm 2 */
    case SCALE_DELTA:
    case SCALE_PREVIOUS: v[0] = c->v_keep * v[0] + c->v_intake * (g * g); break;
    case SCALE_CENTERED:
        /* Graves 2013, eq. 38-40. */
        v[0] = c->v_keep * v[0] + c->v_intake * (g * g);
        v[1] = c->v_keep * v[1] + c->v_intake * g;
        break;
    case SCALE_GREATEST:
        /* Reddi, Kale & Kumar 2018, Algorithm 2; the maximum of the uncorrected v, as PyTorch. */
        v[0] = c->v_keep * v[0] + c->v_intake * (g * g);
        v[1] = v[0] > v[1] ? v[0] : v[1];
        break;
    case SCALE_MAXIMUM: {
        /* Kingma & Ba 2015, Algorithm 2, eps inside the maximum as PyTorch. */
        const REAL size = ABS(g) + c->eps_outside, decayed = c->v_keep * v[0];
        v[0] = decayed > size ? decayed : size;
        break;
    }
    case SCALE_BELIEF: {
        /* Zhuang et al. 2020, Algorithm 2: eps goes into s itself at every step. */
        const REAL surprise = g - m[0];
        v[0] = c->v_keep * v[0] + c->v_intake * (surprise * surprise) + c->look;
        break;
    }
    case SCALE_YOGI: {
        /* Zaheer et al. 2018, Algorithm 2. */
        const REAL g2 = g * g;
        v[0] -= c->v_intake * FN(sign)(v[0] - g2) * g2;
        break;
    }
    case SCALE_LOOKAHEAD: {
        /* Xie et al. 2022, Algorithm 1. */
        const REAL look = g + c->look * change;
        v[0] = c->v_keep * v[0] + c->v_intake * (look * look);
        break;
    }
    case SCALE_ONE:
    case SCALE_SIGN:
    case SCALE_RPROP: break;
    }
}

/* The direction numerator/sigma. */
INLINE REAL FN(scaled)(kernel_shape shape, const FN(coefficients) * c, REAL g, REAL numerator,
                       REAL change, const REAL *m, REAL *v) {
    if (shape.scale == SCALE_ONE) return numerator;
    if (shape.scale == SCALE_SIGN) return FN(sign)(numerator);
    if (shape.scale == SCALE_RPROP) return FN(rprop)(c, g, v);
    if (shape.scale == SCALE_PREVIOUS) {
        /* Taniguchi et al. 2024, Algorithm 2: sigma is independent of this gradient; its first step
         * only fills v (bound = 0). */
        const REAL sigma = FN(sigma)(shape, c, v);
        FN(take_square)(shape, c, g, change, m, v);
        return FN(clamp)(FN(divide)(numerator, sigma), c->bound);
    }
    FN(take_square)(shape, c, g, change, m, v);
    if (shape.scale == SCALE_DELTA) {
        /* Zeiler 2012, Algorithm 1: sigma = RMS(g) / RMS(past updates). */
        const REAL delta =
            FN(divide)(SQRT(v[1] + c->eps_inside) * numerator, SQRT(v[0] + c->eps_inside));
        v[1] = c->v_keep * v[1] + c->v_intake * (delta * delta);
        return delta;
    }
    if (shape.scale == SCALE_MAXIMUM) return FN(divide)(numerator, FN(sigma)(shape, c, v));
    return FN(over_root)(shape, c, numerator, FN(variance)(shape, c, v));
}
