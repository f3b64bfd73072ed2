/* SPDX-License-Identifier: Apache-2.0 */
/* test_lecture_chart.c - the charts: round ticks, spikes that stay, contours where they belong, and
 * SVG that is well-formed whatever it is given. */
#include "page/svg_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* cmocka 1.1.5 compares floats alone. */
#define assert_near(a, b, room) assert_true(fabs((a) - (b)) <= (room))

/* ---- ticks ---- */

static void assert_ticks(double least, double greatest, bool log, size_t n, const double *want) {
    double tick[SVG_TICKS];
    assert_int_equal(svg_ticks(least, greatest, log, 6, tick), n);
    for (size_t k = 0; k < n; k++) assert_near(tick[k], want[k], 1e-9 * fabs(want[k]));
}

static void ticks_are_round(void **state) {
    (void)state;
    assert_ticks(0, 10, false, 6, (double[]){0, 2, 4, 6, 8, 10});
    assert_ticks(-200, -100, false, 6, (double[]){-200, -180, -160, -140, -120, -100});
    assert_ticks(-0.3, 0.3, false, 7, (double[]){-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3});
    assert_ticks(1, 1e5, true, 6, (double[]){1, 10, 100, 1e3, 1e4, 1e5});
    assert_ticks(1e-9, 20, true, 5, (double[]){1e-8, 1e-6, 1e-4, 1e-2, 1});
    assert_ticks(2, 7, true, 6, (double[]){2, 3, 4, 5, 6, 7}); /* no two decades: as a line */
    assert_int_equal(svg_ticks(3, 3, false, 6, (double[SVG_TICKS]){0}), 0);
    assert_int_equal(svg_ticks(NAN, 3, false, 6, (double[SVG_TICKS]){0}), 0);
    assert_int_equal(svg_ticks(-1, 3, true, 6, (double[SVG_TICKS]){0}), 0);
    assert_int_equal(svg_ticks(-INFINITY, 3, false, 6, (double[SVG_TICKS]){0}), 0);
}

/* Whatever the span: 2 to SVG_TICKS ticks, rising, inside. */
static void ticks_fit_every_span(void **state) {
    (void)state;
    for (int k = 0; k < 4000; k++) {
        const double least = pow(10, k % 31 - 15) * (k % 7 - 3),
                     span = pow(10, k % 23 - 8) * (1 + k % 9);
        const double room = 1e-6 * span + 1e-15 * fabs(least); /* and its rounding */
        double tick[SVG_TICKS];
        if (least + span * 1e-3 == least) continue; /* float64 cannot tell the ticks apart */
        const size_t n = svg_ticks(least, least + span, false, 6, tick);
        assert_in_range(n, 2, SVG_TICKS);
        for (size_t i = 0; i < n; i++) {
            assert_true(tick[i] >= least - room && tick[i] <= least + span + room);
            assert_true(i == 0 || tick[i] > tick[i - 1]);
            assert_false(tick[i] == 0 && signbit(tick[i]));
        }
    }
}

static void numbers_are_written_for_people(void **state) {
    (void)state;
    static const struct {
        double value;
        bool powers;
        const char *want;
    } row[] = {{100000, false, "100,000"},
               {-1234567, false, "-1,234,567"},
               {999, false, "999"},
               {0, false, "0"},
               {0.25, false, "0.25"},
               {1e-7, true, "10⁻⁷"},
               {1e12, true, "10¹²"},
               {1, true, "1"},
               {50, true, "50"}};
    for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
        char text[48];
        svg_number(row[k].value, row[k].powers, text, sizeof text);
        assert_string_equal(text, row[k].want);
    }
}

/* ---- thinning ---- */

enum { MANY = 1000000, PIXELS = 400 };

static void a_spike_of_one_step_stays(void **state) {
    (void)state;
    double *x = calloc(MANY, sizeof *x), *y = calloc(MANY, sizeof *y);
    size_t *keep = calloc(MANY, sizeof *keep);
    const size_t up = 123457, down = 777777, hole = 500000;
    for (size_t k = 0; k < MANY; k++) {
        x[k] = (double)k * PIXELS / MANY;
        y[k] = sin((double)k);
    }
    y[up] = 1e6;
    y[down] = -1e6;
    y[hole] = NAN;
    const size_t n = svg_thin_curve(x, y, MANY, keep);
    assert_in_range(n, PIXELS, 4 * (PIXELS + 2) + 1);
    bool found[3] = {false};
    for (size_t k = 0; k < n; k++) {
        found[0] = found[0] || keep[k] == up;
        found[1] = found[1] || keep[k] == down;
        found[2] = found[2] || keep[k] == hole;
        assert_true(k == 0 || keep[k] > keep[k - 1]);
    }
    assert_true(found[0] && found[1] && found[2]);
    assert_int_equal(keep[0], 0);
    assert_int_equal(keep[n - 1], MANY - 1);
    free(x);
    free(y);
    free(keep);
}

static void a_move_is_drawn_once(void **state) {
    (void)state;
    enum { N = 10000, AWAY = 7000 };
    double x[N], y[N];
    size_t keep[N];
    bool gap[N];
    for (int k = 0; k < N; k++) {
        x[k] = k % 2 ? 10 : 50;
        y[k] = 20;
    }
    y[AWAY] = 300; /* there and back, once */
    const ptrdiff_t n = svg_thin_trail(x, y, N, keep, gap);
    assert_in_range(n, 4, 8);
    bool away = false;
    for (ptrdiff_t k = 0; k < n; k++) {
        if (keep[k] != AWAY) continue;
        away = true;
        assert_int_equal(keep[k - 1], AWAY - 1);
        assert_false(gap[k]);
        assert_true(gap[k - 1]); /* what lies between was left out: no line leads there */
    }
    assert_true(away);
    assert_true(gap[0]);
}

/* ---- curves that swing ---- */

/* A curve over `width` pixels: up and down once in `period` pixels, between 50 and 150. */
static size_t make_swing(double *x, double *y, double width, double period) {
    size_t n = 0;
    for (double at = 0; at <= width; at += 0.1, n++) {
        x[n] = 70 + at;
        y[n] = 100 + 50 * sin(2 * acos(-1) * at / period);
    }
    return n;
}

static void swings_that_fill_the_paper_are_found(void **state) {
    (void)state;
    enum { MOST = 5000 };
    double x[MOST], y[MOST];
    svg_swing swing[SVG_SWINGS];
    size_t n = make_swing(x, y, 400, 2);
    assert_int_equal(svg_thin_swings(x, y, n, swing), 1); /* a block: all of it is one stretch */
    assert_int_equal(swing[0].first, 0);
    assert_int_equal(swing[0].last, n - 1);
    n = make_swing(x, y, 400, 12); /* 6 pixels from line to line */
    assert_int_equal(svg_thin_swings(x, y, n, swing), 0);
    n = make_swing(x, y, 10, 2); /* too short to hide anything */
    assert_int_equal(svg_thin_swings(x, y, n, swing), 0);
    n = make_swing(x, y, 400, 2);
    for (size_t k = 0; k < n; k++) y[k] = 100 + (y[k] - 100) / 50; /* a wide line is a line */
    assert_int_equal(svg_thin_swings(x, y, n, swing), 0);
    n = make_swing(x, y, 400, 2);
    for (size_t k = 0; k < n; k++)
        if (y[k] > 100) x[k] = y[k] = NAN; /* its lower half is out of sight */
    assert_int_equal(svg_thin_swings(x, y, n, swing), 1);
    for (size_t k = 0; k < n; k++) x[k] = 70 + 0.1 * (double)k, y[k] = 100;
    y[1234] = 0;
    assert_int_equal(svg_thin_swings(x, y, n, swing), 0); /* one spike */
}

static void an_outline_holds_every_point(void **state) {
    (void)state;
    enum { MOST = 5000 };
    double x[MOST], y[MOST];
    size_t keep[2 * MOST];
    const size_t n = make_swing(x, y, 300, 3);
    const svg_swing all = {0, n - 1};
    const size_t count = svg_swing_outline(x, y, &all, keep);
    assert_in_range(count, 2 * 290, 2 * 310); /* two points for a pixel */
    for (size_t k = 0; k < n; k++) {          /* in the pixel of each point one above, one below */
        bool above = false, below = false;
        for (size_t i = 0; i < count; i++) {
            if (floor(x[keep[i]]) != floor(x[k])) continue;
            above = above || y[keep[i]] <= y[k];
            below = below || y[keep[i]] >= y[k];
        }
        assert_true(above && below);
    }
}

/* ---- contours ---- */

enum { SIDE = 60 };

typedef struct lines {
    size_t count, points;
    bool closed;
    double worst; /* greatest | |p - centre| - radius | */
    double radius;
} lines;

static void look(void *context, const double (*point)[2], size_t n, bool closed) {
    lines *l = context;
    l->count++;
    l->points += n;
    l->closed = closed;
    for (size_t k = 0; k < n; k++) {
        const double away = fabs(hypot(point[k][0] - 30, point[k][1] - 28) - l->radius);
        if (away > l->worst) l->worst = away;
        if (k > 0) /* neighbours share a cell */
            assert_true(hypot(point[k][0] - point[k - 1][0], point[k][1] - point[k - 1][1]) < 1.5);
    }
}

static void a_circle_is_a_closed_contour(void **state) {
    (void)state;
    double z[SIDE * SIDE];
    for (int k = 0; k < SIDE * SIDE; k++) z[k] = pow(k % SIDE - 30, 2) + pow(k / SIDE - 28, 2);
    lines l = {.radius = 17.3};
    assert_int_equal(svg_contour(z, SIDE, SIDE, 17.3 * 17.3, look, &l), 0);
    assert_int_equal(l.count, 1);
    assert_true(l.closed);
    assert_true(l.points > 100);
    assert_true(l.worst < 0.02); /* linear interpolation: h^2 / (8 r) */
}

/* A valley as narrow as the lecture's, tilted a little. */
enum { STEEP = 300000 };
static double valley(void *context, double x, double y) {
    (void)context;
    const double across = y + 0.0029 * x;
    return x * x + STEEP * across * across;
}

/* How far a place is from where the valley has the height, on the paper. */
static double off_contour(const svg_frame *f, double px, double py, double height) {
    const double per_x = (f->x.high - f->x.low) / f->width;
    const double per_y = (f->y.high - f->y.low) / f->height;
    const double x = f->x.low + (px - f->left) * per_x;
    const double y = f->y.high - (py - f->top) * per_y, across = y + 0.0029 * x;
    const double slope_x = 2 * x + 2 * STEEP * across * 0.0029, slope_y = 2 * STEEP * across;
    return fabs(valley(NULL, x, y) - height) / hypot(slope_x * per_x, slope_y * per_y);
}

static void contours_of_a_narrow_valley_are_no_stairs(void **state) {
    (void)state;
    static const double level[] = {1000, 30000};
    const svg_panel panel = {.x = {.least = -100, .greatest = 100},
                             .y = {.least = -5, .greatest = 5},
                             .height = 300,
                             .contours = {valley, NULL, level, 2}};
    const svg_figure figure = {.panel = &panel, .npanels = 1};
    const svg_frame f = svg_frame_of(&figure, 0);
    page p = {0};
    svg_put_contours(&p, &f);
    const char *text = p.text;
    for (int k = 0; k < 2; k++) {
        text = strstr(text, " d=\"") + 4;
        double x, y, last_x = NAN, last_y = NAN, longest = 0;
        int points = 0, length;
        char command;
        while (sscanf(text, "%c%lf %lf%n", &command, &x, &y, &length) == 3) {
            assert_true(off_contour(&f, x, y, level[k]) < 0.15);
            const double moved = command == 'L' ? hypot(x - last_x, y - last_y) : 0;
            points++;
            longest = fmax(longest, moved);
            if (moved > 3) /* the tips are cut off, where both walls are within a cell */
                assert_true(off_contour(&f, (x + last_x) / 2, (y + last_y) / 2, level[k]) < 0.15);
            last_x = x, last_y = y;
            text += length;
        }
        assert_in_range(points, 8, 150); /* no more than it needs */
        assert_true(longest > 20);
    }
    page_free(&p);
}

static void count_lines(void *context, const double (*point)[2], size_t n, bool closed) {
    (void)point;
    lines *l = context;
    l->count++;
    l->points += n;
    l->closed = l->closed || closed;
}

static void contours_end_at_the_edge(void **state) {
    (void)state;
    double plane[SIDE * SIDE], saddle[SIDE * SIDE], holes[SIDE * SIDE];
    for (int k = 0; k < SIDE * SIDE; k++) {
        const double x = k % SIDE - 29.5, y = k / SIDE - 29.5;
        plane[k] = x + 0.3 * y;
        saddle[k] = x * y;
        holes[k] = hypot(x, y) < 5 ? NAN : x + 0.1;
    }
    lines l = {.count = 0};
    svg_contour(plane, SIDE, SIDE, 0.1, count_lines, &l);
    assert_int_equal(l.count, 1);
    assert_false(l.closed);
    assert_in_range(l.points, SIDE, 2 * SIDE);
    l = (lines){.count = 0};
    svg_contour(saddle, SIDE, SIDE, 10, count_lines, &l);
    assert_int_equal(l.count, 2);
    assert_false(l.closed);
    l = (lines){.count = 0};
    svg_contour(holes, SIDE, SIDE, 0, count_lines, &l);
    assert_int_equal(l.count, 2); /* above and below what is not finite */
    l = (lines){.count = 0};
    svg_contour(plane, SIDE, SIDE, 1e9, count_lines, &l);
    assert_int_equal(l.count, 0);
}

/* ---- SVG ---- */

/* Elements nest, attributes are quoted, and < and & appear as markup only. */
static void assert_well_formed(const char *text) {
    char open[32][32];
    size_t depth = 0;
    for (const char *c = text; *c;) {
        if (*c == '&') assert_true(strchr("lgaq#", c[1]) && strchr(c, ';') - c < 9);
        if (*c++ != '<') continue;
        const bool end = *c == '/';
        c += end;
        const size_t length = strspn(c, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
        assert_in_range(length, 1, 31);
        char name[32] = "";
        memcpy(name, c, length);
        c += length;
        bool quoted = false;
        for (; *c && (quoted || *c != '>'); c++) {
            assert_int_not_equal(*c, '<');
            if (*c == '"') quoted = !quoted;
            if (*c == '=' && !quoted) assert_int_equal(c[1], '"');
        }
        assert_int_equal(*c, '>');
        if (end) {
            assert_true(depth > 0);
            assert_string_equal(open[--depth], name);
        } else if (c[-1] != '/') {
            assert_true(depth < 32);
            memcpy(open[depth++], name, sizeof name);
        }
        if (strncmp(c, "><![CDATA[", 10) == 0) c = strstr(c, "]]>") + 3;
    }
    assert_int_equal(depth, 0);
}

static double bowl(void *context, double x, double y) {
    (void)context;
    return x * x + 9 * y * y;
}

static const double wild[] = {1, 1e300, -1e300, NAN, INFINITY, 0, -1, 2, 3, 1e-300};
static const svg_series wild_series[] = {
    {.name = {"<script>alert(\"1\")</script> & 'co'", "中文 <b>"}, .y = wild, .n = 10},
    {.name = {"trail", NULL}, .x = wild, .y = wild, .n = 10, .draw = SVG_TRAIL, .color = 3},
    {.name = {"dots", NULL}, .y = wild, .n = 10, .draw = SVG_DOTS, .color = 99, .dashed = true},
    {.name = {"nothing", NULL}},
};
static const svg_band band = {1, 2};
static const svg_level mark = {1, {"a <level>", NULL}, true};
static const svg_note note = {1, 1, {"a \"note\"", "注"}, true, false};
static const double levels[] = {0.5, 1, 4};

static char *draw(svg_place place) {
    svg_panel panel[3] = {{.x = {.label = {"step", "步数"}},
                           .y = {.label = {"loss < 1", NULL}, .log = true},
                           .series = wild_series,
                           .nseries = 4,
                           .band = &band,
                           .nbands = 1,
                           .level = &mark,
                           .nlevels = 1,
                           .note = &note,
                           .nnotes = 1},
                          {.x = {.least = -2, .greatest = 2},
                           .y = {.least = -1, .greatest = 1},
                           .contours = {bowl, NULL, levels, 3},
                           .series = wild_series,
                           .nseries = 2},
                          {.height = 40}};
    page p = {0};
    svg_write(&p,
              &(svg_figure){.title = {"<title>", "标题"},
                            .text = {"a & b", NULL},
                            .id = "one",
                            .panel = panel,
                            .npanels = 3},
              place);
    assert_false(p.failed);
    return p.text;
}

/* ---- what leaves the picture ---- */

static const svg_panel square = {.x = {.least = -1, .greatest = 1},
                                 .y = {.least = -1, .greatest = 1}};

static svg_path path_of(const svg_panel *panel, const double (*theta)[2], size_t n) {
    double x[16], y[16];
    assert_in_range(n, 1, 16);
    for (size_t k = 0; k < n; k++) x[k] = theta[k][0], y[k] = theta[k][1];
    const svg_frame f = svg_frame_of(&(svg_figure){.panel = panel, .npanels = 1}, 0);
    svg_path path;
    assert_true(svg_path_make(&path, &f, &(svg_series){.x = x, .y = y, .n = n, .draw = SVG_TRAIL}));
    return path;
}

/* How many pieces; every piece stays within `margin` of the plot area. */
static int pieces_of(const svg_panel *panel, const svg_path *path) {
    const svg_frame f = svg_frame_of(&(svg_figure){.panel = panel, .npanels = 1}, 0);
    const double margin = 4.001;
    int pieces = 0;
    for (size_t k = 0; k < path->n; k++) {
        if (isnan(path->x[k])) continue;
        pieces += k == 0 || isnan(path->x[k - 1]);
        assert_true(path->x[k] >= f.left - margin && path->x[k] <= f.left + f.width + margin);
        assert_true(path->y[k] >= f.top - margin && path->y[k] <= f.top + f.height + margin);
    }
    return pieces;
}

static void a_path_that_comes_back_is_in_pieces(void **state) {
    (void)state;
    static const double there_and_back[][2] = {{0, 0}, {0.5, 1e300}, {-1e9, 0.5}, {0, 0.5}};
    svg_path path = path_of(&square, there_and_back, 4);
    assert_int_equal(pieces_of(&square, &path), 2); /* from 1e300 to -1e9 nothing is seen */
    assert_false(path.away);
    assert_int_equal(path.point[0], 0);
    assert_int_equal(path.point[1], 1);
    assert_int_equal(path.point[path.n - 1], 3);
    svg_path_free(&path);
    /* level at 0.5: y of both ends of the last line is that of 0.5 */
    static const double level[][2] = {{-1e300, 0.5}, {1e300, 0.5},  {NAN, 0},    {1e300, -0.5},
                                      {0, -0.5},     {0, INFINITY}, {0.25, 0.25}};
    path = path_of(&square, level, 7);
    assert_int_equal(pieces_of(&square, &path), 3); /* the last is a dot */
    assert_near(path.y[0], path.y[1], 1e-9);
    svg_path_free(&path);
}

static void an_end_out_of_sight_is_known(void **state) {
    (void)state;
    static const double gone[][2] = {{0, 0}, {3e200, 4e200}, {-1e300, 1e300}};
    const svg_panel wide = {.x = {.least = 0, .greatest = 1}, .y = {.least = -1, .greatest = 1}};
    svg_path path = path_of(&wide, gone, 3);
    assert_true(path.away);
    const svg_frame f = svg_frame_of(&(svg_figure){.panel = &wide, .npanels = 1}, 0);
    const double x = 3 * f.width, y = -4 * f.height / 2; /* upwards is negative on the paper */
    assert_near(path.toward[0], x / hypot(x, y), 1e-12);
    assert_near(path.toward[1], y / hypot(x, y), 1e-12);
    svg_path_free(&path);
    static const double never[][2] = {{5, 5}, {7, 1e300}}, back[][2] = {{0, 0}, {5, 0}, {0.5, 0}};
    path = path_of(&wide, never, 2);
    assert_true(!path.away && path.n == 0);
    svg_path_free(&path);
    path = path_of(&wide, back, 3);
    assert_false(path.away);
    svg_path_free(&path);
}

static void no_place_is_far_outside(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++) {
        char *text = draw(k ? SVG_INLINE : SVG_STANDALONE);
        for (const char *d = text; (d = strstr(d, " d=\"")); d++)
            for (const char *c = d + 4; *c != '"'; c++)
                if (strchr("ML ", *c)) assert_true(fabs(strtod(c + 1, NULL)) < 1000);
        free(text);
    }
}

static void svg_is_well_formed(void **state) {
    (void)state;
    char *alone = draw(SVG_STANDALONE), *inside = draw(SVG_INLINE);
    assert_well_formed(alone);
    assert_well_formed(inside);
    for (int k = 0; k < 2; k++) {
        const char *text = k ? inside : alone;
        assert_null(strstr(text, "<script"));
        assert_null(strstr(text, "nan"));
        assert_null(strstr(text, "inf "));
        assert_non_null(strstr(text, "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp;"));
        assert_non_null(strstr(text, "class=\"contour\""));
    }
    assert_non_null(strstr(alone, "prefers-color-scheme: dark"));
    assert_non_null(strstr(alone, "systemLanguage=\"zh,"));
    assert_non_null(strstr(alone, "systemLanguage=\"zh-TW,"));
    assert_null(strstr(inside, "<style"));
    assert_non_null(strstr(inside, "<tspan lang=\"en\">step</tspan><tspan lang=\"zh-CN\">步数"
                                   "</tspan><tspan lang=\"zh-TW\">步數</tspan>"));
    free(alone);
    free(inside);
}

/* Two rows of two small panels, the last alone: side by side, apart, and what follows is below. */
static void small_panels_share_a_row(void **state) {
    (void)state;
    svg_panel small = square, high = square;
    small.columns = high.columns = 2;
    small.height = 100;
    high.height = 200;
    const svg_panel panel[] = {small, high, small, square};
    const svg_figure figure = {.panel = panel, .npanels = 4};
    svg_frame f[4];
    for (size_t k = 0; k < 4; k++) f[k] = svg_frame_of(&figure, k);
    assert_near(f[0].head, f[1].head, 1e-9);
    assert_near(f[0].width, f[1].width, 1e-9);
    assert_near(f[0].left, f[2].left, 1e-9);
    assert_near(f[0].left, f[3].left, 1e-9); /* so that axes of steps agree */
    assert_true(f[0].left + f[0].width < f[1].from && f[1].from < f[1].left);
    assert_near(f[1].left + f[1].width, f[3].left + f[3].width, 1e-9);
    assert_true(f[1].bottom > f[0].bottom + 99);
    assert_true(f[2].head > f[1].bottom && f[3].head > f[2].bottom);
}

static void locate(const svg_figure *figure, size_t panel, double x, double y, double at[2]) {
    const svg_frame f = svg_frame_of(figure, panel);
    at[0] = svg_place_x(&f, x);
    at[1] = svg_place_y(&f, y);
}

/* The corners of the axes are the corners of a rectangle; what is between is in proportion. */
static void points_are_located(void **state) {
    (void)state;
    const svg_panel panel[2] = {
        {.x = {.least = 0, .greatest = 10}, .y = {.least = -1, .greatest = 1}},
        {.x = {.least = 1, .greatest = 100, .log = true},
         .y = {.least = 0, .greatest = 1},
         .height = 100}};
    const svg_figure figure = {.panel = panel, .npanels = 2};
    double low[2], high[2], middle[2], next[2];
    locate(&figure, 0, 0, -1, low);
    locate(&figure, 0, 10, 1, high);
    locate(&figure, 0, 2.5, 0, middle);
    assert_true(high[0] > low[0] && high[1] < low[1]);
    assert_near(middle[0], low[0] + 0.25 * (high[0] - low[0]), 1e-9);
    assert_near(middle[1], (low[1] + high[1]) / 2, 1e-9);
    locate(&figure, 1, 10, 0, next);
    assert_near(next[0], (low[0] + high[0]) / 2, 1e-9); /* a logarithm */
    assert_true(next[1] > low[1] + 100);
    locate(&figure, 1, -3, 0, next);
    assert_true(isnan(next[0]));
}

/* With a tick at each of its own, a cell shaded between its edges, and a cross where it has no
 * shade. */
static void cells_lie_between_their_edges(void **state) {
    (void)state;
    const double tick[] = {16, 64};
    const svg_cell cell[] = {{{1, 10}, {8, 32}, 0.25}, {{10, 100}, {32, 128}, NAN}};
    const svg_panel panel = {
        .x = {.least = 1, .greatest = 100, .log = true},
        .y = {.least = 8, .greatest = 128, .log = true, .tick = tick, .nticks = 2},
        .cell = cell,
        .ncells = 2};
    const svg_figure figure = {.panel = &panel, .npanels = 1};
    const svg_frame f = svg_frame_of(&figure, 0);
    assert_int_equal(f.y_ticks.n, 2);
    assert_near(f.y_ticks.at[1], 64, 0);
    page p = {0};
    svg_write(&p, &figure, SVG_INLINE);
    assert_false(p.failed);
    double x, y, width, height, shade;
    const char *found = strstr(p.text, "class=\"cell\"");
    assert_int_equal(sscanf(found,
                            "class=\"cell\" x=\"%lf\" y=\"%lf\" width=\"%lf\" "
                            "height=\"%lf\" fill-opacity=\"%lf\"",
                            &x, &y, &width, &height, &shade),
                     5);
    assert_near(x, svg_place_x(&f, 1), 0.06);
    assert_near(x + width, svg_place_x(&f, 10), 0.11);
    assert_near(y, svg_place_y(&f, 32), 0.06);
    assert_near(y + height, svg_place_y(&f, 8), 0.11);
    assert_near(shade, 0.25, 0);
    assert_null(strstr(found + 1, "class=\"cell\""));
    found = strstr(found, "class=\"struck\"");
    assert_int_equal(sscanf(found, "class=\"struck\" d=\"M%lf %lf", &x, &y), 2);
    assert_near(x + 5, (svg_place_x(&f, 10) + svg_place_x(&f, 100)) / 2, 0.06);
    assert_near(y + 5, svg_place_y(&f, 64), 0.06);
    page_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(ticks_fit_every_span),
        cmocka_unit_test(numbers_are_written_for_people),
        cmocka_unit_test(a_spike_of_one_step_stays),
        cmocka_unit_test(a_move_is_drawn_once),
        cmocka_unit_test(swings_that_fill_the_paper_are_found),
        cmocka_unit_test(an_outline_holds_every_point),
        cmocka_unit_test(a_circle_is_a_closed_contour),
        cmocka_unit_test(contours_of_a_narrow_valley_are_no_stairs),
        cmocka_unit_test(contours_end_at_the_edge),
        cmocka_unit_test(a_path_that_comes_back_is_in_pieces),
        cmocka_unit_test(an_end_out_of_sight_is_known),
        cmocka_unit_test(no_place_is_far_outside),
        cmocka_unit_test(svg_is_well_formed),
        cmocka_unit_test(small_panels_share_a_row),
        cmocka_unit_test(points_are_located),
        cmocka_unit_test(cells_lie_between_their_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
