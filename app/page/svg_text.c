/* SPDX-License-Identifier: Apache-2.0 */
/* svg_text.c - texts on the paper: in their languages, and how wide. */
#include "page/languages.h"
#include "page/svg_frame.h"

#include <math.h>
#include <string.h>

/* In sizes of the font: a wide one, DejaVu Sans. */
static double width_of(unsigned char c) {
    if (c >= 0xE3) return 1; /* the first byte of a Chinese character */
    if (c >= 0xC0) return 0.65;
    if (c >= 0x80) return 0;
    if (strchr(" .,:;'|!ijlI", c)) return 0.33;
    if (strchr("()[]-/frt", c)) return 0.41;
    if (strchr("mwMW%@+=<>", c)) return 0.95;
    return c >= 'A' && c <= 'Z' ? 0.75 : 0.64;
}

double svg_text_width(const char *text) {
    double width = 0;
    for (const char *c = text; *c; c++) width += width_of((unsigned char)*c);
    return SVG_FONT * width;
}

double svg_text_wider(svg_text t) {
    double width = 0;
    for (page_language k = 0; t.en && k < PAGE_LANGUAGES; k++)
        width = fmax(width, svg_text_width(page_text_in(t, k)));
    return width;
}

static void begin_text(page *p, const svg_spot *s, const char *class, const char *readers) {
    page_format(p, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\"", class, s->x, s->y);
    if (s->down != 0) page_format(p, " dy=\"%gem\"", s->down);
    if (readers) page_format(p, " systemLanguage=\"%s\"", readers);
    page_add(p, ">");
}

/* For the reader's language: the first text that is for it, at last the one that is for all. */
static void put_switch(page *p, const svg_spot *s, const char *class, svg_text t) {
    static const struct {
        page_language in;
        const char *readers;
    } choice[PAGE_LANGUAGES] = {{PAGE_CHINA, "zh,zh-CN,zh-Hans,zh-Hans-CN,zh-SG"},
                                {PAGE_TAIWAN, "zh-TW,zh-Hant,zh-Hant-TW,zh-HK,zh-MO"},
                                {PAGE_ENGLISH, NULL}};
    page_add(p, "<switch>");
    for (size_t k = 0; k < PAGE_LANGUAGES; k++) {
        begin_text(p, s, class, choice[k].readers);
        page_escape(p, page_text_in(t, choice[k].in));
        page_add(p, "</text>");
    }
    page_add(p, "</switch>\n");
}

void svg_put_text(page *p, svg_place place, svg_spot spot, const char *class, svg_text t) {
    if (!t.en) return;
    if (t.zh && place == SVG_STANDALONE) {
        put_switch(p, &spot, class, t);
        return;
    }
    begin_text(p, &spot, class, NULL);
    if (t.zh)
        page_put_languages(p, "tspan", t);
    else
        page_escape(p, t.en);
    page_add(p, "</text>\n");
}
