/* SPDX-License-Identifier: Apache-2.0 */
/* svg_chart.h - the one code that draws charts: curves and planes with contours, as SVG.
 *
 *     const svg_series run = {.name = {"adam", NULL}, .x = step, .y = loss, .n = steps};
 *     const svg_panel panel = {.x = {.label = {"step", NULL}},
 *                              .y = {.label = {"loss", NULL}, .log = true},
 *                              .series = &run, .nseries = 1};
 *     const svg_figure figure = {.title = {"Loss", NULL}, .panel = &panel, .npanels = 1};
 *     page p = {0};
 *     svg_write(&p, &figure, SVG_STANDALONE);
 *     code = page_save(&p, "loss.svg");
 *
 * A figure is a column of panels, or rows of small ones. Long series are thinned, so that every
 * pixel keeps its least and greatest value: a spike of one step stays. Every text is escaped here.
 * Colours are the variables of page.css, right in the light and in the dark; a standalone file
 * carries them with it.
 */
#ifndef RAVINE_PAGE_SVG_CHART_H
#define RAVINE_PAGE_SVG_CHART_H

#include "page/page.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text in English and in Chinese as it is written in China, of which taiwan.def has the form that
 * is read in Taiwan; zh NULL: the same in all; en NULL: none. */
typedef struct svg_text {
    const char *en, *zh;
} svg_text;

/* What an x axis counts: steps from 0, or from 1 for the sake of a logarithm. A player and its
 * figure then know where a step is. */
typedef enum svg_count { SVG_NOTHING, SVG_STEPS_FROM_0, SVG_STEPS_FROM_1 } svg_count;

typedef struct svg_axis {
    svg_text label;
    double least, greatest; /* equal: what the series need */
    bool log;               /* values <= 0 are left out */
    svg_count counts;
    const double *tick; /* [nticks], rising, SVG_TICKS at most; NULL: round values */
    size_t nticks;
} svg_axis;

typedef enum svg_draw {
    SVG_CURVE, /* y over a rising x */
    SVG_TRAIL, /* a path through the plane */
    SVG_ARROW, /* the same with a head at its end */
    SVG_DOTS   /* a dot for each point */
} svg_draw;
enum { SVG_TICKS = 12 };
enum { SVG_COLORS = 8 }; /* --series-0 ... of page.css */

typedef struct svg_series {
    svg_text name;       /* in the legend; none: not listed */
    const double *x, *y; /* [n]; x NULL: 0, 1, 2 ...; what is not finite breaks the line */
    size_t n;
    svg_draw draw;
    int color; /* 0 .. SVG_COLORS - 1, otherwise: the colour of the text */
    bool dashed;
    bool under; /* wide and pale: a line that lies on it is seen */
    const int64_t
        *step; /* [n], of a trail that is played (svg_motion.h), rising; NULL: it is not */
} svg_series;

/* Shaded from x = from to x = to, over the whole height. */
typedef struct svg_band {
    double from, to;
} svg_band;

/* A line at y = at, over the whole width, with its meaning. */
typedef struct svg_level {
    double at;
    svg_text text; /* above the line, at its right end */
    bool left;     /* or at its left end */
} svg_level;

/* A rectangle, under what is drawn. */
typedef struct svg_cell {
    double x[2], y[2]; /* from, to */
    double shade;      /* 0, as the paper, to 1; NaN: struck out */
} svg_cell;

/* A text at a point; a cross marks the point where `cross` is set. */
typedef struct svg_note {
    double x, y;
    svg_text text;
    bool cross, left; /* left: the text ends at the point */
} svg_note;

/* Heights over the plane; its contours are drawn at the given values. */
typedef struct svg_contours {
    double (*height)(void *context, double x, double y);
    void *context;
    const double *level; /* [nlevels], rising */
    size_t nlevels;
} svg_contours;

typedef struct svg_panel {
    svg_axis x, y;
    double height; /* of the plot area, in units of 1/560 of the figure's width; 0: 220 */
    int columns;   /* so many panels like this one share a row, from left to right; 0: 1 */
    const svg_series *series;
    size_t nseries;
    const svg_band *band;
    size_t nbands;
    const svg_cell *cell;
    size_t ncells;
    const svg_level *level;
    size_t nlevels;
    const svg_note *note;
    size_t nnotes;
    svg_contours contours; /* height NULL: none */
} svg_panel;

typedef struct svg_figure {
    svg_text title, text; /* for those who cannot see it; not drawn */
    const char *id;       /* of the <svg>; NULL: none */
    const svg_panel *panel;
    size_t npanels;
} svg_figure;

/* STANDALONE: a file; the reader's language picks among the texts. INLINE: inside a page that has
 * page_style(p, &asset_svg_chart_css); all texts are there, each with its lang (languages.h). */
typedef enum svg_place { SVG_STANDALONE, SVG_INLINE } svg_place;

void svg_write(page *p, const svg_figure *figure, svg_place place);
/* The same in two parts; what is put between them lies above the figure. */
void svg_begin(page *p, const svg_figure *figure, svg_place place);
void svg_end(page *p);

/* ---- the parts, for svg_*.c and their tests -------------------------------------------------- */
/* svg_axis.c: round values in [least, greatest], rising, `strides` from the first to the last at
 * most; how many. */
size_t svg_ticks(double least, double greatest, bool log, int strides, double tick[SVG_TICKS]);
/* "20,000" or, where `powers` is set and value is one of ten, "10⁻⁷". */
void svg_number(double value, bool powers, char *text, size_t size);

/* svg_thin.c: which of n points to draw. A curve: per pixel column the first, the least, the
 * greatest and the last. A trail: each move from pixel to pixel once; gap[k]: no line leads to
 * point keep[k]. x, y in pixels; NaN breaks the line. keep: [n]. Returns how many; -1: no memory.
 */
size_t svg_thin_curve(const double *x, const double *y, size_t n, size_t *keep);
ptrdiff_t svg_thin_trail(const double *x, const double *y, size_t n, size_t *keep, bool *gap);

/* A stretch [first, last] of a curve that goes up and down once in 6 pixels or more often. */
typedef struct svg_swing {
    size_t first, last;
} svg_swing;
enum { SVG_SWINGS = 32 };
/* The stretches of a curve; how many. */
size_t svg_thin_swings(const double *x, const double *y, size_t n, svg_swing swing[SVG_SWINGS]);
/* What the lines of a stretch fill: the points of its outline, all around. keep: [2 n]. */
size_t svg_swing_outline(const double *x, const double *y, const svg_swing *swing, size_t *keep);

/* svg_contour.c: one line of points at the same height. */
typedef void (*svg_line_sink)(void *context, const double (*point)[2], size_t n, bool closed);
/* Marching squares over nx x ny samples z[j * nx + i] at (i, j). Returns 0, or -1: no memory. */
int svg_contour(const double *z, size_t nx, size_t ny, double level, svg_line_sink sink,
                void *context);

#endif
