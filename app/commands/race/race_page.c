/* SPDX-License-Identifier: Apache-2.0 */
/* race_page.c - a race as a picture: paths over the contours, the loss over the steps; and as a
 * page whose picture plays. */
#include "commands/race/race_command.h"
#include "io/failure.h"
#include "page/svg_motion.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { PLANE_HEIGHT = 340 };

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
        p->path[k].step = t->step;
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
        (svg_panel){.x = {.label = plain(s->row->coordinate[0]),
                          .least = p->plane.x[0],
                          .greatest = p->plane.x[1]},
                    .y = {.label = plain(s->row->coordinate[1]),
                          .least = p->plane.y[0],
                          .greatest = p->plane.y[1]},
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
    const contest_heights shown = contest_find_heights(c);
    p->panel[p->flat] = (svg_panel){.x = {.label = plain("step"), .counts = SVG_STEPS_FROM_0},
                                    .y = {.label = plain(excess ? "loss above the least" : "loss"),
                                          .least = shown.least,
                                          .greatest = shown.most,
                                          .log = excess},
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

/* ---- the page ---- */

enum { NUMBERS = 8, TEXT_SIZE = 32 };
static const char *const headings[NUMBERS] = {"distance to the minimum",
                                              "loss above the least",
                                              "worst of the last tenth",
                                              "first unstable step",
                                              "bursts",
                                              "first burst",
                                              "settled at step",
                                              "overflow at step"};

static void write_number(double value, char text[TEXT_SIZE]) {
    *text = '\0';
    if (!isnan(value)) snprintf(text, TEXT_SIZE, "%.3g", value);
}

static void write_step(int64_t step, char text[TEXT_SIZE]) {
    *text = '\0';
    if (step != RACE_NEVER) snprintf(text, TEXT_SIZE, "%" PRId64, step);
}

static void put_row(page *out, const char *optimizer, const race_result *r) {
    char text[NUMBERS][TEXT_SIZE];
    write_number(r->distance, text[0]);
    write_number(r->excess_loss, text[1]);
    write_number(r->worst_excess_loss, text[2]);
    write_step(r->first_unstable_step, text[3]);
    write_step(r->bursts, text[4]);
    write_step(r->first_burst_step, text[5]);
    write_step(r->settled_step, text[6]);
    write_step(r->nonfinite_step, text[7]);
    page_add(out, "<tr><th scope=\"row\">");
    page_escape(out, optimizer);
    page_add(out, "</th>");
    for (int k = 0; k < NUMBERS; k++)
        page_format(out, "<td class=\"number%s\"><span class=\"label\">%s</span>%s</td>",
                    *text[k] ? "" : " none", headings[k], text[k]);
    page_add(out, "</tr>\n");
}

static void put_table(page *out, const contest *c) {
    page_add(out, "<div class=\"wide\"><table class=\"cards\">\n<thead><tr><th>optimizer</th>");
    for (int k = 0; k < NUMBERS; k++) page_format(out, "<th class=\"number\">%s</th>", headings[k]);
    page_add(out, "</tr></thead>\n<tbody>\n");
    for (int k = 0; k < c->count; k++) put_row(out, c->optimizer[k], &c->result[k]);
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

static void put_page(page *out, const picture *p) {
    put_head(out, p->contest);
    const bool plays = svg_plays(&p->figure);
    if (plays) svg_put_player(out, &p->figure);
    page_add(out, "<figure>\n");
    svg_write(out, &p->figure, SVG_INLINE);
    page_add(out, "</figure>\n<h2>What it came to</h2>\n");
    put_table(out, p->contest);
    if (plays) svg_put_motion(out, &p->figure);
    page_script(out, &asset_chart_js);
    page_script(out, &asset_player_js);
    page_script(out, &asset_motion_js);
    page_end(out);
}

int contest_print_html(const contest *c) {
    picture p = {.x = NULL};
    page out = {0};
    int code = make_picture(&p, c) ? 0 : no_memory();
    if (!code) put_page(&out, &p);
    if (!code) code = page_print(&out, stdout);
    page_free(&out);
    free(p.x);
    return code;
}
