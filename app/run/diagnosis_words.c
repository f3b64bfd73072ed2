/* SPDX-License-Identifier: Apache-2.0 */
#include "run/diagnosis_words.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef enum text_of { EVIDENCE, MEANING, NOT, UNKNOWN } text_of;

/* What is said in Chinese, in China and in Taiwan, of a text that has the word. */
typedef struct words {
    text_of kind;
    const char *key, *word, *text[PAGE_LANGUAGES - 1];
} words;

static const words rows[] = {
#define EVIDENCE(name, word, ...) {EVIDENCE, name, word, {__VA_ARGS__}},
#define MEANING(verdict, ...)     {MEANING, verdict, "", {__VA_ARGS__}},
#define NOT(verdict, word, ...)   {NOT, verdict, word, {__VA_ARGS__}},
#define UNKNOWN(word, ...)        {UNKNOWN, "", word, {__VA_ARGS__}},
#include "run/diagnosis_words.def"
#undef EVIDENCE
#undef MEANING
#undef NOT
#undef UNKNOWN
};

/* A key ends with * where any number may follow. */
static bool is_key(const char *key, const char *name) {
    const size_t length = strcspn(key, "*");
    return !strncmp(key, name, length) && (key[length] == '*' || name[length] == '\0');
}

/* NULL: it is said in English alone. */
static const char *find_words(text_of kind, const char *name, const char *english,
                              page_language language) {
    for (size_t k = 0; language != PAGE_ENGLISH && k < sizeof rows / sizeof *rows; k++)
        if (rows[k].kind == kind && is_key(rows[k].key, name) && strstr(english, rows[k].word))
            return rows[k].text[language - PAGE_CHINA];
    return NULL;
}

/* ---- what the English text tells ---- */

enum { NUMBERS_MAX = 6, PART_SIZE = 96 };

typedef struct told {
    const char *english;
    char number[1 + NUMBERS_MAX][PART_SIZE]; /* [0] is a name */
} told;

/* Is there a number, and nothing but punctuation behind it? Returns its length. */
static size_t number_length(const char *at, size_t length) {
    while (length && strchr(",:;)", at[length - 1])) length--;
    if (length >= PART_SIZE || strcspn(at, "0123456789") >= length) return 0;
    return strspn(at, "0123456789.e+-") >= length ? length : 0;
}

/* Takes the name that goes on to `behind`, or to the end; returns where that is. */
static const char *take_name(told *t, const char *at, const char *behind) {
    const char *end = strstr(at, behind);
    if (!end) end = at + strlen(at);
    snprintf(t->number[0], PART_SIZE, "（%.*s）", (int)(end - at), at);
    return end;
}

static void take_parts(told *t, const char *english) {
    *t = (told){.english = english};
    size_t count = 0;
    bool group = false;
    for (const char *at = english; *at;) {
        at += strspn(at, " (");
        const size_t length = strcspn(at, " "), digits = number_length(at, length);
        if (digits && count < NUMBERS_MAX)
            snprintf(t->number[++count], PART_SIZE, "%.*s", (int)digits, at);
        const bool named = group && digits && at[digits] == ',';
        group = length == 5 && !strncmp(at, "group", 5);
        at += length;
        if (named && *at) at = take_name(t, at + 1, " has ");
        if (!strncmp(at, " was in ", 8)) at = take_name(t, at + 8, ", ");
    }
}

/* ---- what is made of it ---- */

typedef struct writer {
    char *out;
    size_t used;
} writer;

static void add(writer *w, const char *text, size_t length) {
    const size_t room = DIAGNOSIS_TEXT_SIZE - 1 - w->used;
    if (length > room) length = room;
    memcpy(w->out + w->used, text, length);
    w->out[w->used += length] = '\0';
}

/* "#1" is the first number. */
static void add_parts(writer *w, const char *text, size_t length, const told *t) {
    for (const char *end = text + length; text < end;) {
        if (*text == '#' && text[1] >= '0' && text[1] <= '0' + NUMBERS_MAX) {
            const char *part = t->number[text[1] - '0'];
            add(w, part, strlen(part));
            text += 2;
        } else {
            add(w, text++, 1);
        }
    }
}

/* "word:this|that": `this` where the English text has the word. */
static void add_choice(writer *w, const char *text, const told *t) {
    const size_t word = strcspn(text, ":"), all = strcspn(text, "}");
    const size_t first = strcspn(text, "|");
    char wanted[PART_SIZE];
    snprintf(wanted, sizeof wanted, "%.*s", (int)word, text);
    if (strstr(t->english, wanted))
        add_parts(w, text + word + 1, first - word - 1, t);
    else
        add_parts(w, text + first + 1, all - first - 1, t);
}

static const char *say(const char *text, const char *english, char out[DIAGNOSIS_TEXT_SIZE]) {
    told t;
    writer w = {out, 0};
    take_parts(&t, english);
    while (*text) {
        const size_t plain = strcspn(text, "{");
        add_parts(&w, text, plain, &t);
        text += plain;
        if (!*text) break;
        add_choice(&w, text + 1, &t);
        text += strcspn(text, "}") + 1;
    }
    return out;
}

static const char *say_as(text_of kind, const char *name, const char *english,
                          page_language language, char out[DIAGNOSIS_TEXT_SIZE]) {
    const char *text = find_words(kind, name, english, language);
    return text ? say(text, english, out) : english;
}

/* ---- each ---- */

const char *diagnosis_meaning(int verdict, page_language language) {
    const char *english = ravine_verdict_meaning(verdict), *word = ravine_verdict_word(verdict);
    const char *text = word ? find_words(MEANING, word, english, language) : NULL;
    return text ? text : english;
}

const char *diagnosis_evidence(const ravine_evidence *e, page_language language,
                               char text[DIAGNOSIS_TEXT_SIZE]) {
    return say_as(EVIDENCE, e->name, e->text, language, text);
}

/* The library's sentence of a diagnosis that has no verdict is its first cure. */
const char *diagnosis_cure(const ravine_cure *c, page_language language,
                           char text[DIAGNOSIS_TEXT_SIZE]) {
    ravine_diagnosis alone = {.size = sizeof alone, .verdict = -1, .ncures = 1, .cure = {*c}};
    char said[RAVINE_SENTENCE_MAX];
    alone.cure[0].tried = 0;
    if (language != PAGE_ENGLISH) diagnosis_sentence(&alone, page_language_tag(language), said);
    if (language == PAGE_ENGLISH || !*said) return c->text;
    snprintf(text, DIAGNOSIS_TEXT_SIZE, "%.*s", DIAGNOSIS_TEXT_SIZE - 1, said);
    return text;
}

const char *diagnosis_not(const ravine_diagnosis *d, page_language language,
                          char text[DIAGNOSIS_TEXT_SIZE]) {
    const char *word = ravine_verdict_word(d->verdict);
    return say_as(NOT, word ? word : "", d->not_text, language, text);
}

/* A half of "this; that". */
static const char *unknown_half(const char *english, page_language language,
                                char text[DIAGNOSIS_TEXT_SIZE]) {
    return say_as(UNKNOWN, "", english, language, text);
}

const char *diagnosis_unknown(const char *cannot_tell, page_language language,
                              char text[DIAGNOSIS_TEXT_SIZE]) {
    char half[DIAGNOSIS_TEXT_SIZE], said[2][DIAGNOSIS_TEXT_SIZE];
    const char *end = strstr(cannot_tell, "; ");
    if (language == PAGE_ENGLISH) {
        snprintf(text, DIAGNOSIS_TEXT_SIZE, "tell %s", cannot_tell);
    } else if (end) {
        snprintf(half, sizeof half, "%.*s", (int)(end - cannot_tell), cannot_tell);
        snprintf(text, DIAGNOSIS_TEXT_SIZE, "%.250s；%.250s", unknown_half(half, language, said[0]),
                 unknown_half(end + 2, language, said[1]));
    } else {
        return unknown_half(cannot_tell, language, text);
    }
    return text;
}
