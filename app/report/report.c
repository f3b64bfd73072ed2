/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - the page: what C can say is HTML; the curves go in as data for report.js. */
#include "report/report.h"

#include "cli/progress.h"
#include "io/failure.h"
#include "report/comparison.h"
#include "report/curves.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In the order of run_score_kind. */
static const svg_text scores[] = {{"Accuracy", "准确率"},
                                  {"Root mean square error", "均方根误差"},
                                  {"Bits per byte", "每字节比特数"}};

static const svg_text title_of_several = {"Runs compared", "运行对比"};

/* ---- the parts of the page ---- */

/* What a hole of the page is filled from. */
typedef struct filled {
    const report *r;
    report_settings settings;
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
        phrase text;
        if (!report_warning(&r->run[k], &text)) continue;
        page_add(p, "<p class=\"warn\">");
        page_put_phrase(p, "span", &text);
        page_say(p, "span", (svg_text){".", "。"}, NULL);
        page_add(p, "</p>\n");
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
        phrase text;
        report_row_name(r, row, &text);
        page_add(p, "<tr><th>");
        page_put_phrase(p, "span", &text);
        page_add(p, "</th>");
        for (size_t k = 0; k < r->nruns; k++) {
            report_rows[row].cell(&r->run[k], &text);
            page_add(p, "<td class=\"number\">");
            page_put_phrase(p, "span", &text);
            page_add(p, "</td>");
        }
        page_add(p, "</tr>\n");
    }
    page_add(p, "</tbody>");
}

static bool is_shaded(const ravine_diagnosis *d) {
    return d->size && d->since >= 0 && d->since < d->step;
}

static void add_verdict(const report *r, size_t k, page *p) {
    phrase text;
    if (!run_verdict(&r->run[k].facts, &text)) return;
    page_add(p, "<p class=\"verdict\">");
    if (r->nruns > 1) {
        page_add(p, "<b>");
        page_escape(p, report_label(r, k));
        page_add(p, "</b>: ");
    }
    page_put_phrase(p, "span", &text);
    page_add(p, "</p>\n");
}

/* Of a single run it stands below the curve that it is about. */
static void add_verdict_of_one(page *p, void *context) {
    const report *r = ((const filled *)context)->r;
    if (r->nruns > 1) return;
    if (is_shaded(&r->run[0].found.diagnosis)) {
        page_add(p, "<p class=\"muted\">");
        page_say(p, "span", report_shaded, NULL);
        page_add(p, "</p>\n");
    }
    add_verdict(r, 0, p);
}

static void add_verdicts(page *p, void *context) {
    const report *r = ((const filled *)context)->r;
    for (size_t k = 0; k < r->nruns && r->nruns > 1; k++) add_verdict(r, k, p);
}

/* What a reader wants to know first. */
static void add_front(page *p, void *context) {
    filled *f = context;
    if (f->r->nruns == 1)
        f->status = report_doctor(&f->r->run[0], p);
    else
        report_compare_page(&f->settings, p);
}

static void add_evidence(page *p, void *context) {
    const report *r = ((const filled *)context)->r;
    if (r->nruns == 1) report_evidence(&r->run[0], p);
}

static void add_worst(page *p, void *context) {
    const filled *f = context;
    if (f->r->nruns == 1) report_worst(&f->r->run[0], p);
}

static void add_choice(page *p, void *context) {
    if (((const filled *)context)->r->nruns > 1)
        page_fill(p, &asset_report_choice_html, NULL, 0, NULL);
}

static void add_title(page *p, void *context) {
    const report *r = ((const filled *)context)->r;
    if (r->nruns == 1)
        page_escape(p, report_label(r, 0));
    else
        page_say(p, "span", title_of_several, NULL);
}

static void add_score(page *p, void *context) {
    page_say(p, "span", scores[((const filled *)context)->r->run[0].data.score_kind], NULL);
}

static void add_legend(page *p, void *context) {
    const report *r = ((const filled *)context)->r;
    page_say(p, "span",
             (svg_text){"With dots, {held_out} after each epoch; dashed, training during it.",
                        "带点的线：每个 epoch 之后的{held_out}；虚线：该 epoch 中的训练。"},
             (phrase_hole[]){{"held_out", .words = report_held_out_of_all(r)}, {0}});
}

static void add_config(page *p, void *context) {
    report_config(&((const filled *)context)->settings, p);
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

/* What its curves are called (the words of report.html), and since when the evidence holds. */
static void add_names(const report_run *run, page *p) {
    const ravine_diagnosis *d = &run->found.diagnosis;
    page_format(p, ",\"batches\":\"%s\",\"held_out\":\"%s\"",
                report_is_log(run) ? "training" : "batches", report_held_out(run).en);
    if (is_shaded(d)) page_format(p, ",\"shaded\":[%" PRId64 ",%" PRId64 "]", d->since, d->step);
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
        add_names(&r->run[k], p);
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

/* Of svg_chart.c; foreign text, which is escaped, has no such quotes. */
static bool has_picture(const page *p) {
    return p->text && strstr(p->text, "class=\"chart\"");
}

static int64_t steps_of(const report *r) {
    int64_t steps = 0;
    for (size_t k = 0; k < r->nruns; k++) steps += (int64_t)r->run[k].data.nsteps;
    return steps;
}

int report_page(const report *r, page *p) {
    enum { STEPS_OF_A_SECOND = 300000 };
    const page_hole holes[] = {{"language", .put = page_put_language_button},
                               {"title", .put = add_title},
                               {"about", .put = add_about},
                               {"warnings", .put = add_warnings},
                               {"front", .put = add_front},
                               {"verdict", .put = add_verdict_of_one},
                               {"verdicts", .put = add_verdicts},
                               {"evidence", .put = add_evidence},
                               {"worst", .put = add_worst},
                               {"score", .put = add_score},
                               {"legend", .put = add_legend},
                               {"headline", .put = add_headline},
                               {"choice", .put = add_choice},
                               {"config", .put = add_config}};
    filled f = {.r = r};
    live_line shown = live_line_show("drawing", steps_of(r), "steps", STEPS_OF_A_SECOND);
    f.status = report_settings_read(&f.settings, r);
    if (!f.status) {
        page_begin(p, "en", r->nruns == 1 ? report_label(r, 0) : title_of_several.en);
        page_style(p, &asset_svg_chart_css);
        page_style(p, &asset_curve_plot_css);
        page_style(p, &asset_report_css);
        page_fill(p, &asset_report_html, holes, sizeof holes / sizeof *holes, &f);
    }
    report_settings_free(&f.settings);
    if (!f.status) f.status = add_data(r, p);
    if (!f.status) {
        page_script(p, &asset_languages_js);
        if (has_picture(p)) page_script(p, &asset_chart_js);
        page_script(p, &asset_curve_plot_js);
        page_script(p, &asset_report_js);
        page_end(p);
    }
    live_line_erase(&shown);
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
