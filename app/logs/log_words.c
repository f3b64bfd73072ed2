/* SPDX-License-Identifier: Apache-2.0 */
#include "logs/log_words.h"

#include "run/diagnosis.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void log_say(ravine_diagnosis *d, const char *name, double value, const char *format, ...) {
    if (d->nevidence == RAVINE_EVIDENCE_MAX) return;
    ravine_evidence *e = &d->evidence[d->nevidence++];
    *e = (ravine_evidence){.value = value};
    snprintf(e->name, sizeof e->name, "%s", name);
    va_list values;
    va_start(values, format);
    vsnprintf(e->text, sizeof e->text, format, values);
    va_end(values);
}

/* ---- cures ---- */

static ravine_cure *add_cure(ravine_diagnosis *d) {
    if (d->ncures == RAVINE_CURES_MAX) return NULL;
    ravine_cure *c = &d->cure[d->ncures++];
    *c = (ravine_cure){
        .action = RAVINE_CURE_ADVICE, .old_value = NAN, .new_value = NAN, .loss_ratio = NAN};
    return c;
}

/* The library's sentence of a diagnosis that has no verdict is its first cure. */
static void write_cure(ravine_cure *c) {
    ravine_diagnosis alone = {.size = sizeof alone, .verdict = -1, .ncures = 1, .cure = {*c}};
    char text[RAVINE_SENTENCE_MAX];
    const char *start = diagnosis_sentence(&alone, "en", text);
    while (*start == ' ') start++;
    snprintf(c->text, sizeof c->text, "%s", start);
    const size_t length = strlen(c->text);
    if (length > 0 && c->text[length - 1] == '.') c->text[length - 1] = '\0';
    *c->text = (char)tolower((unsigned char)*c->text);
}

void log_advise(ravine_diagnosis *d, const char *word, double from, double to) {
    ravine_cure *c = add_cure(d);
    if (!c) return;
    c->kind = diagnosis_cure_kind(word);
    c->old_value = from;
    c->new_value = to;
    write_cure(c);
}

void log_advise_as(ravine_diagnosis *d, const char *word, const char *text) {
    ravine_cure *c = add_cure(d);
    if (!c) return;
    c->kind = diagnosis_cure_kind(word);
    snprintf(c->text, sizeof c->text, "%s", text);
}

/* ---- gaps ---- */

typedef enum gap {
#define GAP(NAME, hidden) GAP_##NAME,
#define LINE(...)
#include "logs/gaps.def"
#undef GAP
#undef LINE
    GAPS
} gap;

static const char *const hidden[GAPS] = {
#define GAP(NAME, hidden) [GAP_##NAME] = hidden,
#define LINE(...)
#include "logs/gaps.def"
#undef GAP
#undef LINE
};

static const struct {
    gap gap;
    const char *format, *line;
} lines[] = {
#define GAP(...)
#define LINE(NAME, format, line) {GAP_##NAME, format, line},
#include "logs/gaps.def"
#undef GAP
#undef LINE
};

/* `told`: what no log shows was said already. */
static bool is_missing(gap g, const log_data *log, double gradient, bool told) {
    switch (g) {
    case GAP_LR: return !log->taken[LOG_LR];
    case GAP_GRAD_NORM: return !log->taken[LOG_GRAD_NORM];
    case GAP_VALIDATION: return !log->taken[LOG_VALIDATION];
    case GAP_MEAN: return log->mean_over > 1;
    case GAP_EPOCH: return log->epochs && isnan(log->mean_over);
    case GAP_HIDDEN: return log->mean_hidden && log->mean_over > 1;
    case GAP_STEPS: return !told;
    case GAP_CLIP: return log->mean_hidden && gradient > 2;
    case GAPS: break;
    }
    return false;
}

/* With the steps of a mean in their place. */
static void fill_count(char text[160], const char *with, double count) {
    const char *at = strstr(with, "{count}");
    if (at)
        snprintf(text, 160, "%.*s%.0f%s", (int)(at - with), with, count, at + 7);
    else
        snprintf(text, 160, "%s", with);
}

static const char *line_of(gap g, const char *format) {
    for (size_t k = 0; k < sizeof lines / sizeof *lines; k++)
        if (lines[k].gap == g && !strncmp(format, lines[k].format, strlen(lines[k].format)))
            return lines[k].line;
    return "";
}

void log_say_gaps(ravine_diagnosis *d, const log_data *log, double gradient) {
    const bool told = d->ncannot_tell > 0;
    char text[160];
    for (int g = 0; g < GAPS; g++) {
        if (!is_missing((gap)g, log, gradient, told)) continue;
        fill_count(text, hidden[g], log->mean_over);
        diagnosis_cannot_tell(d, "%s; %s", text, line_of((gap)g, log->format));
    }
}
