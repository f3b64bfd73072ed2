/* SPDX-License-Identifier: Apache-2.0 */
#include "run/diagnosis.h"

#include "page/printable.h"

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

svg_text diagnosis_confidence(double confidence) {
    if (confidence >= 0.8) return (svg_text){"high", "大"};
    return confidence >= 0.5 ? (svg_text){"medium", "中等"} : (svg_text){"low", "小"};
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
             diagnosis_name(d->verdict, name), diagnosis_confidence(d->confidence).en,
             diagnosis_sentence(d, diagnosis_language(), sentence));
}

static svg_text trial_words(const ravine_cure *c) {
    const double within = RAVINE_NO_EFFECT_PERCENT / 100.0;
    if (!c->tried && c->action == RAVINE_CURE_ADVICE)
        return (svg_text){"not for a program to try", "程序无法代为尝试"};
    if (!c->tried) return (svg_text){"untried", "没有试过"};
    if (c->loss_ratio == 0)
        return (svg_text){
            "tried: after {steps} steps the unchanged run is lost and this one is not",
            "试过：{steps} 步之后，不改的训练已经失败，改了的没有"};
    if (c->loss_ratio < 1 - within)
        return (svg_text){"tried: after {steps} steps the loss is {ratio} of the unchanged run's",
                          "试过：{steps} 步之后，损失是不改时的 {ratio} 倍"};
    if (c->loss_ratio <= 1 + within)
        return (svg_text){
            "tried, no effect: after {steps} steps the loss is {ratio} times the unchanged run's",
            "试过，没有效果：{steps} 步之后，损失是不改时的 {ratio} 倍"};
    return (svg_text){
        "tried, and it did harm: after {steps} steps the loss is {ratio} times the unchanged run's",
        "试过，反而有害：{steps} 步之后，损失是不改时的 {ratio} 倍"};
}

void diagnosis_trial(const ravine_cure *c, int64_t steps, phrase *out) {
    char count[PHRASE_NUMBER], ratio[PHRASE_NUMBER];
    snprintf(ratio, sizeof ratio, "%.3g", c->loss_ratio); /* which may be infinite */
    phrase_fill(out, trial_words(c),
                (phrase_hole[]){{"steps", .text = phrase_number(count, "%.0f", (double)steps)},
                                {"ratio", .text = ratio},
                                {0}});
}

bool diagnosis_can_be_tried(const ravine_diagnosis *d) {
    for (int k = 0; k < d->ncures; k++)
        if (d->cure[k].action != RAVINE_CURE_ADVICE) return true;
    return false;
}

int32_t diagnosis_cure_kind(const char *word) {
    const char *known;
    for (int32_t k = 1; (known = ravine_cure_word(k)); k++)
        if (!strcmp(word, known)) return k;
    return 0;
}

void diagnosis_heed_end(ravine_diagnosis *d, const char *why) {
    if (!why || ravine_verdict_severity(d->verdict) > RAVINE_SEVERITY_NOTE) return;
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
