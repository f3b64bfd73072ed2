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

void run_verdict(const run_facts *f, char *text, size_t size) {
    static const double STANDS_STILL = 0.01, SMALL = 0.01;
    const double ratio = f->grad_end / f->grad_peak.value;
    *text = '\0';
    if (!isfinite(ratio)) return;
    int used = snprintf(text, size,
                        "At the end the gradient norm is %.3g, %.3g times its maximum of %.3g at "
                        "step %.0f",
                        f->grad_end, ratio, f->grad_peak.value, f->grad_peak.at);
    if (used < 0 || (size_t)used >= size) return;
    text += used;
    size -= (size_t)used;
    if (!isfinite(f->loss_fall))
        snprintf(text, size, ".");
    else if (f->loss_fall > STANDS_STILL)
        snprintf(text, size, "; the loss still fell, by %.2g %% over the last tenth of the run.",
                 100 * f->loss_fall);
    else
        snprintf(text, size,
                 "; the loss has stopped falling (%+.2g %% over the last tenth of the "
                 "run)%s.",
                 -100 * f->loss_fall,
                 ratio >= SMALL ? ", and yet the gradient is not small: standing still is not "
                                  "having arrived"
                                : ", and the gradient is small");
}
