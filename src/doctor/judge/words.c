/* The lists of ravine_doctor.h as words. */
#include "ravine_doctor.h"

#include <stddef.h>

typedef struct verdict_row {
    int exit_code;
    const char *word, *meaning;
} verdict_row;

#define RAVINE_X(NAME, value, exit_code, word, meaning) [value] = {exit_code, word, meaning},
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

int ravine_verdict_exit_code(int verdict) {
    const verdict_row *row = verdict_at(verdict);
    return row ? row->exit_code : -1;
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
