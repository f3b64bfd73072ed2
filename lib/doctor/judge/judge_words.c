/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of ravine_doctor.h as words. */
#include "ravine_doctor.h"

#include <stddef.h>

typedef struct severity_row {
    const char *word, *mark;
} severity_row;

#define RAVINE_X(NAME, value, word, mark, meaning) [value] = {word, mark},
static const severity_row severities[RAVINE_SEVERITY_COUNT] = {RAVINE_SEVERITY_LIST(RAVINE_X)};
#undef RAVINE_X

static const severity_row *severity_at(int severity) {
    return severity >= 0 && severity < RAVINE_SEVERITY_COUNT ? &severities[severity] : NULL;
}

const char *ravine_severity_word(int severity) {
    const severity_row *row = severity_at(severity);
    return row ? row->word : NULL;
}

const char *ravine_severity_mark(int severity) {
    const severity_row *row = severity_at(severity);
    return row ? row->mark : NULL;
}

typedef struct verdict_row {
    int severity;
    const char *word, *meaning;
} verdict_row;

#define RAVINE_X(NAME, value, severity, word, meaning) \
    [value] = {RAVINE_SEVERITY_##severity, word, meaning},
static const verdict_row verdicts[RAVINE_VERDICT_COUNT] = {RAVINE_VERDICT_LIST(RAVINE_X)};
#undef RAVINE_X

static const verdict_row *verdict_at(int verdict) {
    return verdict >= 0 && verdict < RAVINE_VERDICT_COUNT ? &verdicts[verdict] : NULL;
}

const char *ravine_verdict_word(int verdict) {
    const verdict_row *row = verdict_at(verdict);
    return row ? row->word : NULL;
}

const char *ravine_verdict_meaning(int verdict) {
    const verdict_row *row = verdict_at(verdict);
    return row ? row->meaning : NULL;
}

int ravine_verdict_severity(int verdict) {
    const verdict_row *row = verdict_at(verdict);
    return row ? row->severity : -1;
}

int ravine_verdict_exit_code(int verdict) {
    enum { FIRST = 10 }; /* below it are those of failures */
    const verdict_row *row = verdict_at(verdict);
    if (!row) return -1;
    return row->severity <= RAVINE_SEVERITY_NOTE ? 0 : FIRST + verdict;
}

const char *ravine_warning_word(int kind) {
#define RAVINE_X(NAME, value, word, meaning) [value] = word,
    static const char *const words[RAVINE_WARNING_COUNT] = {RAVINE_WARNING_LIST(RAVINE_X)};
#undef RAVINE_X
    return kind >= 0 && kind < RAVINE_WARNING_COUNT ? words[kind] : NULL;
}

const char *ravine_fact_word(int fact) {
#define RAVINE_X(NAME, value, word, meaning) [value] = word,
    static const char *const words[RAVINE_FACT_COUNT] = {RAVINE_FACT_LIST(RAVINE_X)};
#undef RAVINE_X
    return fact >= 0 && fact < RAVINE_FACT_COUNT ? words[fact] : NULL;
}
