/* SPDX-License-Identifier: Apache-2.0 */
/* judge.h - from findings to an answer: diagnose.c has the order, decide.c names the verdict,
 * explain.c says why, cure.c what to change, sentence.c both in words of every day. */
#ifndef RAVINE_DOCTOR_JUDGE_JUDGE_H
#define RAVINE_DOCTOR_JUDGE_JUDGE_H

#include "doctor/judge/findings.h"

#define CONCEPT(NAME)           CONCEPT_##NAME,
#define VERDICT(NAME, steps)    CONCEPT_##NAME,
#define SAYS(NAME, word, steps) CONCEPT_##NAME,
typedef enum doctor_concept {
#include "doctor/judge/judge_rules.def"
    CONCEPT_COUNT
} doctor_concept;

/* How sure each concept is, by enum doctor_concept; 0: it does not hold. */
void ravine_doctor_weigh(const doctor_findings *f, double holds[CONCEPT_COUNT]);

/* Verdict and confidence: the first that holds; others that hold are named beside it. */
void ravine_doctor_decide(const doctor_findings *f, ravine_diagnosis *x);

/* The numbers in the rows of a verdict's surest case, those of the concepts it needs among them, in
 * the order of judge_rules.def; a finding may come more than once. None where the verdict does not
 * hold.
 */
typedef void doctor_see(void *context, finding which);
void ravine_doctor_see_held(const doctor_findings *f, int verdict, doctor_see *see, void *context);

/* Evidence, what it is not, what cannot be told, since when. */
void ravine_doctor_explain(const ravine_doctor *d, const doctor_findings *f, ravine_diagnosis *x);
/* The cures, the most promising first; never none. */
void ravine_doctor_prescribe(const ravine_doctor *d, const doctor_findings *f, ravine_diagnosis *x);

#endif
