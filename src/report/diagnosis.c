#include "report/diagnosis.h"

#include "report/printable.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
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

void diagnosis_line(const ravine_diagnosis *d, char *text, size_t size) {
    char name[DIAGNOSIS_TEXT_SIZE];
    const char *reason = d->nevidence ? d->evidence[0].text : ravine_verdict_meaning(d->verdict);
    snprintf(text, size, "%s (confidence %s): %s", diagnosis_name(d->verdict, name),
             diagnosis_confidence(d->confidence), reason);
}

void diagnosis_trial(const ravine_cure *c, int64_t steps, char text[DIAGNOSIS_TEXT_SIZE]) {
    if (c->tried && c->loss_ratio == 0)
        snprintf(text, DIAGNOSIS_TEXT_SIZE,
                 "tried: after %" PRId64 " steps the unchanged run is lost and this one is not",
                 steps);
    else if (c->tried && c->loss_ratio < 1)
        snprintf(text, DIAGNOSIS_TEXT_SIZE,
                 "tried: after %" PRId64 " steps the loss is %.3g of the unchanged run's", steps,
                 c->loss_ratio);
    else if (c->tried)
        snprintf(text, DIAGNOSIS_TEXT_SIZE,
                 "tried, and it did not help: after %" PRId64
                 " steps the loss is %.3g times the unchanged run's",
                 steps, c->loss_ratio);
    else if (c->action == RAVINE_CURE_ADVICE)
        snprintf(text, DIAGNOSIS_TEXT_SIZE, "not for a program to try");
    else
        snprintf(text, DIAGNOSIS_TEXT_SIZE, "untried");
}

void diagnosis_also(const ravine_diagnosis *d, char text[DIAGNOSIS_TEXT_SIZE]) {
    char name[DIAGNOSIS_TEXT_SIZE];
    size_t used = 0;
    *text = '\0';
    for (int k = 0; k < d->nalso && used < DIAGNOSIS_TEXT_SIZE; k++)
        used +=
            (size_t)snprintf(text + used, DIAGNOSIS_TEXT_SIZE - used, "%s%s: %s", k ? "; " : "",
                             diagnosis_name(d->also[k], name), ravine_verdict_meaning(d->also[k]));
}

void diagnosis_cannot_tell(ravine_diagnosis *d, const char *format, ...) {
    if (d->ncannot_tell == RAVINE_CANNOT_MAX) return;
    va_list values;
    va_start(values, format);
    vsnprintf(d->cannot_tell[d->ncannot_tell++], sizeof *d->cannot_tell, format, values);
    va_end(values);
}
