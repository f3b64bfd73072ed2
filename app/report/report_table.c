/* SPDX-License-Identifier: Apache-2.0 */
/* report_table.c - the headline numbers as text. */
#include "report/report.h"
#include "run/diagnosis.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void put(phrase *out, svg_text t, const char *format, double value) {
    char number[PHRASE_NUMBER];
    const svg_text alone = {"{number}", NULL};
    phrase_fill(out, isfinite(value) ? t : alone,
                (phrase_hole[]){{"number", .text = phrase_number(number, format, value)}, {0}});
}

static void put_number(phrase *out, const char *format, double value) {
    put(out, (svg_text){"{number}", NULL}, format, value);
}

static const svg_text at_step = {"{value} at step {at}", "{value}（第 {at} 步）"};
static const svg_text at_epoch = {"{value} at epoch {at}", "{value}（第 {at} 个 epoch）"};

static void put_point(phrase *out, const char *format, run_point point, svg_text where) {
    char value[PHRASE_NUMBER], at[PHRASE_NUMBER];
    if (!isfinite(point.value)) {
        put_number(out, format, point.value);
        return;
    }
    phrase_fill(out, where,
                (phrase_hole[]){{"value", .text = phrase_number(value, format, point.value)},
                                {"at", .text = phrase_number(at, "%.0f", point.at)},
                                {0}});
}

static void put_score(phrase *out, const report_run *r, run_point score, bool where) {
    const char *format = r->data.score_kind != RUN_ACCURACY ? "%.4f" : "%.2f %%";
    if (r->data.score_kind == RUN_ACCURACY) score.value *= 100;
    if (where)
        put_point(out, format, score, at_epoch);
    else
        put_number(out, format, score.value);
}

/* 75 -> "1:15", 3675 -> "1:01:15"; under a minute "2.81 s" */
static void put_clock(phrase *out, double seconds) {
    char text[PHRASE_NUMBER];
    if (!(seconds >= 60 && seconds < 1e9)) {
        put(out, (svg_text){"{number} s", "{number} 秒"}, "%.3g", seconds);
        return;
    }
    const int64_t s = (int64_t)(seconds + 0.5);
    if (s >= 3600)
        snprintf(text, sizeof text, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60),
                 (int)(s % 60));
    else
        snprintf(text, sizeof text, "%d:%02d", (int)(s / 60), (int)(s % 60));
    phrase_fill(out, (svg_text){text, NULL}, NULL);
}

static void state(const report_run *r, phrase *out) {
    phrase_fill(out, report_state(r), NULL);
}
static void verdict(const report_run *r, phrase *out) {
    char name[DIAGNOSIS_TEXT_SIZE];
    const ravine_diagnosis *d = &r->found.diagnosis;
    phrase_fill(out, (svg_text){d->size ? diagnosis_name(d->verdict, name) : "-", NULL}, NULL);
}
static void test_score(const report_run *r, phrase *out) {
    put_score(out, r, (run_point){r->facts.test_score, 0}, false);
}
static void validation_score(const report_run *r, phrase *out) {
    put_score(out, r, (run_point){r->facts.validation_score, 0}, false);
}
static void best_score(const report_run *r, phrase *out) {
    put_score(out, r, r->facts.best_score, true);
}
static void test_loss(const report_run *r, phrase *out) {
    put_number(out, "%.4g", r->facts.test_loss);
}
static void validation_loss(const report_run *r, phrase *out) {
    put_number(out, "%.4g", r->facts.validation_loss);
}
static void best_loss(const report_run *r, phrase *out) {
    put_point(out, "%.4g", r->facts.best_loss, at_epoch);
}
static void train_loss(const report_run *r, phrase *out) {
    put_number(out, "%.4g", r->facts.train_loss);
}
static void steps(const report_run *r, phrase *out) {
    const run_facts *f = &r->facts;
    char made[PHRASE_NUMBER], planned[PHRASE_NUMBER];
    const bool all = f->total_steps <= 0 || f->total_steps == f->steps;
    phrase_fill(
        out,
        all ? (svg_text){"{made}", NULL} : (svg_text){"{made} of {planned}", "{made} / {planned}"},
        (phrase_hole[]){{"made", .text = phrase_number(made, "%.0f", (double)f->steps)},
                        {"planned", .text = phrase_number(planned, "%.0f", (double)f->total_steps)},
                        {0}});
}
static void epochs(const report_run *r, phrase *out) {
    put_number(out, "%.0f", r->facts.epochs);
}
static void run_time(const report_run *r, phrase *out) {
    put_clock(out, r->facts.seconds);
}
static void step_time(const report_run *r, phrase *out) {
    put(out, (svg_text){"{number} ms", "{number} 毫秒"}, "%.3g", 1000 * r->facts.step_seconds);
}
static void lr_peak(const report_run *r, phrase *out) {
    put_point(out, "%.3g", r->facts.lr_peak, at_step);
}
static void grad_peak(const report_run *r, phrase *out) {
    put_point(out, "%.3g", r->facts.grad_peak, at_step);
}
static void grad_end(const report_run *r, phrase *out) {
    put_number(out, "%.3g", r->facts.grad_end);
}
static void grad_ratio(const report_run *r, phrase *out) {
    put_number(out, "%.3g", r->facts.grad_end / r->facts.grad_peak.value);
}

const report_row report_rows[] = {
    {{"state", "状态"}, state},
    {{"verdict", "诊断"}, verdict},
    {{"{held_out} score, last", "{held_out}得分，最后"}, validation_score},
    {{"{held_out} score, best", "{held_out}得分，最好"}, best_score},
    {{"{held_out} loss, last", "{held_out}损失，最后"}, validation_loss},
    {{"{held_out} loss, best", "{held_out}损失，最好"}, best_loss},
    {{"test score, at the end", "测试得分，最后"}, test_score},
    {{"test loss, at the end", "测试损失，最后"}, test_loss},
    {{"training loss at the end", "训练损失，最后"}, train_loss},
    {{"steps", "步数"}, steps},
    {{"epochs", "epoch 数"}, epochs},
    {{"time", "用时"}, run_time},
    {{"time per step, median", "每步用时，中位数"}, step_time},
    {{"learning rate, peak", "学习率，峰值"}, lr_peak},
    {{"gradient norm, largest", "梯度范数，最大"}, grad_peak},
    {{"gradient norm at the end", "梯度范数，最后"}, grad_end},
    {{"gradient norm, end / largest", "梯度范数，最后 / 最大"}, grad_ratio},
};
const size_t report_nrows = sizeof report_rows / sizeof *report_rows;

void report_row_name(const report *r, size_t row, phrase *text) {
    phrase_fill(text, report_rows[row].name,
                (phrase_hole[]){{"held_out", .words = report_held_out_of_all(r)}, {0}});
}

void report_cell(page *p, const char *format, double value) {
    page_add(p, "<td class=\"number\">");
    if (isfinite(value))
        page_format(p, format, value);
    else
        page_add(p, "-");
    page_add(p, "</td>");
}

bool report_warning(const report_run *r, phrase *out) {
    const run_data *data = &r->data;
    char line[PHRASE_NUMBER], byte[PHRASE_NUMBER], lines[PHRASE_NUMBER];
    if (!data->stop.line) return false;
    phrase_fill(
        out,
        (svg_text){"{folder}/run.jsonl is not right from line {line} on, byte {byte}: "
                   "{why}; the report holds the {lines} lines before it",
                   "{folder}/run.jsonl 从第 {line} 行（第 {byte} 字节）起不正确：{why}；"
                   "报告只含之前的 {lines} 行"},
        (phrase_hole[]){{"folder", .text = data->folder},
                        {"line", .text = phrase_number(line, "%.0f", (double)data->stop.line)},
                        {"byte", .text = phrase_number(byte, "%.0f", (double)data->stop.byte)},
                        {"why", .text = data->stop.why},
                        {"lines", .text = phrase_number(lines, "%.0f", (double)data->lines)},
                        {0}});
    return true;
}
