/* SPDX-License-Identifier: Apache-2.0 */
/* svg_path.c - from the points of a series to lines on the paper: cut at the border, and from there
 * on without what is out of sight. */
#include "page/svg_frame.h"

#include "page/clip.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Lines are cut so far outside, in the paper's units, that no end of a wide pen is seen. */
enum { MARGIN = 4 };

/* The border in the numbers of the axes: beyond it a place on the paper may be no number. */
static clip_box border(const svg_frame *f) {
    const double across = MARGIN * (f->x.high - f->x.low) / f->width;
    const double up = MARGIN * (f->y.high - f->y.low) / f->height;
    return (clip_box){{f->x.low - across, f->y.low - up}, {f->x.high + across, f->y.high + up}};
}

static void put_on_paper(const svg_frame *f, const double at[2], double place[2]) {
    place[0] = f->left + (at[0] - f->x.low) / (f->x.high - f->x.low) * f->width;
    place[1] = f->top + (f->y.high - at[1]) / (f->y.high - f->y.low) * f->height;
}

static void add(svg_path *path, const svg_frame *f, const double at[2], size_t point) {
    double place[2];
    put_on_paper(f, at, place);
    path->x[path->n] = place[0];
    path->y[path->n] = place[1];
    path->point[path->n++] = point;
}

static void end_piece(svg_path *path) {
    if (path->n == 0 || isnan(path->x[path->n - 1])) return;
    path->x[path->n] = path->y[path->n] = NAN;
    path->point[path->n] = path->point[path->n - 1];
    path->n++;
}

/* What is seen of the line from `last` to `now`; the path has come to `last` if that is inside. */
static bool add_line(svg_path *path, const svg_frame *f, const clip_box *box, const double last[2],
                     const double now[2], size_t point) {
    double a[2] = {last[0], last[1]}, b[2] = {now[0], now[1]};
    if (!clip_line(box, a, b)) return false;
    if (!clip_holds(box, last)) {
        end_piece(path);
        add(path, f, a, point);
    }
    add(path, f, b, point);
    return true;
}

/* The direction of the line from a to b on the paper, of length 1. */
static void direct(const svg_frame *f, const double a[2], const double b[2], double toward[2]) {
    const double across = b[0] / 2 - a[0] / 2, up = b[1] / 2 - a[1] / 2;
    const double larger = fmax(fabs(across), fabs(up)); /* or a narrow axis makes it infinite */
    const double x = across / larger / (f->x.high - f->x.low) * f->width;
    const double y = -up / larger / (f->y.high - f->y.low) * f->height;
    const double length = hypot(x, y);
    toward[0] = x / length;
    toward[1] = y / length;
}

/* The next point of the series; `last`: the one before, NaN where no line comes from. */
static void add_point(svg_path *path, const svg_frame *f, const svg_series *s, const clip_box *box,
                      double last[2], size_t k) {
    const double now[2] = {svg_scaled(&f->x, s->x ? s->x[k] : (double)k),
                           svg_scaled(&f->y, s->y[k])};
    if (!isfinite(now[0]) || !isfinite(now[1])) {
        end_piece(path);
        last[0] = last[1] = NAN;
        return;
    }
    const bool inside = clip_holds(box, now), joined = s->draw != SVG_DOTS && !isnan(last[0]);
    if (inside || !joined) path->away = false;
    if (!joined && inside) {
        end_piece(path);
        add(path, f, now, k);
    }
    if (joined && add_line(path, f, box, last, now, k) && !inside) {
        direct(f, last, now, path->toward);
        path->away = true;
    }
    memcpy(last, now, sizeof now);
}

bool svg_path_make(svg_path *path, const svg_frame *f, const svg_series *s) {
    const size_t most = 3 * s->n + 1; /* a line in sight: its ends, and the break before it */
    *path = (svg_path){.x = malloc(most * sizeof *path->x),
                       .y = malloc(most * sizeof *path->y),
                       .point = malloc(most * sizeof *path->point)};
    if (!path->x || !path->y || !path->point) return false;
    const clip_box box = border(f);
    double last[2] = {NAN, NAN};
    for (size_t k = 0; k < s->n; k++) add_point(path, f, s, &box, last, k);
    return true;
}

void svg_path_free(svg_path *path) {
    free(path->x);
    free(path->y);
    free(path->point);
    *path = (svg_path){.n = 0};
}
