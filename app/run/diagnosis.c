/* SPDX-License-Identifier: Apache-2.0 */
#include "run/diagnosis.h"

#include "page/printable.h"
#include "text/labels.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *diagnosis_printable(const char *text, char out[DIAGNOSIS_TEXT_SIZE]) {
    char piece[PRINTABLE_PIECE_MAX];
    size_t used = 0;
    while (printable_next(&text, piece) && used + sizeof piece < DIAGNOSIS_TEXT_SIZE) {
        const size_t length = strlen(piece);
        memcpy(out + used, piece, length);
        used += length;
    }
    out[used] = '\0';
    return out;
}

const char *diagnosis_name(int verdict, char text[DIAGNOSIS_TEXT_SIZE]) {
    const char *word = ravine_verdict_word(verdict);
    snprintf(text, DIAGNOSIS_TEXT_SIZE, "%s", word ? word : "unknown");
    for (char *c = text; *c; c++) *c = *c == '_' ? ' ' : (char)toupper((unsigned char)*c);
    return text;
}

const char *diagnosis_confidence(double confidence) {
    return confidence >= 0.8 ? "high" : confidence >= 0.5 ? "medium" : "low";
}

/* Before the name of a verdict: "! ", "!! " or "". */
static const char *mark_of(int verdict, char text[DIAGNOSIS_TEXT_SIZE]) {
    const char *mark = ravine_severity_mark(ravine_verdict_severity(verdict));
    snprintf(text, DIAGNOSIS_TEXT_SIZE, "%s%s", mark ? mark : "", mark && *mark ? " " : "");
    return text;
}

const char *diagnosis_language(void) {
    static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t k = 0; k < sizeof variables / sizeof *variables; k++) {
        const char *value = getenv(variables[k]);
        if (value && *value) return value;
    }
    return "en";
}

const char *diagnosis_sentence(const ravine_diagnosis *d, const char *language,
                               char text[RAVINE_SENTENCE_MAX]) {
    if (ravine_diagnosis_sentence(d, language, text, RAVINE_SENTENCE_MAX, NULL)) *text = '\0';
    return text;
}

void diagnosis_line(const ravine_diagnosis *d, char *text, size_t size) {
    char name[DIAGNOSIS_TEXT_SIZE], mark[DIAGNOSIS_TEXT_SIZE], sentence[RAVINE_SENTENCE_MAX];
    snprintf(text, size, "%s%s (confidence %s): %s", mark_of(d->verdict, mark),
             diagnosis_name(d->verdict, name), diagnosis_confidence(d->confidence),
             diagnosis_sentence(d, diagnosis_language(), sentence));
}

void diagnosis_trial(const ravine_cure *c, int64_t steps, char text[DIAGNOSIS_TEXT_SIZE]) {
    const double within = RAVINE_NO_EFFECT_PERCENT / 100.0;
    if (c->tried && c->loss_ratio == 0)
        snprintf(text, DIAGNOSIS_TEXT_SIZE,
                 "tried: after %" PRId64 " steps the unchanged run is lost and this one is not",
                 steps);
    else if (c->tried && c->loss_ratio < 1 - within)
        snprintf(text, DIAGNOSIS_TEXT_SIZE,
                 "tried: after %" PRId64 " steps the loss is %.3g of the unchanged run's", steps,
                 c->loss_ratio);
    else if (c->tried)
        snprintf(text, DIAGNOSIS_TEXT_SIZE,
                 "tried, %s: after %" PRId64 " steps the loss is %.3g times the unchanged run's",
                 c->loss_ratio <= 1 + within ? "no effect" : "and it did harm", steps,
                 c->loss_ratio);
    else if (c->action == RAVINE_CURE_ADVICE)
        snprintf(text, DIAGNOSIS_TEXT_SIZE, "not for a program to try");
    else
        snprintf(text, DIAGNOSIS_TEXT_SIZE, "untried");
}

bool diagnosis_can_be_tried(const ravine_diagnosis *d) {
    for (int k = 0; k < d->ncures; k++)
        if (d->cure[k].action != RAVINE_CURE_ADVICE) return true;
    return false;
}

/* "NOISE FLOOR: the noise ...; ..." or "" */
static void name_others(const ravine_diagnosis *d, char text[DIAGNOSIS_TEXT_SIZE]) {
    char name[DIAGNOSIS_TEXT_SIZE];
    size_t used = 0;
    *text = '\0';
    for (int k = 0; k < d->nalso && used < DIAGNOSIS_TEXT_SIZE; k++)
        used +=
            (size_t)snprintf(text + used, DIAGNOSIS_TEXT_SIZE - used, "%s%s: %s", k ? "; " : "",
                             diagnosis_name(d->also[k], name), ravine_verdict_meaning(d->also[k]));
}

void diagnosis_each_row(const examination *e, int evidence_most, diagnosis_row *row,
                        void *context) {
    const ravine_diagnosis *d = &e->diagnosis;
    const bool is_to_mend = ravine_verdict_severity(d->verdict) > RAVINE_SEVERITY_NOTE;
    char text[2 * DIAGNOSIS_TEXT_SIZE];
    for (int k = 0; k < d->nevidence && k < evidence_most; k++)
        row(context, k ? "" : LABEL_WHY, d->evidence[k].text, NULL);
    row(context, LABEL_MEANS, ravine_verdict_meaning(d->verdict), NULL);
    for (int k = 0; k < d->ncures; k++) {
        diagnosis_trial(&d->cure[k], e->tried_steps, text);
        row(context, k ? LABEL_OR : LABEL_DO, d->cure[k].text, is_to_mend ? text : NULL);
    }
    if (*d->not_text) row(context, LABEL_NOT, d->not_text, NULL);
    name_others(d, text);
    if (*text) row(context, LABEL_ALSO, text, NULL);
    for (int k = 0; k < d->ncannot_tell; k++) {
        snprintf(text, sizeof text, "tell %s", d->cannot_tell[k]);
        row(context, k ? "" : LABEL_CANNOT, text, NULL);
    }
}

int32_t diagnosis_cure_kind(const char *word) {
    const char *known;
    for (int32_t k = 1; (known = ravine_cure_word(k)); k++)
        if (!strcmp(word, known)) return k;
    return 0;
}

void diagnosis_heed_end(ravine_diagnosis *d, const char *why) {
    if (!why || ravine_verdict_exit_code(d->verdict) != 0) return;
    d->verdict = RAVINE_VERDICT_UNCLEAR;
    d->confidence = 0.5;
    d->ncures = 1;
    d->cure[0] = (ravine_cure){.action = RAVINE_CURE_ADVICE,
                               .kind = diagnosis_cure_kind("log_every_step"),
                               .old_value = NAN,
                               .new_value = NAN,
                               .text = "train again with every step in the log (log_every: 1)",
                               .loss_ratio = NAN};
    if (d->nevidence == RAVINE_EVIDENCE_MAX) d->nevidence--;
    memmove(d->evidence + 1, d->evidence, (size_t)d->nevidence++ * sizeof *d->evidence);
    d->evidence[0] = (ravine_evidence){.name = "given_up", .value = 1};
    snprintf(d->evidence[0].text, sizeof d->evidence[0].text, "the training was given up: %.90s",
             why);
}

void diagnosis_cannot_tell(ravine_diagnosis *d, const char *format, ...) {
    if (d->ncannot_tell == RAVINE_CANNOT_MAX) return;
    va_list values;
    va_start(values, format);
    vsnprintf(d->cannot_tell[d->ncannot_tell++], sizeof *d->cannot_tell, format, values);
    va_end(values);
}
