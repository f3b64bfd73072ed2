/* SPDX-License-Identifier: Apache-2.0 */
/* diagnosis.h - a diagnosis in words, for terminal and page. */
#ifndef RAVINE_RUN_DIAGNOSIS_H
#define RAVINE_RUN_DIAGNOSIS_H

#include "page/phrase.h"
#include "run/examination.h"

#include <stddef.h>

enum { DIAGNOSIS_TEXT_SIZE = 512, DIAGNOSIS_LINE_SIZE = RAVINE_SENTENCE_MAX + 64 };

/* Names of tensors may be in it, from a file and cut anywhere: what cannot be shown is spelled out
 * (printable.h), so that it is UTF-8. Returns `out`. */
const char *diagnosis_printable(const char *text, char out[DIAGNOSIS_TEXT_SIZE]);
/* "LOCAL MINIMUM" */
const char *diagnosis_name(int verdict, char text[DIAGNOSIS_TEXT_SIZE]);
/* "low" below 0.5, "medium", "high" from 0.8 on */
svg_text diagnosis_confidence(double confidence);
/* The language that the environment asks for: LC_ALL, LC_MESSAGES, LANG. */
const char *diagnosis_language(void);
/* What is wrong and what to do, in a sentence or two. Returns `text`. */
const char *diagnosis_sentence(const ravine_diagnosis *d, const char *language,
                               char text[RAVINE_SENTENCE_MAX]);
/* "! BOUNCING (confidence high): Each step undoes the last one: ..." */
void diagnosis_line(const ravine_diagnosis *d, char *text, size_t size);
/* What became of a cure: "tried: after 300 steps the loss is 0.31 of the unchanged run's", or
 * "untried". */
void diagnosis_trial(const ravine_cure *c, int64_t steps, phrase *text);

/* Of what is changed, by its word; 0: none such. */
int32_t diagnosis_cure_kind(const char *word);
/* Can a program try one of its cures? */
bool diagnosis_can_be_tried(const ravine_diagnosis *d);

/* The lines of a diagnosis in their order and in a language, after its sentence and its verdict.
 * `more` is what became of a cure, else NULL; a label is not repeated: "". */
typedef void diagnosis_row(void *context, const char *label, const char *text, const char *more);
void diagnosis_each_row(const examination *e, int evidence_most, page_language language,
                        diagnosis_row *row, void *context);

/* A training that was given up is not well, whatever its last steps say; `why`: NULL, it was not.
 */
void diagnosis_heed_end(ravine_diagnosis *d, const char *why);
/* Adds a line to cannot_tell; one for which there is no room is left out. */
__attribute__((format(printf, 2, 3))) void diagnosis_cannot_tell(ravine_diagnosis *d,
                                                                 const char *format, ...);

#endif
