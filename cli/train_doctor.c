/* train_doctor.c - the doctor that looks at every step: tells when its verdict changes, and acts
 * when it warns. */
#include "io/failure.h"
#include "report/diagnosis.h"
#include "train.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* A verdict is looked for a few times a window, and told when two looks in a row agree: what is
 * between two causes does not chatter. */
enum { LOOKS_A_WINDOW = 8 };

static int64_t window_of(const train_doctor *d) {
    return d->t->config->doctor_window;
}

void train_doctor_begin(train_doctor *d, training *t, watch *w, record *r) {
    *d = (train_doctor){
        .t = t, .watch = w, .record = r, .warned_at = INT64_MIN / 2, .acted_at = INT64_MIN / 2};
}

/* ---- the verdict ---- */

static int tell_verdict(train_doctor *d, const train_step *s, const ravine_diagnosis *found) {
    char line[DIAGNOSIS_LINE_SIZE];
    diagnosis_line(found, line, sizeof line);
    watch_told(d->watch, s, line);
    d->told = found->verdict;
    char because[DIAGNOSIS_TEXT_SIZE];
    diagnosis_printable(found->nevidence ? found->evidence[0].text : "", because);
    const int severity = ravine_verdict_severity(found->verdict);
    return record_event_with(d->record, "verdict", s,
                             json_pack("{ss ss sf ss}", "verdict",
                                       ravine_verdict_word(found->verdict), "severity",
                                       ravine_severity_word(severity), "confidence",
                                       found->confidence, "because", because));
}

static int look(train_doctor *d, const train_step *s) {
    ravine_diagnosis found = {.size = sizeof found};
    const int status = failure_of(ravine_doctor_diagnose(d->t->doctor, &found));
    if (status) return status;
    const bool stands = found.verdict == d->seen;
    d->seen = found.verdict;
    return stands && found.verdict != d->told ? tell_verdict(d, s, &found) : 0;
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
    return warning == RAVINE_WARNING_GROWTH ? HASTE : window_of(d);
}

/* Does what doctor.on_warning says; *action: what was done. */
static int act(train_doctor *d, const train_step *s, const ravine_warning *w, const char **action) {
    *action = "none";
    if (s->step - d->acted_at < patience(d, w->kind)) return 0;
    switch ((config_warning)d->t->config->doctor_on_warning) {
    case CONFIG_WARNING_NONE: return 0;
    case CONFIG_WARNING_HALVE_LR:
        if (!is_of_size(w->kind)) return 0;
        *action = "halve-lr";
        d->acted_at = s->step;
        return training_scale_lr(d->t, d->t->lr_factor / 2);
    case CONFIG_WARNING_STOP:
        *action = "stop";
        d->stop = true;
        d->cause = *w;
        return 0;
    case CONFIG_WARNING_CHECKPOINT:
        *action = "checkpoint";
        d->acted_at = s->step;
        interrupt_want_save();
        return 0;
    }
    return 0;
}

/* One episode is told once; a growing gradient always. */
static bool is_new(const train_doctor *d, const train_step *s, const ravine_warning *w) {
    if (s->step - d->warned_at > window_of(d)) return true;
    return w->kind == RAVINE_WARNING_GROWTH && d->warned != w->kind;
}

static int heed(train_doctor *d, const train_step *s) {
    ravine_warning w = {.size = sizeof w};
    int status = failure_of(ravine_doctor_warning(d->t->doctor, &w));
    if (status) return status;
    enum { ALERT_STEPS = 32 }; /* a divergence is over by then, one way or the other */
    d->alert = w.kind == RAVINE_WARNING_GROWTH && s->step - w.since < ALERT_STEPS;
    if (w.kind == RAVINE_WARNING_NONE) return 0;
    const char *action;
    status = act(d, s, &w, &action);
    const bool told = is_new(d, s, &w) || strcmp(action, "none");
    d->warned_at = s->step;
    if (status || !told) return status;
    d->warned = w.kind;
    char line[256];
    snprintf(line, sizeof line, "warning: %s%s%s", w.text, strcmp(action, "none") ? "; " : "",
             strcmp(action, "none") ? action : "");
    watch_told(d->watch, s, line);
    return record_event_with(d->record, "warning", s,
                             json_pack("{ss sI ss ss sf}", "warning", ravine_warning_word(w.kind),
                                       "since", (json_int_t)w.since, "text", w.text, "action",
                                       action, "lr_factor", d->t->lr_factor));
}

/* ---- a step ---- */

int train_doctor_step(train_doctor *d, train_step *s) {
    s->path_efficiency = NAN;
    ravine_doctor *doctor = d->t->doctor;
    if (!doctor) return 0;
    int status = failure_of(ravine_doctor_observe(doctor, d->t->optimizer, s->loss));
    if (status) return status;
    s->path_efficiency = ravine_doctor_path_efficiency(doctor);
    status = heed(d, s);
    if (status || s->step % (window_of(d) / LOOKS_A_WINDOW)) return status;
    return look(d, s);
}

int train_doctor_end(train_doctor *d, const train_step *s, ravine_diagnosis *diagnosis) {
    *diagnosis = (ravine_diagnosis){.size = sizeof *diagnosis};
    if (!d->t->doctor || s->step == 0) {
        diagnosis->size = 0;
        return 0;
    }
    const int status = failure_of(ravine_doctor_diagnose(d->t->doctor, diagnosis));
    if (status) return status;
    return diagnosis->verdict != d->told ? tell_verdict(d, s, diagnosis) : 0;
}
