/* SPDX-License-Identifier: Apache-2.0 */
/* phrase.h - a text with {holes}, filled in each of its languages at once.
 *
 *     char loss[PHRASE_NUMBER];
 *     page_say(p, "span", (svg_text){"loss {loss} at the end", "结束时损失 {loss}"},
 *              (phrase_hole[]){{"loss", .text = phrase_number(loss, "%.4g", facts->train_loss)},
 *                              {0}});
 *
 * Languages order their words differently: so holes have names. What fills them may itself be a
 * text in several languages, or a phrase.
 */
#ifndef RAVINE_PAGE_PHRASE_H
#define RAVINE_PAGE_PHRASE_H

#include "page/languages.h"

enum { PHRASE_SIZE = 2048, PHRASE_NUMBER = 32 };

/* A text that is too long is cut. */
typedef struct phrase {
    char in[PAGE_LANGUAGES][PHRASE_SIZE];
} phrase;

/* What stands in the place of {name}: the first of these that there is. */
typedef struct phrase_hole {
    const char *name;
    const char *text; /* the same in all languages */
    const phrase *phrase;
    svg_text words;
} phrase_hole;

/* `hole` ends with one without a name; NULL: the text has none. */
void phrase_fill(phrase *out, svg_text t, const phrase_hole *hole);
/* A number in the form of `format`, or "-" if it is not finite. Returns `text`. */
const char *phrase_number(char text[PHRASE_NUMBER], const char *format, double value);

/* Who takes sentences one at a time: a terminal, a page. */
typedef struct phrase_receiver {
    void (*line)(void *context, const phrase *line);
    void *context;
} phrase_receiver;
void phrase_tell(const phrase_receiver *to, svg_text t, const phrase_hole *hole);

/* <element lang="">...</element> for each language, escaped; one <element> for a text that is the
 * same in all. */
void page_put_phrase(page *p, const char *element, const phrase *said);
void page_say(page *p, const char *element, svg_text t, const phrase_hole *hole);

#endif
