/* svg_marks.c - what a panel shows: contours, curves, trails and dots. */
#include "report/svg_frame.h"

#include <math.h>
#include <stdlib.h>

/* ---- series ---- */

/* All points of a series on the paper, and which of them are drawn. */
typedef struct drawing {
    double *x, *y; /* [n] */
    size_t *keep;  /* [count] */
    bool *gap;     /* [count], trails alone */
    size_t count;
} drawing;

static void drawing_free(drawing *d) {
    free(d->x);
    free(d->y);
    free(d->keep);
    free(d->gap);
}

static bool make_drawing(drawing *d, const svg_frame *f, const svg_series *s) {
    *d = (drawing){.x = calloc(s->n, sizeof *d->x),
                   .y = calloc(s->n, sizeof *d->y),
                   .keep = calloc(s->n, sizeof *d->keep),
                   .gap = calloc(s->n, sizeof *d->gap)};
    if (!d->x || !d->y || !d->keep || !d->gap) return false;
    for (size_t k = 0; k < s->n; k++) {
        d->x[k] = svg_place_x(f, s->x ? s->x[k] : (double)k);
        d->y[k] = svg_place_y(f, s->y[k]);
    }
    if (s->draw == SVG_CURVE) {
        d->count = svg_thin_curve(d->x, d->y, s->n, d->keep);
        return true;
    }
    const ptrdiff_t count = svg_thin_trail(d->x, d->y, s->n, d->keep, d->gap);
    if (count < 0) return false;
    d->count = (size_t)count;
    return true;
}

/* "M x y h0" shows a lonely point as a dot. */
static void put_path(page *p, const drawing *d, svg_draw draw) {
    bool open = false;
    for (size_t k = 0; k < d->count; k++) {
        const double x = d->x[d->keep[k]], y = d->y[d->keep[k]];
        const bool drawn = isfinite(x) && isfinite(y);
        const bool line = open && !d->gap[k] && draw != SVG_DOTS;
        if (drawn) page_format(p, line ? "L%.1f %.1f" : "M%.1f %.1fh0", x, y);
        open = drawn;
    }
}

static void put_one(page *p, const svg_frame *f, const svg_series *s) {
    drawing d;
    if (s->n == 0) return;
    if (!make_drawing(&d, f, s)) {
        p->failed = true;
    } else {
        static const char *const class[] = {
            [SVG_CURVE] = "line", [SVG_TRAIL] = "line trail", [SVG_DOTS] = "dots"};
        page_format(p, "<path class=\"%s s%d%s\" d=\"", class[s->draw], s -> color,
                    s -> dashed ? " dashed" : "");
        put_path(p, &d, s->draw);
        page_add(p, "\"/>\n");
    }
    drawing_free(&d);
}

void svg_put_series(page *p, const svg_frame *f) {
    for (size_t k = 0; k < f->panel->nseries; k++) put_one(p, f, &f->panel->series[k]);
}

/* ---- contours ---- */

enum { CELL_X = 4, CELL_Y = 2 }; /* of the sampled grid, on the paper */

typedef struct contour_pen {
    page *p;
    const svg_frame *f;
    double across, up; /* from one sample to the next, on the paper */
} contour_pen;

static void put_contour(void *context, const double (*point)[2], size_t n, bool closed) {
    const contour_pen *pen = context;
    for (size_t k = 0; k < n; k++)
        page_format(pen->p, "%s%.1f %.1f", k ? "L" : "M", pen->f->left + point[k][0] * pen->across,
                    pen->f->top + pen->f->height - point[k][1] * pen->up);
    if (closed) page_add(pen->p, "Z");
}

static void sample(const svg_frame *f, double *z, size_t nx, size_t ny) {
    const svg_contours *c = &f->panel->contours;
    for (size_t j = 0; j < ny; j++)
        for (size_t i = 0; i < nx; i++) {
            const double u = (double)i / (double)(nx - 1), v = (double)j / (double)(ny - 1);
            z[j * nx + i] = c->height(c->context, f->x.low + u * (f->x.high - f->x.low),
                                      f->y.low + v * (f->y.high - f->y.low));
        }
}

void svg_put_contours(page *p, const svg_frame *f) {
    const svg_contours *c = &f->panel->contours;
    if (!c->height) return;
    const size_t nx = (size_t)(f->width / CELL_X) + 2, ny = (size_t)(f->height / CELL_Y) + 2;
    double *z = calloc(nx * ny, sizeof *z);
    if (!z) {
        p->failed = true;
        return;
    }
    sample(f, z, nx, ny);
    contour_pen pen = {p, f, f->width / (double)(nx - 1), f->height / (double)(ny - 1)};
    for (size_t k = 0; k < c->nlevels; k++) {
        page_format(p, "<path class=\"contour\" opacity=\"%.2f\" d=\"",
                    0.8 - 0.5 * (double)k / (double)c->nlevels);
        if (svg_contour(z, nx, ny, c->level[k], put_contour, &pen)) p->failed = true;
        page_add(p, "\"/>\n");
    }
    free(z);
}
