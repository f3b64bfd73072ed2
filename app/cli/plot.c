/* SPDX-License-Identifier: Apache-2.0 */
/* plot.c - range of the data -> axes with round numbers -> dots -> one line of text per row. */
#include "cli/plot.h"

#include "page/clip.h"

#include <float.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMNS_LEAST = 24,
    COLUMNS_MOST = 160,
    ROWS_LEAST = 6,
    ROWS_MOST = 40,
    TICKS_MOST = 16,
    LABEL_SIZE = 16
};

/* ---- axes ---- */

/* A range of plain numbers, or of their decimal logarithms, and the round ones within it. */
typedef struct axis {
    double low, high;
    double tick[TICKS_MOST];
    char label[TICKS_MOST][LABEL_SIZE];
    int ticks;
} axis;

/* Where `value` lies between low (0) and high (1). */
static double share(const axis *a, double value) {
    const double s = (value / 2 - a->low / 2) / (a->high / 2 - a->low / 2);
    return s > 0 ? fmin(s, 1) : 0;
}

/* The least of 1, 2, 5 times a power of ten that is at least `size`. */
static double round_up(double size) {
    const double power = pow(10, floor(log10(size)));
    const double digit = size / power;
    return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

/* About `wanted` steps between least and most; `widen`: low and high become ticks themselves. */
static axis make_axis(double least, double most, int wanted, double step_least, bool widen) {
    if (!(least < most)) {
        const double about = fabs(least) > 0 ? fabs(least) / 2 : 1;
        least = least - about, most = most + about;
    }
    axis a = {.low = least, .high = most};
    const double step = fmax(round_up((most / 2 - least / 2) / wanted * 2), step_least);
    if (!(step > 0 && isfinite(step))) return a;
    const double first = widen ? floor(least / step) : ceil(least / step);
    const double last = widen ? ceil(most / step) : floor(most / step);
    if (widen && isfinite(first * step) && isfinite(last * step)) {
        a.low = first * step;
        a.high = last * step;
    }
    for (double k = first; k <= last && a.ticks < TICKS_MOST; k++) a.tick[a.ticks++] = k * step;
    return a;
}

static void label_axis(axis *a, bool log) {
    for (int k = 0; k < a->ticks; k++)
        snprintf(a->label[k], LABEL_SIZE, "%.7g", log ? pow(10, a->tick[k]) : a->tick[k]);
}

/* ---- dots ---- */

/* A layer of the picture: `columns` x `rows` cells, each of `across` x `down` dots, from the upper
 * left. */
typedef struct canvas {
    int columns, rows, across, down;
    uint8_t dots[ROWS_MOST][COLUMNS_MOST];   /* bits, in the order of braille patterns */
    uint8_t series[ROWS_MOST][COLUMNS_MOST]; /* the last series that drew here */
} canvas;

static canvas make_canvas(int columns, int rows, bool braille) {
    return (canvas){
        .columns = columns, .rows = rows, .across = braille ? 2 : 1, .down = braille ? 4 : 1};
}

static void set_dot(canvas *c, int x, int y, size_t series) {
    static const uint8_t bit[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    c->dots[y / c->down][x / c->across] |= bit[y % c->down][x % c->across];
    c->series[y / c->down][x / c->across] = (uint8_t)(series % UINT8_MAX);
}

/* Along the longer of the two directions, one dot at a time. */
static void draw_line(canvas *c, int x0, int y0, int x1, int y1, size_t series) {
    const int dx = x1 - x0, dy = y1 - y0;
    const int length = abs(dx) > abs(dy) ? abs(dx) : abs(dy);
    for (int k = 0; k <= length; k++) {
        const double s = length ? (double)k / length : 0;
        set_dot(c, (int)lround(x0 + s * dx), (int)lround(y0 + s * dy), series);
    }
}

static bool is_shown(const plot *p, double x, double y) {
    return isfinite(x) && isfinite(y) && (!p->log_y || y > 0);
}

static double height(const plot *p, double y) {
    return p->log_y ? log10(y) : y;
}

/* Where a value of the axis lies in [0, last]. */
static double place(const axis *a, double value, int last) {
    return (value / 2 - a->low / 2) / (a->high / 2 - a->low / 2) * last;
}

/* The axis and not quite half a dot on both sides of its `last` + 1. */
static void border(const axis *a, int last, double *least, double *most) {
    const double room = 0.499 * (a->high / 2 - a->low / 2) / last * 2;
    *least = fmax(a->low - room, -DBL_MAX);
    *most = fmin(a->high + room, DBL_MAX);
}

static void draw_series(canvas *c, const plot *p, const plot_series *s, size_t series,
                        const axis *across, const axis *up) {
    const int right = c->columns * c->across - 1, bottom = c->rows * c->down - 1;
    clip_box box;
    border(across, right, &box.least[0], &box.most[0]);
    border(up, bottom, &box.least[1], &box.most[1]);
    double before[2];
    bool joined = false; /* to the point before */
    for (size_t k = 0; k < s->n; k++) {
        if (!is_shown(p, s->x[k], s->y[k])) {
            joined = false;
            continue;
        }
        const double now[2] = {s->x[k], height(p, s->y[k])};
        double a[2], b[2] = {now[0], now[1]};
        memcpy(a, joined ? before : now, sizeof a);
        if (clip_line(&box, a, b))
            draw_line(c, (int)lround(place(across, a[0], right)),
                      bottom - (int)lround(place(up, a[1], bottom)),
                      (int)lround(place(across, b[0], right)),
                      bottom - (int)lround(place(up, b[1], bottom)), series);
        memcpy(before, now, sizeof now);
        joined = true;
    }
}

/* ---- text ---- */

static const char marks[] = "*+ox#@%&";
static const int colors[] = {36, 33, 35, 32, 34, 31}; /* cyan first: readable on both grounds */

enum { FAINT = 2 };

static int color_of(size_t series) {
    return colors[series % (sizeof colors / sizeof *colors)];
}

static char mark_of(size_t series) {
    return marks[series % (sizeof marks - 1)];
}

static void put_braille(FILE *out, uint8_t dots) { /* U+2800 + dots as UTF-8 */
    fputc(0xe2, out);
    fputc(0xa0 | dots >> 6, out);
    fputc(0x80 | (dots & 0x3f), out);
}

/* A cell: braille where its layer has it, else the mark. */
static void put_cell(const plot *p, bool braille, uint8_t dots, char mark, int color) {
    if (p->color) fprintf(p->out, "\033[%dm", color);
    if (braille)
        put_braille(p->out, dots);
    else
        fputc(mark, p->out);
    if (p->color) fputs("\033[0m", p->out);
}

static void print_row(const plot *p, const canvas *c, const canvas *ground, int row) {
    int end = c->columns;
    while (end > 0 && !c->dots[row][end - 1] && !ground->dots[row][end - 1]) end--;
    for (int x = 0; x < end; x++) {
        const uint8_t dots = c->dots[row][x], under = ground->dots[row][x];
        const uint8_t series = c->series[row][x];
        if (dots)
            put_cell(p, c->across > 1, dots, mark_of(series), color_of(series));
        else if (under)
            put_cell(p, ground->across > 1, under, '.', FAINT);
        else
            fputc(' ', p->out);
    }
    fputc('\n', p->out);
}

/* The rows with the labels of the ticks that are nearest to their middles. */
static void print_picture(const plot *p, const canvas *c, const canvas *ground, const axis *up,
                          int label_width) {
    for (int row = 0; row < c->rows; row++) {
        const char *label = "";
        for (int k = 0; k < up->ticks; k++)
            if (row == c->rows - 1 - (int)lround(share(up, up->tick[k]) * (c->rows - 1)))
                label = up->label[k];
        const char *line = *label ? (p->braille ? "\u2524" : "+") : (p->braille ? "\u2502" : "|");
        fprintf(p->out, "%*s %s", label_width, label, line);
        print_row(p, c, ground, row);
    }
}

/* The axis below: a line with ticks, then as many labels as fit without touching. */
static void print_below(const plot *p, const canvas *c, const axis *across, int label_width) {
    char labels[COLUMNS_MOST + 1];
    bool tick[COLUMNS_MOST] = {false};
    memset(labels, ' ', sizeof labels);
    int free_from = 0; /* leftmost column of the line of labels that may be written on */
    for (int k = 0; k < across->ticks; k++) {
        const int at = (int)lround(share(across, across->tick[k]) * (c->columns - 1));
        const int length = (int)strlen(across->label[k]);
        int from = at - length / 2;
        if (from < 0) from = 0;
        if (from + length > c->columns) from = c->columns - length;
        if (from < free_from) continue;
        tick[at] = true;
        memcpy(labels + from, across->label[k], (size_t)length);
        free_from = from + length + 2;
    }
    labels[free_from > 2 ? free_from - 2 : 0] = '\0';
    fprintf(p->out, "%*s %s", label_width, "", p->braille ? "\u2514" : "+");
    for (int x = 0; x < c->columns; x++)
        fputs(p->braille ? (tick[x] ? "\u252c" : "\u2500") : (tick[x] ? "+" : "-"), p->out);
    fprintf(p->out, "\n%*s  %s\n", label_width, "", labels);
}

static void print_names(const plot *p, const canvas *c, const plot_series *series, size_t count) {
    for (size_t k = 0; k < count; k++) {
        put_cell(p, c->across > 1, 0xff, mark_of(k), color_of(k));
        fprintf(p->out, " %s%s", series[k].name, k + 1 < count ? "   " : "\n");
    }
}

/* ---- all of it ---- */

typedef struct range {
    double x_least, x_most, y_least, y_most;
    bool whole_x; /* every x is a whole number */
} range;

static bool find_range(const plot *p, const plot_series *series, size_t count, range *r) {
    *r = (range){HUGE_VAL, -HUGE_VAL, HUGE_VAL, -HUGE_VAL, true};
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < series[i].n; k++) {
            const double x = series[i].x[k], y = series[i].y[k];
            if (!is_shown(p, x, y)) continue;
            r->x_least = fmin(r->x_least, x);
            r->x_most = fmax(r->x_most, x);
            r->y_least = fmin(r->y_least, height(p, y));
            r->y_most = fmax(r->y_most, height(p, y));
            if (x != floor(x)) r->whole_x = false;
        }
    return r->x_least <= r->x_most;
}

static int clamp(int value, int least, int most) {
    return value < least ? least : value > most ? most : value;
}

bool plot_has_braille(void) {
    const locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (!locale) return false;
    const bool utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return utf8;
}

void plot_print(const plot *wanted, const plot_series *series, size_t count) {
    plot p = *wanted;
    const bool alike = count + (p.ground != NULL) > 1 && !p.color; /* but for their marks */
    if (alike && !p.ground) p.braille = false;
    const bool fixed_x = p.x_axis.least < p.x_axis.most, fixed_y = p.y_axis.least < p.y_axis.most;
    range r;
    if (!find_range(&p, series, count, &r) && !(fixed_x && fixed_y)) {
        fputs("nothing to draw\n", p.out);
        return;
    }
    const int width = clamp(p.columns, COLUMNS_LEAST, COLUMNS_MOST);
    const int rows = clamp(p.rows ? p.rows : width / 4, ROWS_LEAST, p.rows ? ROWS_MOST : 16);
    if (fixed_x) r.x_least = p.x_axis.least, r.x_most = p.x_axis.most, r.whole_x = false;
    if (fixed_y) r.y_least = height(&p, p.y_axis.least), r.y_most = height(&p, p.y_axis.most);
    axis up = make_axis(r.y_least, r.y_most, rows / 3, p.log_y ? 1 : 0, !fixed_y);
    label_axis(&up, p.log_y);
    int label_width = 0;
    for (int k = 0; k < up.ticks; k++) {
        const int length = (int)strlen(up.label[k]);
        if (length > label_width) label_width = length;
    }
    canvas c = make_canvas(width - label_width - 2, rows, p.braille && !alike);
    canvas ground = make_canvas(c.columns, rows, p.braille);
    axis across = make_axis(r.x_least, r.x_most, clamp(c.columns / 10, 2, 12), r.whole_x, false);
    label_axis(&across, false);
    if (p.ground) draw_series(&ground, &p, p.ground, 0, &across, &up);
    for (size_t k = 0; k < count; k++) draw_series(&c, &p, &series[k], k, &across, &up);
    print_picture(&p, &c, &ground, &up, label_width);
    print_below(&p, &c, &across, label_width);
    if (count > 1 || p.ground) print_names(&p, &c, series, count);
}
