/* svg_thin.c - which points of a long series a picture needs. */
#include "report/svg_chart.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- curves: the first, the least, the greatest and the last of each pixel column ---- */

typedef struct column {
    size_t first, least, greatest, last;
} column;

static size_t close_column(const column *c, size_t *keep, size_t count) {
    const size_t low = c->least < c->greatest ? c->least : c->greatest;
    const size_t high = c->least < c->greatest ? c->greatest : c->least;
    const size_t in_order[4] = {c->first, low, high, c->last};
    for (size_t k = 0; k < 4; k++)
        if (k == 0 || in_order[k] != in_order[k - 1]) keep[count++] = in_order[k];
    return count;
}

size_t svg_thin_curve(const double *x, const double *y, size_t n, size_t *keep) {
    size_t count = 0;
    column c = {0};
    bool open = false;
    for (size_t k = 0; k < n; k++) {
        const bool drawn = isfinite(x[k]) && isfinite(y[k]);
        if (open && (!drawn || floor(x[k]) > floor(x[c.first]))) {
            count = close_column(&c, keep, count);
            open = false;
        }
        if (!drawn) {
            keep[count++] = k; /* the break itself */
        } else if (!open) {
            c = (column){k, k, k, k};
            open = true;
        } else {
            if (y[k] < y[c.least]) c.least = k;
            if (y[k] > y[c.greatest]) c.greatest = k;
            c.last = k;
        }
    }
    return open ? close_column(&c, keep, count) : count;
}

/* ---- trails: each move from pixel to pixel once ---- */

/* The moves that were drawn, in a table with open addressing; 0 is an empty place. */
typedef struct moves {
    uint64_t *move;
    size_t mask;
} moves;

static uint32_t pixel(double x, double y) {
    return ((uint32_t)lround(fmin(fmax(x, 0), 65534)) + 1) << 16 |
           (uint32_t)lround(fmin(fmax(y, 0), 65535));
}

/* Adds a move; false if it is there already, in this direction or the other. */
static bool add_move(moves *m, uint32_t from, uint32_t to) {
    const uint64_t move = from < to ? (uint64_t)from << 32 | to : (uint64_t)to << 32 | from;
    size_t at = (size_t)(move * 0x9E3779B97F4A7C15U >> 20) & m->mask;
    for (; m->move[at]; at = (at + 1) & m->mask)
        if (m->move[at] == move) return false;
    m->move[at] = move;
    return true;
}

ptrdiff_t svg_thin_trail(const double *x, const double *y, size_t n, size_t *keep, bool *gap) {
    moves m = {.mask = 63};
    while (m.mask < 2 * n) m.mask = 2 * m.mask + 1;
    m.move = calloc(m.mask + 1, sizeof *m.move);
    if (!m.move) return -1;
    size_t count = 0, from = n; /* n: no line is open */
    bool drawn = false;         /* `from` is the last point kept */
    for (size_t k = 0; k < n; k++) {
        if (!isfinite(x[k]) || !isfinite(y[k])) {
            from = n;
            continue;
        }
        const uint32_t here = pixel(x[k], y[k]);
        const bool start = from == n;
        if (!start && here == pixel(x[from], y[from])) continue;
        if (!start && !add_move(&m, pixel(x[from], y[from]), here)) {
            from = k;
            drawn = false;
            continue;
        }
        if (!start && !drawn) {
            gap[count] = true;
            keep[count++] = from;
        }
        gap[count] = start;
        keep[count++] = k;
        from = k;
        drawn = true;
    }
    free(m.move);
    return (ptrdiff_t)count;
}
