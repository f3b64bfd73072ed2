/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - the page: what C can say is HTML; the curves go in as data for report.js. */
#include "report/report.h"

#include "io/failure.h"
#include "report/curves.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *score_name(const report *r) {
    return r->run[0].data.regression ? "Root mean square error" : "Accuracy";
}

/* ---- the parts of the page ---- */

static void add_head(const report *r, page *p) {
    page_add(p, "<header><h1>");
    page_escape(p, r->nruns == 1 ? report_label(r, 0) : "Runs compared");
    page_add(p, "</h1>\n<p class=\"muted\">");
    for (size_t k = 0; k < r->nruns && r->nruns > 1; k++) {
        page_add(p, k ? ", " : "");
        page_escape(p, report_label(r, k));
    }
    const json_t *config = json_object_get(r->run[0].data.header, "config");
    const char *optimizer = json_string_value(json_object_get(config, "optimizer"));
    if (r->nruns == 1 && optimizer) page_escape(p, optimizer);
    page_add(p, "</p></header>\n");
    for (size_t k = 0; k < r->nruns; k++) {
        char text[1024];
        report_warning(&r->run[k], text, sizeof text);
        if (!*text) continue;
        page_add(p, "<p class=\"warn\">");
        page_escape(p, text);
        page_add(p, ".</p>\n");
    }
}

static void add_headline(const report *r, page *p) {
    page_add(p, "<div class=\"wide\"><table id=\"headline\">\n");
    if (r->nruns > 1) {
        page_add(p, "<thead><tr><th></th>");
        for (size_t k = 0; k < r->nruns; k++) {
            page_add(p, "<th class=\"number\">");
            page_escape(p, report_label(r, k));
            page_add(p, "</th>");
        }
        page_add(p, "</tr></thead>\n");
    }
    page_add(p, "<tbody>\n");
    for (size_t row = 0; row < report_nrows; row++) {
        page_format(p, "<tr><th>%s</th>", report_rows[row].name);
        for (size_t k = 0; k < r->nruns; k++) {
            char text[REPORT_CELL_SIZE];
            report_rows[row].cell(&r->run[k], text);
            page_add(p, "<td class=\"number\">");
            page_escape(p, text);
            page_add(p, "</td>");
        }
        page_add(p, "</tr>\n");
    }
    page_add(p, "</tbody></table></div>\n");
}

static void add_verdicts(const report *r, page *p) {
    for (size_t k = 0; k < r->nruns; k++) {
        char text[512];
        run_verdict(&r->run[k].facts, text, sizeof text);
        if (!*text) continue;
        page_add(p, "<p class=\"verdict\">");
        if (r->nruns > 1) {
            page_add(p, "<b>");
            page_escape(p, report_label(r, k));
            page_add(p, "</b>: ");
        }
        page_escape(p, text);
        page_add(p, "</p>\n");
    }
}

static void add_controls(page *p) {
    page_add(p, "<div class=\"controls\" id=\"controls\">\n"
                "<span id=\"runs\" role=\"group\" aria-label=\"Runs\"></span>\n"
                "<label>over <select id=\"axis\"><option value=\"step\">steps</option>"
                "<option value=\"seconds\">seconds</option></select></label>\n"
                "<label><input type=\"checkbox\" id=\"log\"> log scale</label>\n"
                "<label>smooth <input type=\"range\" id=\"smooth\" min=\"0\" max=\"100\" "
                "value=\"0\"> <output id=\"smooth-steps\">off</output></label>\n"
                "<span role=\"group\" aria-label=\"Window\">"
                "<button id=\"left\" title=\"earlier\">&#9664;</button>"
                "<button id=\"in\" title=\"zoom in\">+</button>"
                "<button id=\"out\" title=\"zoom out\">&minus;</button>"
                "<button id=\"right\" title=\"later\">&#9654;</button>"
                "<button id=\"all\">all</button></span>\n</div>\n"
                "<p class=\"muted controls\">Drag across a curve to zoom, with Shift to pan; "
                "double-click for all of it. Every chart shows the same window.</p>\n"
                "<noscript><p class=\"warn\">The curves need JavaScript.</p></noscript>\n");
}

static void add_chart(page *p, const char *id, const char *title, const char *caption) {
    page_format(p,
                "<figure id=\"%s\"><h3>%s</h3>\n<div class=\"legend\"></div>"
                "<div class=\"plot\" role=\"img\" aria-label=\"%s\"></div>\n",
                id, title, title);
    if (caption) page_format(p, "<figcaption>%s</figcaption>", caption);
    page_add(p, "</figure>\n");
}

static void add_charts(const report *r, page *p) {
    page_add(p, "<h2>Loss and gradient</h2>\n");
    add_verdicts(r, p);
    add_controls(p);
    add_chart(p, "loss", "Loss", "Of each batch, and with dots of the test set after each epoch.");
    add_chart(p, "grad_norm", "Gradient norm", "Before clipping, on the time axis of the loss.");
    page_add(p, "<h2>What it learnt</h2>\n");
    add_chart(p, "score", score_name(r),
              "Of the test set after each epoch; dashed, of the training set during the epoch.");
    page_add(p, "<h2>How it moved</h2>\n");
    add_chart(p, "lr", "Learning rate", NULL);
    add_chart(
        p, "ratio", "Update / weight",
        "Norm of a step's change over the norm of the parameters, for each tensor; logarithmic. "
        "A rule of thumb is 0.001: far below, it hardly moves.");
    add_chart(p, "step_time", "Time per step, ms",
              "Wall clock, averaged between logged steps; evaluation after an epoch counts too.");
}

/* ---- data ---- */

static void add_groups(const run_data *data, page *p) {
    page_add(p, ",\"groups\":[");
    const json_t *groups = json_object_get(data->header, "groups");
    for (size_t g = 0; g < data->ngroups; g++) {
        const char *name = json_string_value(json_object_get(json_array_get(groups, g), "name"));
        page_add(p, g ? "," : "");
        page_json_string(p, name ? name : "?");
    }
    page_add(p, "]");
}

static int add_data(const report *r, page *p) {
    static const size_t PAGE_BYTES = 14 << 20;
    const size_t bytes = PAGE_BYTES / r->nruns;
    page_add(p, "<script type=\"application/json\" id=\"data\">{\"runs\":[");
    int status = 0;
    for (size_t k = 0; k < r->nruns && !status; k++) {
        const run_data *data = &r->run[k].data;
        page_add(p, k ? ",\n{\"label\":" : "\n{\"label\":");
        page_json_string(p, report_label(r, k));
        add_groups(data, p);
        page_add(p, ",\"steps\":");
        status = curves_of_steps(p, data, bytes - bytes / 16);
        page_add(p, ",\"epochs\":");
        if (!status) status = curves_of_epochs(p, data, bytes / 16);
        page_add(p, "}");
    }
    page_add(p, "]}</script>\n");
    return status;
}

int report_page(const report *r, page *p) {
    page_begin(p, "en", r->nruns == 1 ? report_label(r, 0) : "Runs compared");
    page_style(p, &asset_dygraph_min_css);
    page_style(p, &asset_svg_chart_css);
    page_style(p, &asset_report_css);
    add_head(r, p);
    add_headline(r, p);
    int status = r->nruns == 1 ? report_doctor(&r->run[0], p) : 0;
    add_charts(r, p);
    page_add(p, "<h2>Configuration</h2>\n");
    if (r->nruns > 1)
        page_add(p,
                 "<div class=\"controls\"><label><input type=\"checkbox\" id=\"differing\"> only "
                 "what differs</label></div>\n");
    if (!status) status = report_config(r, p);
    if (!status) status = add_data(r, p);
    page_script(p, &asset_dygraph_min_js);
    page_script(p, &asset_report_js);
    page_end(p);
    return status;
}

int report_save(const report *r) {
    page p = {0};
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/report.html", r->run[0].data.folder);
    int status = report_page(r, &p);
    if (!status) status = page_save(&p, path);
    page_free(&p);
    return status;
}
