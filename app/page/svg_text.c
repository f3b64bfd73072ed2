/* SPDX-License-Identifier: Apache-2.0 */
/* svg_text.c - texts on the paper: in two languages, and how wide. */
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
    const double en = t.en ? svg_text_width(t.en) : 0;
    return t.zh ? fmax(en, svg_text_width(t.zh)) : en;
}

static void begin_text(page *p, const svg_spot *s, const char *class, const char *languages) {
    page_format(p, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\"", class, s->x, s->y);
    if (s->down != 0) page_format(p, " dy=\"%gem\"", s->down);
    page_format(p, "%s>", languages);
}

void svg_put_text(page *p, svg_place place, svg_spot spot, const char *class, svg_text t) {
    if (!t.en) return;
    const bool both = t.zh != NULL;
    if (both && place == SVG_STANDALONE) {
        page_add(p, "<switch>");
        begin_text(p, &spot, class, " systemLanguage=\"zh,zh-CN,zh-Hans,zh-Hans-CN,zh-SG\"");
        page_escape(p, t.zh);
        page_add(p, "</text>");
    }
    begin_text(p, &spot, class, "");
    if (both && place == SVG_INLINE) {
        page_add(p, "<tspan lang=\"en\">");
        page_escape(p, t.en);
        page_add(p, "</tspan><tspan lang=\"zh\">");
        page_escape(p, t.zh);
        page_add(p, "</tspan>");
    } else {
        page_escape(p, t.en);
    }
    page_add(p, "</text>");
    page_add(p, both && place == SVG_STANDALONE ? "</switch>\n" : "\n");
}
