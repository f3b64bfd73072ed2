/* SPDX-License-Identifier: Apache-2.0 */
/* cures.h - what can be changed, the texts that say so (cures.def), and what was said. */
#ifndef RAVINE_DOCTOR_JUDGE_CURES_H
#define RAVINE_DOCTOR_JUDGE_CURES_H

#include "ravine_doctor.h"

#define CURE(NAME, ...) CURE_##NAME,
typedef enum cure_kind {
    CURE_UNKNOWN,
#include "doctor/judge/cures.def"
    CURE_COUNT
} cure_kind;
#undef CURE

/* In the order of the texts in cures.def and sentences.def. */
typedef enum doctor_language { ENGLISH, CHINESE, CHINESE_TAIWAN, LANGUAGES } doctor_language;

typedef struct cure_words {
    const char *word;
    ravine_cure_action action;
    const char *text[LANGUAGES];
} cure_words;

const cure_words *ravine_doctor_cure_words(int kind); /* NULL: none such */

/* What a trial says of a cure. */
typedef enum cure_outcome { CURE_HELPED, CURE_UNTRIED, CURE_NO_EFFECT, CURE_HARMED } cure_outcome;
cure_outcome ravine_doctor_cure_outcome(const ravine_cure *c);

/* A text of cures.def with its numbers; returns its length, or what it would be (snprintf). */
size_t ravine_doctor_fill(char *out, size_t size, const char *text, double from, double to);

/* A diagnosis of the caller's, whole, with its counts checked. */
ravine_status ravine_doctor_diagnosis_read(ravine_diagnosis *own, const ravine_diagnosis *told);

#endif
