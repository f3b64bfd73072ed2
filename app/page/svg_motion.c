/* SPDX-License-Identifier: Apache-2.0 */
#include "page/svg_motion.h"

#include "page/svg_frame.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { FRAMES = 600 };

static bool is_played(const svg_series *s) {
    return s->step && s->n > 0 && s->draw == SVG_TRAIL;
}

static int64_t last_step(const svg_figure *figure) {
    int64_t last = 0;
    for (size_t k = 0; k < figure->panel[0].nseries; k++) {
        const svg_series *s = &figure->panel[0].series[k];
        if (is_played(s) && s->step[s->n - 1] > last) last = s->step[s->n - 1];
    }
    return last;
}

bool svg_plays(const svg_figure *figure) {
    return figure->npanels > 0 && last_step(figure) > 0;
}

static void put_words(page *p, const char *class, const char *en, const char *zh) {
    page_format(p,
                "<span class=\"%s\"><span lang=\"en\">%s</span><span lang=\"zh\">%s</span></span>",
                class, en, zh);
}

void svg_put_player(page *p, const svg_figure *figure) {
    page_format(p,
                "<div class=\"controls player\" hidden data-figure=\"%s\">"
                "<button type=\"button\" aria-pressed=\"false\">",
                figure->id);
    put_words(p, "play", "Play", "播放");
    put_words(p, "pause", "Pause", "暂停");
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

void svg_put_motion(page *p, const svg_figure *figure) {
    const int64_t last = last_step(figure);
    const svg_frame f = svg_frame_of(figure, 0);
    const char *comma = "";
    page_format(p,
                "<script type=\"application/json\" class=\"motion\" data-figure=\"%s\">"
                "{\"step\":[",
                figure->id);
    for (int k = 0; k < frame_count(last); k++)
        page_format(p, "%s%" PRId64, k ? "," : "", frame_step(last, k));
    page_add(p, "],\n\"trails\":[");
    for (size_t k = 0; k < figure->panel[0].nseries; k++) {
        const svg_series *s = &figure->panel[0].series[k];
        if (!is_played(s)) continue;
        page_format(p, "%s{\"color\":%d,", comma, s->color);
        put_dots(p, &f, s, last);
        page_add(p, ",\n");
        put_trail(p, &f, s);
        page_add(p, "}");
        comma = ",\n";
    }
    page_add(p, "]}</script>\n");
}
