/* figure.h - one figure of the lecture: picture, animation, table of numbers, what it shows.
 *
 *     figures_*.c   one function for each figure: it makes its runs and calls figure_put()
 *     figure.c      puts a figure into the page, into its SVG file and into lecture.json
 *     lecture.c     page and files around them
 */
#ifndef RAVINE_LECTURE_FIGURE_H
#define RAVINE_LECTURE_FIGURE_H

#include "lecture/runs.h"
#include "report/page.h"
#include "report/svg_chart.h"
#include "surface/surface.h"

#include <jansson.h>

typedef struct lecture {
    const char *folder;
    page page;
    json_t *figures; /* {"a": {...}, ...} */
    surface *convex, *crescent;
    run_measured measured[RUN_COUNT];
    int checked, agree; /* numbers of facts that lecture.md speaks of, and those that are alike */
} lecture;

/* A number that a figure shows. */
typedef struct fact {
    const char *key; /* in lecture.json */
    svg_text text;
    double value; /* NaN: none */
    int digits;   /* shown */
    /* What lecture.md says, and the range that counts as the same; NULL: nothing. */
    const char *want;
    double least, greatest;
} fact;

/* A trail of the first panel that can be played: positions at rising steps. */
typedef struct trail {
    const double *theta; /* [count, 2] */
    const int64_t *step; /* [count] */
    int64_t count;
    int color;
} trail;

typedef struct exhibit {
    char letter;      /* 'a' ... 'j' */
    const char *name; /* NAME.svg */
    svg_text title, shows;
    svg_panel panel[3];
    size_t npanels;
    const fact *fact;
    size_t nfacts;
    const run_id *run; /* a table of these runs */
    size_t nruns;
    const trail *trail; /* [ntrails]; the time of the animation is logarithmic */
    size_t ntrails;
} exhibit;

/* Returns 0 or an exit code of io/failure.h. */
int figure_put(lecture *l, const exhibit *e);
/* The figure that could not be made: why, in page, SVG and JSON. */
int figure_put_missing(lecture *l, const exhibit *e, const char *why);

int figure_stall(lecture *l);    /* (a) */
int figure_gd(lecture *l);       /* (b) */
int figure_sigma(lecture *l);    /* (c) */
int figure_crescent(lecture *l); /* (d) */
int figure_explode(lecture *l);  /* (e) */
int figure_decay(lecture *l);    /* (f) */
int figure_warmup(lecture *l);   /* (g) */
int figure_rules(lecture *l);    /* (h) */
int figure_sign(lecture *l);     /* (i) */
int figure_complete(lecture *l); /* (j) */

/* ---- columns of a trace ----------------------------------------------------------------------- */
enum { COLUMNS_MAX = 24 };
/* Arrays made for the panels of one figure, freed together. A failed allocation gives NULL and sets
 * `failed`. */
typedef struct columns {
    double *array[COLUMNS_MAX];
    size_t count;
    bool failed;
} columns;

double *column_new(columns *c, size_t n);
/* theta[axis] and so on: every `width`-th number of `values` from `first` on. */
double *column_of(columns *c, const double *values, int64_t n, int width, int first);
double *column_steps(columns *c, const race_trace *t); /* counted from 1, for logarithmic axes */
double *column_excess(columns *c, const race_trace *t, const surface *s);   /* loss - least */
double *column_distance(columns *c, const race_trace *t, const surface *s); /* to the minimum */
double *column_across(columns *c, const race_trace *t, const surface *s);   /* its size */
void columns_free(columns *c);

#endif
