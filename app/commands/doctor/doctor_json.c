/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_json.c - a diagnosis for programs. */
#include "commands/doctor/doctor.h"
#include "io/number_json.h"
#include "run/diagnosis.h"

static json_t *text_json(const char *text) {
    char safe[DIAGNOSIS_TEXT_SIZE];
    return json_string(diagnosis_printable(text, safe));
}

/* What to change, by the keys of a training configuration; empty where no program could. */
static json_t *settings_json(const ravine_cure *c) {
    json_t *settings = json_object();
    if (c->action == RAVINE_CURE_ADVICE) return settings;
    if (*c->optimizer) json_object_set_new(settings, "optimizer", json_string(c->optimizer));
    if (*c->schedule) json_object_set_new(settings, "schedule.lr", json_string(c->schedule));
    if (c->action == RAVINE_CURE_ESCAPE)
        json_object_set_new(settings, "escape", number_json(c->escape));
    return settings;
}

static json_t *cures_json(const ravine_diagnosis *d) {
    json_t *cures = json_array();
    for (int k = 0; k < d->ncures; k++) {
        const ravine_cure *c = &d->cure[k];
        json_array_append_new(
            cures, json_pack("{so ss? so so so sb so}", "text", text_json(c->text), "kind",
                             ravine_cure_word(c->kind), "old_value", number_json(c->old_value),
                             "new_value", number_json(c->new_value), "settings", settings_json(c),
                             "tried", c->tried, "loss_ratio", number_json(c->loss_ratio)));
    }
    return cures;
}

static json_t *sentence_json(const ravine_diagnosis *d, const char *language) {
    char text[RAVINE_SENTENCE_MAX];
    return json_string(diagnosis_sentence(d, language, text));
}

/* Which log was read, and what was taken for what; null: it was none. */
static json_t *log_json(const log_data *log) {
    if (!log->format) return json_null();
    json_t *taken = json_object(), *notes = json_array();
    for (int q = 0; q < LOG_QUANTITIES; q++)
        json_object_set_new(taken, log_quantity_key((log_quantity)q),
                            log->taken[q] ? text_json(log->taken[q]) : json_null());
    for (int k = 0; k < log->nnotes; k++) json_array_append_new(notes, text_json(log->note[k]));
    return json_pack("{ss so sI so so}", "format", log->format, "path", text_json(log->path),
                     "points", (json_int_t)log->npoints, "taken", taken, "notes", notes);
}

json_t *doctor_json(const ravine_diagnosis *d) {
    json_t *evidence = json_object(), *also = json_array(), *cannot = json_array();
    for (int k = 0; k < d->nevidence; k++)
        json_object_set_new(evidence, d->evidence[k].name, number_json(d->evidence[k].value));
    for (int k = 0; k < d->nalso; k++)
        json_array_append_new(also, json_string(ravine_verdict_word(d->also[k])));
    for (int k = 0; k < d->ncannot_tell; k++)
        json_array_append_new(cannot, text_json(d->cannot_tell[k]));
    return json_pack(
        "{ss ss so so so sI so so so so so}", "verdict", ravine_verdict_word(d->verdict),
        "severity", ravine_severity_word(ravine_verdict_severity(d->verdict)), "sentence",
        sentence_json(d, "en"), "sentence_zh", sentence_json(d, "zh"), "confidence",
        number_json(d->confidence), "step", (json_int_t)d->step, "evidence", evidence, "cures",
        cures_json(d), "not", *d->not_text ? text_json(d->not_text) : json_null(), "also", also,
        "cannot_tell", cannot);
}

json_t *doctor_answer_json(const doctor_answer *answer) {
    json_t *object = doctor_json(&answer->examination.diagnosis);
    if (object) json_object_set_new(object, "log", log_json(&answer->log));
    return object;
}
