/* SPDX-License-Identifier: Apache-2.0 */
/* report_table.c - the headline numbers as text. */
#include "report/report.h"
#include "run/diagnosis.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void put(char *text, const char *format, double value) {
    if (isfinite(value))
        snprintf(text, REPORT_CELL_SIZE, format, value);
    else
        snprintf(text, REPORT_CELL_SIZE, "-");
}

/* "0.0030 at step 71" */
static void put_point(char *text, const char *format, run_point point, const char *where) {
    put(text, format, point.value);
    const size_t used = strlen(text);
    if (isfinite(point.value))
        snprintf(text + used, REPORT_CELL_SIZE - used, " at %s %.0f", where, point.at);
}

static void put_score(char *text, const report_run *r, run_point score, bool where) {
    const char *format = r->data.score_kind != RUN_ACCURACY ? "%.4f" : "%.2f %%";
    if (r->data.score_kind == RUN_ACCURACY) score.value *= 100;
    if (where)
        put_point(text, format, score, "epoch");
    else
        put(text, format, score.value);
}

/* 75 -> "1:15", 3675 -> "1:01:15"; under a minute "2.81 s" */
static void put_clock(char *text, double seconds) {
    if (!(seconds >= 60 && seconds < 1e9)) {
        put(text, "%.3g s", seconds);
        return;
    }
    const int64_t s = (int64_t)(seconds + 0.5);
    if (s >= 3600)
        snprintf(text, REPORT_CELL_SIZE, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60),
                 (int)(s % 60));
    else
        snprintf(text, REPORT_CELL_SIZE, "%d:%02d", (int)(s / 60), (int)(s % 60));
}

static void state(const report_run *r, char *text) {
    snprintf(text, REPORT_CELL_SIZE, "%s", r->data.state);
}
static void verdict(const report_run *r, char *text) {
    char name[DIAGNOSIS_TEXT_SIZE];
    snprintf(text, REPORT_CELL_SIZE, "%.20s",
             r->found.diagnosis.size ? diagnosis_name(r->found.diagnosis.verdict, name) : "-");
}
static void test_score(const report_run *r, char *text) {
    put_score(text, r, (run_point){r->facts.test_score, 0}, false);
}
static void validation_score(const report_run *r, char *text) {
    put_score(text, r, (run_point){r->facts.validation_score, 0}, false);
}
static void best_score(const report_run *r, char *text) {
    put_score(text, r, r->facts.best_score, true);
}
static void test_loss(const report_run *r, char *text) {
    put(text, "%.4g", r->facts.test_loss);
}
static void validation_loss(const report_run *r, char *text) {
    put(text, "%.4g", r->facts.validation_loss);
}
static void best_loss(const report_run *r, char *text) {
    put_point(text, "%.4g", r->facts.best_loss, "epoch");
}
static void train_loss(const report_run *r, char *text) {
    put(text, "%.4g", r->facts.train_loss);
}
static void steps(const report_run *r, char *text) {
    const run_facts *f = &r->facts;
    int used = snprintf(text, REPORT_CELL_SIZE, "%" PRId64, f->steps);
    if (f->total_steps > 0 && f->total_steps != f->steps)
        snprintf(text + used, REPORT_CELL_SIZE - (size_t)used, " of %" PRId64, f->total_steps);
}
static void epochs(const report_run *r, char *text) {
    put(text, "%.0f", r->facts.epochs);
}
static void run_time(const report_run *r, char *text) {
    put_clock(text, r->facts.seconds);
}
static void step_time(const report_run *r, char *text) {
    put(text, "%.3g ms", 1000 * r->facts.step_seconds);
}
static void lr_peak(const report_run *r, char *text) {
    put_point(text, "%.3g", r->facts.lr_peak, "step");
}
static void grad_peak(const report_run *r, char *text) {
    put_point(text, "%.3g", r->facts.grad_peak, "step");
}
static void grad_end(const report_run *r, char *text) {
    put(text, "%.3g", r->facts.grad_end);
}
static void grad_ratio(const report_run *r, char *text) {
    put(text, "%.3g", r->facts.grad_end / r->facts.grad_peak.value);
}

const report_row report_rows[] = {
    {"state", false, state},
    {"verdict", false, verdict},
    {"score, last", true, validation_score},
    {"score, best", true, best_score},
    {"loss, last", true, validation_loss},
    {"loss, best", true, best_loss},
    {"test score, at the end", false, test_score},
    {"test loss, at the end", false, test_loss},
    {"training loss at the end", false, train_loss},
    {"steps", false, steps},
    {"epochs", false, epochs},
    {"time", false, run_time},
    {"time per step, median", false, step_time},
    {"learning rate, peak", false, lr_peak},
    {"gradient norm, largest", false, grad_peak},
    {"gradient norm at the end", false, grad_end},
    {"gradient norm, end / largest", false, grad_ratio},
};
const size_t report_nrows = sizeof report_rows / sizeof *report_rows;

const char *report_row_name(const report *r, size_t row, char text[REPORT_NAME_SIZE]) {
    const bool held_out = report_rows[row].held_out;
    snprintf(text, REPORT_NAME_SIZE, "%s%s%s", held_out ? report_held_out_of_all(r) : "",
             held_out ? " " : "", report_rows[row].name);
    return text;
}

void report_cell(page *p, const char *format, double value) {
    page_add(p, "<td class=\"number\">");
    if (isfinite(value))
        page_format(p, format, value);
    else
        page_add(p, "-");
    page_add(p, "</td>");
}

void report_warning(const report_run *r, char *text, size_t size) {
    const run_data *data = &r->data;
    *text = '\0';
    if (data->stop.line)
        snprintf(text, size,
                 "%s/run.jsonl is not right from line %" PRId64 " on, byte %" PRId64
                 ": %s; the report holds the %" PRId64 " lines before it",
                 data->folder, data->stop.line, data->stop.byte, data->stop.why, data->lines);
}
