/* SPDX-License-Identifier: Apache-2.0 */
/* figure.h - one figure of the lecture: picture, animation, table of numbers, what it shows, and
 * the commands that make its runs again.
 *
 *     figures_*.c   one function for each figure: it makes its runs and calls figure_put()
 *     figure.c      puts a figure into the page, into its SVG file and into lecture.json
 *     lecture.c     page and files around them
 */
#ifndef RAVINE_LECTURE_FIGURE_H
#define RAVINE_LECTURE_FIGURE_H

#include "lecture/runs.h"
#include "lecture/sweeps.h"
#include "page/page.h"
#include "page/svg_chart.h"
#include "surface/surface.h"

#include <jansson.h>

/* X(LETTER, NAME): made by figure_NAME(), in this order. */
#define LECTURE_FIGURE_LIST(X) \
    X('a', stall)              \
    X('b', gd)                 \
    X('c', sigma)              \
    X('d', crescent)           \
    X('e', explode)            \
    X('f', decay)              \
    X('g', warmup)             \
    X('h', rules)              \
    X('i', sign)               \
    X('j', complete)           \
    X('k', alpha)              \
    X('l', young)              \
    X('m', networks)           \
    X('n', batch)              \
    X('o', bounce)             \
    X('p', way)

typedef struct lecture {
    const char *folder;
    page page;
    json_t *figures;     /* {"a": {...}, ...} */
    const json_t *saved; /* sweeps.h */
    surface *convex, *crescent;
    lecture_measured measured[LECTURE_RUN_COUNT];
    char letter;        /* of the figure that is being made */
    int status;         /* of the first figure that failed */
    int made;           /* figures; the others are missing */
    int checked, agree; /* numbers that the reference has too, and those that are alike */
} lecture;

/* A number that a figure shows. */
typedef struct fact {
    const char *key; /* in lecture.json */
    svg_text text;
    double value; /* NaN: none */
    int digits;   /* shown */
    /* What the reference gives, and the range that counts as the same; NULL: it has none. */
    const char *want;
    double least, greatest;
} fact;

typedef struct traces traces;
typedef struct exhibit {
    const char *name; /* NAME.svg */
    svg_text title, shows;
    svg_panel panel[7];
    size_t npanels;
    const fact *fact;
    size_t nfacts;
    const lecture_run *run; /* a table of these runs */
    size_t nruns;
    const traces *traces;     /* the commands that make these; NULL: */
    svg_text settings;        /* what else made it, ... */
    const char *code;         /* ... as code; NULL: none */
    const char *const *saved; /* the sweeps whose numbers it shows */
    size_t nsaved;
} exhibit;

fact fact_plain(const char *key, svg_text text, double value, int digits);
fact fact_wanted(fact f, const char *want, double least, double greatest);
fact fact_valued(fact f, double value);

/* Returns 0 or a kind of io/failure.h. */
int figure_put(lecture *l, const exhibit *e);
/* One that could not be made, since reading the images has just failed: what it needs, in page, SVG
 * and JSON. */
int figure_put_without_images(lecture *l, const exhibit *e);

#define RAVINE_X(LETTER, NAME) int figure_##NAME(lecture *l);
LECTURE_FIGURE_LIST(RAVINE_X)
#undef RAVINE_X

/* ---- traces.c: the runs of a figure, and arrays made from them --------------------------------
 */
enum { TRACES_MAX = 6, COLUMNS_MAX = 32 };
struct traces {
    race_setup setup[TRACES_MAX];
    race_result race[TRACES_MAX];
    size_t count;
    double *column[COLUMNS_MAX]; /* freed together */
    size_t ncolumns;
    bool failed; /* memory ended; a column is NULL */
};

/* Races the setups, every step recorded. On a failure there is nothing to free. */
int traces_race(traces *t, const race_setup *setup, size_t n);
/* The same of the lecture's runs, the first `steps` steps. */
int traces_make(traces *t, const lecture *l, const lecture_run *id, size_t n, int64_t steps);
int traces_status(const traces *t); /* FAILURE_INPUT where a column is missing */
void traces_free(traces *t);
/* `ravine race ...`, for each surface, start, schedule and number of steps. */
void traces_put_commands(page *p, const traces *t);

/* Columns of race k, one number for each entry of its trace. */
double *column_new(traces *t, size_t k);
double *column_axis(traces *t, size_t k, const double *values, int axis); /* values: [count, 2] */
double *column_excess(traces *t, size_t k, const surface *s);             /* loss - least */
double *column_distance(traces *t, size_t k, const surface *s);           /* to the minimum */
double *column_across(traces *t, size_t k, const surface *s); /* distance across the valley */
/* The greatest distance to the minimum from each step on: whether it stays, however it swings. */
double *column_farthest(traces *t, size_t k, const surface *s);

/* y over the steps of race k, which are counted from 1; n without the end, which no step leaves. */
svg_series traces_curve(traces *t, size_t k, svg_text name, const double *y, int color);
/* The same of column_farthest() without the last tenth, which would show the end of the run. */
enum { TRACES_TAIL = LECTURE_STEPS / 10 };
svg_series traces_farthest(traces *t, size_t k, svg_text name, const double *farthest, int color);
/* The way of race k through the plane, which is played. */
svg_series traces_way(traces *t, size_t k, svg_text name, int color);

#endif
