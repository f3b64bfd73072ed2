/* watch.h - what a watched block remembers of a step, and what it shows of the way that training
 * goes. Included by kernel.inc for each REAL type.
 *
 * The update does not know of it: watch_before sees the block before a chunk is stepped,
 * watch_after sees it then, and neither writes anything but its own history. Their loops are small
 * and many, with lanes for counts as for sums, because that is what compilers vectorize.
 * docs/internals/statistics.md has the formulas. */

#define OUTLINED static __attribute__((noinline))

typedef struct FN(watch) {
    REAL *last;     /* of the chunk at hand: the update of the step before, then of this one */
    uint8_t *signs; /* of its gradient in the two steps before: kernel_block */
    const REAL *momentum, *v, *center; /* state arrays of the block; NULL: there is none such */
    const REAL *past;                  /* v, if sigma of the step before is known */
    bool is_root;                      /* v is sigma, not its square */
    REAL eps_bound;                    /* sigma is mostly eps where v is less */
    int64_t seen, refused;             /* elements so far */
    double gradient2[LANES], slope[LANES], arrival[LANES], flips2[LANES], flips_two2[LANES],
        momentum2[LANES], ratios[LANES];
    INTEGER rated[LANES], eps[LANES], zeros[LANES], lost[LANES];
    INTEGER update_max[LANES]; /* the bits of it, which are ordered as it is */
} FN(watch);

/* The v below which eps is the greater part of sigma; < 0: the rule has no sigma now. */
static double FN(eps_bound)(kernel_shape shape, const kernel_coefficients *c) {
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

OUTLINED void FN(watch_begin)(FN(watch) * w, kernel_shape shape, const kernel_block *b,
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

/* ---- sums of a chunk ---- */

/* lane[i mod LANES] += x_i y_i. */
OUTLINED void FN(add_products)(double *restrict lane, const REAL *restrict x,
                               const REAL *restrict y) {
    for (int half = 0; half < LANES; half += HALF) {
        double sum[HALF];
        memcpy(sum, lane + half, sizeof sum);
        for (int64_t i = half; i < CHUNK; i += LANES)
            for (int l = 0; l < HALF; l++)
                sum[l] = ADD_PRODUCT(sum[l], (double)x[i + l], (double)y[i + l]);
        memcpy(lane + half, sum, sizeof sum);
    }
}

/* lane[i mod LANES] += x_i. */
OUTLINED void FN(add_numbers)(double *restrict lane, const REAL *restrict x) {
    for (int half = 0; half < LANES; half += HALF) {
        double sum[HALF];
        memcpy(sum, lane + half, sizeof sum);
        for (int64_t i = half; i < CHUNK; i += LANES)
            for (int l = 0; l < HALF; l++) sum[l] += (double)x[i + l];
        memcpy(lane + half, sum, sizeof sum);
    }
}

/* lane[i mod LANES] += (x_i < bound). */
OUTLINED void FN(count_below)(INTEGER *restrict lane, const REAL *restrict x, REAL bound) {
    for (int64_t i = 0; i < CHUNK; i += LANES)
        for (int l = 0; l < LANES; l++) lane[l] += x[i + l] < bound;
}

/* ratio_i = g_i^2 / v_i, or g_i^2 / v_i^2, and 0 where v_i is 0 or the guard refuses raw_i. */
OUTLINED void FN(rate)(INTEGER *restrict rated, REAL *restrict ratio, const REAL *restrict g,
                       const REAL *restrict v, const REAL *restrict raw, REAL limit, bool is_root) {
    for (int64_t i = 0; i < CHUNK; i += LANES)
        for (int l = 0; l < LANES; l++) {
            const bool known = (v[i + l] > 0) & (ABS(raw[i + l]) <= limit);
            const REAL part = g[i + l] / v[i + l], square = part * (is_root ? part : g[i + l]);
            ratio[i + l] = !known ? 0 : square < MOST ? square : MOST;
            rated[l] += known;
        }
}

/* Into flipped the gradients with another sign than in the step before, 0 for the others; into
 * flipped_two those with another one than two steps before. */
OUTLINED void FN(see_signs)(uint8_t *restrict signs, const REAL *restrict g, REAL *restrict flipped,
                            REAL *restrict flipped_two) {
    INTEGER history[CHUNK];
    for (int64_t i = 0; i < CHUNK; i++) history[i] = signs[i];
    for (int64_t i = 0; i < CHUNK; i++) {
        const INTEGER sign = g[i] > 0 ? 1 : g[i] < 0 ? 2 : 0, last = history[i] & 3;
        flipped[i] = sign + last == 3 ? g[i] : 0;
        flipped_two[i] = sign + (history[i] >> 2) == 3 ? g[i] : 0;
        history[i] = sign | last << 2;
    }
    for (int64_t i = 0; i < CHUNK; i++) signs[i] = (uint8_t)history[i];
}

/* change = theta - before, and what is counted of it. */
OUTLINED void FN(see_changes)(FN(watch) *restrict w, const REAL *restrict g,
                              const REAL *restrict theta, const REAL *restrict before,
                              REAL *restrict change) {
    for (int64_t i = 0; i < CHUNK; i += LANES)
        for (int l = 0; l < LANES; l++) {
            const REAL u = theta[i + l] - before[i + l], size = ABS(u);
            INTEGER bits;
            memcpy(&bits, &size, sizeof bits);
            w->update_max[l] = bits > w->update_max[l] ? bits : w->update_max[l];
            w->zeros[l] += g[i + l] == 0;
            w->lost[l] += (g[i + l] != 0) & (u == 0);
            change[i + l] = u;
        }
}

/* ---- a chunk of n from `at`; past its end everything is 0 ---- */

/* The gradient `g` that the rule takes in against sigma of the step before. */
OUTLINED void FN(watch_before)(FN(watch) * w, const FN(coefficients) * c, const REAL *raw,
                               const REAL *g, int64_t at, int64_t n) {
    if (!w->past) return;
    REAL space[3][CHUNK], ratio[CHUNK];
    FN(rate)
    (w->rated, ratio, FN(filled)(g, n, space[0]), FN(filled)(w->past + at, n, space[1]),
     FN(filled)(raw, n, space[2]), c->limit, w->is_root);
    FN(add_numbers)(w->ratios, ratio);
}

/* v less the squared mean of the gradient. */
INLINE const REAL *FN(centered)(const REAL *v, const REAL *mean, int64_t n, REAL *space) {
    memset(space, 0, CHUNK * sizeof *space);
    for (int64_t i = 0; i < n; i++) space[i] = v[i] - mean[i] * mean[i];
    return space;
}

/* After the step of the chunk: `g` the raw gradient, 0 where it was refused. */
OUTLINED void FN(watch_after)(FN(watch) * w, const REAL *g, const REAL *theta, const REAL *before,
                              int64_t at, int64_t n, int64_t refused) {
    REAL space[4][CHUNK], flipped[CHUNK], flipped_two[CHUNK], change[CHUNK];
    uint8_t signs[CHUNK] = {0};
    for (size_t k = 0; k < CHUNK; k += 64 / sizeof *g) __builtin_prefetch(w->last + CHUNK + k);
    __builtin_prefetch(w->signs + CHUNK);
    g = FN(filled)(g, n, space[0]);
    memcpy(signs, w->signs, (size_t)n);
    FN(see_signs)(signs, g, flipped, flipped_two);
    memcpy(w->signs, signs, (size_t)n);
    FN(see_changes)(w, g, FN(filled)(theta, n, space[1]), FN(filled)(before, n, space[2]), change);
    FN(add_products)(w->arrival, g, FN(filled)(w->last, n, space[3]));
    memcpy(w->last, change, (size_t)n * sizeof *change);
    FN(add_products)(w->slope, g, change);
    FN(add_products)(w->gradient2, g, g);
    FN(add_products)(w->flips2, flipped, flipped);
    FN(add_products)(w->flips_two2, flipped_two, flipped_two);
    if (w->momentum) {
        const REAL *m = FN(filled)(w->momentum + at, n, space[1]);
        FN(add_products)(w->momentum2, m, m);
    }
    if (w->v) FN(count_below)
    (w->eps,
     w->center ? FN(centered)(w->v + at, w->center + at, n, space[1])
               : FN(filled)(w->v + at, n, space[1]),
     w->eps_bound);
    w->last += CHUNK;
    w->signs += CHUNK;
    w->seen += n;
    w->refused += refused;
}

INLINE int64_t FN(count)(const INTEGER *lane) {
    int64_t sum = 0;
    for (int l = 0; l < LANES; l++) sum += lane[l];
    return sum;
}

OUTLINED void FN(watch_end)(FN(watch) * w, const kernel_coefficients *c, watch_statistics *out) {
    const int64_t past_end = (CHUNK - w->seen % CHUNK) % CHUNK; /* were seen as zeros */
    INTEGER greatest = 0;
    for (int l = 0; l < LANES; l++)
        greatest = w->update_max[l] > greatest ? w->update_max[l] : greatest;
    REAL update_max;
    memcpy(&update_max, &greatest, sizeof update_max);
    *out = (watch_statistics){
        .elements = w->seen - w->refused,
        .gradient2 = FN(sum)(w->gradient2),
        .slope = FN(sum)(w->slope),
        .arrival = FN(sum)(w->arrival),
        .flips2 = FN(sum)(w->flips2),
        .flips_two2 = FN(sum)(w->flips_two2),
        .momentum2 = FN(sum)(w->momentum2),
        .ratios = w->past ? FN(sum)(w->ratios) / c->past_variance : 0,
        .rated = FN(count)(w->rated),
        .scaled = w->v ? w->seen : 0,
        .eps = FN(count)(w->eps) - (w->v && w->eps_bound > 0 ? past_end : 0),
        .zeros = FN(count)(w->zeros) - past_end - w->refused,
        .lost = FN(count)(w->lost),
        .update_max = (double)update_max,
    };
}
