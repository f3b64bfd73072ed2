/* SPDX-License-Identifier: Apache-2.0 */
#include "text/names.h"

#include "math/sort.h"

#include <string.h>

size_t ravine_utf8_length(const char *text, size_t left) {
    const unsigned char *p = (const unsigned char *)text;
    if (p[0] < 0x80) return 1;
    /* The second byte's range excludes overlong forms, surrogates and what is beyond U+10FFFF. */
    unsigned char low = 0x80, high = 0xbf;
    size_t length;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        length = 2;
    else if (p[0] >= 0xe0 && p[0] <= 0xef)
        length = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        length = 4;
    else
        return 0;
    if (p[0] == 0xe0) low = 0xa0;
    if (p[0] == 0xed) high = 0x9f;
    if (p[0] == 0xf0) low = 0x90;
    if (p[0] == 0xf4) high = 0x8f;
    if (left < length || p[1] < low || p[1] > high) return 0;
    for (size_t k = 2; k < length; k++)
        if (p[k] < 0x80 || p[k] > 0xbf) return 0;
    return length;
}

bool ravine_is_utf8(const char *text) {
    for (size_t left = strlen(text), length; left > 0; text += length, left -= length)
        if ((length = ravine_utf8_length(text, left)) == 0) return false;
    return true;
}

ravine_quoted ravine_quote(const char *name) {
    enum { MOST = 60 };
    ravine_quoted out = {"\""};
    size_t used = 1, left = strlen(name);
    while (left > 0 && used < MOST) {
        const size_t length = ravine_utf8_length(name, left);
        const unsigned char first = (unsigned char)*name;
        if (length == 0 || first < 0x20 || first == 0x7f)
            out.text[used++] = '?';
        else
            for (size_t k = 0; k < length; k++) out.text[used++] = name[k];
        name += length ? length : 1;
        left -= length ? length : 1;
    }
    strcpy(out.text + used, left ? "...\"" : "\"");
    return out;
}

const char *ravine_path_tail(const char *path) {
    enum { MOST = 300 };
    const size_t length = strlen(path);
    return length > MOST ? path + length - MOST : path;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const name_slot *)a)->name, ((const name_slot *)b)->name);
}

void ravine_names_sort(name_slot *slots, int64_t n) {
    ravine_sort(slots, n, sizeof *slots, compare_names);
}

const name_slot *ravine_names_twice(const name_slot *slots, int64_t n) {
    for (int64_t k = 1; k < n; k++)
        if (compare_names(&slots[k - 1], &slots[k]) == 0) return &slots[k];
    return NULL;
}

int64_t ravine_names_find(const name_slot *slots, int64_t n, const char *name) {
    for (int64_t low = 0, high = n; low < high;) {
        const int64_t middle = low + (high - low) / 2;
        const int order = strcmp(name, slots[middle].name);
        if (order == 0) return slots[middle].index;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}
