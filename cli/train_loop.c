/* train_loop.c - epochs, steps, evaluation, and when to stop. */
#include "base/random.h"
#include "io/failure.h"
#include "train.h"

#include <math.h>
#include <string.h>

/* So many losses in a row that are not finite are no accident: the training is lost. */
enum { NONFINITE_LOSSES_MAX = 10 };

/* Sums over an epoch or a data set; the mean of the batches weighs them by their examples. */
typedef struct tally {
    double loss;
    int64_t count, correct;
} tally;

static void tally_add(tally *sum, double loss, int64_t count, int64_t correct) {
    sum->loss += loss * (double)count;
    sum->count += count;
    sum->correct += correct;
}

static train_score tally_score(const training *t, const tally *sum) {
    double count = (double)sum->count, loss = sum->loss / count;
    double score = training_is_regression(t) ? sqrt(loss) : (double)sum->correct / count;
    return (train_score){loss, score};
}

/* Fisher-Yates, a pure function of seed and epoch: no epoch depends on the one before. */
static void shuffle(training *t, int64_t epoch) {
    enum { SHUFFLE = 1 }; /* the kind of stream; the net's own streams are others */
    uint64_t seed = (uint64_t)t->config->seed, stream = (uint64_t)SHUFFLE << 48 | (uint64_t)epoch;
    int64_t count = t->data.train.count;
    for (int64_t k = 0; k < count; k++) t->order[k] = k;
    for (int64_t k = count - 1; k > 0; k--) {
        uint64_t j = ravine_random_below(seed, stream, (uint64_t)k, (uint64_t)k + 1);
        int64_t other = t->order[j];
        t->order[j] = t->order[k];
        t->order[k] = other;
    }
}

/* Copies the examples order[first] ... into the batch. */
static void gather(training *t, int64_t first, int64_t count) {
    const dataset *train = &t->data.train;
    size_t size = (size_t)train->size, outputs = (size_t)train->outputs;
    for (int64_t k = 0; k < count; k++) {
        size_t to = (size_t)k, from = (size_t)t->order[first + k];
        memcpy(t->x + to * size, train->x + from * size, size * sizeof *t->x);
        if (t->label)
            t->label[to] = train->label[from];
        else
            memcpy(t->y + to * outputs, train->y + from * outputs, outputs * sizeof *t->y);
    }
}

/* Loss and score over the test set; unfinished when a signal comes. */
static train_score evaluate(const training *t) {
    const dataset *test = &t->data.test;
    tally sum = {0};
    for (int64_t first = 0; first < test->count && !interrupt_came(); first += t->slice) {
        int64_t left = test->count - first, count = left < t->slice ? left : t->slice;
        const int32_t *label = test->label ? test->label + first : NULL;
        const float *y = test->label ? NULL : test->y + first * test->outputs;
        int64_t correct = 0;
        double loss = net_evaluate(t->net, test->x + first * test->size, label, y, count, &correct);
        tally_add(&sum, loss, count, correct);
    }
    return tally_score(t, &sum);
}

/* The same with the averaged weights in place of the weights. */
static int evaluate_average(training *t, train_score *score) {
    int64_t count = net_param_count(t->net), at = 0;
    int status = 0;
    for (int64_t k = 0; k < count; k++) {
        net_tensor tensor = net_param(t->net, k);
        memcpy(t->aside + at, tensor.data, (size_t)tensor.len * sizeof *t->aside);
        at += tensor.len;
        ravine_param view = {.size = sizeof view};
        if (ravine_state_view(t->optimizer, tensor.name, "ema", &view) < 0)
            status = failure(EXIT_USAGE, "ema: %s", ravine_errmsg());
        else
            memcpy(tensor.data, view.data, (size_t)tensor.len * sizeof *t->aside);
    }
    *score = evaluate(t);
    at = 0;
    for (int64_t k = 0; k < count; k++) {
        net_tensor tensor = net_param(t->net, k);
        memcpy(tensor.data, t->aside + at, (size_t)tensor.len * sizeof *t->aside);
        at += tensor.len;
    }
    return status;
}

/* The state of the loop between two steps. */
typedef struct loop {
    training *t;
    watch *watch;
    record *record;
    double started;
    train_doctor doctor;
    train_step step;          /* the last one */
    int64_t nonfinite_losses; /* in a row */
    bool told_nonfinite;
} loop;

static int diverged(loop *l, const char *what) {
    int status = record_event(l->record, "diverged", &l->step);
    if (status) return status;
    return failure(EXIT_DIVERGED,
                   "training diverged: %s at step %lld (epoch %lld); try a smaller lr, warm-up or "
                   "clip_norm; the log is in %s/run.jsonl",
                   what, (long long)l->step.step, (long long)l->step.epoch,
                   record_folder(l->record));
}

static int one_step(loop *l, int64_t first, int64_t count, tally *sum) {
    training *t = l->t;
    train_step *s = &l->step;
    gather(t, first, count);
    int64_t correct = 0;
    s->loss = net_train(t->net, t->x, t->label, t->y, count, (uint64_t)s->step, &correct);
    s->step++;
    s->report = (ravine_report){.size = sizeof s->report};
    if (ravine_step(t->optimizer, &s->report) < 0)
        return failure(EXIT_USAGE, "%s", ravine_errmsg());
    s->seconds = seconds_now() - l->started;
    tally_add(sum, s->loss, count, correct);
    watch_step(l->watch, s);

    int status = train_doctor_step(&l->doctor, s);
    bool last = s->step == t->total_steps || l->doctor.stop;
    if (!status && ((s->step - 1) % t->config->log_every == 0 || last))
        status = record_step(l->record, s);
    if (!status && s->report.nonfinite > 0 && !l->told_nonfinite) {
        l->told_nonfinite = true;
        status = record_event(l->record, "nonfinite", s);
    }
    l->nonfinite_losses = isfinite(s->loss) ? 0 : l->nonfinite_losses + 1;
    if (!status && l->nonfinite_losses == NONFINITE_LOSSES_MAX) {
        char what[80];
        snprintf(what, sizeof what, "the loss was not finite for %d steps in a row",
                 NONFINITE_LOSSES_MAX);
        status = diverged(l, what);
    }
    return status;
}

/* A signal came, or the doctor ends the training. */
static bool is_cut_short(const loop *l) {
    return interrupt_came() || l->doctor.stop;
}

/* Steps and evaluation; *e is complete unless it is cut short. */
static int one_epoch(loop *l, int64_t epoch, train_epoch *e) {
    training *t = l->t;
    double started = seconds_now();
    tally sum = {0};
    l->step.epoch = epoch;
    shuffle(t, epoch);
    for (int64_t first = 0; first < t->data.train.count && !is_cut_short(l); first += t->batch) {
        int64_t left = t->data.train.count - first;
        int status = one_step(l, first, left < t->batch ? left : t->batch, &sum);
        if (status) return status;
    }
    if (is_cut_short(l)) return 0;
    watch_evaluating(l->watch, epoch);
    *e = (train_epoch){
        .epoch = epoch, .step = l->step.step, .train = tally_score(t, &sum), .test = evaluate(t)};
    int status = t->aside ? evaluate_average(t, &e->average) : 0;
    e->seconds = seconds_now() - started;
    return status;
}

static int all_epochs(loop *l, train_result *result) {
    for (int64_t epoch = 1; epoch <= l->t->config->epochs; epoch++) {
        train_epoch *e = &result->epoch[result->nepochs];
        int status = one_epoch(l, epoch, e);
        if (status) return status;
        if (is_cut_short(l))
            return record_event(l->record, l->doctor.stop ? "stopped" : "interrupted", &l->step);
        result->nepochs++;
        watch_epoch(l->watch, e);
        status = record_epoch(l->record, e);
        if (!status && !isfinite(e->test.loss)) status = diverged(l, "the test loss is not finite");
        if (status) return status;
    }
    return record_event(l->record, "finished", &l->step);
}

int train(training *t, watch *w, record *r, train_result *result) {
    loop l = {
        .t = t, .watch = w, .record = r, .started = seconds_now(), .step.path_efficiency = NAN};
    train_doctor_begin(&l.doctor, t, w, r);
    int status = all_epochs(&l, result);
    const int told = train_doctor_end(&l.doctor, &l.step, &result->diagnosis);
    if (!status) status = told;
    watch_erase(w);
    result->steps = l.step.step;
    result->seconds = seconds_now() - l.started;
    if (status) return status;
    status = record_weights(r);
    if (status || result->nepochs == t->config->epochs) return status;
    if (l.doctor.stop)
        return failure(EXIT_DIVERGED,
                       "stopped at step %lld (epoch %lld), as --on-warning asks: %s; kept in %s: "
                       "weights.safetensors, run.jsonl, TensorBoard events",
                       (long long)l.step.step, (long long)l.step.epoch, l.doctor.cause.text,
                       record_folder(r));
    return failure(EXIT_INTERRUPTED,
                   "interrupted at step %lld (epoch %lld); kept in %s: weights.safetensors, "
                   "run.jsonl, TensorBoard events",
                   (long long)l.step.step, (long long)l.step.epoch, record_folder(r));
}
