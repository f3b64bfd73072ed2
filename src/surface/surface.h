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
    SURFACE_SPEC_MAX = 160  /* bytes of a canonical text with its NUL */
};

typedef enum surface_kind { SURFACE_NUMBER, SURFACE_WHOLE, SURFACE_FLAG } surface_kind;

typedef struct surface_parameter {
    const char *name, *text;
    surface_kind kind;
    double least, greatest, fallback; /* both bounds are allowed values */
} surface_parameter;

typedef struct surface surface;

/* A row of the table. Texts are for people. */
typedef struct surface_row {
    const char *name, *alias; /* alias: NULL if there is none */
    const char *title, *formula, *start, *minimum;
    const char *coordinate[2]; /* names of the first two */
    surface_parameter parameter[SURFACE_PARAMETERS_MAX];
    int nparameters;
    double axes[2][2]; /* what a picture shows: [first, second coordinate][low, high] */
    bool valley;       /* straight: one steep direction, the others flat */
    /* The computation; each is called through the functions below. */
    int (*build)(surface *s); /* size, start, minima, data; NULL: constants of the row */
    double (*gradient_f64)(const surface *s, const double *theta, double *gradient);
    float (*gradient_f32)(const surface *s, const float *theta, float *gradient);
    void (*hessian)(const surface *s, const double *theta, double *hessian);
    int fixed_size; /* 0: build() knows */
    double fixed_start[2];
    int fixed_minima;
    double fixed_minimum[4][2];
    double fixed_least;
} surface_row;

struct surface {
    const surface_row *row;
    char spec[SURFACE_SPEC_MAX]; /* canonical: the name and what differs from the defaults */
    int size;                    /* coordinates */
    double parameter[SURFACE_PARAMETERS_MAX]; /* in the order of the row */
    double *start;                            /* [size] */
    int minima;      /* isolated ones that are known; 0: none, or not isolated */
    double *minimum; /* [minima, size] */
    double least;    /* the least loss; NaN where the loss has no bound */
    double *steep;   /* [size], unit vector across the valley; NULL: no valley */
    double *data;    /* the row's own */
    int64_t count;   /* of data */
};

/* 0, or EXIT_USAGE naming what is wrong and the nearest name, or EXIT_INPUT: no memory. */
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
