/* SPDX-License-Identifier: Apache-2.0 */
/* train_loop.c - epochs, steps, evaluation, and when to stop. */
#include "cli/interrupt.h"
#include "data/random_stream.h"
#include "io/failure.h"
#include "io/number_json.h"
#include "trainer/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void sum_add(train_sum *sum, double loss, int64_t count, int64_t correct) {
    sum->loss += loss * (double)count;
    sum->count += count;
    sum->correct += correct;
}

static run_score sum_score(const training *t, const train_sum *sum) {
    double count = (double)sum->count, loss = sum->loss / count;
    double score = training_is_regression(t) ? sqrt(loss)
                   : training_is_of_text(t)  ? loss / M_LN2
                                             : (double)sum->correct / count;
    return (run_score){loss, score};
}

/* A pure function of seed and epoch: no epoch depends on the one before. */
static void shuffle(training *t, int64_t epoch) {
    data_order_epoch(t->trainer.order, &t->data.train, (uint64_t)t->config->seed,
                     STREAM_EPOCH | (uint64_t)epoch);
}

/* What the loop works with. */
struct train_loop {
    training *t;
    train_watch *watch;
    run_record *record;
    train_checkpoints *checkpoints;
    const train_point *point; /* NULL: it begins */
    double started;           /* as if all that is done had been done without a pause */
    train_doctor doctor;
    train_result *result;
    run_step step; /* the last one */
    train_progress at;
    bool told_behind; /* that the log waits for room */
};

/* A checkpoint of what is now; never while other weights stand in the place of the weights. */
static int save(train_loop *l, double metric) {
    l->at.seconds = seconds_now() - l->started;
    l->at.loss = l->step.loss;
    return train_checkpoints_save(l->checkpoints, metric);
}

/* Before the first step nothing is learnt: the wish waits for it. */
static int save_if_wanted(train_loop *l) {
    return l->at.step > 0 && interrupt_takes_save() ? save(l, NAN) : 0;
}

/* Loss and score over examples that are held out; unfinished when a signal comes, unless these are
 * `others` than the weights of the training. */
static int evaluate(train_loop *l, const dataset *held, bool others, run_score *score) {
    const training *t = l->t;
    train_sum sum = {0};
    int status = 0;
    for (int64_t first = 0; first < held->count && !status && (others || !interrupt_came());
         first += t->trainer.slice) {
        int64_t left = held->count - first,
                count = left < t->trainer.slice ? left : t->trainer.slice;
        const data_batch b = data_batch_at(&t->trainer.examples, held, first, count);
        int64_t correct = 0;
        double loss = net_evaluate(t->trainer.net, b.x, b.label, b.y, count, &correct);
        sum_add(&sum, loss, count, correct);
        if (!others) status = save_if_wanted(l);
    }
    *score = sum_score(t, &sum);
    return status;
}

/* The same with the averaged weights in place of the weights. */
static int evaluate_average(train_loop *l, const dataset *held, run_score *score) {
    training *t = l->t;
    int status = 0;
    trainer_copy_params(&t->trainer, t->aside);
    for (int64_t k = 0; k < net_param_count(t->trainer.net) && !status; k++) {
        const net_tensor tensor = net_param(t->trainer.net, k);
        ravine_param view = {.size = sizeof view};
        if (ravine_state_view(t->trainer.optimizer, tensor.name, "ema", &view) < 0)
            status = failure(FAILURE_USAGE, "ema: %s", ravine_errmsg());
        else
            memcpy(tensor.data, view.data, (size_t)tensor.len * sizeof *tensor.data);
    }
    if (!status) status = evaluate(l, held, true, score);
    trainer_put_params(&t->trainer, t->aside);
    return status;
}

/* The last word of the doctor, then that of the log. */
static int tell_end(train_loop *l, const char *event, bool lost) {
    const int status = train_doctor_end(&l->doctor, &l->step, lost, &l->result->diagnosis);
    return status ? status : run_record_event(l->record, event, &l->step);
}

/* The best epoch's take the place of the last, in the folder and in the net. */
static int keep_weights(const train_loop *l) {
    const int status = train_best(l->t, l->result) ? train_best_put(l->t) : 0;
    return status ? status : run_record_weights(l->record);
}

/* Of the weights that are kept. Nothing depends on what comes out. */
static int test(train_loop *l) {
    const training *t = l->t;
    const run_epoch *best = train_best(t, l->result);
    run_test *out = &l->result->test;
    *out = (run_test){.epoch = best ? best->epoch : l->result->nepochs,
                      .step = best ? best->step : l->step.step};
    int status = evaluate(l, &t->data.test, true, &out->score);
    if (!status && t->aside) status = evaluate_average(l, &t->data.test, &out->average);
    if (status) return status;
    l->result->tested = true;
    return run_record_test(l->record, out);
}

/* An end with weights: they are there when the log says so. */
static int keep_end(train_loop *l, const char *event) {
    const bool goes_on = !strcmp(event, "interrupted");
    int status = keep_weights(l);
    if (!status && !goes_on) status = test(l);
    return status ? status : tell_end(l, event, false);
}

static int diverged(train_loop *l, const char *what) {
    int status = tell_end(l, "diverged", true);
    if (status) return status;
    return failure(FAILURE_DIVERGED,
                   "training diverged: %s at step %lld (epoch %lld); try a smaller lr, warm-up or "
                   "clip_norm; the log is in %s/run.jsonl",
                   what, (long long)l->step.step, (long long)l->step.epoch,
                   run_record_folder(l->record));
}

/* Every log_every-th step and the last one; and where things happen fast each of them: the first
 * steps, those in which the gradient begins to grow, and those whose loss is not finite. */
static bool is_logged(const train_loop *l) {
    enum { FIRST_STEPS = 20 };
    const int64_t step = l->step.step;
    return (step - 1) % l->t->config->log_every == 0 || step == l->t->total_steps ||
           step <= FIRST_STEPS || l->doctor.alert || l->doctor.stop || !isfinite(l->step.loss);
}

/* A log that cannot grow costs no training. */
static void tell_behind(train_loop *l) {
    const char *why = run_record_behind(l->record);
    if (why && !l->told_behind)
        train_watch_complain(l->watch, "training goes on, its log waits in memory", why);
    l->told_behind = why != NULL;
}

/* The first of them, before the line of its step: who reads the log then knows whose it is. */
static int tell_nonfinite(train_loop *l, int64_t example) {
    l->at.told_nonfinite = 1;
    return run_record_nonfinite(l->record, &l->step, example);
}

/* The next examples of the epoch. */
static int one_step(train_loop *l) {
    training *t = l->t;
    run_step *s = &l->step;
    train_progress *at = &l->at;
    int64_t left = t->data.train.count - at->example,
            count = left < t->trainer.batch ? left : t->trainer.batch;
    int status = train_doctor_example(&l->doctor, t->trainer.order[at->example]);
    if (status) return status;
    int64_t correct = 0;
    s->loss = trainer_gradient(&t->trainer, at->example, count, (uint64_t)at->step, &correct);
    s->stats = (ravine_step_stats){.size = sizeof s->stats};
    status = failure_of(ravine_step(t->trainer.optimizer, &s->stats));
    if (status) return status;
    s->step = ++at->step;
    at->example += count;
    s->seconds = seconds_now() - l->started;
    sum_add(&at->sum, s->loss, count, correct);
    train_watch_step(l->watch, s);

    status = train_doctor_step(&l->doctor, s);
    const bool first = s->stats.nonfinite > 0 && !at->told_nonfinite;
    if (!status && first) status = tell_nonfinite(l, t->trainer.order[at->example - count]);
    if (!status && (first || is_logged(l))) status = run_record_step(l->record, s);
    tell_behind(l);
    at->nonfinite_losses = isfinite(s->loss) ? 0 : at->nonfinite_losses + 1;
    if (!status && at->nonfinite_losses == NONFINITE_LOSSES_MAX) {
        char what[80];
        snprintf(what, sizeof what, "the loss was not finite for %d steps in a row",
                 NONFINITE_LOSSES_MAX);
        status = diverged(l, what);
    }
    return status;
}

/* A signal came, or the doctor ends the training. */
static bool is_cut_short(const train_loop *l) {
    return interrupt_came() || l->doctor.stop;
}

static int save_if_due(train_loop *l) {
    int64_t every = l->t->config->checkpoint_steps;
    if (every && l->at.step % every == 0) return save(l, NAN);
    return save_if_wanted(l);
}

/* Loss and score of what is kept for the validation, before the first epoch or after one. */
static int validate(train_loop *l, run_epoch *e) {
    const training *t = l->t;
    const dataset *held = &t->data.validation;
    if (held->count == 0) return 0;
    const int status = evaluate(l, held, false, &e->validation);
    return status || !t->aside || e->epoch == 0 ? status : evaluate_average(l, held, &e->average);
}

/* The rest of the epoch and its evaluation; *e is complete unless it is cut short. */
static int one_epoch(train_loop *l, run_epoch *e) {
    training *t = l->t;
    l->step.epoch = l->at.epoch;
    shuffle(t, l->at.epoch);
    while (l->at.example < t->data.train.count && !is_cut_short(l)) {
        int status = one_step(l);
        if (!status) status = save_if_due(l);
        if (status) return status;
    }
    if (is_cut_short(l)) return 0;
    train_watch_evaluating(l->watch, l->at.epoch);
    *e = (run_epoch){.epoch = l->at.epoch, .step = l->at.step, .train = sum_score(t, &l->at.sum)};
    const int status = validate(l, e);
    e->seconds = seconds_now() - l->started - l->at.epoch_began;
    return status;
}

static bool validates(const train_loop *l) {
    return l->t->data.validation.count > 0;
}

bool train_loop_is_over(const train_loop *l) {
    return l->result->nepochs >= l->t->config->epochs || train_is_out_of_patience(l->t, l->result);
}

/* What was learnt in the epoch is told; the next one begins, from a checkpoint. */
static int end_epoch(train_loop *l, const run_epoch *e) {
    const run_config *c = l->t->config;
    train_watch_epoch(l->watch, e);
    const double held_out = validates(l) ? e->validation.loss : e->train.loss;
    int status = run_record_epoch(l->record, e);
    if (!status && validates(l)) status = train_doctor_validate(&l->doctor, held_out);
    if (!status && !isfinite(held_out))
        status = diverged(l, validates(l) ? "the validation loss is not finite"
                                          : "the training loss is not finite");
    if (!status && train_best(l->t, l->result) == e) status = train_best_keep(l->t);
    if (status) return status;
    l->at.epoch++;
    l->at.example = 0;
    l->at.sum = (train_sum){0};
    l->at.epoch_began = seconds_now() - l->started;
    int64_t every = c->checkpoint_epochs;
    bool last = train_loop_is_over(l) && (every || c->checkpoint_steps);
    const double metric = validates(l) ? held_out : NAN;
    return last || (every && e->epoch % every == 0) ? save(l, metric) : 0;
}

/* Signal or doctor leave a checkpoint of the very step. Before the first one nothing is learnt: who
 * goes on starts over, behind the header of the log. */
static int cut_short(train_loop *l) {
    if (l->at.step == 0) return 0;
    int status = save(l, NAN);
    return status ? status : keep_end(l, l->doctor.stop ? "stopped" : "interrupted");
}

/* In plain words, and in the log. */
static int tell_patience(train_loop *l) {
    const train_result *r = l->result;
    if (r->nepochs >= l->t->config->epochs) return 0;
    const run_epoch *best = train_best(l->t, r);
    train_watch_patience(l->watch, r);
    return run_record_event_with(l->record, "out_of_patience", &l->step,
                                 json_pack("{sI sI sf so}", "best_epoch", (json_int_t)best->epoch,
                                           "patience", (json_int_t)l->t->config->train_patience,
                                           "margin", l->t->config->train_margin, "validation_loss",
                                           number_json(best->validation.loss)));
}

static int all_epochs(train_loop *l) {
    train_result *result = l->result;
    while (!train_loop_is_over(l)) {
        run_epoch *e = &result->epoch[result->nepochs];
        int status = one_epoch(l, e);
        if (status) return status;
        if (is_cut_short(l)) return cut_short(l);
        result->nepochs++;
        status = end_epoch(l, e);
        if (status) return status;
    }
    const int status = tell_patience(l);
    return status ? status : keep_end(l, "finished");
}

/* Why a training that is kept ended before its last epoch. */
static int early_end(const train_loop *l, bool saved) {
    const char *folder = run_record_folder(l->record);
    if (l->doctor.stop)
        return failure(FAILURE_DIVERGED,
                       "stopped at step %lld (epoch %lld), as --on-warning asks: %s; kept in %s: "
                       "weights.safetensors, run.jsonl, TensorBoard events",
                       (long long)l->step.step, (long long)l->step.epoch, l->doctor.cause.text,
                       folder);
    if (!saved)
        return failure(FAILURE_INPUT,
                       "interrupted at step %lld (epoch %lld), but its checkpoint failed; kept in "
                       "%s: weights.safetensors, run.jsonl, TensorBoard events",
                       (long long)l->step.step, (long long)l->step.epoch, folder);
    return failure(FAILURE_INTERRUPTED,
                   "interrupted at step %lld (epoch %lld); to go on: ravine train --resume %s",
                   (long long)l->step.step, (long long)l->step.epoch, folder);
}

/* Puts the training where it was. Between two epochs the last step was of the one before. */
static int go_back(train_loop *l) {
    const train_progress *at = &l->at;
    int status = *l->point->path ? train_checkpoints_load(l->checkpoints, l->point) : 0;
    if (status) return status;
    l->step.epoch = at->example == 0 && at->epoch > 1 ? at->epoch - 1 : at->epoch;
    l->step.step = at->step;
    l->step.loss = at->loss;
    l->step.seconds = at->seconds;
    l->result->steps = at->step;
    l->result->seconds = at->seconds;
    return 0;
}

int train_loop_create(train_loop **out, training *t, train_watch *w, run_record *r,
                      const train_point *point, train_result *result) {
    train_loop *l = malloc(sizeof *l);
    if (!l) return failure(FAILURE_INPUT, "out of memory");
    *l = (train_loop){.t = t,
                      .watch = w,
                      .record = r,
                      .point = point,
                      .result = result,
                      .step.path_efficiency = NAN,
                      .at = {.epoch = 1, .lr_factor = 1}};
    const train_state state = {t, r, w, result, &l->at, &l->doctor};
    train_doctor_begin(&l->doctor, t, w, r);
    int status = train_checkpoints_create(&l->checkpoints, &state);
    if (!status && point) status = go_back(l);
    if (status) {
        train_loop_free(l);
        return status;
    }
    *out = l;
    return 0;
}

/* What is held out, before the first step: where a loss ends says little without where it began. */
static int validate_start(train_loop *l) {
    run_epoch start = {0};
    if (!validates(l)) return 0;
    int status = validate(l, &start);
    if (status || interrupt_came()) return status;
    start.seconds = seconds_now() - l->started;
    status = run_record_epoch(l->record, &start);
    return status ? status : train_doctor_validate(&l->doctor, start.validation.loss);
}

/* From here on files change. */
static int begin(train_loop *l) {
    int status = train_checkpoints_begin(l->checkpoints);
    if (status) return status;
    if (!l->point) return validate_start(l);
    status = run_record_go_on(l->record);
    if (!status && !*l->point->path) status = validate_start(l);
    if (!status) status = train_doctor_resumed(&l->doctor, l->step.step);
    return status ? status
                  : run_record_event_with(
                        l->record, "resumed", &l->step,
                        json_pack("{sI}", "total_steps", (json_int_t)l->t->total_steps));
}

int train_loop_run(train_loop *l) {
    bool saved = true;
    l->started = seconds_now() - l->at.seconds;
    int status = begin(l);
    if (!status) status = all_epochs(l);
    train_watch_erase(l->watch);
    const int waited = train_checkpoints_wait(l->checkpoints, &saved);
    if (!status) status = waited;
    l->result->steps = l->step.step;
    l->result->seconds = seconds_now() - l->started;
    return status || train_loop_is_over(l) ? status : early_end(l, saved);
}

void train_loop_free(train_loop *l) {
    if (!l) return;
    train_checkpoints_free(l->checkpoints);
    free(l);
}
