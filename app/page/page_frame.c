/* SPDX-License-Identifier: Apache-2.0 */
/* page_frame.c - what stands around every page. */
#include "page/page.h"

void page_style(page *p, const asset *css) {
    page_add(p, "<style>\n");
    page_add_bytes(p, css->bytes, css->size);
    page_add(p, "</style>\n");
}

void page_script(page *p, const asset *js) {
    page_add(p, "<script>\n");
    page_add_bytes(p, js->bytes, js->size);
    page_add(p, "</script>\n");
}

static void put_style(page *p, void *context) {
    (void)context;
    page_style(p, &asset_page_css);
}

void page_begin(page *p, const char *lang, const char *title) {
    const page_hole holes[] = {
        {"lang", .text = lang}, {"title", .text = title}, {"style", .put = put_style}};
    page_fill(p, &asset_head_html, holes, sizeof holes / sizeof *holes, NULL);
}

void page_end(page *p) {
    page_add(p, "</main>\n</body>\n</html>\n");
}
