/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.h - what a kernel is: a choice of m_t, sigma_t and what follows, over one block of
 * numbers.
 *
 *     theta <- theta - (eta_t / sigma_t) * m_t
 *
 * momentum.h, scale.h and after.h hold the bodies, kernel.inc the loop, kernels.def the choices
 * that are compiled, coefficients.c the numbers that turn a choice into a named rule.
 */
#ifndef RAVINE_UPDATE_ELEMENTWISE_KERNEL_H
#define RAVINE_UPDATE_ELEMENTWISE_KERNEL_H

#include "base/dtype.h"

#include <stdbool.h>
#include <stdint.h>

/* How m_t is made. X(NAME, state arrays) */
#define MOMENTUM_LIST(X)                                                                 \
    X(GRADIENT, 0)   /* the gradient itself */                                           \
    X(BUFFER, 1)     /* a mean of past gradients: heavy ball, Nesterov, Adam's m */      \
    X(LOOKBACK, 1)   /* a mean, used before it takes in all of the new gradient: Lion */ \
    X(NORMALIZED, 1) /* a mean of g/sigma: RMSProp with momentum, ADOPT */               \
    X(DIFFERENCE, 3) /* a mean of g and one of its changes: Adan */

/* How sigma_t is made. X(NAME, state arrays, sigma_kind) */
#define SCALE_LIST(X)                                                                       \
    X(ONE, 0, ONE)                                                                          \
    X(SQUARES, 1, ROOT)   /* a sum or mean of g^2: Adagrad, RMSProp, Adam */                \
    X(CENTERED, 2, ROOT)  /* a mean of g^2 less the squared mean of g */                    \
    X(GREATEST, 2, ROOT)  /* the greatest mean of g^2 so far: AMSGrad */                    \
    X(MAXIMUM, 1, OWN)    /* a decaying maximum of |g|: Adamax */                           \
    X(BELIEF, 1, ROOT)    /* a mean of (g - m)^2: AdaBelief */                              \
    X(YOGI, 1, ROOT)      /* a mean of g^2 that moves by g^2 at most */                     \
    X(DELTA, 2, OWN)      /* sqrt(v) over the root mean square of past updates: Adadelta */ \
    X(PREVIOUS, 1, OWN)   /* the mean of g^2 before this step: ADOPT */                     \
    X(LOOKAHEAD, 1, ROOT) /* a mean of (g + beta2 (g - previous g))^2: Adan */              \
    X(SIGN, 0, SIGNS)     /* |m|: only the sign is left */                                  \
    X(RPROP, 2, SIGNS)    /* a step of each parameter's own, grown and shrunk by signs */   \
    X(FACTORED, 1, ROOT)  /* a mean of g^2, of a matrix those of its rows and columns */
/* ROOT: sqrt(v_scale v + eps_inside) sigma_scale + eps_outside; OWN: a formula of its own. */
typedef enum sigma_kind { SIGMA_ONE, SIGMA_SIGNS, SIGMA_ROOT, SIGMA_OWN } sigma_kind;

/* What follows the update. */
#define AFTER_LIST(X)                                        \
    X(NOTHING, 0)                                            \
    X(AVERAGE, 1) /* Polyak's average of theta: ASGD */      \
    X(SHRINK, 0)  /* theta divided: proximal weight decay */ \
    X(WHOLE, 0)   /* the step waits for sums over the tensor: whole.inc */

#define X(NAME, arrays) MOMENTUM_##NAME,
typedef enum momentum_kind { MOMENTUM_LIST(X) } momentum_kind;
#undef X
#define X(NAME, arrays, sigma) SCALE_##NAME,
typedef enum scale_kind { SCALE_LIST(X) } scale_kind;
#undef X
#define X(NAME, arrays) AFTER_##NAME,
typedef enum after_kind { AFTER_LIST(X) } after_kind;
#undef X

/* What the loop knows of its coefficients. Most rules mix no g into the numerator and have
 * sigma = sqrt(v) sigma_scale + eps_outside > 0: operations that change nothing are left out then,
 * a quarter of AdamW's (docs/decisions/chunks.md). A rule's shape is GENERAL; the kernel looks. */
typedef enum coefficient_form { COEFFICIENTS_GENERAL, COEFFICIENTS_USUAL } coefficient_form;

typedef struct kernel_shape {
    momentum_kind momentum;
    scale_kind scale;
    after_kind after;
    coefficient_form form;
} kernel_shape;

/* Arrays that a kernel walks over beside theta and the gradient: momentum's, then scale's, then
 * after's, as in the row of the rule. */
#define STATE_ARRAYS_MAX 5
static inline int momentum_arrays(kernel_shape shape) {
#define X(NAME, arrays) arrays,
    static const int count[] = {MOMENTUM_LIST(X)};
    return count[shape.momentum];
}
static inline int after_arrays(kernel_shape shape) {
    static const int count[] = {AFTER_LIST(X)};
#undef X
    return count[shape.after];
}
static inline int scale_arrays(kernel_shape shape) {
#define X(NAME, arrays, sigma) arrays,
    static const int count[] = {SCALE_LIST(X)};
#undef X
    return count[shape.scale];
}
static inline sigma_kind sigma_of(scale_kind scale) {
#define X(NAME, arrays, sigma) SIGMA_##sigma,
    static const sigma_kind kind[] = {SCALE_LIST(X)};
#undef X
    return kind[scale];
}
/* Whether the first array is a mean or sum of gradients: not of g/sigma. */
static inline bool keeps_gradients(kernel_shape shape) {
    return momentum_arrays(shape) > 0 && shape.momentum != MOMENTUM_NORMALIZED;
}

/* The numbers of one step, made once per group and step_count in double (coefficients.c) and
 * rounded once to the type that the kernel computes in. X(name, meaning) */
#define COEFFICIENT_LIST(X)                                                          \
    X(gradient) /* g <- gradient * raw: sign, 1/grad_scale, clipping by norm */      \
    X(limit)    /* greatest |g| that is taken; the guard */                          \
    X(clip)     /* g <- clamp(g, -clip, clip) */                                     \
    X(couple)   /* g <- g + couple theta */                                          \
    X(decay)    /* theta <- theta - decay theta */                                   \
    X(momentum) /* m <- momentum m + intake g */                                     \
    X(intake)                                                                        \
    X(from_g) /* numerator = from_g g + from_m m */                                  \
    X(from_m)                                                                        \
    X(v_keep) /* v <- v_keep v + v_intake g^2 */                                     \
    X(v_intake)                                                                      \
    X(v_scale) /* sigma = sqrt(v_scale v + eps_inside) sigma_scale + eps_outside */  \
    X(eps_inside)                                                                    \
    X(sigma_scale)                                                                   \
    X(eps_outside)                                                                   \
    X(step)        /* theta <- theta - step numerator / sigma */                     \
    X(first)       /* 1 at the parameter's first step, else 0 */                     \
    X(change)      /* Adan: change = change (g - previous g); 0 at the first step */ \
    X(change_keep) /* Adan: d <- change_keep d + change_intake (g - previous g) */   \
    X(change_intake)                                                                 \
    X(from_change)                                                                   \
    X(look)   /* Adan: what sigma adds of (g - previous g) */                        \
    X(bound)  /* ADOPT: clamp of g/sigma */                                          \
    X(shrink) /* eta lambda / (1 + eta lambda) of a proximal decay */                \
    X(least)  /* Adafactor: v is at least this */                                    \
    X(outer)  /* WHOLE: its direction is outer m/sigma + inner theta */              \
    X(inner)                                                                         \
    X(average) /* ASGD: a <- a + average (theta - a) */                              \
    X(grow)    /* Rprop */                                                           \
    X(cut)                                                                           \
    X(step_min)                                                                      \
    X(step_max)                                                                      \
    X(ema) /* average of the weights: e <- e + ema (theta - e) */

typedef struct kernel_coefficients {
#define X(name) double name;
    COEFFICIENT_LIST(X)
#undef X
    double sigma_divisor; /* sigma_t is the kernel's sigma divided by this; ravine_sigma */
    double mean_least;    /* FACTORED: the mean over rows is at least this */
    double past_variance; /* sigma^2 of the step before, without eps, is this times v; 0: unknown */
    bool propagate;       /* no guard: take every gradient */
    bool gradient_unchanged; /* gradient, clip and couple change nothing */
} kernel_coefficients;

/* Reductions are made over blocks of this many elements, whatever the threads do. */
#define BLOCK_ELEMENTS 4096

typedef struct block_statistics {
    double gradient2, update2, param2;  /* sums of squares; gradient2 of the raw gradient */
    double slope;                       /* <raw gradient, update> */
    int64_t nonfinite, first_nonfinite; /* count; index in the block, -1 */
} block_statistics;

/* A block is walked in chunks of this many elements, which the first-level cache holds. */
#define CHUNK_ELEMENTS 128
/* Where the environment says so, every 1st, 2nd, 4th ... or 128th chunk of a parameter is watched,
 * from the first on: the greatest of these steps that leaves about a block's worth. What is watched
 * keeps its last update and the last two signs of each gradient (docs/internals/statistics.md). */
#define WATCH_EVERY_MOST 128
/* Of a watched element it is also known whether its gradient was anything but 0 in the present
 * period of so many steps of the parameter, and in the three before: the upper bits of `signs`. */
#define QUIET_STEPS 64
enum { SEEN = 1 << 4, SEEN_EVER = 0xf << 4 };

/* Sums over the watched elements of a block. X(type, name) */
#define WATCH_SUM_LIST(X)                                                                 \
    X(int64_t, elements)  /* with a gradient that was not refused: those of the others */ \
    X(double, gradient2)  /* of the raw gradient */                                       \
    X(double, slope)      /* <raw gradient, update> */                                    \
    X(double, arrival)    /* <raw gradient, update of the step before> */                 \
    X(double, flips2)     /* squares of the gradients with another sign */                \
    X(double, flips_two2) /* the same against two steps before */                         \
    X(double, momentum2)  /* of the first state array */                                  \
    X(double, ratios)     /* g^2 over sigma^2 of the step before */                       \
    X(int64_t, rated)     /* elements that have such a sigma */                           \
    X(int64_t, scaled)    /* elements that have a sigma now */                            \
    X(int64_t, eps)       /* those where it is mostly eps */                              \
    X(int64_t, zeros)     /* gradients that are 0 */                                      \
    X(int64_t, quiet)     /* elements that had no other one in QUIET_STEPS or more */     \
    X(int64_t, lost)      /* gradients that are not, and changed nothing */

typedef struct watch_statistics {
#define X(type, name) type name;
    WATCH_SUM_LIST(X)
#undef X
    double update_max;
} watch_statistics;

/* One block of one parameter: arrays of `count` <= BLOCK_ELEMENTS numbers of the parameter's type.
 */
typedef struct kernel_block {
    void *theta, *gradient;
    void *state[STATE_ARRAYS_MAX];
    void *ema; /* NULL: no average of the weights */
    int64_t count;
    bool zero_gradient, measure; /* measure: fill the sums of squares */
    int64_t ahead;               /* bytes: asks for memory so far before its use; 0: does not */
    void *last_update;           /* of the watched chunks, one after the other */
    uint8_t *signs; /* the last sign + 4 times the one before; 0, 1 (+) or 2 (-); SEEN bits */
    bool turn;      /* the parameter begins a new period of QUIET_STEPS */
    watch_statistics *watched; /* NULL: nobody watches, or nothing of this block */
    int64_t watch_every;       /* chunks */
    /* FACTORED: the number of the block's first element in a tensor of matrices [rows, columns],
     * and the mean squares of its rows, columns, matrices; NULL: a vector, whose v is in `state`.
     */
    int64_t first, rows, columns;
    const void *row, *column;
    const double *matrix_mean;
} kernel_block;

/* Matrices [rows, columns] one after the other, of which the means of some rows, and of some strips
 * of CHUNK_ELEMENTS columns of a matrix, take in the squares of the gradients. */
typedef struct kernel_fold {
    const void *theta, *gradient;
    void *row, *column; /* of all matrices */
    int64_t rows, columns;
    int64_t row_begin, row_end, strip_begin, strip_end;
} kernel_fold;

typedef void (*update_kernel)(const kernel_block *block, const kernel_coefficients *c,
                              block_statistics *out);
/* The read-only pass over the gradient: gradient2, times scale^2, and the counts, of finite
 * elements. */
typedef void (*norm_kernel)(const kernel_block *block, double scale, const kernel_coefficients *c,
                            block_statistics *out);

/* Two passes of rules whose step waits for the whole tensor: whole.inc. */
typedef update_kernel look_kernel;
typedef void (*fold_kernel)(const kernel_fold *f, const kernel_coefficients *c);

/* The kernels of one type, in the order of kernels.def, and of one instruction set. */
#define KERNEL(momentum, scale, after) +1
enum {
    KERNEL_COUNT = 0
#include "kernels.def"
};
typedef struct kernel_set {
    const update_kernel *update; /* [KERNEL_COUNT] */
    norm_kernel norm;
    const look_kernel *look; /* [KERNEL_COUNT]; NULL where the step does not wait */
    fold_kernel fold;
} kernel_set;
typedef struct isa_kernels {
    const char *name;
    kernel_set of[COMPUTED_COUNT]; /* by the index of the type: base/dtype.h */
} isa_kernels;

/* The place of a shape in kernels.def, or -1. */
int ravine_kernel_find(kernel_shape shape);
/* The kernels of a named instruction set that this processor has; NULL is the best one, or the one
 * that RAVINE_ISA names. On an error NULL, and the message is set. */
const isa_kernels *ravine_kernels(const char *isa);

#endif
