/* SPDX-License-Identifier: Apache-2.0 */
/* svg_frame.h - one panel on the paper: where its plot area lies and what its axes span. For
 * svg_chart.c, which lays it out, and the others, which draw into it. */
#ifndef RAVINE_PAGE_SVG_FRAME_H
#define RAVINE_PAGE_SVG_FRAME_H

#include "page/svg_chart.h"

enum { SVG_WIDTH = 560, SVG_RIGHT = 16, SVG_TICK_TEXT = 48 };
/* Texts at their largest, on a phone (svg_chart.css): there is room for them in every layout. */
#define SVG_FONT 17.5

typedef struct svg_span {
    double low, high; /* of the axis; logarithms to base 10 where it is logarithmic */
    bool log;
} svg_span;

typedef struct svg_scale {
    double at[SVG_TICKS];
    size_t n;
    bool powers; /* better read as powers of ten */
} svg_scale;

typedef struct svg_frame {
    const svg_panel *panel;
    double from, to;                 /* its part of the paper's width, with labels */
    double head;                     /* of the whole panel, with labels */
    double left, top, width, height; /* of the plot area */
    svg_span x, y;
    svg_scale x_ticks, y_ticks;
    double bottom; /* as head */
} svg_frame;

/* svg_chart.c */
svg_frame svg_frame_of(const svg_figure *figure, size_t panel);

/* svg_frame.c: the value in the axis' own numbers: its logarithm to base 10 where the axis has one,
 * NaN where there is none. */
double svg_scaled(const svg_span *s, double value);
/* On the paper, or NaN. */
double svg_place_x(const svg_frame *f, double x);
double svg_place_y(const svg_frame *f, double y);
/* Whether a place on the paper is in the plot area. */
bool svg_frame_holds(const svg_frame *f, double x, double y);

/* svg_text.c: a text of one or all languages; its width at its largest, and that of the widest.
 */
typedef struct svg_spot {
    double x, y;
    double down; /* of the baseline from y, in sizes of the font */
} svg_spot;
void svg_put_text(page *p, svg_place place, svg_spot spot, const char *class, svg_text t);
double svg_text_width(const char *text);
double svg_text_wider(svg_text t);

/* svg_path.c: the lines of a series on the paper, cut at the border, in pieces: a path that leaves
 * and comes back is two. */
typedef struct svg_path {
    double *x, *y; /* [n]; NaN between two pieces */
    size_t *point; /* [n]: the point of the series that the line leads to */
    size_t n;
    bool away;        /* it left and did not come back, ... */
    double toward[2]; /* ... in this direction, of length 1 */
} svg_path;

/* False: no memory. Free it in either case. */
bool svg_path_make(svg_path *path, const svg_frame *f, const svg_series *s);
void svg_path_free(svg_path *path);

/* svg_marks.c */
void svg_put_cells(page *p, const svg_frame *f);
void svg_put_series(page *p, const svg_frame *f);

/* svg_heights.c */
void svg_put_contours(page *p, const svg_frame *f);

#endif
