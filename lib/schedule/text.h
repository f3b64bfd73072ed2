/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - the two halves of the text form: text.c reads calls, NAME(ARGUMENTS), and presets.c
 * turns each of them into segments. The grammar is in docs/schedules.md.
 */
#ifndef RAVINE_SCHEDULE_TEXT_H
#define RAVINE_SCHEDULE_TEXT_H

#include "schedule/segment.h"

#define RAVINE_ARGUMENTS_MAX 5

typedef struct schedule_argument {
    double value;
    int column; /* of the number, from 1; 0: not given */
} schedule_argument;

/* What a word takes: the names of its arguments, split by blanks. The first may be given without
 * its name; `?` after a name: it may be left out; `*` after the first: several may be given. */
typedef struct schedule_word {
    const char *name;
    char keys[64];
    int index; /* a ravine_shape, or beyond them */
} schedule_word;

#define RAVINE_KEY_MAX 32 /* bytes of a name, its final NUL included */

typedef struct schedule_call {
    schedule_word word;
    int column;
    schedule_argument argument[RAVINE_ARGUMENTS_MAX];
    schedule_argument list[RAVINE_SEGMENTS_MAX]; /* all that were given without a name */
    int listed;
} schedule_call;

/* The segments so far, and where the next one starts if it does not say so. */
typedef struct schedule_builder {
    ravine_schedule schedule;
    double next; /* the value the last segment reaches, or the lr that a warm-up leads up to */
    double lr;
    int lr_column; /* 0: lr is not given */
    bool lr_used;
} schedule_builder;

/* Word k of all that can be called: the shapes, then the presets. False past the last. */
bool ravine_schedule_word(int k, schedule_word *word);
/* Copies key k without its marks and returns the marks; NULL past the last. */
const char *ravine_schedule_key(const schedule_word *word, int k, char key[RAVINE_KEY_MAX]);
/* Appends the segments of a call that has every argument it needs. */
ravine_status ravine_schedule_expand(schedule_builder *b, const schedule_call *call);

#endif
