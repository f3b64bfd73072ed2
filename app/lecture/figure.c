/* SPDX-License-Identifier: Apache-2.0 */
#include "lecture/figure.h"

#include "io/failure.h"
#include "io/number_json.h"
#include "lecture/words.h"
#include "page/svg_motion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096, NEEDS_SIZE = 1024 };

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

fact fact_valued(fact f, double value) {
    f.value = value;
    return f;
}

static bool fact_agrees(const fact *f) {
    return !f->want || (f->value >= f->least && f->value <= f->greatest);
}

/* What the holes of a section are filled from. */
typedef struct section {
    lecture *l;
    const exhibit *e;
    const svg_figure *figure;
    svg_text needs; /* of a figure that is missing */
} section;

static bool any_want(const exhibit *e) {
    for (size_t k = 0; k < e->nfacts; k++)
        if (e->fact[k].want) return true;
    return false;
}

static void put_reference(page *p, void *context) {
    if (!any_want(((const section *)context)->e)) return;
    page_add(p, "<th class=\"number\">");
    words_put(p, (svg_text){"reference", "参考值"});
    page_add(p, "</th>");
}

static void put_fact_rows(page *p, void *context) {
    const exhibit *e = ((const section *)context)->e;
    char text[48];
    for (size_t k = 0; k < e->nfacts; k++) {
        const fact *f = &e->fact[k];
        page_add(p, "<tr><td>");
        words_put(p, f->text);
        words_number(f->value, f->digits, text, sizeof text);
        page_format(p, "</td><td class=\"number%s\">%s</td>", fact_agrees(f) ? "" : " warn",
                    isnan(f->value) ? "–" : text);
        if (any_want(e)) page_format(p, "<td class=\"number\">%s</td>", f->want ? f->want : "");
        page_add(p, "</tr>\n");
    }
}

static json_t *fact_json(const fact *f) {
    json_t *value = number_json(f->value);
    if (!f->want) return json_pack("{so}", "value", value);
    return json_pack("{so s{ss sf sf sb}}", "value", value, "expected", "text", f->want, "least",
                     f->least, "greatest", f->greatest, "agrees", fact_agrees(f));
}

static int put_json(lecture *l, const exhibit *e, const char *missing) {
    const char letter[2] = {l->letter, '\0'};
    char file[64];
    snprintf(file, sizeof file, "%s.svg", e->name);
    json_t *numbers = json_object(), *runs = json_array();
    for (size_t k = 0; k < e->nfacts && !missing; k++) {
        json_object_set_new(numbers, e->fact[k].key, fact_json(&e->fact[k]));
        l->checked += e->fact[k].want != NULL;
        l->agree += e->fact[k].want && fact_agrees(&e->fact[k]);
    }
    for (size_t k = 0; k < e->nruns; k++)
        json_array_append_new(runs, json_string(lecture_run_rows[e->run[k]].key));
    json_t *object = json_pack("{ss ss ss ss? so so}", "name", e->name, "title", e->title.en,
                               "file", file, "missing", missing, "numbers", numbers, "runs", runs);
    return json_object_set_new(l->figures, letter, object)
               ? failure(FAILURE_INPUT, "out of memory for the numbers of figure (%c)", l->letter)
               : 0;
}

/* ---- the whole ---- */

static int save_svg(lecture *l, const exhibit *e, const svg_figure *figure) {
    char path[PATH_SIZE];
    const int size = snprintf(path, sizeof path, "%s/%s.svg", l->folder, e->name);
    if (size < 0 || (size_t)size >= sizeof path)
        return failure(FAILURE_INPUT, "%s: the path is too long", l->folder);
    page svg = {0};
    svg_begin(&svg, figure, SVG_STANDALONE);
    svg_put_animation(&svg, figure);
    svg_end(&svg);
    const int status = page_save(&svg, path);
    page_free(&svg);
    return status;
}

static void put_title(page *p, void *context) {
    words_put(p, ((const section *)context)->e->title);
}

static void put_drawing(page *p, void *context) {
    const svg_figure *figure = ((const section *)context)->figure;
    const bool plays = svg_plays(figure);
    if (plays) svg_put_player(p, figure);
    svg_write(p, figure, SVG_INLINE);
    if (plays) svg_put_motion(p, figure);
}

static void put_missing(page *p, void *context) {
    page_add(p, "<p class=\"warn\">");
    words_put(p, (svg_text){"This figure is missing here: it ", "这张图在此处无法生成："});
    words_put(p, ((const section *)context)->needs);
    page_add(p, "</p>");
}

static void put_shows(page *p, void *context) {
    words_paragraph(p, ((const section *)context)->e->shows);
}

static void put_facts(page *p, void *context) {
    static const page_hole holes[] = {{"reference", .put = put_reference},
                                      {"rows", .put = put_fact_rows}};
    if (((const section *)context)->e->nfacts)
        page_fill(p, &asset_facts_html, holes, sizeof holes / sizeof *holes, context);
}

static void put_runs(page *p, void *context) {
    const section *s = context;
    if (s->e->nruns)
        lecture_runs_put_table(p, s->e->run, s->e->nruns, (const lecture_measured *)s->l->measured);
}

static void put_settings(page *p, void *context) {
    const section *s = context;
    const exhibit *e = s->e;
    page_add(p, "<div class=\"settings\">");
    if (e->traces) traces_put_commands(p, e->traces);
    if (e->settings.en) words_paragraph(p, e->settings);
    if (e->code) {
        page_add(p, "<code>");
        page_escape(p, e->code);
        page_add(p, "</code>");
    }
    for (size_t k = 0; k < e->nsaved; k++) saved_put_origin(p, s->l->saved, e->saved[k]);
    page_add(p, "</div>\n");
}

/* The playground has no networks: no figure of a saved sweep leads there. */
static void put_playground(page *p, void *context) {
    if (!asset_playground_html.size || ((const section *)context)->e->nsaved) return;
    page_format(p, "<p><a href=\"playground.html#%c\">", ((const section *)context)->l->letter);
    words_put(p, (svg_text){"Try it yourself", "自己动手试试"});
    page_add(p, "</a></p>");
}

static void put_section(section *s) {
    const char letter[2] = {s->l->letter, '\0'};
    const bool missing = s->needs.en != NULL;
    const page_hole holes[] = {{"letter", .text = letter},
                               {"title", .put = put_title},
                               {"drawing", .put = missing ? put_missing : put_drawing},
                               {"shows", .put = put_shows},
                               {"playground", .put = put_playground},
                               {"facts", .put = missing ? NULL : put_facts},
                               {"runs", .put = missing ? NULL : put_runs},
                               {"settings", .put = put_settings}};
    page_fill(&s->l->page, &asset_figure_html, holes, sizeof holes / sizeof *holes, s);
}

int figure_put(lecture *l, const exhibit *e) {
    const svg_figure figure = {.title = e->title,
                               .text = e->shows,
                               .id = e->name,
                               .panel = e->panel,
                               .npanels = e->npanels};
    put_section(&(section){.l = l, .e = e, .figure = &figure});
    l->made++;
    const int status = save_svg(l, e, &figure);
    return status ? status : put_json(l, e, NULL);
}

static int put_absent(lecture *l, const exhibit *e, svg_text needs) {
    const svg_note note = {0, 0.5, needs, false, false};
    const svg_panel panel = {
        .x = {.greatest = 1}, .y = {.greatest = 1}, .height = 60, .note = &note, .nnotes = 1};
    const svg_figure figure = {
        .title = e->title, .text = needs, .id = e->name, .panel = &panel, .npanels = 1};
    put_section(&(section){.l = l, .e = e, .needs = needs});
    const int status = save_svg(l, e, &figure);
    return status ? status : put_json(l, e, needs.en);
}

int figure_put_without_images(lecture *l, const exhibit *e) {
    char en[NEEDS_SIZE], zh[NEEDS_SIZE];
    snprintf(en, sizeof en, "needs Fashion-MNIST: %s", failure_text());
    snprintf(zh, sizeof zh, "需要 Fashion-MNIST：%s", failure_text());
    return put_absent(l, e, (svg_text){en, zh});
}
