/* SPDX-License-Identifier: Apache-2.0 */
#include "page/svg_motion.h"

#include "page/languages.h"
#include "page/svg_frame.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { FRAMES = 600, FRAMES_PER_SECOND = 50 };

static bool is_played(const svg_series *s) {
    return s->step && s->n > 0 && s->draw == SVG_TRAIL;
}

static int64_t last_step(const svg_figure *figure) {
    int64_t last = 0;
    for (size_t k = 0; k < figure->npanels; k++)
        for (size_t i = 0; i < figure->panel[k].nseries; i++) {
            const svg_series *s = &figure->panel[k].series[i];
            if (is_played(s) && s->step[s->n - 1] > last) last = s->step[s->n - 1];
        }
    return last;
}

bool svg_plays(const svg_figure *figure) {
    return last_step(figure) > 0;
}

static void put_words(page *p, const char *class, svg_text t) {
    page_format(p, "<span class=\"%s\">", class);
    page_put_languages(p, "span", t);
    page_add(p, "</span>");
}

void svg_put_player(page *p, const svg_figure *figure) {
    page_format(p,
                "<div class=\"controls player\" hidden data-figure=\"%s\">"
                "<button type=\"button\" aria-pressed=\"false\">",
                figure->id);
    put_words(p, "play", (svg_text){"Play", "播放"});
    put_words(p, "pause", (svg_text){"Pause", "暂停"});
    page_add(p, "</button><input type=\"range\" min=\"0\" step=\"1\" aria-label=\"step\">"
                "<output></output></div>\n");
}

/* ---- frames ---- */

/* Step of frame k: all of them if they are few; else the first ones singly, since they are the long
 * ones, and then in equal ratios: c ((1 + N/c)^(k/FRAMES) - 1) with c so that it begins by 1. */
static int64_t frame_step(int64_t last, int k) {
    if (last <= FRAMES) return k;
    const double n = (double)last, part = (double)k / FRAMES;
    const double bend = FRAMES / log1p(n / FRAMES);
    const int64_t step = (int64_t)(bend * (pow(1 + n / bend, part) - 1) + 0.5);
    return step < k ? k : step < last && k < FRAMES ? step : last;
}

static int frame_count(int64_t last) {
    return last <= FRAMES ? (int)last + 1 : FRAMES + 1;
}

/* ---- a trail ---- */

/* Where it is in each frame; null out of sight. */
static void put_dots(page *p, const svg_frame *f, const svg_series *s, int64_t last) {
    size_t at = 0;
    page_add(p, "\"dot\":[");
    for (int k = 0; k < frame_count(last); k++) {
        while (at + 1 < s->n && s->step[at + 1] <= frame_step(last, k)) at++;
        const double x = svg_place_x(f, s->x[at]), y = svg_place_y(f, s->y[at]);
        if (svg_frame_holds(f, x, y))
            page_format(p, "%s%.1f,%.1f", k ? "," : "", x, y);
        else
            page_add(p, k ? ",null,null" : "null,null");
    }
    page_add(p, "]");
}

/* Step, x, y, and 1 where a line leads there: what svg_write() draws. */
static void put_trail(page *p, const svg_frame *f, const svg_series *s) {
    svg_path path;
    const bool made = svg_path_make(&path, f, s);
    size_t *keep = calloc(path.n + 1, sizeof *keep);
    bool *gap = calloc(path.n + 1, sizeof *gap);
    const ptrdiff_t count =
        made && keep && gap ? svg_thin_trail(path.x, path.y, path.n, keep, gap) : -1;
    if (count < 0) p->failed = true;
    page_add(p, "\"trail\":[");
    for (ptrdiff_t k = 0; k < count; k++)
        page_format(p, "%s%" PRId64 ",%.1f,%.1f,%d", k ? "," : "", s->step[path.point[keep[k]]],
                    path.x[keep[k]], path.y[keep[k]], !gap[k]);
    page_add(p, "]");
    free(keep);
    free(gap);
    svg_path_free(&path);
}

/* ---- a file by itself: the same frames without a script, by SMIL ---- */

/* From the last frame it begins again. */
static void begin_animation(page *p, const char *attribute, int frames) {
    page_format(p,
                "<animate attributeName=\"%s\" calcMode=\"discrete\" repeatCount=\"indefinite\" "
                "dur=\"%.2fs\" values=\"",
                attribute, (double)frames / FRAMES_PER_SECOND);
}

static void animate_dot(page *p, const svg_frame *f, const svg_series *s, int64_t last) {
    page_format(p, "<circle class=\"s%d\" r=\"4.5\">", s->color);
    for (int way = 0; way < 2; way++) {
        size_t at = 0;
        begin_animation(p, way ? "cy" : "cx", frame_count(last));
        for (int k = 0; k < frame_count(last); k++) {
            while (at + 1 < s->n && s->step[at + 1] <= frame_step(last, k)) at++;
            const double place = way ? svg_place_y(f, s->y[at]) : svg_place_x(f, s->x[at]);
            /* Far out of sight is as good as anywhere there. */
            page_format(p, "%s%.1f", k ? ";" : "", fmax(-9999, fmin(9999, place)));
        }
        page_add(p, "\"/>");
    }
    page_add(p, "</circle>\n");
}

static void animate_cursor(page *p, const svg_frame *f, int64_t last) {
    const int from = f->panel->x.counts == SVG_STEPS_FROM_1;
    page_format(p, "<path class=\"cursor\" d=\"M0 %.1fv%.1f\">", f->top, f->height);
    page_format(p,
                "<animateTransform attributeName=\"transform\" type=\"translate\" "
                "calcMode=\"discrete\" repeatCount=\"indefinite\" dur=\"%.2fs\" values=\"",
                (double)frame_count(last) / FRAMES_PER_SECOND);
    for (int k = 0; k < frame_count(last); k++) {
        const double x = svg_place_x(f, (double)(frame_step(last, k) + from));
        page_format(p, "%s%.1f", k ? ";" : "", isfinite(x) ? x : f->left);
    }
    page_add(p, "\"/></path>\n");
}

/* The dots of a panel's trails, or the line of one that counts steps. */
static void animate_panel(page *p, const svg_figure *figure, size_t panel, int64_t last) {
    const svg_frame f = svg_frame_of(figure, panel);
    const bool counts = f.panel->x.counts != SVG_NOTHING;
    page_format(p, "<g class=\"%smoving\" clip-path=\"url(#%s-area-%zu)\">\n",
                counts ? "" : "walked ", figure->id, panel);
    if (counts) animate_cursor(p, &f, last);
    for (size_t k = 0; k < f.panel->nseries; k++)
        if (is_played(&f.panel->series[k])) animate_dot(p, &f, &f.panel->series[k], last);
    page_add(p, "</g>\n");
}

void svg_put_animation(page *p, const svg_figure *figure) {
    if (!svg_plays(figure)) return;
    const int64_t last = last_step(figure);
    for (size_t k = 0; k < figure->npanels; k++) animate_panel(p, figure, k, last);
}

/* ---- in a page ---- */

/* *comma: what stands before the next trail. */
static void put_trails(page *p, const svg_figure *figure, size_t panel, int64_t last,
                       const char **comma) {
    const svg_frame f = svg_frame_of(figure, panel);
    for (size_t k = 0; k < f.panel->nseries; k++) {
        const svg_series *s = &f.panel->series[k];
        if (!is_played(s)) continue;
        page_format(p, "%s{\"panel\":%zu,\"color\":%d,", *comma, panel, s->color);
        *comma = ",\n";
        put_dots(p, &f, s, last);
        page_add(p, ",\n");
        put_trail(p, &f, s);
        page_add(p, "}");
    }
}

void svg_put_motion(page *p, const svg_figure *figure) {
    const int64_t last = last_step(figure);
    const char *comma = "";
    page_format(p,
                "<script type=\"application/json\" class=\"motion\" data-figure=\"%s\">"
                "{\"seconds\":%.2f,\"step\":[",
                figure->id, (double)frame_count(last) / FRAMES_PER_SECOND);
    for (int k = 0; k < frame_count(last); k++)
        page_format(p, "%s%" PRId64, k ? "," : "", frame_step(last, k));
    page_add(p, "],\n\"trails\":[");
    for (size_t k = 0; k < figure->npanels; k++) put_trails(p, figure, k, last, &comma);
    page_add(p, "]}</script>\n");
}
