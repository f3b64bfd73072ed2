/* SPDX-License-Identifier: Apache-2.0 */
/* surface.h - analytic loss surfaces with exact gradient and Hessian: what optimizers race on.
 *
 *     surface *s;
 *     int code = surface_create(&s, "quadratic condition=1e4 size=10 rotated=true");
 *     if (code) return code;                      the message is in failure_text()
 *     double g[2], loss = surface_gradient(s, theta, step, g);
 *     surface_destroy(s);
 *
 * A surface is made from a text: a name of the table, then settings. It never changes afterwards,
 * so threads may share it. Everything is computed in float64, and loss and gradient in float32 as
 * well, by the same body. The table (table.c) is the only list of surfaces; docs/surfaces.md and
 * `ravine race --surfaces` show it.
 */
#ifndef RAVINE_SURFACE_SURFACE_H
#define RAVINE_SURFACE_SURFACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SURFACE_PARAMETERS_MAX = 5,
    SURFACE_SIZE_MAX = 256, /* coordinates */
    SURFACE_SPEC_MAX = 256, /* bytes of a canonical text with its NUL */
    SURFACE_LANGUAGES = 3   /* English, Chinese as it is written in China, and in Taiwan */
};

typedef enum surface_kind { SURFACE_NUMBER, SURFACE_WHOLE, SURFACE_FLAG } surface_kind;

typedef struct surface_parameter {
    const char *name, *text;
    surface_kind kind;
    double least, greatest, fallback; /* both bounds are allowed values */
} surface_parameter;

typedef struct surface surface;

/* A row of the table. Coordinates beyond the second start, and have their minimum, as the second.
 * Texts are for people. */
typedef struct surface_row {
    const char *name, *alias; /* alias: NULL if there is none */
    const char *title[SURFACE_LANGUAGES], *formula;
    const char *coordinate[2]; /* names of the first two */
    double axes[2][2];         /* what a picture shows: [first, second coordinate][low, high] */
    surface_parameter parameter[SURFACE_PARAMETERS_MAX];
    int nparameters;
    int size;               /* coordinates; 0: the first parameter says how many */
    double start[2];        /* where a race begins unless told otherwise */
    int minima;             /* isolated ones; 0: none are, or build() finds it */
    double minimum[4][2];   /* [minima] */
    double least;           /* the least loss; NaN where the loss has no bound */
    const char *no_minimum; /* why there is no isolated one; NULL if there is */
    bool straight_valley;   /* one steep direction, the same everywhere: the first coordinate's,
                               unless build() says otherwise */
    bool quadratic;         /* the Hessian is the same everywhere */
    /* The computation; call it through the functions below. */
    int (*build)(surface *s); /* what the numbers above do not say; may be NULL */
    double (*gradient_f64)(const surface *s, const double *theta, double *gradient);
    float (*gradient_f32)(const surface *s, const float *theta, float *gradient);
    void (*hessian)(const surface *s, const double *theta, double *hessian);
} surface_row;

struct surface {
    const surface_row *row;
    char spec[SURFACE_SPEC_MAX]; /* canonical: the name and what differs from the defaults */
    int size;                    /* coordinates */
    double parameter[SURFACE_PARAMETERS_MAX]; /* in the order of the row */
    double noise;    /* standard deviation of what is added to each coordinate of the gradient */
    uint64_t seed;   /* of data and noise */
    double *start;   /* [size] */
    int minima;      /* isolated ones that are known; 0: none */
    double *minimum; /* [minima, size] */
    double least;    /* the least loss; NaN where the loss has no bound */
    double *steep;   /* [size], unit vector across the valley; NULL: no straight valley */
    double *data;    /* the row's own; NULL: none */
    int rows;        /* of data */
};

/* 0, or FAILURE_USAGE naming what is wrong and the nearest name, or FAILURE_INPUT: no memory. */
int surface_create(surface **out, const char *spec);
void surface_destroy(surface *s);        /* NULL is fine */
const surface_row *surface_table(int k); /* row number k; NULL past the last */

/* The loss without noise; gradient, hessian as below. Not finite where the formula overflows. */
double surface_loss(const surface *s, const double *theta);
/* Writes gradient [size] - with the noise of step number `step`, where the surface has noise - and
 * returns the loss. */
double surface_gradient(const surface *s, const double *theta, int64_t step, double *gradient);
/* The same in float32 arithmetic throughout. */
float surface_gradient_f32(const surface *s, const float *theta, int64_t step, float *gradient);
/* Writes hessian [size, size], symmetric. */
void surface_hessian(const surface *s, const double *theta, double *hessian);

/* Distance to the nearest minimum; NaN if none is known. */
double surface_distance(const surface *s, const double *theta);
/* Component of theta - minimum across the valley; NaN if there is no valley. */
double surface_across(const surface *s, const double *theta);

#endif
