/* SPDX-License-Identifier: Apache-2.0 */
/* words.h - text of the lecture's page in its languages, of which the page shows one. */
#ifndef RAVINE_LECTURE_WORDS_H
#define RAVINE_LECTURE_WORDS_H

#include "page/page.h"
#include "page/svg_chart.h"

#include <stddef.h>

/* The text, or one <span lang> for each language. */
void words_put(page *p, svg_text t);
/* <p> for each language. */
void words_paragraph(page *p, svg_text t);
/* " --optimizer", of a text that begins with its name; no line breaks behind the dashes. */
void words_option(page *p, const char *name);
/* `value` for people, with `digits` significant digits: 17,467; 2.2e5; 0.0707. */
void words_number(double value, int digits, char *text, size_t size);

#endif
