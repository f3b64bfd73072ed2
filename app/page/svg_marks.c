/* SPDX-License-Identifier: Apache-2.0 */
/* svg_marks.c - what a panel shows: cells, curves, trails and dots. */
#include "page/svg_frame.h"

#include <math.h>
#include <stdlib.h>

/* ---- series ---- */

static void begin_path(page *p, const char *class, const svg_series *s) {
    page_format(p, "<path class=\"%s s%d%s%s\" d=\"", class, s->color, s->dashed ? " dashed" : "",
                s->under ? " under" : "");
}

static void end_path(page *p) {
    page_add(p, "\"/>\n");
}

/* "M x y h0" shows a lonely point as a dot. */
static void put_point(page *p, const svg_path *path, size_t k, bool line) {
    page_format(p, line ? "L%.1f %.1f" : "M%.1f %.1fh0", path->x[k], path->y[k]);
}

/* The points [from, to) of a curve, thinned. */
static void put_stretch(page *p, const svg_path *path, size_t from, size_t to, size_t *keep) {
    const size_t count = svg_thin_curve(path->x + from, path->y + from, to - from, keep);
    bool open = false;
    for (size_t k = 0; k < count; k++) {
        const bool drawn = !isnan(path->x[from + keep[k]]);
        if (drawn) put_point(p, path, from + keep[k], open);
        open = drawn;
    }
}

static void put_swing(page *p, const svg_path *path, const svg_swing *swing, size_t *keep) {
    const size_t n = svg_swing_outline(path->x, path->y, swing, keep);
    for (size_t k = 0; k < n; k++) put_point(p, path, keep[k], k > 0);
    page_add(p, "Z");
}

/* Where its lines would fill the paper a curve is shown by what they fill. */
static void put_curve(page *p, const svg_path *path, const svg_series *s, size_t *keep) {
    svg_swing swing[SVG_SWINGS];
    const size_t nswings = svg_thin_swings(path->x, path->y, path->n, swing);
    if (nswings) {
        begin_path(p, "swing", s);
        for (size_t k = 0; k < nswings; k++) put_swing(p, path, &swing[k], keep);
        end_path(p);
    }
    begin_path(p, "line", s);
    for (size_t k = 0; k <= nswings; k++)
        put_stretch(p, path, k ? swing[k - 1].last : 0, k < nswings ? swing[k].first + 1 : path->n,
                    keep);
    end_path(p);
}

static void put_trail(page *p, const svg_path *path, const svg_series *s, size_t *keep) {
    bool *gap = calloc(path->n + 1, sizeof *gap);
    const ptrdiff_t count = gap ? svg_thin_trail(path->x, path->y, path->n, keep, gap) : -1;
    if (count < 0) p->failed = true;
    begin_path(p, s->draw == SVG_DOTS ? "dots" : "line trail", s);
    for (ptrdiff_t k = 0; k < count; k++)
        put_point(p, path, keep[k], !gap[k] && s->draw != SVG_DOTS);
    end_path(p);
    free(gap);
}

/* With its tip at (x, y), in the direction `to` of length 1. */
static void put_head(page *p, double x, double y, const double to[2], int color) {
    enum { HEAD = 6 };
    page_format(p, "<path class=\"away s%d\" d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1fZ\"/>\n", color, x,
                y, x - HEAD * to[0] - HEAD / 2 * to[1], y - HEAD * to[1] + HEAD / 2 * to[0],
                x - HEAD * to[0] + HEAD / 2 * to[1], y - HEAD * to[1] - HEAD / 2 * to[0]);
}

/* An arrow head at the border where the series leaves for good. That a curve goes on at the right
 * is no news. */
static void put_away(page *p, const svg_frame *f, const svg_path *path, const svg_series *s) {
    const double *to = path->toward;
    double x = path->x[path->n - 1], y = path->y[path->n - 1];
    if (isnan(x)) x = path->x[path->n - 2], y = path->y[path->n - 2];
    const double right = f->left + f->width, bottom = f->top + f->height;
    const bool beside = y > f->top && y < bottom;
    if (s->draw == SVG_CURVE && beside) return;
    /* back from the margin, by as much as it takes */
    const double over_x = fmax(fmax(x - right, f->left - x), 0);
    const double over_y = fmax(fmax(y - bottom, f->top - y), 0);
    const double back =
        fmax(over_x > 0 ? over_x / fabs(to[0]) : 0, over_y > 0 ? over_y / fabs(to[1]) : 0);
    put_head(p, x - back * to[0], y - back * to[1], to, s->color);
}

static void put_arrow_head(page *p, const svg_path *path, const svg_series *s) {
    if (path->n < 2) return;
    const double x = path->x[path->n - 1], y = path->y[path->n - 1];
    const double dx = x - path->x[path->n - 2], dy = y - path->y[path->n - 2];
    const double length = hypot(dx, dy);
    if (length > 0) put_head(p, x, y, (const double[2]){dx / length, dy / length}, s->color);
}

static void put_one(page *p, const svg_frame *f, const svg_series *s) {
    svg_path path = {0};
    if (s->n == 0) return;
    size_t *keep = svg_path_make(&path, f, s) ? calloc(2 * path.n + 1, sizeof *keep) : NULL;
    if (!keep) p->failed = true;
    if (keep && s->draw == SVG_CURVE) put_curve(p, &path, s, keep);
    if (keep && s->draw != SVG_CURVE) put_trail(p, &path, s, keep);
    if (keep && path.away)
        put_away(p, f, &path, s);
    else if (keep && s->draw == SVG_ARROW)
        put_arrow_head(p, &path, s);
    free(keep);
    svg_path_free(&path);
}

void svg_put_series(page *p, const svg_frame *f) {
    for (size_t k = 0; k < f->panel->nseries; k++) put_one(p, f, &f->panel->series[k]);
}

/* ---- cells ---- */

static void strike_out(page *p, double x, double y) {
    page_format(p, "<path class=\"struck\" d=\"M%.1f %.1fl10 10m0-10l-10 10\"/>\n", x - 5, y - 5);
}

void svg_put_cells(page *p, const svg_frame *f) {
    for (size_t k = 0; k < f->panel->ncells; k++) {
        const svg_cell *c = &f->panel->cell[k];
        const double left = svg_place_x(f, c->x[0]), right = svg_place_x(f, c->x[1]);
        const double top = svg_place_y(f, c->y[1]), bottom = svg_place_y(f, c->y[0]);
        if (isnan(c->shade))
            strike_out(p, (left + right) / 2, (top + bottom) / 2);
        else
            page_format(p,
                        "<rect class=\"cell\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                        "height=\"%.1f\" fill-opacity=\"%.2f\"/>\n",
                        left, top, right - left, bottom - top, c->shade);
    }
}
