/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong and what to do, in words of every day (sentences.def, cures.def). */
#include "base/sized.h"
#include "base/text_out.h"
#include "doctor/judge/cures.h"
#include "text/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* ---- a diagnosis of the caller's */

static ravine_status check_count(const char *name, int32_t count, int32_t most) {
    if (count >= 0 && count <= most) return RAVINE_OK;
    return ravine_fail(RAVINE_E_RANGE, "%s of the diagnosis is %d; it must be in [0, %d]", name,
                       count, most);
}

ravine_status ravine_doctor_diagnosis_read(ravine_diagnosis *own, const ravine_diagnosis *told) {
    ravine_status status = ravine_sized_read(&ravine_sized_diagnosis, own, told);
    if (!status) status = check_count("nevidence", own->nevidence, RAVINE_EVIDENCE_MAX);
    if (!status) status = check_count("ncures", own->ncures, RAVINE_CURES_MAX);
    if (!status) status = check_count("nalso", own->nalso, RAVINE_ALSO_MAX);
    if (!status) status = check_count("ncannot_tell", own->ncannot_tell, RAVINE_CANNOT_MAX);
    return status;
}

/* ---- cures */

const cure_words *ravine_doctor_cure_words(int kind) {
    static const cure_words words[CURE_COUNT] = {
#define CURE(NAME, word, action, ...) [CURE_##NAME] = {word, RAVINE_CURE_##action, {__VA_ARGS__}},
#include "doctor/judge/cures.def"
#undef CURE
    };
    return kind > CURE_UNKNOWN && kind < CURE_COUNT ? &words[kind] : NULL;
}

const char *ravine_cure_word(int kind) {
    const cure_words *words = ravine_doctor_cure_words(kind);
    return words ? words->word : NULL;
}

cure_outcome ravine_doctor_cure_outcome(const ravine_cure *c) {
    const double within = RAVINE_NO_EFFECT_PERCENT / 100.0;
    if (!c->tried) return CURE_UNTRIED;
    if (c->loss_ratio < 1 - within) return CURE_HELPED;
    return c->loss_ratio <= 1 + within ? CURE_NO_EFFECT : CURE_HARMED;
}

static bool begins(const char *text, const char *with) {
    return !strncmp(text, with, strlen(with));
}

size_t ravine_doctor_fill(char *out, size_t size, const char *text, double from, double to) {
    static const char *const places[] = {"{from}", "{to}", "{count}"};
    static const char *const formats[] = {"%.3g", "%.3g", "%.0f"};
    const double values[] = {from, to, from};
    enum { PLACES = sizeof places / sizeof *places };
    size_t used = 0;
    while (*text) {
        char *at = used < size ? out + used : NULL;
        const size_t left = used < size ? size - used : 0;
        size_t k = 0;
        while (k < PLACES && !begins(text, places[k])) k++;
        used += (size_t)(k < PLACES ? snprintf(at, left, formats[k], values[k])
                                    : snprintf(at, left, "%c", *text));
        text += k < PLACES ? strlen(places[k]) : 1;
    }
    return used;
}

/* ---- sentences */

typedef struct sentence {
    int verdict;
    const char *evidence, *text[LANGUAGES];
} sentence;

static const sentence sentences[] = {
#define SENTENCE(VERDICT, evidence, ...) {RAVINE_VERDICT_##VERDICT, evidence, {__VA_ARGS__}},
#include "doctor/judge/sentences.def"
#undef SENTENCE
};

static bool has_evidence(const ravine_diagnosis *d, const char *name) {
    if (!*name) return true;
    for (int32_t k = 0; k < d->nevidence; k++)
        if (!strncmp(d->evidence[k].name, name, sizeof d->evidence[k].name)) return true;
    return false;
}

static const sentence *find_sentence(const ravine_diagnosis *d) {
    for (size_t k = 0; k < sizeof sentences / sizeof *sentences; k++)
        if (sentences[k].verdict == d->verdict && has_evidence(d, sentences[k].evidence))
            return &sentences[k];
    return NULL;
}

/* What to do, as the second sentence: the first cure, unless a trial found nothing that helps. */
static void say_cure(char *text, size_t size, const ravine_diagnosis *d, doctor_language in) {
    static const char *const no_effect[LANGUAGES] = {" No change that was tried has an effect.",
                                                     "试过的改变都没有效果。",
                                                     "試過的改變都沒有效果。"};
    const ravine_cure *first = &d->cure[0];
    const cure_words *words = d->ncures > 0 ? ravine_doctor_cure_words(first->kind) : NULL;
    if (!words) return;
    if (ravine_doctor_cure_outcome(first) == CURE_NO_EFFECT) {
        snprintf(text, size, "%s", no_effect[in]);
        return;
    }
    char what[RAVINE_SENTENCE_MAX];
    ravine_doctor_fill(what, sizeof what, words->text[in], first->old_value, first->new_value);
    if (in == ENGLISH) /* a capital, whatever the locale */
        snprintf(text, size, " %c%s.", what[0] - 'a' + 'A', what + 1);
    else
        snprintf(text, size, "%s。", what);
}

/* Of a name such as "zh_TW.UTF-8", "zh-Hant" or "de": where Chinese is written in the traditional
 * form, the rest says so. */
static doctor_language language_of(const char *name) {
    static const char *const traditional[] = {"TW", "HK", "MO", "Hant"};
    if (!begins(name, "zh") || (name[2] >= 'a' && name[2] <= 'z')) return ENGLISH;
    for (size_t k = 0; k < sizeof traditional / sizeof *traditional; k++)
        if (name[2] && begins(name + 3, traditional[k])) return CHINESE_TAIWAN;
    return CHINESE;
}

ravine_status ravine_diagnosis_sentence(const ravine_diagnosis *diagnosis, const char *name,
                                        char *text, size_t capacity, size_t *length) {
    ravine_diagnosis own = {0}, *d = &own;
    if (!name) return ravine_fail(RAVINE_E_ARG, "the language is NULL");
    const ravine_status status = ravine_doctor_diagnosis_read(d, diagnosis);
    if (status) return status;
    const doctor_language in = language_of(name);
    const sentence *found = find_sentence(d);
    char said[RAVINE_SENTENCE_MAX] = "";
    size_t used = 0;
    if (found) used = (size_t)snprintf(said, sizeof said, "%s", found->text[in]);
    say_cure(said + used, sizeof said - used, d, in);
    return ravine_text_out(said, strlen(said), text, capacity, length);
}
