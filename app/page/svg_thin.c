/* SPDX-License-Identifier: Apache-2.0 */
/* svg_thin.c - which points of a long series a picture needs. */
#include "page/svg_frame.h"

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

/* ---- curves that swing: where their lines would fill the paper ---- */

enum {
    SWING_COLUMN = 4,        /* pixels in which turns are counted */
    SWING_LEAST = 4,         /* a turn: back by so many pixels */
    SWINGS_WITHIN_THREE = 5, /* turns in three columns that are too many for lines */
    SWING_WIDTH = 16,        /* pixels of a stretch; what is shorter stays a line */
    SWING_COLUMNS = SVG_WIDTH / SWING_COLUMN
};

static size_t column_of(double x) {
    return x > 0 ? (size_t)fmin(x / SWING_COLUMN, SWING_COLUMNS - 1) : 0;
}

/* How often the curve turns round in each column. What it does out of sight between two pieces is a
 * turn like others. */
static void count_turns(const double *x, const double *y, size_t n, int turns[SWING_COLUMNS]) {
    size_t extreme = n; /* n: none yet */
    int direction = 0;
    for (size_t k = 0; k < n; k++) {
        if (isnan(x[k]) || isnan(y[k])) continue;
        const double move = extreme < n ? y[k] - y[extreme] : 0;
        const bool far = fabs(move) >= SWING_LEAST;
        if (extreme < n && move * direction <= 0 && !far) continue;
        if (far && move * direction < 0) turns[column_of(x[extreme])]++;
        if (far) direction = move > 0 ? 1 : -1;
        extreme = k;
    }
}

static bool is_wide(const double *x, const svg_swing *s) {
    return x[s->last] - x[s->first] >= SWING_WIDTH;
}

size_t svg_thin_swings(const double *x, const double *y, size_t n, svg_swing swing[SVG_SWINGS]) {
    int turns[SWING_COLUMNS + 2] = {0}; /* and a column without any at either end */
    size_t count = 0;
    bool open = false; /* swing[count] has begun */
    count_turns(x, y, n, turns + 1);
    for (size_t k = 0; k < n && count < SVG_SWINGS; k++) {
        if (isnan(x[k]) || isnan(y[k])) continue;
        const int *here = turns + 1 + column_of(x[k]);
        const bool busy = here[-1] + here[0] + here[1] >= SWINGS_WITHIN_THREE;
        if (open && !busy) count += is_wide(x, &swing[count]);
        if (busy && !open) swing[count].first = k;
        if (busy) swing[count].last = k;
        open = busy;
    }
    return count + (open && is_wide(x, &swing[count]));
}

/* Of each pixel column the highest point, and back of each the lowest. */
size_t svg_swing_outline(const double *x, const double *y, const svg_swing *swing, size_t *keep) {
    size_t count = 0, lowest = swing->first;
    for (size_t k = swing->first; k <= swing->last; k++) {
        if (isnan(x[k]) || isnan(y[k])) continue;
        if (count == 0 || floor(x[k]) != floor(x[keep[count - 1]]))
            keep[count++] = k;
        else if (y[k] < y[keep[count - 1]])
            keep[count - 1] = k;
    }
    const size_t columns = count;
    for (size_t k = swing->last + 1; k-- > swing->first;) {
        if (isnan(x[k]) || isnan(y[k])) continue;
        if (count == columns || floor(x[k]) != floor(x[lowest]))
            keep[count++] = k;
        else if (y[k] > y[lowest])
            keep[count - 1] = k;
        lowest = keep[count - 1];
    }
    return count;
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
