/* svg_frame.h - one panel on the paper: where its plot area lies and what its axes span. For
 * svg_chart.c, which lays it out, and svg_marks.c, which draws into it. */
#ifndef RAVINE_REPORT_SVG_FRAME_H
#define RAVINE_REPORT_SVG_FRAME_H

#include "report/svg_chart.h"

enum { SVG_WIDTH = 560, SVG_LEFT = 62, SVG_RIGHT = 16 };

typedef struct svg_span {
    double low, high; /* of the axis; logarithms to base 10 where it is logarithmic */
    bool log;
} svg_span;

typedef struct svg_frame {
    const svg_panel *panel;
    double left, top, width, height; /* of the plot area */
    svg_span x, y;
    double bottom; /* of the whole panel, with labels */
} svg_frame;

/* On the paper; NaN where a logarithm has none. Far outside is moved near, for the sake of
 * programs that read SVG in float32. */
double svg_place_x(const svg_frame *f, double x);
double svg_place_y(const svg_frame *f, double y);

/* svg_marks.c */
void svg_put_contours(page *p, const svg_frame *f);
void svg_put_series(page *p, const svg_frame *f);

#endif
