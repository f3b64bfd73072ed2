/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_facts.h"

#include "io/failure.h"
#include "math/sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static run_point greatest(const run_data *run, run_column column) {
    run_point best = {NAN, NAN};
    for (size_t k = 0; k < run->nsteps; k++) {
        const double value = run->column[column][k];
        if (value > best.value || (isnan(best.value) && !isnan(value)))
            best = (run_point){value, run->column[RUN_STEP][k]};
    }
    return best;
}

/* Keeps the lower one (sign 1) or the higher one (sign -1). */
static void keep_better(run_point *best, double value, double at, double sign) {
    if (isnan(value)) return;
    if (isnan(best->value) || sign * value < sign * best->value) *best = (run_point){value, at};
}

/* Of values[from .. to - 1], without the NaN among them. */
static double mean(const double *values, size_t from, size_t to) {
    double sum = 0;
    size_t count = 0;
    for (size_t k = from; k < to; k++)
        if (!isnan(values[k])) sum += values[k], count++;
    return count ? sum / (double)count : NAN;
}

void run_step_seconds(const run_data *run, double *seconds) {
    const double *time = run->column[RUN_SECONDS], *step = run->column[RUN_STEP];
    for (size_t k = 0; k < run->nsteps; k++)
        seconds[k] = k ? (time[k] - time[k - 1]) / (step[k] - step[k - 1]) : NAN;
}

static void add_steps(run_facts *f, const run_data *run, double *scratch) {
    enum { END_MIN = 10, FALL_MIN = 40 };
    const size_t n = run->nsteps;
    size_t end = n / 100 > END_MIN ? n / 100 : END_MIN;
    if (end > n) end = n;
    f->steps = (int64_t)run->column[RUN_STEP][n - 1];
    f->seconds = run->column[RUN_SECONDS][n - 1];
    f->train_loss = mean(run->column[RUN_LOSS], n - end, n);
    f->lr_peak = greatest(run, RUN_LR);
    f->grad_peak = greatest(run, RUN_GRAD_NORM);
    memcpy(scratch, run->column[RUN_GRAD_NORM] + n - end, end * sizeof *scratch);
    f->grad_end = ravine_median(scratch, (int64_t)end);
    run_step_seconds(run, scratch);
    f->step_seconds = ravine_median(scratch, (int64_t)n);
    if (n < FALL_MIN) return;
    const double before = mean(run->column[RUN_LOSS], n - n / 5, n - n / 10);
    f->loss_fall = 1 - mean(run->column[RUN_LOSS], n - n / 10, n) / before;
}

static void add_epochs(run_facts *f, const run_data *run) {
    for (size_t k = 0; k < run->nepochs; k++) {
        const run_log_epoch *e = &run->epoch[k];
        if (e->epoch < 1) continue;
        keep_better(&f->best_loss, e->validation_loss, e->epoch, 1);
        keep_better(&f->best_score, e->validation_score, e->epoch,
                    run->score_kind == RUN_ACCURACY ? -1 : 1);
    }
    if (run->nepochs == 0) return;
    const run_log_epoch *last = &run->epoch[run->nepochs - 1];
    f->epochs = last->epoch;
    f->validation_loss = last->validation_loss;
    f->validation_score = last->validation_score;
}

int run_facts_of(run_facts *facts, const run_data *run) {
    const run_point none = {NAN, NAN};
    *facts = (run_facts){.seconds = NAN,
                         .step_seconds = NAN,
                         .train_loss = NAN,
                         .validation_loss = NAN,
                         .validation_score = NAN,
                         .test_loss = run->test.loss,
                         .test_score = run->test.score,
                         .best_loss = none,
                         .best_score = none,
                         .lr_peak = none,
                         .grad_peak = none,
                         .grad_end = NAN,
                         .loss_fall = NAN};
    const json_t *total = json_object_get(run->header, "total_steps");
    facts->total_steps = (int64_t)json_integer_value(total);
    add_epochs(facts, run);
    if (run->nsteps == 0) return 0;
    double *scratch = malloc(run->nsteps * sizeof *scratch);
    if (!scratch) return failure(FAILURE_INPUT, "out of memory");
    add_steps(facts, run, scratch);
    free(scratch);
    return 0;
}

/* What became of the loss at the end. */
static svg_text fall_words(double fall, double ratio) {
    static const double STANDS_STILL = 0.01, SMALL = 0.01;
    if (!isfinite(fall)) return (svg_text){".", "。"};
    if (fall > STANDS_STILL)
        return (svg_text){"; the loss still fell, by {fallen} % over the last tenth of the run.",
                          "；损失仍在下降，在最后十分之一的训练里降了 {fallen}%。"};
    if (ratio >= SMALL)
        return (svg_text){"; the loss has stopped falling ({change} % over the last tenth of the "
                          "run), and yet the gradient is not small: standing still is not having "
                          "arrived.",
                          "；损失不再下降（在最后十分之一的训练里变化 {change}"
                          "%），梯度却不小：停住不等于到达。"};
    return (svg_text){"; the loss has stopped falling ({change} % over the last tenth of the run), "
                      "and the gradient is small.",
                      "；损失不再下降（在最后十分之一的训练里变化 {change}%），梯度也很小。"};
}

bool run_verdict(const run_facts *f, phrase *out) {
    const double ratio = f->grad_end / f->grad_peak.value;
    if (!isfinite(ratio)) return false;
    char end[PHRASE_NUMBER], share[PHRASE_NUMBER], most[PHRASE_NUMBER], step[PHRASE_NUMBER],
        fallen[PHRASE_NUMBER], change[PHRASE_NUMBER];
    phrase fall;
    phrase_fill(
        &fall, fall_words(f->loss_fall, ratio),
        (phrase_hole[]){{"fallen", .text = phrase_number(fallen, "%.2g", 100 * f->loss_fall)},
                        {"change", .text = phrase_number(change, "%+.2g", -100 * f->loss_fall)},
                        {0}});
    phrase_fill(
        out,
        (svg_text){"At the end the gradient norm is {end}, {share} times its maximum of "
                   "{most} at step {step}{fall}",
                   "最后的梯度范数是 {end}，为其最大值 {most}（第 {step} 步）的 {share} 倍{fall}"},
        (phrase_hole[]){{"end", .text = phrase_number(end, "%.3g", f->grad_end)},
                        {"share", .text = phrase_number(share, "%.3g", ratio)},
                        {"most", .text = phrase_number(most, "%.3g", f->grad_peak.value)},
                        {"step", .text = phrase_number(step, "%.0f", f->grad_peak.at)},
                        {"fall", .phrase = &fall},
                        {0}});
    return true;
}
