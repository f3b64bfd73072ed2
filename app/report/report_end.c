/* SPDX-License-Identifier: Apache-2.0 */
/* report_end.c - what became of a run, in words. */
#include "report/report.h"

#include <math.h>
#include <string.h>

bool report_is_log(const report_run *run) {
    return !strcmp(run->data.state, "log");
}

enum { OF_OTHERS, OF_OURS, OF_OLD_LOGS };
static const svg_text held_out[] = {[OF_OTHERS] = {"held-out", "留出"},
                                    [OF_OURS] = {"validation", "验证"},
                                    [OF_OLD_LOGS] = {"test", "测试"}};

svg_text report_held_out(const report_run *run) {
    if (report_is_log(run)) return held_out[OF_OTHERS];
    return held_out[run->data.tests_epochs ? OF_OLD_LOGS : OF_OURS];
}

svg_text report_held_out_of_all(const report *r) {
    const svg_text name = report_held_out(&r->run[0]);
    for (size_t k = 1; k < r->nruns; k++)
        if (report_held_out(&r->run[k]).en != name.en) return held_out[OF_OTHERS];
    return name;
}

svg_text report_state(const report_run *run) {
    static const svg_text states[] = {{"finished", "完成"},     {"interrupted", "中断"},
                                      {"diverged", "发散"},     {"stopped", "停止"},
                                      {"unfinished", "未完成"}, {"log", "日志"}};
    for (size_t k = 0; k < sizeof states / sizeof *states; k++)
        if (!strcmp(states[k].en, run->data.state)) return states[k];
    return (svg_text){run->data.state, NULL};
}

/* ---- what the holes are filled from ---- */

typedef struct ended {
    const report_run *run;
} ended;

static void say(page *p, svg_text t, const phrase_hole *hole) {
    page_say(p, "span", t, hole);
}

static void say_number(page *p, svg_text t, const char *format, double value) {
    char number[PHRASE_NUMBER];
    say(p, t, (phrase_hole[]){{"number", .text = phrase_number(number, format, value)}, {0}});
}

/* "accuracy 87.39 %" */
static void put_score(page *p, const report_run *run, double score) {
    switch (run->data.score_kind) {
    case RUN_ACCURACY:
        say_number(p, (svg_text){"accuracy {number} %", "准确率 {number}%"}, "%.2f", 100 * score);
        break;
    case RUN_RMSE:
        say_number(p, (svg_text){"root mean square error {number}", "均方根误差 {number}"}, "%.4g",
                   score);
        break;
    case RUN_BITS_PER_BYTE:
        say_number(p, (svg_text){"{number} bits per byte", "每字节 {number} 比特"}, "%.4g", score);
        break;
    }
}

/* Where logs of others say an epoch it may be a step. */
static void put_epoch(page *p, const report_run *run, double epoch) {
    if (!report_is_log(run))
        say_number(p, (svg_text){" after epoch {number}", "（第 {number} 个 epoch 之后）"}, "%.0f",
                   epoch);
}

static void put_run(page *p, void *context) {
    const report_run *run = ((const ended *)context)->run;
    const run_facts *f = &run->facts;
    char step[PHRASE_NUMBER];
    const svg_text ends = {"ends", "结束"};
    say(p, (svg_text){"{ends} at step {step}", "{ends}于第 {step} 步"},
        (phrase_hole[]){{"ends", .words = report_is_log(run) ? ends : report_state(run)},
                        {"step", .text = phrase_number(step, "%.0f", (double)f->steps)},
                        {0}});
    if (f->total_steps > f->steps)
        say_number(p, (svg_text){" of {number}", "（共 {number} 步）"}, "%.0f",
                   (double)f->total_steps);
    if (f->epochs >= 1 && !report_is_log(run))
        say_number(p,
                   f->epochs > 1 ? (svg_text){", after {number} epochs", "，走完 {number} 个 epoch"}
                                 : (svg_text){", after {number} epoch", "，走完 {number} 个 epoch"},
                   "%.0f", f->epochs);
}

static void put_training(page *p, void *context) {
    const report_run *run = ((const ended *)context)->run;
    if (run->data.nsteps == 0)
        say(p, (svg_text){"no step is logged", "没有记录任何一步"}, NULL);
    else if (isfinite(run->facts.train_loss))
        say_number(p, (svg_text){"loss {number} at the end", "最后的损失 {number}"}, "%.4g",
                   run->facts.train_loss);
    else
        say(p, (svg_text){"the loss is not finite at the end", "最后的损失不是有限的数"}, NULL);
}

static void put_held_out_name(page *p, void *context) {
    say(p, report_held_out(((const ended *)context)->run), NULL);
}

static void put_held_out(page *p, void *context) {
    const report_run *run = ((const ended *)context)->run;
    const run_facts *f = &run->facts;
    const double best = f->best_loss.value, score = f->best_score.value;
    if (isfinite(best)) {
        say_number(p, (svg_text){"lowest loss {number}", "最低损失 {number}"}, "%.4g", best);
        if (f->best_loss.at != f->best_score.at) put_epoch(p, run, f->best_loss.at);
        if (isfinite(score)) say(p, (svg_text){", ", "，"}, NULL);
    }
    if (isfinite(score)) {
        say(p, (svg_text){"best ", "最好的"}, NULL);
        put_score(p, run, score);
        put_epoch(p, run, f->best_score.at);
    }
    if (!isfinite(best) && !isfinite(score)) say(p, (svg_text){"none is logged", "没有记录"}, NULL);
    if (f->validation_loss > best)
        say_number(p, (svg_text){"; loss {number} at the end", "；最后的损失 {number}"}, "%.4g",
                   f->validation_loss);
}

/* Logs of others have no such thing; in old ones it stands in the place of the validation. */
static void put_test(page *p, void *context) {
    const report_run *run = ((const ended *)context)->run;
    const run_facts *f = &run->facts;
    if (report_is_log(run) || run->data.tests_epochs) return;
    page_add(p, "<dt>");
    say(p, held_out[OF_OLD_LOGS], NULL);
    page_add(p, "</dt><dd>");
    if (isfinite(f->test_loss)) {
        say_number(p, (svg_text){"loss {number}", "损失 {number}"}, "%.4g", f->test_loss);
        if (isfinite(f->test_score)) {
            say(p, (svg_text){", ", "，"}, NULL);
            put_score(p, run, f->test_score);
        }
        say(p, (svg_text){": looked at once, at the end", "：只在最后看了一次"}, NULL);
    } else {
        say(p, (svg_text){"not looked at", "没有看"}, NULL);
    }
    page_add(p, "</dd>\n");
}

void report_end(const report_run *run, page *p) {
    ended told = {run};
    const page_hole holes[] = {{"run", .put = put_run},
                               {"training", .put = put_training},
                               {"held_out", .put = put_held_out_name},
                               {"held_out_end", .put = put_held_out},
                               {"test", .put = put_test}};
    page_fill(p, &asset_ends_html, holes, sizeof holes / sizeof *holes, &told);
}
