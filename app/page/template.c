/* SPDX-License-Identifier: Apache-2.0 */
/* template.c - templates: named holes, and texts in their languages. */
#include "page/languages.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What is filled in, and where. */
typedef struct filler {
    page *p;
    const page_hole *hole;
    size_t nholes;
    void *context;
} filler;

/* False: it is not in the list. */
static bool put_hole(const filler *f, const char *name, size_t length) {
    for (size_t k = 0; k < f->nholes; k++) {
        const page_hole *hole = &f->hole[k];
        if (strlen(hole->name) != length || memcmp(hole->name, name, length) != 0) continue;
        if (hole->text)
            page_escape(f->p, hole->text);
        else if (hole->put)
            hole->put(f->p, f->context);
        return true;
    }
    return false;
}

/* A text with {holes}. */
static void put_text(const filler *f, const char *text) {
    for (const char *open; (open = strchr(text, '{'));) {
        const size_t length = strcspn(open, "}");
        page_add_bytes(f->p, text, (size_t)(open - text));
        const bool filled = put_hole(f, open + 1, length - 1);
        if (!filled) page_add(f->p, "{");
        text = open + (filled ? length + 1 : 1);
    }
    page_add(f->p, text);
}

static void put_in_each(const filler *f, svg_text t) {
    for (page_language k = 0; k < PAGE_LANGUAGES; k++) {
        page_format(f->p, "<span lang=\"%s\">", page_language_tag(k));
        put_text(f, page_text_in(t, k));
        page_add(f->p, "</span>");
    }
}

/* In English at first; languages.js has the others. */
static void put_attribute(const filler *f, const char *name, svg_text t) {
    page_format(f->p, "%s=\"%s\" data-said=\"%s", name, t.en, name);
    for (page_language k = 0; k < PAGE_LANGUAGES; k++) page_format(f->p, "|%s", page_text_in(t, k));
    page_add(f->p, "\"");
}

/* "English|Chinese" or "attribute=English|Chinese"; false: it is neither. */
static bool put_languages(const filler *f, const char *inside, size_t length) {
    char *text = memchr(inside, '|', length) ? malloc(length + 1) : NULL;
    if (!text) return false;
    memcpy(text, inside, length);
    text[length] = '\0';
    char *chinese = strchr(text, '|'), *value = text;
    *chinese++ = '\0';
    while (islower((unsigned char)*value) || *value == '-') value++;
    if (*value == '=') {
        *value++ = '\0';
        put_attribute(f, text, (svg_text){value, chinese});
    } else {
        put_in_each(f, (svg_text){text, chinese});
    }
    free(text);
    return true;
}

/* The text of an asset ends with a 0. What is neither in the list nor a text stays, for a test to
 * see. */
void page_fill(page *p, const asset *html, const page_hole *hole, size_t nholes, void *context) {
    const filler f = {p, hole, nholes, context};
    const char *at = (const char *)html->bytes;
    for (const char *open; (open = strstr(at, "{{"));) {
        const char *inside = open + 2, *close = strstr(inside, "}}");
        if (!close) break;
        if (close[2] == '}') close++; /* of a hole at the end of a text */
        const size_t length = (size_t)(close - inside);
        page_add_bytes(p, at, (size_t)(open - at));
        if (!put_languages(&f, inside, length) && !put_hole(&f, inside, length))
            page_add_bytes(p, open, length + 4);
        at = close + 2;
    }
    page_add(p, at);
}
