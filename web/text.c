/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(text *t, const char *bytes, size_t n) {
    if (t->length + n >= t->capacity) {
        const size_t capacity = 2 * (t->length + n) + 256;
        char *grown = realloc(t->bytes, capacity);
        if (!grown) {
            t->failed = true;
            return;
        }
        t->bytes = grown;
        t->capacity = capacity;
    }
    memcpy(t->bytes + t->length, bytes, n);
    t->length += n;
    t->bytes[t->length] = '\0';
}

void text_add(text *t, const char *words) {
    add(t, words, strlen(words));
}

void text_string(text *t, const char *words) {
    if (!words) {
        text_add(t, "null");
        return;
    }
    add(t, "\"", 1);
    for (; *words; words++) {
        char escape[8];
        if (*words == '"' || *words == '\\')
            snprintf(escape, sizeof escape, "\\%c", *words);
        else if ((unsigned char)*words < ' ')
            snprintf(escape, sizeof escape, "\\u%04x", (unsigned)*words);
        else
            snprintf(escape, sizeof escape, "%c", *words);
        text_add(t, escape);
    }
    add(t, "\"", 1);
}

void text_number(text *t, double value) {
    char digits[32];
    if (isnan(value))
        strcpy(digits, "null");
    else if (isinf(value))
        strcpy(digits, value > 0 ? "1e999" : "-1e999");
    else
        snprintf(digits, sizeof digits, "%.17g", value);
    text_add(t, digits);
}

/* A comma, unless a list or an object has just begun. */
static void separate(text *t) {
    if (t->length > 0 && !strchr("[{:,", t->bytes[t->length - 1])) add(t, ",", 1);
}

static void put_name(text *t, const char *name) {
    separate(t);
    if (!name) return;
    text_string(t, name);
    add(t, ":", 1);
}

void text_words(text *t, const char *name, const char *words) {
    put_name(t, name);
    text_string(t, words);
}

void text_value(text *t, const char *name, double value) {
    put_name(t, name);
    text_number(t, value);
}

void text_open(text *t, const char *name, const char *open) {
    put_name(t, name);
    text_add(t, open);
}

void text_clear(text *t) {
    t->length = 0;
    if (t->bytes) *t->bytes = '\0';
}
