/* SPDX-License-Identifier: Apache-2.0 */
/* race_page.c - a race as a picture: paths over the contours, the loss over the steps; and as a
 * page whose picture plays. */
#include "commands/race/race_command.h"
#include "io/failure.h"
#include "page/languages.h"
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

enum { NUMBERS = 8, ABOVE_LEAST = 1 };
static const svg_text headings[NUMBERS] = {{"distance to the minimum", "到最低点的距离"},
                                           {"loss above the least", "超出最低值的损失"},
                                           {"worst of the last tenth", "最后十分之一中的最大值"},
                                           {"first unstable step", "首次失稳的步数"},
                                           {"bursts", "爆发次数"},
                                           {"first burst", "首次爆发的步数"},
                                           {"settled at step", "从第几步起停稳"},
                                           {"overflow at step", "第几步溢出"}};

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
    p->note[0] =
        (svg_note){c->result[0].start[0], c->result[0].start[1], (svg_text){"start", "起点"}, true,
                   c->result[0].start[0] > (p->plane.x[0] + p->plane.x[1]) / 2};
    for (int k = 0; k < s->minima; k++)
        p->note[1 + k] =
            (svg_note){s->minimum[2 * k], s->minimum[2 * k + 1], (svg_text){"minimum", "最低点"},
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
    p->panel[p->flat] =
        (svg_panel){.x = {.label = (svg_text){"step", "步数"}, .counts = SVG_STEPS_FROM_0},
                    .y = {.label = excess ? headings[ABOVE_LEAST] : (svg_text){"loss", "损失"},
                          .least = shown.least,
                          .greatest = shown.most,
                          .log = excess},
                    .series = p->loss,
                    .nseries = (size_t)c->count};
    p->figure =
        (svg_figure){.title = plain(c->surface->spec),
                     .text = (svg_text){"paths of the optimizers, and their loss over the steps",
                                        "各优化器走过的路径，以及每一步的损失"},
                     .id = "race",
                     .panel = p->panel,
                     .npanels = p->flat ? 2 : 1};
    return true;
}

static int no_memory(void) {
    return failure(FAILURE_INPUT, "out of memory for the picture");
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

enum { TEXT_SIZE = 32 };

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
    for (int k = 0; k < NUMBERS; k++) {
        page_format(out, "<td class=\"number%s\"><span class=\"label\">", *text[k] ? "" : " none");
        page_put_languages(out, "span", headings[k]);
        page_format(out, "</span>%s</td>", text[k]);
    }
    page_add(out, "</tr>\n");
}

static void put_headings(page *out, void *context) {
    (void)context;
    for (int k = 0; k < NUMBERS; k++) {
        page_add(out, "<th class=\"number\">");
        page_put_languages(out, "span", headings[k]);
        page_add(out, "</th>");
    }
}

static void put_rows(page *out, void *context) {
    const contest *c = ((const picture *)context)->contest;
    for (int k = 0; k < c->count; k++) put_row(out, c->optimizer[k], &c->result[k]);
}

static void put_schedule(page *out, void *context) {
    const contest *c = ((const picture *)context)->contest;
    if (!c->schedule) return;
    page_add(out, " · lr <code>");
    page_escape(out, c->schedule);
    page_add(out, "</code>");
}

static void put_title(page *out, void *context) {
    page_put_each(out, "span", ((const picture *)context)->contest->surface->row->title);
}

static void put_player(page *out, void *context) {
    const picture *p = context;
    if (svg_plays(&p->figure)) svg_put_player(out, &p->figure);
}

static void put_figure(page *out, void *context) {
    svg_write(out, &((const picture *)context)->figure, SVG_INLINE);
}

static void put_motion(page *out, void *context) {
    const picture *p = context;
    if (svg_plays(&p->figure)) svg_put_motion(out, &p->figure);
}

static void put_page(page *out, picture *p) {
    const contest *c = p->contest;
    char steps[TEXT_SIZE];
    write_step(c->steps, steps);
    const page_hole holes[] = {{"language", .put = page_put_language_button},
                               {"surface", .text = c->surface->spec},
                               {"title", .put = put_title},
                               {"formula", .text = c->surface->row->formula},
                               {"steps", .text = steps},
                               {"dtype", .text = contest_dtype(c)},
                               {"schedule", .put = put_schedule},
                               {"player", .put = put_player},
                               {"figure", .put = put_figure},
                               {"headings", .put = put_headings},
                               {"rows", .put = put_rows},
                               {"motion", .put = put_motion}};
    page_begin(out, "en", c->surface->spec);
    page_style(out, &asset_svg_chart_css);
    page_style(out, &asset_race_css);
    page_fill(out, &asset_race_html, holes, sizeof holes / sizeof *holes, p);
    page_script(out, &asset_languages_js);
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
