/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_page.c - a sweep as a page: the answer and a table from here, the pictures from sweep.js.
 */
#include "commands/sweep/sweep.h"
#include "io/number_json.h"
#include "io/write_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- data ---- */

static json_t *curve_json(const float *number, int64_t n) {
    json_t *list = json_array();
    for (int64_t k = 0; k < n; k++) json_array_append_new(list, number_json((double)number[k]));
    return list;
}

/* The folders of the runs lie beside the page. */
static const char *page_of(const sweep_run *run, char path[PATH_MAX]) {
    snprintf(path, PATH_MAX, "%s/report.html", strrchr(run->folder, '/') + 1);
    return path;
}

/* What the page knows of the runs besides. */
static void add_curves(const sweep *s, json_t *all) {
    char path[PATH_MAX];
    json_t *cells = json_object_get(all, "cells");
    for (int64_t k = 0; k < s->nruns; k++) {
        const sweep_run *run = &s->run[k];
        json_t *runs = json_object_get(json_array_get(cells, (size_t)run->cell), "runs");
        json_t *one = json_array_get(runs, (size_t)(k / s->ncells));
        json_object_set_new(one, "page", json_string(page_of(run, path)));
        json_object_set_new(one, "steps", curve_json(run->step, run->ncurve));
        json_object_set_new(one, "losses", curve_json(run->loss, run->ncurve));
    }
}

/* Nothing in it ends the element that it stands in. */
static void add_json(page *p, const char *text) {
    for (size_t plain; *text; text += plain) {
        plain = strcspn(text, "<");
        page_add_bytes(p, text, plain);
        if (!text[plain]) return;
        page_add(p, "\\u003C");
        plain++;
    }
}

static int add_data(page *p, const sweep *s) {
    json_t *all = sweep_json(s);
    if (all) add_curves(s, all);
    char *text =
        all ? json_dumps(all, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(8)) : NULL;
    json_decref(all);
    if (!text) return failure(FAILURE_INPUT, "out of memory for the page");
    page_add(p, "<script type=\"application/json\" id=\"data\">");
    add_json(p, text);
    page_add(p, "</script>\n");
    free(text);
    return 0;
}

/* ---- what is text ---- */

static void put_size(page *p, void *context) {
    phrase size;
    sweep_say_size(context, &size);
    page_put_phrase(p, "span", &size);
}

static void put_line(void *context, const phrase *line) {
    page_put_phrase(context, "span", line);
    page_add(context, "\n");
}

static void put_answer(page *p, void *context) {
    sweep_say_answer(context, &(phrase_receiver){put_line, p});
}

static void put_loss(page *p, void *context) {
    page_say(p, "span", sweep_loss_name(context), NULL);
}

static void put_config(page *p, void *context) {
    char *lines = sweep_lines(context, sweep_best(context, -1));
    if (!lines) return;
    for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
        page_escape(p, line);
        page_add(p, "\n");
    }
    free(lines);
}

static void put_lines(page *p, void *context) {
    const page_hole config = {"config", .put = put_config};
    if (sweep_best(context, -1) >= 0) page_fill(p, &asset_sweep_config_html, &config, 1, context);
}

/* ---- the table ---- */

static void put_cell(page *p, double value) {
    page_add(p, "<td class=\"number\">");
    if (isfinite(value)) page_format(p, "%.4g", value);
    page_add(p, "</td>");
}

static void put_links(page *p, const sweep *s, int64_t cell) {
    char path[PATH_MAX];
    for (int64_t k = 0; k < s->nseeds; k++) {
        const sweep_run *run = sweep_run_of(s, cell, k);
        page_add(p, k ? " <a href=\"" : "<a href=\"");
        page_escape(p, page_of(run, path));
        page_format(p, "\">%" PRId64 "</a>", run->seed);
    }
}

static void put_diverged(page *p, int64_t diverged, int64_t seeds) {
    char lost[PHRASE_NUMBER], all[PHRASE_NUMBER];
    page_say(p, "span", (svg_text){"✕ {lost} of {all} diverged", "✕ {all} 个中有 {lost} 个发散"},
             (phrase_hole[]){{"lost", .text = phrase_number(lost, "%.0f", (double)diverged)},
                             {"all", .text = phrase_number(all, "%.0f", (double)seeds)},
                             {0}});
}

static void put_row(page *p, const sweep *s, int64_t cell) {
    const sweep_cell *c = &s->cell[cell];
    page_add(p, "<tr>");
    for (int k = 0; k < s->naxes; k++) {
        page_add(p, "<td>");
        page_escape(p, sweep_text_of(s, cell, k));
        page_add(p, "</td>");
    }
    put_cell(p, c->loss.count ? c->loss.mean : NAN);
    put_cell(p, c->loss.deviation);
    put_cell(p, sweep_mean_score(s, cell));
    page_add(p, "<td>");
    put_links(p, s, cell);
    page_add(p, "</td><td>");
    if (c->diverged) put_diverged(p, c->diverged, s->nseeds);
    page_add(p, "</td></tr>\n");
}

static svg_text score_name(const sweep *s) {
    static const svg_text names[] = {
        {"accuracy", "准确率"}, {"rmse", "均方根误差"}, {"bits_per_byte", "每字节比特数"}};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (!strcmp(names[k].en, s->score)) return names[k];
    return (svg_text){s->score, NULL};
}

static void put_number_head(page *p, svg_text name) {
    page_add(p, "<th class=\"number\">");
    page_say(p, "span", name, NULL);
    page_add(p, "</th>");
}

static void put_head(page *p, void *context) {
    const sweep *s = context;
    for (int k = 0; k < s->naxes; k++) {
        page_add(p, "<th>");
        page_escape(p, s->axis[k].target.name);
        page_add(p, "</th>");
    }
    put_number_head(p, sweep_loss_name(s));
    put_number_head(p, (svg_text){"deviation", "标准差"});
    put_number_head(p, score_name(s));
    page_add(p, "<th>");
    page_say(p, "span", (svg_text){"seeds", "种子"}, NULL);
    page_add(p, "</th><th></th>");
}

static void put_rows(page *p, void *context) {
    const sweep *s = context;
    const sweep_cell **order = calloc((size_t)s->ncells, sizeof *order);
    if (order) sweep_rank(s, order);
    for (int64_t k = 0; order && k < s->ncells; k++) put_row(p, s, order[k] - s->cell);
    free(order);
}

/* ---- the page ---- */

static const char *last_part(const char *folder) {
    const char *slash = strrchr(folder, '/');
    return slash && slash[1] ? slash + 1 : folder;
}

static int make_page(page *p, sweep *s) {
    const page_hole holes[] = {{"language", .put = page_put_language_button},
                               {"title", .text = last_part(s->folder)},
                               {"loss", .put = put_loss},
                               {"size", .put = put_size},
                               {"answer", .put = put_answer},
                               {"lines", .put = put_lines},
                               {"head", .put = put_head},
                               {"rows", .put = put_rows}};
    page_begin(p, "en", last_part(s->folder));
    page_style(p, &asset_svg_chart_css);
    page_style(p, &asset_curve_plot_css);
    page_style(p, &asset_sweep_css);
    page_fill(p, &asset_sweep_html, holes, sizeof holes / sizeof *holes, s);
    const int status = add_data(p, s);
    page_script(p, &asset_languages_js);
    page_script(p, &asset_curve_plot_js);
    page_script(p, &asset_heat_map_js);
    page_script(p, &asset_sweep_js);
    page_end(p);
    return status;
}

static int save_json(const sweep *s) {
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/sweep.json", s->folder);
    return write_json(path, sweep_json(s), JSON_INDENT(2));
}

int sweep_save(sweep *s) {
    page p = {0};
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/sweep.html", s->folder);
    int status = make_page(&p, s);
    if (!status) status = page_save(&p, path);
    page_free(&p);
    return status ? status : save_json(s);
}
