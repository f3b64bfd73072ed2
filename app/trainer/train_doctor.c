/* SPDX-License-Identifier: Apache-2.0 */
/* train_doctor.c - the doctor that looks at every step: tells when its verdict changes, at once
 * what cannot wait, and acts when it warns. */
#include "cli/interrupt.h"
#include "io/failure.h"
#include "io/number_json.h"
#include "run/diagnosis.h"
#include "run/doctor_memory.h"
#include "trainer/train.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* A verdict is looked for after 8, 16, 32 ... steps, then a few times a window, and told when two
 * looks in a row agree: what is between two causes does not chatter. */
enum { FIRST_LOOK = 8, LOOKS_A_WINDOW = 8 };

static int64_t window_of(const train_doctor *d) {
    return d->t->config->doctor_window;
}

void train_doctor_begin(train_doctor *d, training *t, train_watch *w, run_record *r) {
    *d = (train_doctor){
        .t = t, .watch = w, .record = r, .warned_at = INT64_MIN / 2, .acted_at = INT64_MIN / 2};
}

/* ---- what it is told beside the steps ---- */

static int tell(const train_doctor *d, int fact, double value) {
    ravine_doctor *doctor = d->t->doctor;
    return doctor ? failure_of(ravine_doctor_tell(doctor, fact, value)) : 0;
}

int train_doctor_example(const train_doctor *d, int64_t example) {
    return tell(d, RAVINE_FACT_EXAMPLE, (double)example);
}

/* One that is not finite ends the training. */
int train_doctor_validate(const train_doctor *d, double loss) {
    return isfinite(loss) ? tell(d, RAVINE_FACT_VALIDATION, loss) : 0;
}

int train_doctor_resumed(const train_doctor *d, int64_t step) {
    const int status = tell(d, RAVINE_FACT_RESUMED, (double)step);
    return status ? status : tell(d, RAVINE_FACT_TOTAL_STEPS, (double)d->t->total_steps);
}

/* ---- the verdict ---- */

static int tell_verdict(train_doctor *d, const run_step *s, const ravine_diagnosis *found) {
    char line[DIAGNOSIS_LINE_SIZE];
    diagnosis_line(found, line, sizeof line);
    train_watch_told(d->watch, s, line);
    d->told = found->verdict;
    char because[DIAGNOSIS_TEXT_SIZE];
    diagnosis_printable(found->nevidence ? found->evidence[0].text : "", because);
    const int severity = ravine_verdict_severity(found->verdict);
    return run_record_event_with(d->record, "verdict", s,
                                 json_pack("{ss ss sf ss}", "verdict",
                                           ravine_verdict_word(found->verdict), "severity",
                                           ravine_severity_word(severity), "confidence",
                                           found->confidence, "because", because));
}

/* Every further step is for nothing. */
static bool cannot_wait(int verdict) {
    return ravine_verdict_severity(verdict) == RAVINE_SEVERITY_URGENT;
}

/* That it does not know yet is no news. */
static bool is_news(const train_doctor *d, const run_step *s, int verdict) {
    return verdict != d->told && (verdict != RAVINE_VERDICT_UNCLEAR || s->step > window_of(d));
}

static int look(train_doctor *d, const run_step *s) {
    ravine_diagnosis found = {.size = sizeof found};
    const int status = failure_of(ravine_doctor_diagnose(d->t->doctor, &found));
    if (status) return status;
    const bool stands = found.verdict == d->seen || cannot_wait(found.verdict);
    d->seen = found.verdict;
    return stands && is_news(d, s, found.verdict) ? tell_verdict(d, s, &found) : 0;
}

/* ---- warnings ---- */

/* A gradient that is not finite is held back by the optimizer; a smaller step does not cure it. */
static bool is_of_size(int32_t warning) {
    return warning != RAVINE_WARNING_NONFINITE_GRADIENT;
}

/* Steps between two acts: what grows from step to step leaves no time, what is seen over a window
 * needs one to change. */
static int64_t patience(const train_doctor *d, int32_t warning) {
    enum { HASTE = 4 };
    const bool now = warning == RAVINE_WARNING_GROWTH || warning == RAVINE_WARNING_THROWN;
    const int64_t usual = now ? HASTE : window_of(d);
    return usual > d->wait ? usual : d->wait;
}

/* What was done about a warning, in a word and for people. */
typedef struct deed {
    const char *word;
    double loss_ratio; /* of the last trial; NaN: none was made */
    char text[128];
} deed;

/* Steps of a trial: a window, or a quarter of what is left. */
static int64_t trial_steps(const train_doctor *d, const run_step *s) {
    const int64_t quarter = (d->t->total_steps - s->step) / 4, window = window_of(d);
    return quarter < window ? quarter : window;
}

/* A shorter step has less noise, and for a while looks better than one that gets on: that is no
 * reason. Where the run as it is gets nowhere, or only a fraction as far, it is. */
static bool is_better(const train_trial_result *r) {
    static const double BETTER = 0.9, FAR_BETTER = 0.5, GETS_ON = 0.95;
    if (isinf(r->lower)) return false;
    return r->lower < FAR_BETTER * r->gradient_unchanged ||
           (r->lower < BETTER * r->gradient_unchanged && !(r->gradient_unchanged < GETS_ON));
}

/* The best of some lower rates, if it is better than the one that is. Else that stays, and the next
 * trial waits for twice as long. */
static int lower_rate(train_doctor *d, const run_step *s, deed *done) {
    enum { STEPS_LEAST = 16 };
    const int64_t steps = trial_steps(d, s);
    train_trial_result r;
    if (steps < STEPS_LEAST) return 0;
    const int status = train_trial(d->t, steps, &r);
    if (status) return status;
    const bool better = is_better(&r);
    d->acted_at = s->step;
    d->wait = better ? 0 : d->wait ? 2 * d->wait : steps;
    done->loss_ratio = r.lower / r.gradient_unchanged;
    snprintf(done->text, sizeof done->text,
             "; %.3g of the learning rate tried for %" PRId64 " steps: %.3g of the loss, %s",
             r.share, steps, done->loss_ratio, better ? "taken" : "it stays as it is");
    if (!better) return 0;
    done->word = "halve-lr";
    return training_scale_lr(d->t, d->t->lr_factor * r.share);
}

/* Does what doctor.on_warning says. */
static int act(train_doctor *d, const run_step *s, const ravine_warning *w, deed *done) {
    *done = (deed){.word = "none", .loss_ratio = NAN};
    if (s->step - d->acted_at < patience(d, w->kind)) return 0;
    switch ((config_warning)d->t->config->doctor_on_warning) {
    case CONFIG_WARNING_NONE: return 0;
    case CONFIG_WARNING_HALVE_LR: return is_of_size(w->kind) ? lower_rate(d, s, done) : 0;
    case CONFIG_WARNING_STOP:
        done->word = "stop";
        d->stop = true;
        d->cause = *w;
        break;
    case CONFIG_WARNING_CHECKPOINT:
        done->word = "checkpoint";
        d->acted_at = s->step;
        interrupt_want_save();
        break;
    }
    snprintf(done->text, sizeof done->text, "; %s", done->word);
    return 0;
}

/* One episode is told once; a growing gradient always. */
static bool is_new(const train_doctor *d, const run_step *s, const ravine_warning *w) {
    if (s->step - d->warned_at > window_of(d)) return true;
    return w->kind == RAVINE_WARNING_GROWTH && d->warned != w->kind;
}

static int tell_warning(train_doctor *d, const run_step *s, const ravine_warning *w,
                        const deed *done) {
    char line[sizeof w->text + sizeof done->text + 16];
    snprintf(line, sizeof line, "warning: %s%s", w->text, done->text);
    train_watch_told(d->watch, s, line);
    return run_record_event_with(
        d->record, "warning", s,
        json_pack("{ss sI ss ss so sf}", "warning", ravine_warning_word(w->kind), "since",
                  (json_int_t)w->since, "text", w->text, "action", done->word, "loss_ratio",
                  number_json(done->loss_ratio), "lr_factor", d->t->lr_factor));
}

static int heed(train_doctor *d, const run_step *s) {
    ravine_warning w = {.size = sizeof w};
    int status = failure_of(ravine_doctor_warning(d->t->doctor, &w));
    if (status) return status;
    enum { ALERT_STEPS = 32 }; /* a divergence is over by then, one way or the other */
    d->alert = w.kind == RAVINE_WARNING_GROWTH && s->step - w.since < ALERT_STEPS;
    if (w.kind == RAVINE_WARNING_NONE) return 0;
    deed done;
    status = act(d, s, &w, &done);
    const bool told = is_new(d, s, &w) || *done.text;
    d->warned_at = s->step;
    if (status || !told) return status;
    d->warned = w.kind;
    return tell_warning(d, s, &w, &done);
}

/* ---- a step ---- */

static int32_t signs_of(const train_doctor *d, const run_step *s) {
    const ravine_step_stats *r = &s->stats;
    return (!isfinite(s->loss) || r->nonfinite > 0 ? DOCTOR_SIGN_NONFINITE : 0) |
           (r->update_norm > r->param_norm ? DOCTOR_SIGN_THROWN : 0) |
           (r->grad_norm == 0 ? DOCTOR_SIGN_SILENT : 0) | (d->alert ? DOCTOR_SIGN_GROWTH : 0);
}

/* By the number of steps, or because something began that cannot wait. */
static bool is_due(const train_doctor *d, const run_step *s, int32_t signs) {
    const int64_t step = s->step, window = window_of(d);
    const bool power = (step & (step - 1)) == 0 && step >= FIRST_LOOK && step < window;
    return power || step % (window / LOOKS_A_WINDOW) == 0 || (signs & ~d->signs);
}

int train_doctor_step(train_doctor *d, run_step *s) {
    s->path_efficiency = NAN;
    ravine_doctor *doctor = d->t->doctor;
    if (!doctor) return 0;
    int status = failure_of(ravine_doctor_observe(doctor, d->t->trainer.optimizer, s->loss));
    if (status) return status;
    s->path_efficiency = ravine_doctor_path_efficiency(doctor);
    status = heed(d, s);
    const int32_t signs = signs_of(d, s);
    const bool due = is_due(d, s, signs);
    d->signs = signs;
    return status || !due ? status : look(d, s);
}

/* ---- the end ---- */

/* If its last step was finite the loss of the test is not. */
static int lose(const train_doctor *d, const run_step *s) {
    if (!d->t->doctor || !isfinite(s->loss)) return 0;
    return failure_of(ravine_doctor_observe(d->t->doctor, d->t->trainer.optimizer, NAN));
}

/* Without it ravine doctor has the log, which says less. */
static void keep_memory(const train_doctor *d, const run_step *s) {
    if (doctor_memory_write(run_record_folder(d->record), d->t->doctor, s->step))
        train_watch_complain(d->watch, "what the doctor remembers is not kept", failure_text());
}

int train_doctor_end(train_doctor *d, const run_step *s, bool lost, ravine_diagnosis *diagnosis) {
    *diagnosis = (ravine_diagnosis){.size = sizeof *diagnosis};
    if (!d->t->doctor || s->step == 0) {
        diagnosis->size = 0;
        return 0;
    }
    int status = lost ? lose(d, s) : 0;
    if (!status) status = failure_of(ravine_doctor_diagnose(d->t->doctor, diagnosis));
    if (status) return status;
    diagnosis_heed_end(diagnosis, lost ? "it diverged" : d->stop ? d->cause.text : NULL);
    keep_memory(d, s);
    return diagnosis->verdict != d->told ? tell_verdict(d, s, diagnosis) : 0;
}
