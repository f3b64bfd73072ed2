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

typedef void text_of(const sweep *s, FILE *out);

/* As it is on the terminal. */
static void put_text(page *p, const sweep *s, text_of *tell) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out) {
        tell(s, out);
        if (fclose(out) == 0) {
            const char *between = "";
            for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
                page_add(p, between);
                page_escape(p, line);
                between = "\n";
            }
        }
    }
    free(text);
}

static void put_size(page *p, void *context) {
    put_text(p, context, sweep_print_size);
}

static void put_answer(page *p, void *context) {
    put_text(p, context, sweep_print_answer);
}

static void tell_lines(const sweep *s, FILE *out) {
    const int64_t best = sweep_best(s, -1);
    char *lines = best >= 0 ? sweep_lines(s, best) : NULL;
    if (lines) fputs(lines, out);
    free(lines);
}

static void put_lines(page *p, void *context) {
    if (sweep_best(context, -1) < 0) return;
    page_add(p, "<p class=\"muted\">For the configuration:</p>\n<pre id=\"config\">");
    put_text(p, context, tell_lines);
    page_add(p, "</pre>\n");
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
    if (c->diverged)
        page_format(p, "&#10005; %" PRId64 " of %" PRId64 " diverged", c->diverged, s->nseeds);
    page_add(p, "</td></tr>\n");
}

static void put_head(page *p, void *context) {
    const sweep *s = context;
    for (int k = 0; k < s->naxes; k++) {
        page_add(p, "<th>");
        page_escape(p, s->axis[k].target.name);
        page_add(p, "</th>");
    }
    page_format(p, "<th class=\"number\">%s</th><th class=\"number\">deviation</th>",
                s->validates ? "validation loss" : "training loss");
    page_format(p, "<th class=\"number\">%s</th><th>seeds</th><th></th>", s->score);
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
    const char *loss = s->validates ? "validation loss" : "training loss";
    const page_hole holes[] = {{"title", .text = last_part(s->folder)},
                               {"loss", .text = loss},
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
