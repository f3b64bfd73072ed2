/* SPDX-License-Identifier: Apache-2.0 */
#include "lecture/figure.h"

#include "io/failure.h"
#include "lecture/words.h"
#include "page/svg_motion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096 };

/* ---- facts ---- */

fact fact_plain(const char *key, svg_text text, double value, int digits) {
    return (fact){.key = key, .text = text, .value = value, .digits = digits};
}

fact fact_wanted(fact f, const char *want, double least, double greatest) {
    f.want = want;
    f.least = least;
    f.greatest = greatest;
    return f;
}

static bool fact_agrees(const fact *f) {
    return !f->want || (f->value >= f->least && f->value <= f->greatest);
}

static void put_facts(page *p, const exhibit *e) {
    char text[48];
    bool any_want = false;
    for (size_t k = 0; k < e->nfacts; k++) any_want = any_want || e->fact[k].want;
    page_add(
        p, "<div class=\"wide\"><table class=\"facts\"><thead><tr><th></th><th class=\"number\">");
    words_put(p, (svg_text){"measured", "实测"});
    page_add(p, "</th>");
    if (any_want) {
        page_add(p, "<th class=\"number\">");
        words_put(p, (svg_text){"reference", "参考值"});
        page_add(p, "</th>");
    }
    page_add(p, "</tr></thead><tbody>\n");
    for (size_t k = 0; k < e->nfacts; k++) {
        const fact *f = &e->fact[k];
        page_add(p, "<tr><td>");
        words_put(p, f->text);
        words_number(f->value, f->digits, text, sizeof text);
        page_format(p, "</td><td class=\"number%s\">%s</td>", fact_agrees(f) ? "" : " warn",
                    isnan(f->value) ? "–" : text);
        if (any_want) page_format(p, "<td class=\"number\">%s</td>", f->want ? f->want : "");
        page_add(p, "</tr>\n");
    }
    page_add(p, "</tbody></table></div>\n");
}

static json_t *fact_json(const fact *f) {
    json_t *value = isfinite(f->value) ? json_real(f->value) : json_null();
    if (!f->want) return json_pack("{so}", "value", value);
    return json_pack("{so s{ss sf sf sb}}", "value", value, "expected", "text", f->want, "least",
                     f->least, "greatest", f->greatest, "agrees", fact_agrees(f));
}

static int put_json(lecture *l, const exhibit *e, const char *missing) {
    const char letter[2] = {e->letter, '\0'};
    char file[64];
    snprintf(file, sizeof file, "%s.svg", e->name);
    json_t *numbers = json_object(), *runs = json_array();
    for (size_t k = 0; k < e->nfacts && !missing; k++) {
        json_object_set_new(numbers, e->fact[k].key, fact_json(&e->fact[k]));
        l->checked += e->fact[k].want != NULL;
        l->agree += e->fact[k].want && fact_agrees(&e->fact[k]);
    }
    for (size_t k = 0; k < e->nruns; k++)
        json_array_append_new(runs, json_string(run_rows[e->run[k]].key));
    json_t *object = json_pack("{ss ss ss ss? so so}", "name", e->name, "title", e->title.en,
                               "file", file, "missing", missing, "numbers", numbers, "runs", runs);
    return json_object_set_new(l->figures, letter, object)
               ? failure(EXIT_INPUT, "out of memory for the numbers of figure (%c)", e->letter)
               : 0;
}

/* ---- the whole ---- */

static int save_svg(lecture *l, const exhibit *e, const svg_figure *figure) {
    char path[PATH_SIZE];
    const int size = snprintf(path, sizeof path, "%s/%s.svg", l->folder, e->name);
    if (size < 0 || (size_t)size >= sizeof path)
        return failure(EXIT_INPUT, "%s: the path is too long", l->folder);
    page svg = {0};
    svg_write(&svg, figure, SVG_STANDALONE);
    const int status = page_save(&svg, path);
    page_free(&svg);
    return status;
}

static void begin_section(page *p, const exhibit *e) {
    page_format(p, "<section id=\"%c\"><h2>(%c) ", e->letter, e->letter);
    words_put(p, e->title);
    page_add(p, "</h2>\n<figure>\n");
}

int figure_put(lecture *l, const exhibit *e) {
    const svg_figure figure = {.title = e->title,
                               .text = e->shows,
                               .id = e->name,
                               .panel = e->panel,
                               .npanels = e->npanels};
    page *p = &l->page;
    begin_section(p, e);
    const bool plays = svg_plays(&figure);
    if (plays) svg_put_player(p, &figure);
    svg_write(p, &figure, SVG_INLINE);
    if (plays) svg_put_motion(p, &figure);
    page_add(p, "</figure>\n<div class=\"beside\">");
    words_paragraph(p, e->shows);
    if (e->nfacts) put_facts(p, e);
    page_add(p, "</div>\n");
    if (e->nruns) runs_put_table(p, e->run, e->nruns, (const run_measured *)l->measured);
    page_add(p, "</section>\n");
    l->made++;
    const int status = save_svg(l, e, &figure);
    return status ? status : put_json(l, e, NULL);
}

int figure_put_missing(lecture *l, const exhibit *e, svg_text needs) {
    const svg_note note = {0, 0.5, needs, false, false};
    const svg_panel panel = {
        .x = {.greatest = 1}, .y = {.greatest = 1}, .height = 60, .note = &note, .nnotes = 1};
    const svg_figure figure = {
        .title = e->title, .text = needs, .id = e->name, .panel = &panel, .npanels = 1};
    page *p = &l->page;
    begin_section(p, e);
    page_add(p, "<p class=\"warn\">");
    words_put(p, (svg_text){"This figure is missing here: it ", "这张图在此处无法生成："});
    words_put(p, needs);
    page_add(p, "</p></figure>\n<div class=\"beside\">");
    words_paragraph(p, e->shows);
    page_add(p, "</div></section>\n");
    const int status = save_svg(l, e, &figure);
    return status ? status : put_json(l, e, needs.en);
}
