/* SPDX-License-Identifier: Apache-2.0 */
#include "lecture/plane.h"

static double excess(void *context, double x, double y) {
    const surface *s = context;
    return surface_loss(s, (const double[2]){x, y}) - s->least;
}

static svg_panel plane(surface *s, svg_text x, svg_text y, const double *level, size_t nlevels) {
    const double(*axes)[2] = s->row->axes;
    return (svg_panel){.x = {.label = x, .least = axes[0][0], .greatest = axes[0][1]},
                       .y = {.label = y, .least = axes[1][0], .greatest = axes[1][1]},
                       .height = 300,
                       .contours = {excess, s, level, nlevels}};
}

/* The panel with its series and named points. */
static svg_panel with(svg_panel p, const svg_series *series, size_t n, const svg_note *note,
                      size_t nnotes) {
    p.series = series;
    p.nseries = n;
    p.note = note;
    p.nnotes = nnotes;
    return p;
}

const svg_note plane_notes[PLANE_NOTES] = {
    {-188.4332, 2.66945, {"minimum", "最低点"}, true, false},
    {-120, -4, {"start", "起点"}, true, false},
};
const svg_note crescent_notes[PLANE_NOTES] = {
    {1, 1, {"minimum", "最低点"}, true, true},
    {-1.5, 2, {"start", "起点"}, true, false},
};

svg_panel plane_convex(const lecture *l, const svg_series *series, size_t n) {
    static const double level[] = {3e3, 1e4, 1e5, 5e5, 1.5e6, 4e6, 8e6, 1.4e7, 2.2e7, 3.2e7, 4.4e7};
    const svg_panel p = plane(l->convex, (svg_text){"b", NULL}, (svg_text){"w", NULL}, level,
                              sizeof level / sizeof *level);
    return with(p, series, n, plane_notes, PLANE_NOTES);
}

svg_panel plane_crescent(const lecture *l, const svg_series *series, size_t n) {
    static const double level[] = {0.1, 0.5, 2, 8, 30, 100, 250, 500, 1000};
    const svg_panel p = plane(l->crescent, (svg_text){"w₁", NULL}, (svg_text){"w₂", NULL}, level,
                              sizeof level / sizeof *level);
    return with(p, series, n, crescent_notes, PLANE_NOTES);
}

svg_panel plane_ravine(surface *s, const svg_series *series, size_t n) {
    static const double level[] = {0.02, 0.1, 0.3, 0.6, 1, 1.5, 2, 2.5, 3, 3.5, 4};
    static const svg_note note[PLANE_NOTES] = {
        {0, 0, {"minimum", "最低点"}, true, false},
        {4, 4, {"start", "起点"}, true, false},
    };
    const svg_panel p =
        plane(s, (svg_text){"x", NULL}, (svg_text){"y", NULL}, level, sizeof level / sizeof *level);
    return with(p, series, n, note, PLANE_NOTES);
}

static const svg_text counted = {"step, counted from 1", "步数（从 1 数起）"};

svg_axis steps_log(void) {
    return (svg_axis){.label = counted, .log = true, .counts = SVG_STEPS_FROM_1};
}

svg_axis steps_between(double least, double greatest) {
    return (svg_axis){
        .label = counted, .least = least, .greatest = greatest, .counts = SVG_STEPS_FROM_1};
}

svg_panel panel_farthest(const svg_series *series, size_t n, double least, double greatest) {
    static const svg_text label = {"farthest from the minimum, from this step on",
                                   "从这一步起，离最低点最远的距离"};
    svg_axis x = steps_log();
    x.least = 1;
    x.greatest = LECTURE_STEPS;
    return (svg_panel){.x = x,
                       .y = {.label = label, .least = least, .greatest = greatest, .log = true},
                       .series = series,
                       .nseries = n};
}
