/* SPDX-License-Identifier: Apache-2.0 */
/* parse.c - reads the text form: calls, one after the other, and `lr=` anywhere among them.
 *
 * The text is read twice, because lr may stand at its end: first for lr and for errors of form,
 * then to expand the calls in their order.
 */
#include "base/sized.h"
#include "schedule/text.h"
#include "text/error.h"
#include "text/nearest.h"
#include "text/number.h"

#include <math.h>
#include <stdio.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS  "0123456789"
#define BLANKS  " \t\r\n"

typedef struct reader {
    const char *text, *at;
    schedule_builder builder;
    bool expand;
} reader;

/* ---- errors ---- */

static int column(const reader *r, const char *p) {
    return (int)(p - r->text) + 1;
}

/* What stands at `at`, for a message: a word or number, one character, or the end. */
static void describe_here(const char *at, char here[RAVINE_KEY_MAX + 3]) {
    size_t length = strspn(at, LETTERS DIGITS ".+-");
    if (length > RAVINE_KEY_MAX) length = RAVINE_KEY_MAX;
    if (length == 0) length = 1;
    if (!*at)
        snprintf(here, RAVINE_KEY_MAX + 3, "the end");
    else if (length == 1 && (*at < ' ' || *at > '~'))
        snprintf(here, RAVINE_KEY_MAX + 3, "an odd character");
    else
        snprintf(here, RAVINE_KEY_MAX + 3, "\"%.*s\"", (int)length, at);
}

static ravine_status expected(const reader *r, const char *what) {
    char here[RAVINE_KEY_MAX + 3];
    describe_here(r->at, here);
    return ravine_fail(RAVINE_E_FORMAT, "column %d: expected %s, not %s", column(r, r->at), what,
                       here);
}

static ravine_status given_twice(const reader *r, const char *at, const char *name) {
    return ravine_fail(RAVINE_E_FORMAT, "column %d: %s is given twice", column(r, at), name);
}

/* ---- tokens ---- */

static void skip_blanks(reader *r) {
    r->at += strspn(r->at, BLANKS);
}

/* Takes `c` with the blanks before it, if it is next. */
static bool take(reader *r, char c) {
    const char *at = r->at + strspn(r->at, BLANKS);
    if (*at != c) return false;
    r->at = at + 1;
    return true;
}

/* Takes a word and cuts what is longer than any known one; "" if none is next. */
static void take_word(reader *r, char word[RAVINE_KEY_MAX]) {
    const size_t length = *r->at && strchr(LETTERS, *r->at) ? strspn(r->at, LETTERS DIGITS) : 0;
    snprintf(word, RAVINE_KEY_MAX, "%.*s",
             (int)(length < RAVINE_KEY_MAX ? length : RAVINE_KEY_MAX - 1), r->at);
    r->at += length;
}

static ravine_status take_number(reader *r, schedule_argument *a) {
    skip_blanks(r);
    const char *end = ravine_number_end(r->at);
    if (end == r->at || (*end && strchr(LETTERS DIGITS ".", *end))) return expected(r, "a number");
    a->value = ravine_number_read(r->at);
    if (!isfinite(a->value) || a->value < 0) return expected(r, "a finite number >= 0");
    if (a->value == 0) a->value = 0; /* -0, too */
    a->column = column(r, r->at);
    r->at = end;
    return RAVINE_OK;
}

/* ---- calls ---- */

static ravine_status find_word(const reader *r, const char *at, const char *name,
                               schedule_word *word) {
    char nearest[RAVINE_KEY_MAX] = "";
    ravine_nearest n = ravine_nearest_to(name);
    for (int k = 0; ravine_schedule_word(k, word); k++) {
        if (strcmp(word->name, name) == 0) return RAVINE_OK;
        ravine_nearest_offer(&n, word->name);
    }
    if (n.name) snprintf(nearest, sizeof nearest, "; nearest is %s", n.name);
    return ravine_fail(RAVINE_E_FORMAT, "column %d: no shape or preset is called \"%s\"%s",
                       column(r, at), name, nearest);
}

static ravine_status find_key(const reader *r, const char *at, const schedule_word *word,
                              const char *name, int *k) {
    char key[RAVINE_KEY_MAX], list[96] = "";
    size_t used = 0;
    for (*k = 0; ravine_schedule_key(word, *k, key); ++*k) {
        if (strcmp(key, name) == 0) return RAVINE_OK;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", *k ? ", " : "", key);
    }
    return ravine_fail(RAVINE_E_FORMAT, "column %d: %s has no \"%s\"; it has %s", column(r, at),
                       word->name, name, list);
}

static ravine_status take_unnamed(reader *r, schedule_call *call) {
    char first[RAVINE_KEY_MAX];
    const bool several = *ravine_schedule_key(&call->word, 0, first) == '*';
    if (call->listed > 0 && !several) return expected(r, "NAME=NUMBER after the first argument");
    if (call->listed == RAVINE_SEGMENTS_MAX) return expected(r, "at most 16 numbers");
    const ravine_status status = take_number(r, &call->list[call->listed]);
    if (status) return status;
    if (call->listed++ > 0) return RAVINE_OK;
    call->argument[0] = call->list[0];
    return RAVINE_OK;
}

static ravine_status take_argument(reader *r, schedule_call *call) {
    skip_blanks(r);
    const char *at = r->at;
    char name[RAVINE_KEY_MAX];
    take_word(r, name);
    if (!*name) return take_unnamed(r, call);
    int k;
    ravine_status status = find_key(r, at, &call->word, name, &k);
    if (status) return status;
    if (call->argument[k].column) return given_twice(r, at, name);
    if (!take(r, '=')) return expected(r, "=");
    status = take_number(r, &call->argument[k]);
    if (!status && k == 0) call->list[call->listed++] = call->argument[0];
    return status;
}

static ravine_status take_arguments(reader *r, schedule_call *call) {
    char key[RAVINE_KEY_MAX];
    if (take(r, '(') && !take(r, ')')) {
        do {
            const ravine_status status = take_argument(r, call);
            if (status) return status;
        } while (take(r, ','));
        skip_blanks(r);
        if (!take(r, ')')) return expected(r, ", or )");
    }
    for (int k = 0;; k++) {
        const char *marks = ravine_schedule_key(&call->word, k, key);
        if (!marks) return RAVINE_OK;
        if (*marks == '?' || call->argument[k].column) continue;
        return ravine_fail(RAVINE_E_FORMAT, "column %d: %s needs %s=NUMBER", call->column,
                           call->word.name, key);
    }
}

static ravine_status take_lr(reader *r, const char *at) {
    if (!take(r, '=')) return expected(r, "=");
    if (!r->expand && r->builder.lr_column) return given_twice(r, at, "lr");
    schedule_argument lr;
    const ravine_status status = take_number(r, &lr);
    if (status) return status;
    r->builder.lr = lr.value;
    r->builder.lr_column = lr.column;
    return RAVINE_OK;
}

/* An item: lr=NUMBER, NAME or NAME(ARGUMENTS). */
static ravine_status take_item(reader *r) {
    const char *at = r->at;
    char name[RAVINE_KEY_MAX];
    take_word(r, name);
    if (!*name) return expected(r, "a shape or a preset, as in cosine(1000)");
    if (strcmp(name, "lr") == 0) return take_lr(r, at);
    schedule_call call = {.column = column(r, at)};
    ravine_status status = find_word(r, at, name, &call.word);
    if (!status) status = take_arguments(r, &call);
    if (!status && *r->at && !strchr(BLANKS, *r->at)) status = expected(r, "a blank");
    if (status || !r->expand) return status;
    return ravine_schedule_expand(&r->builder, &call);
}

static ravine_status take_items(reader *r, bool expand) {
    r->at = r->text;
    r->expand = expand;
    do {
        skip_blanks(r);
        const ravine_status status = take_item(r);
        if (status) return status;
        skip_blanks(r);
    } while (*r->at);
    return RAVINE_OK;
}

static ravine_status parse_constant(reader *r, ravine_schedule *s, size_t size) {
    schedule_argument value;
    const ravine_status status = take_number(r, &value);
    if (status) return status;
    skip_blanks(r);
    if (*r->at) return expected(r, "the end, as a number alone is a constant");
    return ravine_schedule_constant_sized(s, size, value.value);
}

ravine_status ravine_schedule_parse_sized(ravine_schedule *s, size_t size, const char *text) {
    if (!s || !text) return ravine_fail(RAVINE_E_ARG, "the %s is NULL", s ? "text" : "schedule");
    reader r = {.text = text, .at = text};
    skip_blanks(&r);
    if (*r.at && strchr(DIGITS "+-.", *r.at)) return parse_constant(&r, s, size);
    ravine_status status = take_items(&r, false);
    if (!status) status = take_items(&r, true);
    if (status) return status;
    const schedule_builder *b = &r.builder;
    if (b->schedule.nsegments == 0) return expected(&r, "a shape or a preset, as in cosine(1000)");
    if (b->lr_column && !b->lr_used)
        return ravine_fail(RAVINE_E_FORMAT,
                           "column %d: lr is not used; all that stands here says "
                           "where it starts",
                           b->lr_column);
    return ravine_sized_make(&ravine_sized_schedule, s, size, &b->schedule);
}
