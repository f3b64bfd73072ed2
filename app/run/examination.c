/* SPDX-License-Identifier: Apache-2.0 */
#include "run/examination.h"

#include "io/number_json.h"
#include "run/diagnosis.h"

#include <stdio.h>
#include <string.h>

/* The numbers of a probe that are kept, X(field), and its slices. */
#define PROBE_NUMBERS(X) \
    X(loss)              \
    X(grad_norm)         \
    X(param_norm)        \
    X(lambda_max)        \
    X(lambda_min)        \
    X(sharpness)         \
    X(lr)                \
    X(limit)             \
    X(critical_lr)       \
    X(noise_scale)
#define PROBE_SLICES(X) X(along_update) X(along_max) X(along_min)

static const char *const actions[] = {[RAVINE_CURE_SETTINGS] = "settings",
                                      [RAVINE_CURE_ESCAPE] = "escape",
                                      [RAVINE_CURE_ADVICE] = "advice"};
enum { ACTIONS = sizeof actions / sizeof *actions };

/* ---- writing ---- */

static json_t *text_json(const char *text) {
    char safe[DIAGNOSIS_TEXT_SIZE];
    return json_string(diagnosis_printable(text, safe));
}

static json_t *evidence_json(const ravine_diagnosis *d) {
    json_t *list = json_array();
    for (int k = 0; k < d->nevidence; k++) {
        const ravine_evidence *e = &d->evidence[k];
        json_array_append_new(list, json_pack("{so so so}", "name", text_json(e->name), "value",
                                              number_json(e->value), "text", text_json(e->text)));
    }
    return list;
}

static json_t *kind_json(int kind) {
    const char *word = ravine_cure_word(kind);
    return word ? json_string(word) : json_null();
}

static json_t *cures_json(const ravine_diagnosis *d) {
    json_t *list = json_array();
    for (int k = 0; k < d->ncures; k++) {
        const ravine_cure *c = &d->cure[k];
        json_array_append_new(
            list, json_pack("{so ss so so so so so so sb so}", "text", text_json(c->text), "action",
                            actions[c->action], "kind", kind_json(c->kind), "old_value",
                            number_json(c->old_value), "new_value", number_json(c->new_value),
                            "optimizer", text_json(c->optimizer), "schedule",
                            text_json(c->schedule), "escape", number_json(c->escape), "tried",
                            c->tried, "loss_ratio", number_json(c->loss_ratio)));
    }
    return list;
}

static json_t *slice_json(const ravine_slice *s) {
    const size_t count = (size_t)s->count;
    return json_pack("{so so}", "offset", numbers_json(s->offset, count), "loss",
                     numbers_json(s->loss, count));
}

static json_t *probe_json(const ravine_probe *p) {
    if (p->size == 0) return json_null();
    json_t *probe = json_pack("{sI}", "step", (json_int_t)p->step);
#define NUMBER(field) json_object_set_new(probe, #field, number_json(p->field));
#define SLICE(field)  json_object_set_new(probe, #field, slice_json(&p->field));
    PROBE_NUMBERS(NUMBER)
    PROBE_SLICES(SLICE)
#undef NUMBER
#undef SLICE
    return probe;
}

json_t *examination_json(const examination *e) {
    const ravine_diagnosis *d = &e->diagnosis;
    json_t *also = json_array(), *cannot = json_array();
    for (int k = 0; k < d->nalso; k++)
        json_array_append_new(also, json_string(ravine_verdict_word(d->also[k])));
    for (int k = 0; k < d->ncannot_tell; k++)
        json_array_append_new(cannot, text_json(d->cannot_tell[k]));
    return json_pack(
        "{ss sI sI ss so so so so so so sI so}", "type", "doctor", "step", (json_int_t)d->step,
        "since", (json_int_t)d->since, "verdict", ravine_verdict_word(d->verdict), "confidence",
        number_json(d->confidence), "evidence", evidence_json(d), "cures", cures_json(d), "not",
        *d->not_text ? text_json(d->not_text) : json_null(), "also", also, "cannot_tell", cannot,
        "tried_steps", (json_int_t)e->tried_steps, "probe", probe_json(&e->probe));
}

/* ---- reading ---- */

static void read_text(char *to, size_t size, const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    snprintf(to, size, "%s", text ? text : "");
}

static double read_number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* -1 where it is no step. */
static int64_t read_step(const json_t *object, const char *key) {
    static const json_int_t MOST = (json_int_t)1 << 53;
    const json_t *value = json_object_get(object, key);
    const json_int_t step = json_integer_value(value);
    return json_is_integer(value) && step >= 0 && step <= MOST ? (int64_t)step : -1;
}

/* -1 where there is no such word. */
static int read_verdict(const json_t *word) {
    for (int v = 0; json_is_string(word) && v < RAVINE_VERDICT_COUNT; v++)
        if (!strcmp(json_string_value(word), ravine_verdict_word(v))) return v;
    return -1;
}

static void read_evidence(ravine_diagnosis *d, const json_t *list) {
    size_t k;
    json_t *item;
    json_array_foreach(list, k, item) {
        if (d->nevidence == RAVINE_EVIDENCE_MAX) return;
        ravine_evidence *e = &d->evidence[d->nevidence++];
        read_text(e->name, sizeof e->name, item, "name");
        read_text(e->text, sizeof e->text, item, "text");
        e->value = read_number(item, "value");
    }
}

/* Of what an older version wrote the kind is not known. */
static int32_t read_kind(const json_t *word) {
    return json_is_string(word) ? diagnosis_cure_kind(json_string_value(word)) : 0;
}

static int32_t read_action(const json_t *item) {
    const char *word = json_string_value(json_object_get(item, "action"));
    for (int a = 0; word && a < ACTIONS; a++)
        if (!strcmp(word, actions[a])) return a;
    return RAVINE_CURE_ADVICE;
}

/* A ratio that is not finite is null in JSON: of a cure that was tried, it was infinite. */
static void read_cures(ravine_diagnosis *d, const json_t *list) {
    size_t k;
    json_t *item;
    json_array_foreach(list, k, item) {
        if (d->ncures == RAVINE_CURES_MAX) return;
        ravine_cure *c = &d->cure[d->ncures++];
        c->action = read_action(item);
        c->kind = read_kind(json_object_get(item, "kind"));
        c->old_value = read_number(item, "old_value");
        c->new_value = read_number(item, "new_value");
        c->tried = json_is_true(json_object_get(item, "tried"));
        read_text(c->text, sizeof c->text, item, "text");
        read_text(c->optimizer, sizeof c->optimizer, item, "optimizer");
        read_text(c->schedule, sizeof c->schedule, item, "schedule");
        c->escape = read_number(item, "escape");
        c->loss_ratio = read_number(item, "loss_ratio");
        if (c->tried && isnan(c->loss_ratio)) c->loss_ratio = INFINITY;
    }
}

static void read_lists(ravine_diagnosis *d, const json_t *line) {
    size_t k;
    json_t *item;
    json_array_foreach(json_object_get(line, "also"), k, item) {
        const int verdict = read_verdict(item);
        if (verdict >= 0 && d->nalso < RAVINE_ALSO_MAX) d->also[d->nalso++] = verdict;
    }
    json_array_foreach(json_object_get(line, "cannot_tell"), k, item) if (json_is_string(item))
        diagnosis_cannot_tell(d, "%s", json_string_value(item));
}

/* Points with numbers that are not finite are left out: they cannot be drawn. */
static void read_slice(ravine_slice *s, const json_t *slice) {
    const json_t *offsets = json_object_get(slice, "offset"),
                 *losses = json_object_get(slice, "loss");
    size_t k;
    json_t *item;
    json_array_foreach(offsets, k, item) {
        const json_t *loss = json_array_get(losses, k);
        if (!json_is_number(item) || !json_is_number(loss)) continue;
        if (s->count == RAVINE_SLICE_MAX) return;
        s->offset[s->count] = json_number_value(item);
        s->loss[s->count++] = json_number_value(loss);
    }
}

static void read_probe(ravine_probe *p, const json_t *probe) {
    if (!json_is_object(probe)) return;
    *p = (ravine_probe){.size = sizeof *p,
                        .step = read_step(probe, "step"),
                        .lambda_max_residual = NAN,
                        .lambda_min_residual = NAN,
                        .curvature_noise = NAN,
                        .escape_offset = NAN,
                        .escape_loss = {NAN, NAN},
                        .krylov_decrease = NAN,
                        .noise_trace = NAN,
                        .signal = NAN};
#define NUMBER(field) p->field = read_number(probe, #field);
#define SLICE(field)  read_slice(&p->field, json_object_get(probe, #field));
    PROBE_NUMBERS(NUMBER)
    PROBE_SLICES(SLICE)
#undef NUMBER
#undef SLICE
}

bool examination_read(examination *e, const json_t *line) {
    *e = (examination){.tried_steps = 0};
    ravine_diagnosis *d = &e->diagnosis;
    const int verdict = read_verdict(json_object_get(line, "verdict"));
    const int64_t step = read_step(line, "step"), tried = read_step(line, "tried_steps");
    const double confidence = read_number(line, "confidence");
    if (verdict < 0 || step < 0 || tried < 0 || !(confidence >= 0 && confidence <= 1)) return false;
    d->size = sizeof *d;
    d->verdict = verdict;
    d->confidence = confidence;
    d->step = step;
    d->since = read_step(line, "since");
    read_evidence(d, json_object_get(line, "evidence"));
    read_cures(d, json_object_get(line, "cures"));
    read_lists(d, line);
    read_text(d->not_text, sizeof d->not_text, line, "not");
    read_probe(&e->probe, json_object_get(line, "probe"));
    e->tried_steps = tried;
    return true;
}
