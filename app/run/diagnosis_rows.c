/* SPDX-License-Identifier: Apache-2.0 */
/* diagnosis_rows.c - the lines of a diagnosis, in one language. */
#include "run/diagnosis.h"
#include "run/diagnosis_words.h"
#include "text/labels.h"

#include <stdio.h>

/* "NOISE FLOOR: the noise ...; ..." or "" */
static void name_others(const ravine_diagnosis *d, page_language language,
                        char text[DIAGNOSIS_TEXT_SIZE]) {
    char name[DIAGNOSIS_TEXT_SIZE];
    size_t used = 0;
    *text = '\0';
    for (int k = 0; k < d->nalso && used < DIAGNOSIS_TEXT_SIZE; k++)
        used += (size_t)snprintf(text + used, DIAGNOSIS_TEXT_SIZE - used, "%s%s: %s", k ? "; " : "",
                                 diagnosis_name(d->also[k], name),
                                 diagnosis_meaning(d->also[k], language));
}

/* ---- lines ---- */

static const svg_text no_label = {"", NULL}, label_why = {LABEL_WHY, "依据"},
                      label_means = {LABEL_MEANS, "含义"}, label_do = {LABEL_DO, "对策"},
                      label_or = {LABEL_OR, "或者"}, label_not = {LABEL_NOT, "不是"},
                      label_also = {LABEL_ALSO, "另外"}, label_cannot = {LABEL_CANNOT, "无法判断"};

/* Whom the lines go to. */
typedef struct receiver {
    diagnosis_row *row;
    void *context;
    page_language language;
} receiver;

static void put_line(const receiver *to, svg_text label, const char *text, const char *more) {
    to->row(to->context, page_text_in(label, to->language), text, more);
}

void diagnosis_each_row(const examination *e, int evidence_most, page_language language,
                        diagnosis_row *row, void *context) {
    const ravine_diagnosis *d = &e->diagnosis;
    const bool is_to_mend = ravine_verdict_severity(d->verdict) > RAVINE_SEVERITY_NOTE;
    const receiver to = {row, context, language};
    char text[2 * DIAGNOSIS_TEXT_SIZE];
    phrase trial;
    for (int k = 0; k < d->nevidence && k < evidence_most; k++)
        put_line(&to, k ? no_label : label_why, diagnosis_evidence(&d->evidence[k], language, text),
                 NULL);
    put_line(&to, label_means, diagnosis_meaning(d->verdict, language), NULL);
    for (int k = 0; k < d->ncures; k++) {
        diagnosis_trial(&d->cure[k], e->tried_steps, &trial);
        put_line(&to, k ? label_or : label_do, diagnosis_cure(&d->cure[k], language, text),
                 is_to_mend ? trial.in[language] : NULL);
    }
    if (*d->not_text) put_line(&to, label_not, diagnosis_not(d, language, text), NULL);
    name_others(d, language, text);
    if (*text) put_line(&to, label_also, text, NULL);
    for (int k = 0; k < d->ncannot_tell; k++)
        put_line(&to, k ? no_label : label_cannot,
                 diagnosis_unknown(d->cannot_tell[k], language, text), NULL);
}
