/* SPDX-License-Identifier: Apache-2.0 */
/* diagnosis_words.h - what the doctor says, in the languages of pages.
 *
 * The library says it in English, and so it stands in run.jsonl; its sentence and its cures it says
 * in Chinese too. The other texts are known by what they are about: by the name of the evidence, by
 * the verdict (evidence_words.def, verdict_words.def). What is not known stays as it is.
 */
#ifndef RAVINE_RUN_DIAGNOSIS_WORDS_H
#define RAVINE_RUN_DIAGNOSIS_WORDS_H

#include "page/languages.h"
#include "run/diagnosis.h"

/* Each returns fixed text, the diagnosis' own, or `text`. */
const char *diagnosis_meaning(int verdict, page_language language);
const char *diagnosis_evidence(const ravine_evidence *e, page_language language,
                               char text[DIAGNOSIS_TEXT_SIZE]);
const char *diagnosis_cure(const ravine_cure *c, page_language language,
                           char text[DIAGNOSIS_TEXT_SIZE]);
const char *diagnosis_not(const ravine_diagnosis *d, page_language language,
                          char text[DIAGNOSIS_TEXT_SIZE]);
const char *diagnosis_unknown(const char *cannot_tell, page_language language,
                              char text[DIAGNOSIS_TEXT_SIZE]);

#endif
