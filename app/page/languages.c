/* SPDX-License-Identifier: Apache-2.0 */
#include "page/languages.h"

#include <string.h>

/* What is not listed is written alike. */
static const char *in_taiwan(const char *china) {
    static const struct {
        const char *china, *taiwan;
    } row[] = {
#define TAIWAN(china, taiwan) {china, taiwan},
#include "page/taiwan.def"
#undef TAIWAN
    };
    for (size_t k = 0; k < sizeof row / sizeof *row; k++)
        if (!strcmp(row[k].china, china)) return row[k].taiwan;
    return china;
}

const char *page_text_in(svg_text t, page_language language) {
    if (language == PAGE_ENGLISH || !t.zh) return t.en;
    return language == PAGE_TAIWAN ? in_taiwan(t.zh) : t.zh;
}

const char *page_language_tag(page_language language) {
    static const char *const tag[PAGE_LANGUAGES] = {"en", "zh-CN", "zh-TW"};
    return tag[language];
}

void page_put_each(page *p, const char *element, const char *const text[PAGE_LANGUAGES]) {
    for (page_language k = 0; k < PAGE_LANGUAGES; k++) {
        page_format(p, "<%s lang=\"%s\">", element, page_language_tag(k));
        page_escape(p, text[k]);
        page_format(p, "</%s>", element);
    }
}

void page_put_languages(page *p, const char *element, svg_text t) {
    const char *text[PAGE_LANGUAGES];
    for (page_language k = 0; k < PAGE_LANGUAGES; k++) text[k] = page_text_in(t, k);
    page_put_each(p, element, text);
}

void page_put_language_button(page *p, void *nothing) {
    (void)nothing;
    static const char *const leads_to[PAGE_LANGUAGES] = {"中文", "繁體中文", "English"};
    page_add(p, "<button type=\"button\" id=\"language\" hidden>");
    page_put_each(p, "span", leads_to);
    page_add(p, "</button>\n");
}
