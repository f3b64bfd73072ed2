/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - a text that grows, and JSON in it. A text starts as {0}; when memory ends it stays as it
 * is, and `failed` tells. */
#ifndef RAVINE_WEB_TEXT_H
#define RAVINE_WEB_TEXT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct text {
    char *bytes;
    size_t length, capacity;
    bool failed;
} text;

void text_add(text *t, const char *words);
void text_string(text *t, const char *words); /* with its quotes; NULL: null */
/* JSON has no infinity: 1e999 is read as one. NaN: null. */
void text_number(text *t, double value);
/* "name":"words" and "name":value, with a comma where something stands before. */
void text_words(text *t, const char *name, const char *words);
void text_value(text *t, const char *name, double value);
/* "name":[ or {, as `open` says. */
void text_open(text *t, const char *name, const char *open);
void text_clear(text *t); /* keeps its memory */

#endif
