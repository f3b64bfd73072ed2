/* SPDX-License-Identifier: Apache-2.0 */
/* languages.h - a text of a page in each of its languages, of which the page shows one
 * (svg_chart.css): the reader's at first, then what a button leads on to (languages.js). */
#ifndef RAVINE_PAGE_LANGUAGES_H
#define RAVINE_PAGE_LANGUAGES_H

#include "page/page.h"
#include "page/svg_chart.h"

/* English, Chinese as it is written in China, and in Taiwan. */
typedef enum page_language { PAGE_ENGLISH, PAGE_CHINA, PAGE_TAIWAN, PAGE_LANGUAGES } page_language;

/* "en", "zh-CN", "zh-TW". */
const char *page_language_tag(page_language language);
/* A text without Chinese is the same in all. */
const char *page_text_in(svg_text t, page_language language);
/* <element lang="">...</element> for each language. */
void page_put_languages(page *p, const char *element, svg_text t);
void page_put_each(page *p, const char *element, const char *const text[PAGE_LANGUAGES]);
/* For a hole of a template; the page ends with page_script(p, &asset_languages_js). */
void page_put_language_button(page *p, void *nothing);

#endif
