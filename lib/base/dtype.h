/* SPDX-License-Identifier: Apache-2.0 */
/* dtype.h - what is true of each type of number that optimizers compute with: one row each. Nobody
 * else asks which type it is. */
#ifndef RAVINE_BASE_DTYPE_H
#define RAVINE_BASE_DTYPE_H

#include "ravine.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

/* X(NAME of ravine_dtype, the same in lower case, C's type, greatest finite number, distance
 * of 1 to the next one, and what differences of gradients and losses show: struct computed) */
#define COMPUTED_LIST(X)                                       \
    X(F32, f32, float, FLT_MAX, FLT_EPSILON, 1e-3, 1e-4, 1e-4) \
    X(F64, f64, double, DBL_MAX, DBL_EPSILON, 6e-6, 1e-6, 1e-10)

#define X(NAME, name, type, most, epsilon, far, curvature, loss) COMPUTED_##NAME,
enum { COMPUTED_LIST(X) COMPUTED_COUNT };
#undef X

typedef struct computed {
    size_t bytes;
    int index; /* among the rows: COMPUTED_F32, ... */
    double largest, epsilon;
    /* Best distance of central differences of gradients, as a share of |theta|: the error of
     * rounding against the square of the distance (docs/internals/probes.md). */
    double difference;
    /* The least that can be told from zero: of a curvature, as a share of the largest one; of a
     * fall of the loss, as a share of the loss. */
    double curvature, loss;
} computed;

/* The row of a ravine_dtype; NULL: optimizers do not compute with it. */
extern const computed ravine_computed_rows[COMPUTED_COUNT];
static inline const computed *ravine_computed(int32_t dtype) {
    switch (dtype) {
#define X(NAME, name, type, most, epsilon, far, curvature, loss) \
    case RAVINE_##NAME: return &ravine_computed_rows[COMPUTED_##NAME];
        COMPUTED_LIST(X)
#undef X
    }
    return NULL;
}

static inline size_t ravine_dtype_bytes(int32_t dtype) {
    return ravine_computed(dtype)->bytes;
}

/* Element i of an array of a type that has a row. */
static inline double dtype_load(int32_t dtype, const void *array, int64_t i) {
    switch (dtype) {
#define X(NAME, name, type, most, epsilon, far, curvature, loss) \
    case RAVINE_##NAME: return (double)((const type *)array)[i];
        COMPUTED_LIST(X)
#undef X
    }
    return NAN;
}
static inline void dtype_store(int32_t dtype, void *array, int64_t i, double x) {
    switch (dtype) {
#define X(NAME, name, type, most, epsilon, far, curvature, loss) \
    case RAVINE_##NAME: ((type *)array)[i] = (type)x; break;
        COMPUTED_LIST(X)
#undef X
    }
}

/* Whether numbers of a ravine_dtype can be read as real ones; these of other programs may be. */
bool ravine_is_real(int32_t dtype);
/* to[n] = from[at], from[at + 1], ...; the type is real. */
void ravine_widen(double *restrict to, int32_t dtype, const void *from, int64_t at, int64_t n);

#endif
