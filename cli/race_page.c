/* race_page.c - a race as a picture: paths over the contours, the loss over the steps; and as a
 * page whose picture plays. What the page's player (race.js) needs is drawn here, in the same
 * places. */
#include "io/failure.h"
#include "race.h"
#include "report/svg_chart.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { FRAMES = 600, PLANE_HEIGHT = 340 };

/* Everything that a figure points to. */
typedef struct picture {
    const contest *contest;
    double *x, *y, *step, *height; /* [all points of all runs] */
    contest_plane plane;
    svg_series path[CONTEST_MOST], loss[CONTEST_MOST];
    svg_note note[1 + 4]; /* the start, the minima */
    svg_panel panel[2];
    svg_figure figure;
    bool flat; /* two coordinates: panel 0 is the plane; else there is the loss alone */
} picture;

static svg_text plain(const char *text) {
    return (svg_text){text, NULL};
}

/* Heights above the least loss, where there is one. */
static bool fill_series(picture *p) {
    const contest *c = p->contest;
    const double least = isfinite(c->surface->least) ? c->surface->least : 0;
    size_t all = 0;
    for (int k = 0; k < c->count; k++) all += (size_t)c->result[k].trace.count;
    p->x = malloc(4 * all * sizeof *p->x);
    if (!p->x) return false;
    p->y = p->x + all;
    p->step = p->y + all;
    p->height = p->step + all;
    size_t used = 0;
    for (int k = 0; k < c->count; k++) {
        const race_trace *t = &c->result[k].trace;
        const size_t n = (size_t)t->count, size = (size_t)c->surface->size;
        for (size_t i = 0; i < n; i++) {
            p->x[used + i] = t->theta[size * i];
            p->y[used + i] = t->theta[size * i + 1];
            p->step[used + i] = (double)t->step[i];
            p->height[used + i] = t->loss[i] - least;
        }
        const svg_series one = {.name = plain(c->optimizer[k]),
                                .n = n,
                                .color = k % SVG_COLORS,
                                .dashed = k >= SVG_COLORS};
        p->path[k] = p->loss[k] = one;
        p->path[k].x = p->x + used;
        p->path[k].y = p->y + used;
        p->path[k].draw = SVG_TRAIL;
        p->loss[k].x = p->step + used;
        p->loss[k].y = p->height + used;
        if (p->flat) p->loss[k].name = plain(NULL); /* the plane's legend names them */
        used += n;
    }
    return true;
}

static void lay_out_plane(picture *p) {
    const contest *c = p->contest;
    const surface *s = c->surface;
    p->plane = contest_make_plane(c);
    p->note[0] = (svg_note){c->result[0].start[0], c->result[0].start[1], plain("start"), true,
                            c->result[0].start[0] > (p->plane.x[0] + p->plane.x[1]) / 2};
    for (int k = 0; k < s->minima; k++)
        p->note[1 + k] = (svg_note){s->minimum[2 * k], s->minimum[2 * k + 1], plain("minimum"),
                                    true, s->minimum[2 * k] > (p->plane.x[0] + p->plane.x[1]) / 2};
    p->panel[0] =
        (svg_panel){.x = {plain(s->row->coordinate[0]), p->plane.x[0], p->plane.x[1], false},
                    .y = {plain(s->row->coordinate[1]), p->plane.y[0], p->plane.y[1], false},
                    .height = PLANE_HEIGHT,
                    .series = p->path,
                    .nseries = (size_t)c->count,
                    .note = p->note,
                    .nnotes = 1 + (size_t)s->minima,
                    .contours = {contest_height, c->surface, p->plane.level, CONTEST_LEVELS}};
}

/* False: no memory. */
static bool make_picture(picture *p, const contest *c) {
    const bool excess = isfinite(c->surface->least);
    p->contest = c;
    p->flat = c->surface->size == 2;
    if (!fill_series(p)) return false;
    if (p->flat) lay_out_plane(p);
    p->panel[p->flat] =
        (svg_panel){.x = {.label = plain("step")},
                    .y = {.label = plain(excess ? "loss above the least" : "loss"), .log = excess},
                    .series = p->loss,
                    .nseries = (size_t)c->count};
    p->figure =
        (svg_figure){.title = plain(c->surface->spec),
                     .text = plain("paths of the optimizers, and their loss over the steps"),
                     .id = "race",
                     .panel = p->panel,
                     .npanels = p->flat ? 2 : 1};
    return true;
}

static int no_memory(void) {
    return failure(EXIT_INPUT, "out of memory for the picture");
}

int contest_print_svg(const contest *c) {
    picture p = {.x = NULL};
    page out = {0};
    int code = make_picture(&p, c) ? 0 : no_memory();
    if (!code) svg_write(&out, &p.figure, SVG_STANDALONE);
    if (!code) code = page_print(&out, stdout);
    page_free(&out);
    free(p.x);
    return code;
}

/* ---- what the player needs, in units of the picture's viewBox ---- */

/* Step of frame k: all of them if they are few; else the first ones singly, since they are the long
 * ones, and then in equal ratios: c ((1 + N/c)^(k/FRAMES) - 1) with c so that it begins by 1. */
static int64_t frame_step(const contest *c, int k) {
    if (c->steps <= FRAMES) return k;
    const double n = (double)c->steps, part = (double)k / FRAMES;
    const double bend = FRAMES / log1p(n / FRAMES);
    const int64_t step = (int64_t)(bend * (pow(1 + n / bend, part) - 1) + 0.5);
    return step < k ? k : step < c->steps && k < FRAMES ? step : c->steps;
}

static int frame_count(const contest *c) {
    return c->steps <= FRAMES ? (int)c->steps + 1 : FRAMES + 1;
}

/* The last recorded entry at or before a step; the trace has a constant stride. */
static int64_t entry_at(const race_trace *t, int64_t step) {
    const int64_t stride = t->count > 2 ? t->step[1] : 1, entry = step / stride;
    return entry < t->count ? entry : t->count - 1;
}

/* Linear axes of a panel: place = at[i] + per[i] * value. */
typedef struct ruler {
    double at[2], per[2];
} ruler;

static ruler make_ruler(const picture *p, size_t panel, const double x[2], const double y[2]) {
    double a[2], b[2];
    svg_locate(&p->figure, panel, x[0], y[0], a);
    svg_locate(&p->figure, panel, x[1], y[1], b);
    const double per[2] = {(b[0] - a[0]) / (x[1] - x[0]), (b[1] - a[1]) / (y[1] - y[0])};
    return (ruler){{a[0] - per[0] * x[0], a[1] - per[1] * y[0]}, {per[0], per[1]}};
}

/* Far outside is moved near: SVG is read in float32. */
static double place(const ruler *r, int i, double value) {
    return fmax(-1e5, fmin(r->at[i] + r->per[i] * value, 1e5));
}

static void put_frames(page *out, const picture *p) {
    const contest *c = p->contest;
    const ruler r = make_ruler(p, p->flat, (double[]){0, (double)c->steps}, (double[]){1, 2});
    page_add(out, "{\"step\":[");
    for (int k = 0; k < frame_count(c); k++)
        page_format(out, "%s%" PRId64, k ? "," : "", frame_step(c, k));
    page_add(out, "],\n\"cursor\":[");
    for (int k = 0; k < frame_count(c); k++) {
        page_format(out, "%s%.1f", k ? "," : "", place(&r, 0, (double)frame_step(c, k)));
    }
    page_add(out, "],\n\"runs\":[");
}

/* The run's dot in each frame, and its trail: step, x, y, and 1 where a line leads there. */
static bool put_trail(page *out, const picture *p, int run) {
    const contest *c = p->contest;
    const race_trace *t = &c->result[run].trace;
    const svg_series *path = &p->path[run];
    double *x = malloc(2 * path->n * sizeof *x), *y = x ? x + path->n : NULL;
    const ruler r = make_ruler(p, 0, p->plane.x, p->plane.y);
    size_t *keep = malloc(path->n * sizeof *keep);
    bool *gap = malloc(path->n * sizeof *gap);
    for (size_t i = 0; x && i < path->n; i++) {
        x[i] = place(&r, 0, path->x[i]);
        y[i] = place(&r, 1, path->y[i]);
    }
    const ptrdiff_t kept = x && keep && gap ? svg_thin_trail(x, y, path->n, keep, gap) : -1;
    page_add(out, ",\"dot\":[");
    for (int k = 0; kept >= 0 && k < frame_count(c); k++) {
        const int64_t i = entry_at(t, frame_step(c, k));
        page_format(out, "%s%.1f,%.1f", k ? "," : "", x[i], y[i]);
    }
    page_add(out, "],\"trail\":[");
    for (ptrdiff_t k = 0; k < kept; k++) {
        const size_t i = keep[k];
        page_format(out, "%s%" PRId64 ",%.1f,%.1f,%d", k ? "," : "", t->step[i], x[i], y[i],
                    k > 0 && !gap[k]);
    }
    page_add(out, "]");
    free(x);
    free(keep);
    free(gap);
    return kept >= 0;
}

static bool put_data(page *out, const picture *p) {
    bool whole = true;
    page_add(out, "<script id=\"race-data\" type=\"application/json\">");
    put_frames(out, p);
    for (int k = 0; k < p->contest->count; k++) {
        page_format(out, "%s{\"color\":%d", k ? ",\n" : "", p->path[k].color);
        if (p->flat && !put_trail(out, p, k)) whole = false;
        page_add(out, "}");
    }
    page_add(out, "]}</script>\n");
    return whole;
}

/* ---- the page ---- */

static void put_cell(page *out, double value) {
    page_add(out, "<td class=\"number\">");
    if (!isnan(value)) page_format(out, "%.3g", value);
    page_add(out, "</td>");
}

static void put_step(page *out, int64_t step) {
    page_add(out, "<td class=\"number\">");
    if (step != RACE_NEVER) page_format(out, "%" PRId64, step);
    page_add(out, "</td>");
}

static void put_table(page *out, const contest *c) {
    page_add(out, "<div class=\"wide\"><table>\n<thead><tr><th>optimizer</th>"
                  "<th class=\"number\">distance to the minimum</th>"
                  "<th class=\"number\">loss above the least</th>"
                  "<th class=\"number\">worst of the last tenth</th>"
                  "<th class=\"number\">first unstable step</th>"
                  "<th class=\"number\">bursts</th><th class=\"number\">first burst</th>"
                  "<th class=\"number\">settled at step</th>"
                  "<th class=\"number\">overflow at step</th></tr></thead>\n<tbody>\n");
    for (int k = 0; k < c->count; k++) {
        const race_result *r = &c->result[k];
        page_add(out, "<tr><th scope=\"row\">");
        page_escape(out, c->optimizer[k]);
        page_add(out, "</th>");
        put_cell(out, r->distance);
        put_cell(out, r->excess_loss);
        put_cell(out, r->worst_excess_loss);
        put_step(out, r->first_unstable_step);
        put_step(out, r->bursts);
        put_step(out, r->first_burst_step);
        put_step(out, r->settled_step);
        put_step(out, r->nonfinite_step);
        page_add(out, "</tr>\n");
    }
    page_add(out, "</tbody></table></div>\n");
}

static void put_head(page *out, const contest *c) {
    page_begin(out, "en", c->surface->spec);
    page_style(out, &asset_svg_chart_css);
    page_style(out, &asset_race_css);
    page_add(out, "<h1>A race on ");
    page_escape(out, c->surface->spec);
    page_add(out, "</h1>\n<p>");
    page_escape(out, c->surface->row->title);
    page_add(out, ".</p>\n<p class=\"muted\">Loss: <code>");
    page_escape(out, c->surface->row->formula);
    page_format(out, "</code>. %" PRId64 " steps in %s", c->steps, contest_dtype(c));
    if (c->schedule) {
        page_add(out, ", learning rate <code>");
        page_escape(out, c->schedule);
        page_add(out, "</code>");
    }
    page_add(out, ".</p>\n");
}

static bool put_page(page *out, const picture *p) {
    put_head(out, p->contest);
    page_add(out, "<div class=\"controls\" id=\"player\" hidden><button type=\"button\" "
                  "aria-pressed=\"false\">Play</button><input type=\"range\" min=\"0\" step=\"1\" "
                  "aria-label=\"step\"><output></output></div>\n<figure>\n");
    svg_write(out, &p->figure, SVG_INLINE);
    page_add(out, "</figure>\n<h2>What it came to</h2>\n");
    put_table(out, p->contest);
    const bool whole = put_data(out, p);
    page_script(out, &asset_player_js);
    page_script(out, &asset_race_js);
    page_end(out);
    return whole;
}

int contest_print_html(const contest *c) {
    picture p = {.x = NULL};
    page out = {0};
    int code = make_picture(&p, c) && put_page(&out, &p) ? 0 : no_memory();
    if (!code) code = page_print(&out, stdout);
    page_free(&out);
    free(p.x);
    return code;
}
