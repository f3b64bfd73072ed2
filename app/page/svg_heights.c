/* SPDX-License-Identifier: Apache-2.0 */
/* svg_heights.c - the contours of a panel: found on a grid of samples, moved to where the surface
 * has their height, and drawn with as few points as the eye needs. */
#include "page/svg_frame.h"

#include <math.h>
#include <stdlib.h>

enum { CELL_X = 2, CELL_Y = 1, HALVINGS = 10 }; /* of the grid, on the paper; of its edges */
#define STRAIGHT 0.05                           /* what a line may pass a point by, on the paper */

typedef struct contour_pen {
    page *p;
    const svg_frame *f;
    size_t nx, ny;
    double level;
    double (*at)[2]; /* [2 nx ny] a line, on the paper */
} contour_pen;

/* A place of the grid, between its samples too. */
static double height_at(const svg_frame *f, size_t nx, size_t ny, double i, double j) {
    const svg_contours *c = &f->panel->contours;
    const double u = i / (double)(nx - 1), v = j / (double)(ny - 1);
    return c->height(c->context, f->x.low + u * (f->x.high - f->x.low),
                     f->y.low + v * (f->y.high - f->y.low));
}

/* A contour crosses an edge of the grid once: not where a straight line between the heights of its
 * ends would, which in a narrow valley makes stairs. */
static void sharpen(const contour_pen *pen, const double point[2], double at[2]) {
    const int along = point[0] == floor(point[0]) ? 1 : 0;
    double low[2] = {point[0], point[1]}, high[2] = {point[0], point[1]};
    low[along] = floor(point[along]);
    high[along] = low[along] + 1;
    at[0] = point[0], at[1] = point[1];
    if (high[along] > (double)((along ? pen->ny : pen->nx) - 1)) return; /* on a sample */
    const bool rises = height_at(pen->f, pen->nx, pen->ny, low[0], low[1]) < pen->level;
    for (int k = 0; k < HALVINGS; k++) {
        at[along] = (low[along] + high[along]) / 2;
        const bool below = height_at(pen->f, pen->nx, pen->ny, at[0], at[1]) < pen->level;
        (below == rises ? low : high)[along] = at[along];
    }
}

/* Whether a line from one point to another passes all between. */
static bool is_straight(const double (*at)[2], size_t from, size_t to) {
    const double dx = at[to][0] - at[from][0], dy = at[to][1] - at[from][1], length = hypot(dx, dy);
    for (size_t k = from + 1; k < to; k++) {
        const double x = at[k][0] - at[from][0], y = at[k][1] - at[from][1];
        const double along = x * dx + y * dy;
        if (!(along >= 0 && along <= length * length)) return false;
        if (fabs(x * dy - y * dx) > STRAIGHT * length) return false;
    }
    return true;
}

static void put_contour(void *context, const double (*point)[2], size_t n, bool closed) {
    const contour_pen *pen = context;
    const svg_frame *f = pen->f;
    for (size_t k = 0; k < n; k++) {
        double at[2];
        sharpen(pen, point[k], at);
        pen->at[k][0] = f->left + f->width * at[0] / (double)(pen->nx - 1);
        pen->at[k][1] = f->top + f->height - f->height * at[1] / (double)(pen->ny - 1);
    }
    const double(*line)[2] = (const double(*)[2])pen->at;
    for (size_t k = 0, drawn = 0; k < n; k++) {
        if (k > 0 && k + 1 < n && is_straight(line, drawn, k + 1)) continue;
        page_format(pen->p, "%s%.1f %.1f", k ? "L" : "M", line[k][0], line[k][1]);
        drawn = k;
    }
    if (closed) page_add(pen->p, "Z");
}

static void put_levels(const contour_pen *pen, const double *z) {
    const svg_contours *c = &pen->f->panel->contours;
    for (size_t k = 0; k < c->nlevels; k++) {
        contour_pen at_level = *pen;
        at_level.level = c->level[k];
        page_format(pen->p, "<path class=\"contour\" opacity=\"%.2f\" d=\"",
                    0.8 - 0.5 * (double)k / (double)c->nlevels);
        if (svg_contour(z, pen->nx, pen->ny, c->level[k], put_contour, &at_level))
            pen->p->failed = true;
        page_add(pen->p, "\"/>\n");
    }
}

void svg_put_contours(page *p, const svg_frame *f) {
    if (!f->panel->contours.height) return;
    contour_pen pen = {.p = p,
                       .f = f,
                       .nx = (size_t)(f->width / CELL_X) + 2,
                       .ny = (size_t)(f->height / CELL_Y) + 2};
    double *z = calloc(pen.nx * pen.ny, sizeof *z);
    pen.at = calloc(2 * pen.nx * pen.ny, sizeof *pen.at);
    if (!z || !pen.at) p->failed = true;
    for (size_t k = 0; k < pen.nx * pen.ny && !p->failed; k++)
        z[k] = height_at(f, pen.nx, pen.ny, (double)(k % pen.nx), (double)(k / pen.nx));
    if (!p->failed) put_levels(&pen, z);
    free(pen.at);
    free(z);
}
