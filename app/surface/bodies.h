/* SPDX-License-Identifier: Apache-2.0 */
/* bodies.h - loss, gradient and Hessian of each surface, for the table. */
#ifndef RAVINE_SURFACE_BODIES_H
#define RAVINE_SURFACE_BODIES_H

#include "surface/surface.h"

/* NAME of: body.inc (twice), hessian.c, the table. */
#define SURFACE_LIST(X) \
    X(lecture)          \
    X(crescent)         \
    X(ravine)           \
    X(quadratic)        \
    X(saddle)           \
    X(monkey)           \
    X(beale)            \
    X(himmelblau)       \
    X(rastrigin)        \
    X(tanh_chain)       \
    X(logistic)

#define DECLARE(name)                                                           \
    double name##_f64(const surface *s, const double *theta, double *gradient); \
    float name##_f32(const surface *s, const float *theta, float *gradient);    \
    void name##_hessian(const surface *s, const double *theta, double *hessian);
SURFACE_LIST(DECLARE)
#undef DECLARE

/* Streams of the random numbers, so that no two uses share one; noise takes one a step. */
enum { STREAM_ROTATION = 1, STREAM_POINTS, STREAM_NOISE };

/* A standard normal number of the surface's seed. normal.c */
double surface_normal(const surface *s, uint64_t stream, uint64_t index);

/* build.c: 0 or FAILURE_INPUT. */
int lecture_build(surface *s);
int quadratic_build(surface *s);
int logistic_build(surface *s);

#endif
