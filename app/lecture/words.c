/* SPDX-License-Identifier: Apache-2.0 */
#include "lecture/words.h"

#include "page/languages.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void words_put(page *p, svg_text t) {
    if (t.zh)
        page_put_languages(p, "span", t);
    else
        page_escape(p, t.en);
}

void words_paragraph(page *p, svg_text t) {
    page_put_languages(p, "p", t);
    page_add(p, "\n");
}

void words_option(page *p, const char *name) {
    page_format(p, " <span class=\"option\">--%.*s</span>", (int)strcspn(name, " ="), name);
}

void words_number(double value, int digits, char *text, size_t size) {
    const double magnitude = fabs(value);
    if (value == round(value) && magnitude < 1e6) {
        svg_number(value, false, text, size);
    } else if (magnitude < 1e-3 || magnitude >= 1e6) {
        const int exponent = (int)floor(log10(magnitude));
        snprintf(text, size, "%.2ge%d", value / pow(10, exponent), exponent);
    } else if (magnitude >= 1000) {
        const double unit = pow(10, fmax(0, ceil(log10(magnitude)) - digits));
        svg_number(round(value / unit) * unit, false, text, size);
    } else {
        snprintf(text, size, "%#.*g", digits, value);
        if (text[strlen(text) - 1] == '.') text[strlen(text) - 1] = '\0';
    }
}
