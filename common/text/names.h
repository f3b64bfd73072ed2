/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - names that come from outside: UTF-8, order, and how messages show them. */
#ifndef RAVINE_TEXT_NAMES_H
#define RAVINE_TEXT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the UTF-8 character (RFC 3629) at p, which has `left` > 0 bytes; 0 if it is none: an
 * overlong form, a surrogate, beyond U+10FFFF, cut off. */
size_t ravine_utf8_length(const char *p, size_t left);
bool ravine_is_utf8(const char *text);

/* A name for a message: in quotes, control characters as '?', cut after some 60 bytes. */
typedef struct ravine_quoted {
    char text[80];
} ravine_quoted;
ravine_quoted ravine_quote(const char *name);

/* The end of a path for a message, so that a long one leaves room for the reason. */
const char *ravine_path_tail(const char *path);

/* Names in order, for finding them and the ones that occur twice. */
typedef struct name_slot {
    const char *name;
    int64_t index; /* of what has that name */
} name_slot;
void ravine_names_sort(name_slot *slots, int64_t n);
/* A slot whose name the next one has too; NULL if there is none. slots: sorted. */
const name_slot *ravine_names_twice(const name_slot *slots, int64_t n);
int64_t ravine_names_find(const name_slot *slots, int64_t n, const char *name); /* index, or -1 */

#endif
