/* SPDX-License-Identifier: Apache-2.0 */
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
    uint8_t *signs; /* of its gradient in the steps before: kernel_block */
    bool turn;      /* a new period of QUIET_STEPS begins */
    const REAL *momentum, *v, *center; /* state arrays of the block; NULL: there is none such */
    const REAL *past;                  /* v, if sigma of the step before is known */
    bool is_root;                      /* v is sigma, not its square */
    REAL eps_bound;                    /* sigma is mostly eps where v is less */
    int64_t seen, refused;             /* elements so far */
    watch_statistics sum;
} FN(watch);

/* The v below which eps is the greater part of sigma; < 0: the rule has no sigma now. */
static double FN(eps_bound)(kernel_shape shape, const kernel_coefficients *c) {
    switch (shape.scale) {
    case SCALE_ONE:
    case SCALE_SIGN:
    case SCALE_RPROP:
    case SCALE_FACTORED: return -1;                /* of a matrix there is no v of an element */
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
                     .turn = b->turn,
                     .momentum = keeps_gradients(shape) ? b->state[0] : NULL,
                     .v = bound < 0 ? NULL : b->state[k + greatest],
                     .center = shape.scale == SCALE_CENTERED ? b->state[k + 1] : NULL,
                     .past = c->past_variance > 0 ? b->state[k + greatest] : NULL,
                     .is_root = shape.scale == SCALE_MAXIMUM,
                     .eps_bound = (REAL)bound};
    if (bound > 0 && w->eps_bound == 0) w->eps_bound = LEAST; /* a v of 0 is below it */
}

/* ---- sums and counts of a chunk ---- */

/* The sum of x_i y_i. */
OUTLINED double FN(dot)(const REAL *restrict x, const REAL *restrict y) {
    double lane[LANES] = {0};
    for (int64_t i = 0; i < CHUNK; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] = ADD_PRODUCT(lane[l], (double)x[i + l], (double)y[i + l]);
    return FN(sum)(lane);
}

/* The sum of x_i. */
OUTLINED double FN(total)(const REAL *x) {
    double lane[LANES] = {0};
    for (int64_t i = 0; i < CHUNK; i += LANES)
        for (int l = 0; l < LANES; l++) lane[l] += (double)x[i + l];
    return FN(sum)(lane);
}

INLINE int64_t FN(count)(const INTEGER *lane) {
    INTEGER sum = 0;
    for (int l = 0; l < LANES; l++) sum += lane[l];
    return sum;
}

/* How many x_i < bound. */
OUTLINED int64_t FN(count_below)(const REAL *x, REAL bound) {
    INTEGER lane[LANES] = {0};
    for (int64_t i = 0; i < CHUNK; i += LANES)
        for (int l = 0; l < LANES; l++) lane[l] += x[i + l] < bound;
    return FN(count)(lane);
}

/* ratio_i = g_i^2 / v_i, or g_i^2 / v_i^2, and 0 where v_i is 0 or the guard refuses raw_i; returns
 * how many are not. */
OUTLINED int64_t FN(rate)(REAL *restrict ratio, const REAL *restrict g, const REAL *restrict v,
                          const REAL *restrict raw, REAL limit, bool is_root) {
    INTEGER lane[LANES] = {0};
    for (int64_t i = 0; i < CHUNK; i += LANES)
        for (int l = 0; l < LANES; l++) {
            const bool known = (v[i + l] > 0) & (ABS(raw[i + l]) <= limit);
            const REAL part = g[i + l] / v[i + l], square = part * (is_root ? part : g[i + l]);
            ratio[i + l] = !known ? 0 : square < MOST ? square : MOST;
            lane[l] += known;
        }
    return FN(count)(lane);
}

/* Into flipped the gradients with another sign than in the step before, 0 for the others; into
 * flipped_two those with another one than two steps before. Returns how many elements had no
 * gradient but 0 in these periods; one that the guard refuses is some gradient. */
OUTLINED int64_t FN(see_signs)(uint8_t *restrict signs, bool turn, const REAL *restrict g,
                               const REAL *restrict raw, REAL *restrict flipped,
                               REAL *restrict flipped_two) {
    INTEGER history[CHUNK], quiet[LANES] = {0};
    for (int64_t i = 0; i < CHUNK; i++) history[i] = signs[i];
    if (turn)
        for (int64_t i = 0; i < CHUNK; i++)
            history[i] = (history[i] & ~SEEN_EVER) | (history[i] << 1 & (SEEN_EVER & ~SEEN));
    for (int64_t i = 0; i < CHUNK; i += LANES)
        for (int l = 0; l < LANES; l++) {
            const INTEGER past = history[i + l], last = past & 3, two = past >> 2 & 3;
            const INTEGER sign = g[i + l] > 0 ? 1 : g[i + l] < 0 ? 2 : 0;
            const INTEGER seen = (past & SEEN_EVER) | (raw[i + l] != 0 ? SEEN : 0);
            flipped[i + l] = sign + last == 3 ? g[i + l] : 0;
            flipped_two[i + l] = sign + two == 3 ? g[i + l] : 0;
            quiet[l] += seen == 0;
            history[i + l] = sign | last << 2 | seen;
        }
    for (int64_t i = 0; i < CHUNK; i++) signs[i] = (uint8_t)history[i];
    return FN(count)(quiet);
}

/* change = theta - before, and what is counted of it. */
OUTLINED void FN(see_changes)(watch_statistics *restrict sum, const REAL *restrict g,
                              const REAL *restrict theta, const REAL *restrict before,
                              REAL *restrict change) {
    INTEGER zeros[LANES] = {0}, lost[LANES] = {0};
    for (int64_t i = 0; i < CHUNK; i += LANES)
        for (int l = 0; l < LANES; l++) {
            const REAL u = theta[i + l] - before[i + l];
            zeros[l] += g[i + l] == 0;
            lost[l] += (g[i + l] != 0) & (u == 0);
            change[i + l] = u;
        }
    sum->zeros += FN(count)(zeros);
    sum->lost += FN(count)(lost);
    const double most = (double)FN(worst)(change, CHUNK);
    if (!isnan(sum->update_max) && !(most <= sum->update_max)) sum->update_max = most;
}

/* ---- a chunk of n from `at`; past its end everything is 0 ---- */

/* The gradient `g` that the rule takes in against sigma of the step before. */
OUTLINED void FN(watch_before)(FN(watch) * w, const FN(coefficients) * c, const REAL *raw,
                               const REAL *g, int64_t at, int64_t n) {
    if (!w->past) return;
    REAL space[3][CHUNK], ratio[CHUNK];
    w->sum.rated +=
        FN(rate)(ratio, FN(filled)(g, n, space[0]), FN(filled)(w->past + at, n, space[1]),
                 FN(filled)(raw, n, space[2]), c->limit, w->is_root);
    w->sum.ratios += FN(total)(ratio);
}

/* v less the squared mean of the gradient. */
INLINE const REAL *FN(centered)(const REAL *v, const REAL *mean, int64_t n, REAL *space) {
    memset(space, 0, CHUNK * sizeof *space);
    for (int64_t i = 0; i < n; i++) space[i] = v[i] - mean[i] * mean[i];
    return space;
}

/* After the step of the chunk: `g` is `raw`, or 0 where that was refused. */
OUTLINED void FN(watch_after)(FN(watch) * w, const REAL *raw, const REAL *g, const REAL *theta,
                              const REAL *before, int64_t at, int64_t n, int64_t refused) {
    REAL space[5][CHUNK], flipped[CHUNK], flipped_two[CHUNK], change[CHUNK];
    uint8_t signs[CHUNK] = {0};
    for (size_t k = 0; k < CHUNK; k += 64 / sizeof *g) __builtin_prefetch(w->last + CHUNK + k);
    for (size_t k = 0; k < CHUNK; k += 64) __builtin_prefetch(w->signs + CHUNK + k);
    g = FN(filled)(g, n, space[0]);
    memcpy(signs, w->signs, (size_t)n);
    w->sum.quiet +=
        FN(see_signs)(signs, w->turn, g, FN(filled)(raw, n, space[4]), flipped, flipped_two);
    memcpy(w->signs, signs, (size_t)n);
    FN(see_changes)
    (&w->sum, g, FN(filled)(theta, n, space[1]), FN(filled)(before, n, space[2]), change);
    w->sum.arrival += FN(dot)(g, FN(filled)(w->last, n, space[3]));
    memcpy(w->last, change, (size_t)n * sizeof *change);
    w->sum.slope += FN(dot)(g, change);
    w->sum.gradient2 += FN(dot)(g, g);
    w->sum.flips2 += FN(dot)(flipped, flipped);
    w->sum.flips_two2 += FN(dot)(flipped_two, flipped_two);
    if (w->momentum) {
        const REAL *m = FN(filled)(w->momentum + at, n, space[1]);
        w->sum.momentum2 += FN(dot)(m, m);
    }
    if (w->v) {
        const REAL *v = w->center ? FN(centered)(w->v + at, w->center + at, n, space[1])
                                  : FN(filled)(w->v + at, n, space[1]);
        w->sum.eps += FN(count_below)(v, w->eps_bound);
    }
    w->last += CHUNK;
    w->signs += CHUNK;
    w->seen += n;
    w->refused += refused;
}

OUTLINED void FN(watch_end)(const FN(watch) * w, const kernel_coefficients *c,
                            watch_statistics *out) {
    const int64_t past_end = (CHUNK - w->seen % CHUNK) % CHUNK; /* were seen as zeros */
    *out = w->sum;
    out->elements = w->seen - w->refused;
    out->ratios = w->past ? w->sum.ratios / c->past_variance : 0;
    out->scaled = w->v ? w->seen : 0;
    out->eps -= w->v && w->eps_bound > 0 ? past_end : 0;
    out->zeros -= past_end + w->refused;
    out->quiet -= past_end;
}
