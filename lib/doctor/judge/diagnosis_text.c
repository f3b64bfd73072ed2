/* SPDX-License-Identifier: Apache-2.0 */
/* A diagnosis as lines of text, for whoever has no better place to show it. */
#include "base/text_out.h"
#include "doctor/judge/cures.h"
#include "text/labels.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct writer {
    char text[RAVINE_DIAGNOSIS_TEXT_MAX];
    size_t used;
} writer;

__attribute__((format(printf, 2, 3))) static void put(writer *w, const char *format, ...) {
    va_list values;
    va_start(values, format);
    w->used += (size_t)vsnprintf(w->text + w->used, sizeof w->text - w->used, format, values);
    va_end(values);
}

/* " why     text" or, below it, as many blanks; text: [size], which need not end in it. */
static void put_line(writer *w, const char *label, const char *text, size_t size) {
    put(w, "\n %-8s%.*s", label, (int)size, text);
}

static void put_name(writer *w, int verdict) {
    const char *word = ravine_verdict_word(verdict);
    for (const char *c = word ? word : "unknown"; *c; c++)
        put(w, "%c", *c == '_' ? ' ' : *c - 'a' + 'A'); /* in every locale */
}

static void put_cure(writer *w, const ravine_cure *c, const char *label) {
    put_line(w, label, c->text, sizeof c->text);
    if (!c->tried) return;
    static const char *const outcome[] = {
        [CURE_HELPED] = "it helped", [CURE_NO_EFFECT] = "no effect", [CURE_HARMED] = "it did harm"};
    if (c->loss_ratio == 0)
        put(w, " [tried: the unchanged run is lost, and this one is not]");
    else
        put(w, " [tried, %s: the loss is %.3g times the unchanged run's]",
            outcome[ravine_doctor_cure_outcome(c)], c->loss_ratio);
}

static void put_diagnosis(writer *w, const ravine_diagnosis *d) {
    const char *meaning = ravine_verdict_meaning(d->verdict);
    char sentence[RAVINE_SENTENCE_MAX];
    if (!ravine_diagnosis_sentence(d, "en", sentence, sizeof sentence, NULL) && *sentence)
        put(w, "%s\n", sentence);
    put_name(w, d->verdict);
    put(w, " (confidence %.2g, step %" PRId64, d->confidence, d->step);
    if (d->since >= 0 && d->since < d->step) put(w, ", since step %" PRId64, d->since);
    put(w, ")");
    for (int32_t k = 0; k < d->nevidence; k++)
        put_line(w, k ? "" : LABEL_WHY, d->evidence[k].text, sizeof d->evidence[k].text);
    if (meaning) put_line(w, LABEL_MEANS, meaning, strlen(meaning));
    for (int32_t k = 0; k < d->ncures; k++) put_cure(w, &d->cure[k], k ? LABEL_OR : LABEL_DO);
    if (*d->not_text) put_line(w, LABEL_NOT, d->not_text, sizeof d->not_text);
    for (int32_t k = 0; k < d->nalso; k++) {
        put_line(w, k ? "" : LABEL_ALSO, "", 0);
        put_name(w, d->also[k]);
    }
    for (int32_t k = 0; k < d->ncannot_tell; k++) {
        put_line(w, k ? "" : LABEL_CANNOT, "tell ", strlen("tell "));
        put(w, "%.*s", (int)sizeof d->cannot_tell[k], d->cannot_tell[k]);
    }
    put(w, "\n");
}

ravine_status ravine_diagnosis_format(const ravine_diagnosis *diagnosis, char *text,
                                      size_t capacity, size_t *length) {
    ravine_diagnosis own = {0}, *d = &own;
    const ravine_status status = ravine_doctor_diagnosis_read(d, diagnosis);
    if (status) return status;
    writer w = {.used = 0};
    put_diagnosis(&w, d);
    return ravine_text_out(w.text, w.used, text, capacity, length);
}
