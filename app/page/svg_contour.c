/* SPDX-License-Identifier: Apache-2.0 */
/* svg_contour.c - marching squares: where a sampled surface has a given height.
 *
 * A contour crosses edges of the grid. Every edge has a number; in each cell the crossed edges are
 * linked in pairs; following the links gives the lines. An edge has at most two links, one for each
 * of its cells.
 */
#include "page/svg_chart.h"

#include <math.h>
#include <stdlib.h>

enum { NONE = -1 };

typedef struct grid {
    const double *z;
    size_t nx, ny;
    double level;
    ptrdiff_t (*link)[2]; /* [2 nx ny] edges that follow an edge, or NONE */
    double (*point)[2];   /* [2 nx ny] of the line that is being followed */
} grid;

/* Edge 2c goes from sample c to the right, edge 2c + 1 from sample c upwards. */
static ptrdiff_t right_of(size_t sample) {
    return (ptrdiff_t)(2 * sample);
}
static ptrdiff_t above(size_t sample) {
    return (ptrdiff_t)(2 * sample + 1);
}

static void crossing(const grid *g, ptrdiff_t edge, double at[2]) {
    const size_t sample = (size_t)edge / 2;
    const bool up = edge % 2 != 0;
    const double a = g->z[sample], b = g->z[sample + (up ? g->nx : 1)];
    const double share = (g->level - a) / (b - a);
    at[0] = (double)(sample % g->nx) + (up ? 0 : share);
    at[1] = (double)(sample / g->nx) + (up ? share : 0);
}

static void join(grid *g, ptrdiff_t a, ptrdiff_t b) {
    g->link[a][g->link[a][0] == NONE ? 0 : 1] = b;
    g->link[b][g->link[b][0] == NONE ? 0 : 1] = a;
}

static void link_cell(grid *g, size_t i, size_t j) {
    const size_t c = j * g->nx + i;
    const double corner[4] = {g->z[c], g->z[c + 1], g->z[c + g->nx + 1], g->z[c + g->nx]};
    const ptrdiff_t edge[4] = {right_of(c), above(c + 1), right_of(c + g->nx), above(c)};
    ptrdiff_t crossed[4];
    size_t count = 0;
    for (size_t k = 0; k < 4; k++) {
        if (!isfinite(corner[k])) return;
        if ((corner[k] < g->level) != (corner[(k + 1) % 4] < g->level)) crossed[count++] = edge[k];
    }
    if (count == 2) join(g, crossed[0], crossed[1]);
    if (count != 4) return;
    /* a saddle: the mean says which corners belong together */
    const bool middle_low = (corner[0] + corner[1] + corner[2] + corner[3]) / 4 < g->level;
    const size_t shift = middle_low == (corner[0] < g->level) ? 0 : 1;
    join(g, crossed[shift], crossed[shift + 1]);
    join(g, crossed[shift + 2], crossed[(shift + 3) % 4]);
}

/* Walks from an edge along the links, which are used up on the way. */
static void follow(grid *g, ptrdiff_t start, svg_line_sink sink, void *context) {
    size_t count = 0;
    ptrdiff_t from = NONE, edge = start;
    while (edge != NONE) {
        crossing(g, edge, g->point[count++]);
        const ptrdiff_t next = g->link[edge][0] != from ? g->link[edge][0] : g->link[edge][1];
        g->link[edge][0] = g->link[edge][1] = NONE;
        from = edge;
        edge = next;
        if (edge == start) break;
    }
    sink(context, (const double(*)[2])g->point, count, edge == start);
}

int svg_contour(const double *z, size_t nx, size_t ny, double level, svg_line_sink sink,
                void *context) {
    grid g = {.z = z, .nx = nx, .ny = ny, .level = level};
    const size_t edges = 2 * nx * ny;
    g.link = malloc(edges * sizeof *g.link);
    g.point = malloc(edges * sizeof *g.point);
    if (!g.link || !g.point) {
        free(g.link);
        free(g.point);
        return -1;
    }
    for (size_t e = 0; e < edges; e++) g.link[e][0] = g.link[e][1] = NONE;
    for (size_t j = 0; j + 1 < ny; j++)
        for (size_t i = 0; i + 1 < nx; i++) link_cell(&g, i, j);
    for (size_t e = 0; e < edges; e++) /* open lines, from an end */
        if (g.link[e][0] != NONE && g.link[e][1] == NONE) follow(&g, (ptrdiff_t)e, sink, context);
    for (size_t e = 0; e < edges; e++) /* and rings */
        if (g.link[e][0] != NONE) follow(&g, (ptrdiff_t)e, sink, context);
    free(g.link);
    free(g.point);
    return 0;
}
