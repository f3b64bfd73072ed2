/* SPDX-License-Identifier: Apache-2.0 */
/* report_end.c - what became of a run, in words. */
#include "report/report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

bool report_is_log(const report_run *run) {
    return !strcmp(run->data.state, "log");
}

const char *report_held_out(const report_run *run) {
    if (report_is_log(run)) return "held-out";
    return run->data.tests_epochs ? "test" : "validation";
}

const char *report_held_out_of_all(const report *r) {
    const char *name = report_held_out(&r->run[0]);
    for (size_t k = 1; k < r->nruns; k++)
        if (strcmp(report_held_out(&r->run[k]), name) != 0) return "held-out";
    return name;
}

/* What the holes are filled from. */
typedef struct ended {
    const report_run *run;
} ended;

/* "accuracy 87.39 %" */
static void put_score(page *p, const report_run *run, double score) {
    switch (run->data.score_kind) {
    case RUN_ACCURACY: page_format(p, "accuracy %.2f %%", 100 * score); break;
    case RUN_RMSE: page_format(p, "root mean square error %.4g", score); break;
    case RUN_BITS_PER_BYTE: page_format(p, "%.4g bits per byte", score); break;
    }
}

/* Where logs of others say an epoch it may be a step. */
static void put_epoch(page *p, const report_run *run, double epoch) {
    if (!report_is_log(run)) page_format(p, " after epoch %.0f", epoch);
}

static void put_run(page *p, void *context) {
    const report_run *run = ((const ended *)context)->run;
    const run_facts *f = &run->facts;
    page_format(p, "%s at step %" PRId64, report_is_log(run) ? "ends" : run->data.state, f->steps);
    if (f->total_steps > f->steps) page_format(p, " of %" PRId64, f->total_steps);
    if (f->epochs >= 1 && !report_is_log(run))
        page_format(p, ", after %.0f epoch%s", f->epochs, f->epochs > 1 ? "s" : "");
}

static void put_training(page *p, void *context) {
    const report_run *run = ((const ended *)context)->run;
    if (run->data.nsteps == 0)
        page_add(p, "no step is logged");
    else if (isfinite(run->facts.train_loss))
        page_format(p, "loss %.4g at the end", run->facts.train_loss);
    else
        page_add(p, "the loss is not finite at the end");
}

static void put_held_out(page *p, void *context) {
    const report_run *run = ((const ended *)context)->run;
    const run_facts *f = &run->facts;
    const double best = f->best_loss.value, score = f->best_score.value;
    if (isfinite(best)) {
        page_format(p, "lowest loss %.4g", best);
        if (f->best_loss.at != f->best_score.at) put_epoch(p, run, f->best_loss.at);
        if (isfinite(score)) page_add(p, ", ");
    }
    if (isfinite(score)) {
        page_add(p, "best ");
        put_score(p, run, score);
        put_epoch(p, run, f->best_score.at);
    }
    if (!isfinite(best) && !isfinite(score)) page_add(p, "none is logged");
    if (f->validation_loss > best) page_format(p, "; loss %.4g at the end", f->validation_loss);
}

/* Logs of others have no such thing; in old ones it stands in the place of the validation. */
static void put_test(page *p, void *context) {
    const report_run *run = ((const ended *)context)->run;
    const run_facts *f = &run->facts;
    if (report_is_log(run) || run->data.tests_epochs) return;
    page_add(p, "<dt>test</dt><dd>");
    if (isfinite(f->test_loss)) {
        page_format(p, "loss %.4g", f->test_loss);
        if (isfinite(f->test_score)) {
            page_add(p, ", ");
            put_score(p, run, f->test_score);
        }
        page_add(p, ": looked at once, at the end");
    } else {
        page_add(p, "not looked at");
    }
    page_add(p, "</dd>\n");
}

void report_end(const report_run *run, page *p) {
    ended told = {run};
    const page_hole holes[] = {{"run", .put = put_run},
                               {"training", .put = put_training},
                               {"held_out", .text = report_held_out(run)},
                               {"held_out_end", .put = put_held_out},
                               {"test", .put = put_test}};
    page_fill(p, &asset_ends_html, holes, sizeof holes / sizeof *holes, &told);
}
