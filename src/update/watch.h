/* watch.h - what a watched block remembers of a step, and what it shows of the way that training
 * goes. Included by kernel.inc for each REAL type.
 *
 * The update does not know of it: watch_before sees the block before a chunk is stepped,
 * watch_after sees it then, and neither writes anything but its own history.
 * docs/internals/statistics.md has the formulas. */

typedef struct FN(watch) {
    REAL *last;                        /* the update of the step before, then of this one */
    uint8_t *signs;                    /* of the gradient in the two steps before: kernel_block */
    const REAL *momentum, *v, *center; /* state arrays of the block; NULL: there is none such */
    const REAL *past;                  /* v, if sigma of the step before is known */
    bool is_root;                      /* v is sigma, not its square */
    REAL eps_bound;                    /* sigma is mostly eps where v is less */
    double arrival[LANES], flips2[LANES], flips_two2[LANES], momentum2[LANES], ratios[LANES];
    int64_t rated, scaled, eps, zeros, lost;
    INTEGER update_max; /* the bits of it, which are ordered as it is */
} FN(watch);

/* The v below which eps is the greater part of sigma; < 0: the rule has no sigma now. */
INLINE double FN(eps_bound)(kernel_shape shape, const kernel_coefficients *c) {
    switch (shape.scale) {
    case SCALE_ONE:
    case SCALE_SIGN:
    case SCALE_RPROP: return -1;
    case SCALE_MAXIMUM: return 2 * c->eps_outside; /* v is |g| + eps */
    case SCALE_PREVIOUS: return c->eps_outside * c->eps_outside;
    case SCALE_DELTA: return c->eps_inside;
    case SCALE_SQUARES:
    case SCALE_CENTERED:
    case SCALE_GREATEST:
    case SCALE_BELIEF:
    case SCALE_YOGI:
    case SCALE_LOOKAHEAD: break;
    }
    const double root = c->eps_outside / c->sigma_scale; /* sigma_scale 0: radam waits */
    return c->sigma_scale > 0 ? (root * root + c->eps_inside) / c->v_scale : -1;
}

INLINE void FN(watch_begin)(FN(watch) * w, kernel_shape shape, const kernel_block *b,
                            const kernel_coefficients *c) {
    const int k = momentum_arrays(shape), greatest = shape.scale == SCALE_GREATEST;
    const double bound = FN(eps_bound)(shape, c);
    *w = (FN(watch)){.last = b->last_update,
                     .signs = b->signs,
                     .momentum = keeps_gradients(shape) ? b->state[0] : NULL,
                     .v = bound < 0 ? NULL : b->state[k + greatest],
                     .center = shape.scale == SCALE_CENTERED ? b->state[k + 1] : NULL,
                     .past = c->past_variance > 0 ? b->state[k + greatest] : NULL,
                     .is_root = shape.scale == SCALE_MAXIMUM,
                     .eps_bound = (REAL)bound};
    if (bound > 0 && w->eps_bound == 0) w->eps_bound = LEAST; /* a v of 0 is below it */
}

/* lane[i mod LANES] += x_i y_i, i < n. */
INLINE void FN(add_products)(double *lane, const REAL *x, const REAL *y, int64_t n) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) lane[l] += (double)x[i + l] * (double)y[i + l];
    for (int l = 0; i < n; i++, l++) lane[l] += (double)x[i] * (double)y[i];
}

/* The gradient `g` that the rule takes in against sigma of the step before: `n` elements from `at`.
 * Where there is no sigma yet, or the guard refuses the raw gradient, nothing counts. */
static __attribute__((noinline)) void FN(watch_before)(FN(watch) * w, const FN(coefficients) * c,
                                                       const REAL *raw, const REAL *g, int64_t at,
                                                       int64_t n) {
    if (!w->past) return;
    double ratio[CHUNK];
    int64_t rated = 0;
    for (int64_t i = 0; i < n; i++) {
        const double v = (double)w->past[at + i], x = (double)g[i];
        const double square = w->is_root ? v * v : v;
        const bool known = square > 0 && FN(taken)(c, raw[i]);
        ratio[i] = known ? x * x / square : 0;
        rated += known;
    }
    for (int64_t i = 0; i < n; i++) w->ratios[i % LANES] += ratio[i];
    w->rated += rated;
}

INLINE INTEGER FN(sign_code)(REAL x) {
    return (x > 0) + 2 * (x < 0);
}

/* Changes and signs of a chunk of n; into flipped[n] the gradients with another sign than before,
 * 0 for the others. */
INLINE void FN(remember)(FN(watch) * w, const REAL *g, const REAL *theta, const REAL *before,
                         int64_t at, int64_t n, REAL *flipped, REAL *flipped_two) {
    REAL *last = w->last + at;
    uint8_t *signs = w->signs + at;
    INTEGER zeros = 0, lost = 0, update_max = w->update_max;
    INDEPENDENT
    for (int64_t i = 0; i < n; i++) {
        const INTEGER sign = FN(sign_code)(g[i]), old = signs[i];
        flipped[i] = sign + (old & 3) == 3 ? g[i] : 0; /* 1 and 2 */
        flipped_two[i] = sign + (old >> 2) == 3 ? g[i] : 0;
        signs[i] = (uint8_t)(sign | (old & 3) << 2);
    }
    INDEPENDENT
    for (int64_t i = 0; i < n; i++) {
        const REAL change = theta[i] - before[i], size = ABS(change);
        INTEGER bits;
        memcpy(&bits, &size, sizeof bits);
        update_max = bits > update_max ? bits : update_max;
        zeros += g[i] == 0;
        lost += g[i] != 0 && change == 0;
        last[i] = change;
    }
    w->update_max = update_max;
    w->zeros += zeros;
    w->lost += lost;
}

/* After the step of the chunk: `g` the raw gradient, 0 where it was refused. */
static __attribute__((noinline)) void FN(watch_after)(FN(watch) * w, const REAL *g,
                                                      const REAL *theta, const REAL *before,
                                                      int64_t at, int64_t n) {
    REAL flipped[CHUNK], flipped_two[CHUNK];
    FN(add_products)(w->arrival, g, w->last + at, n);
    FN(remember)(w, g, theta, before, at, n, flipped, flipped_two);
    FN(add_products)(w->flips2, flipped, flipped, n);
    FN(add_products)(w->flips_two2, flipped_two, flipped_two, n);
    if (w->momentum) FN(add_products)(w->momentum2, w->momentum + at, w->momentum + at, n);
    if (!w->v) return;
    INTEGER eps = 0;
    for (int64_t i = 0; i < n; i++) {
        const REAL mean = w->center ? w->center[at + i] : 0;
        eps += w->v[at + i] - mean * mean < w->eps_bound;
    }
    w->eps += eps;
    w->scaled += n;
}

INLINE void FN(watch_end)(FN(watch) * w, const kernel_coefficients *c, watch_statistics *out) {
    REAL update_max;
    memcpy(&update_max, &w->update_max, sizeof update_max);
    *out = (watch_statistics){.arrival = FN(sum)(w->arrival),
                              .flips2 = FN(sum)(w->flips2),
                              .flips_two2 = FN(sum)(w->flips_two2),
                              .momentum2 = FN(sum)(w->momentum2),
                              .ratios = w->past ? FN(sum)(w->ratios) / c->past_variance : 0,
                              .rated = w->rated,
                              .scaled = w->scaled,
                              .eps = w->eps,
                              .zeros = w->zeros,
                              .lost = w->lost,
                              .update_max = (double)update_max};
}
