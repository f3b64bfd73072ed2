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
    static const char *const titles[] = {"Accuracy", "Root mean square error", "Bits per byte"};
    return titles[r->run[0].data.score_kind];
}

/* ---- the parts of the page ---- */

/* What a hole of the page is filled from. */
typedef struct filled {
    const report *r;
    int status; /* of the first part that failed */
} filled;

static void add_about(page *p, void *context) {
    const report *r = ((const filled *)context)->r;
    for (size_t k = 0; k < r->nruns && r->nruns > 1; k++) {
        page_add(p, k ? ", " : "");
        page_escape(p, report_label(r, k));
    }
    const json_t *config = json_object_get(r->run[0].data.header, "config");
    const char *optimizer = json_string_value(json_object_get(config, "optimizer"));
    if (r->nruns == 1 && optimizer) page_escape(p, optimizer);
}

static void add_warnings(page *p, void *context) {
    const report *r = ((const filled *)context)->r;
    for (size_t k = 0; k < r->nruns; k++) {
        char text[1024];
        report_warning(&r->run[k], text, sizeof text);
        if (!*text) continue;
        page_add(p, "<p class=\"warn\">");
        page_escape(p, text);
        page_add(p, ".</p>\n");
    }
}

static void add_headline(page *p, void *context) {
    const report *r = ((const filled *)context)->r;
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
    page_add(p, "</tbody>");
}

static void add_verdicts(page *p, void *context) {
    const report *r = ((const filled *)context)->r;
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

static void add_doctor(page *p, void *context) {
    filled *f = context;
    if (f->r->nruns == 1) f->status = report_doctor(&f->r->run[0], p);
}

static void add_worst(page *p, void *context) {
    const filled *f = context;
    if (f->r->nruns == 1) report_worst(&f->r->run[0], p);
}

static void add_choice(page *p, void *context) {
    if (((const filled *)context)->r->nruns > 1)
        page_fill(p, &asset_report_choice_html, NULL, 0, NULL);
}

static void add_config(page *p, void *context) {
    filled *f = context;
    if (!f->status) f->status = report_config(f->r, p);
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
    const char *title = r->nruns == 1 ? report_label(r, 0) : "Runs compared";
    const page_hole holes[] = {{"title", .text = title},          {"about", .put = add_about},
                               {"warnings", .put = add_warnings}, {"headline", .put = add_headline},
                               {"doctor", .put = add_doctor},     {"verdicts", .put = add_verdicts},
                               {"score", .text = score_name(r)},  {"choice", .put = add_choice},
                               {"worst", .put = add_worst},       {"config", .put = add_config}};
    filled f = {.r = r};
    page_begin(p, "en", title);
    page_style(p, &asset_svg_chart_css);
    page_style(p, &asset_curve_plot_css);
    page_style(p, &asset_report_css);
    page_fill(p, &asset_report_html, holes, sizeof holes / sizeof *holes, &f);
    if (!f.status) f.status = add_data(r, p);
    page_script(p, &asset_languages_js);
    page_script(p, &asset_curve_plot_js);
    page_script(p, &asset_report_js);
    page_end(p);
    return f.status;
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
