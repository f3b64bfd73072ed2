/* SPDX-License-Identifier: Apache-2.0 */
#include "page/phrase.h"

#include <math.h>
#include <string.h>

static const phrase_hole *find_hole(const phrase_hole *hole, const char *name, size_t length) {
    for (; hole && hole->name; hole++)
        if (strlen(hole->name) == length && !memcmp(hole->name, name, length)) return hole;
    return NULL;
}

static const char *filling(const phrase_hole *hole, page_language language) {
    if (hole->text) return hole->text;
    return hole->phrase ? hole->phrase->in[language] : page_text_in(hole->words, language);
}

static void add(char out[PHRASE_SIZE], size_t *used, const char *text, size_t length) {
    const size_t room = PHRASE_SIZE - 1 - *used;
    if (length > room) length = room;
    memcpy(out + *used, text, length);
    out[ *used += length] = '\0';
}

/* What has no hole in the list stays, for a test to see. */
static void fill_one(char out[PHRASE_SIZE], const char *text, const phrase_hole *hole,
                     page_language language) {
    size_t used = 0;
    *out = '\0';
    while (*text) {
        const size_t length = *text == '{' ? strcspn(text, "}") : 0;
        const phrase_hole *found = length ? find_hole(hole, text + 1, length - 1) : NULL;
        if (found) {
            const char *with = filling(found, language);
            add(out, &used, with, strlen(with));
        } else {
            add(out, &used, text, 1);
        }
        text += found ? length + 1 : 1;
    }
}

void phrase_fill(phrase *out, svg_text t, const phrase_hole *hole) {
    for (page_language k = 0; k < PAGE_LANGUAGES; k++)
        fill_one(out->in[k], page_text_in(t, k), hole, k);
}

void phrase_tell(const phrase_receiver *to, svg_text t, const phrase_hole *hole) {
    phrase said;
    phrase_fill(&said, t, hole);
    to->line(to->context, &said);
}

const char *phrase_number(char text[PHRASE_NUMBER], const char *format, double value) {
    if (isfinite(value))
        snprintf(text, PHRASE_NUMBER, format, value);
    else
        strcpy(text, "-");
    return text;
}

static bool is_the_same_in_all(const phrase *said) {
    for (page_language k = 1; k < PAGE_LANGUAGES; k++)
        if (strcmp(said->in[k], said->in[0]) != 0) return false;
    return true;
}

void page_put_phrase(page *p, const char *element, const phrase *said) {
    const char *text[PAGE_LANGUAGES];
    for (page_language k = 0; k < PAGE_LANGUAGES; k++) text[k] = said->in[k];
    if (is_the_same_in_all(said)) {
        page_format(p, "<%s>", element);
        page_escape(p, *text);
        page_format(p, "</%s>", element);
    } else {
        page_put_each(p, element, text);
    }
}

void page_say(page *p, const char *element, svg_text t, const phrase_hole *hole) {
    phrase said;
    phrase_fill(&said, t, hole);
    page_put_phrase(p, element, &said);
}
