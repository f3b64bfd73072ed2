/* SPDX-License-Identifier: Apache-2.0 */
/* format.c - the canonical text form: shapes only, and nothing that the reader would fill in. */
#include "base/text_out.h"
#include "schedule/segment.h"
#include "text/number.h"

#include <stdio.h>
#include <string.h>

#define SEGMENT_MAX 256 /* bytes of one segment's text: a name, 4 keys and 5 numbers */

typedef struct writer {
    char text[RAVINE_SEGMENTS_MAX * SEGMENT_MAX];
    size_t used;
    bool open; /* the segment has arguments already */
} writer;

static void put(writer *w, const char *text, int length) {
    memcpy(w->text + w->used, text, (size_t)length);
    w->used += (size_t)length;
    w->text[w->used] = '\0';
}

static void put_text(writer *w, const char *text) {
    put(w, text, (int)strlen(text));
}

static void put_number(writer *w, double value) {
    char number[RAVINE_NUMBER_MAX];
    ravine_number_write(number, value);
    put_text(w, number);
}

static void put_argument(writer *w, const char *name, int length, double value) {
    put_text(w, w->open ? ", " : "(");
    w->open = true;
    put(w, name, length);
    put_text(w, "=");
    put_number(w, value);
}

static void put_steps(writer *w, int64_t steps) {
    char number[RAVINE_NUMBER_MAX];
    snprintf(number, sizeof number, "(%lld", (long long)steps);
    put_text(w, number);
    w->open = true;
}

/* `before`: the segment before it, or NULL. */
static void put_segment(writer *w, const ravine_segment *g, const ravine_segment *before) {
    if (before) put_text(w, " ");
    put_text(w, ravine_shape_name[g->shape]);
    w->open = false;
    if (g->steps != RAVINE_FOREVER) put_steps(w, g->steps);
    if (!before || g->from != ravine_segment_end(before)) put_argument(w, "from", 4, g->from);
    if (ravine_shape_has_to(g->shape)) put_argument(w, "to", 2, g->to);
    const char *name;
    int length;
    for (int k = 0; (name = ravine_list_word(ravine_shape_parameters[g->shape], k, &length)); k++)
        put_argument(w, name, length, g->parameter[k]);
    if (w->open) put_text(w, ")");
}

ravine_status ravine_schedule_format(const ravine_schedule *s, char *text, size_t capacity,
                                     size_t *length) {
    const ravine_status status = ravine_schedule_check(s);
    if (status) return status;
    writer w = {.used = 0};
    const ravine_segment *first = s->segment;
    if (s->nsegments == 1 && first->shape == RAVINE_SHAPE_CONSTANT &&
        first->steps == RAVINE_FOREVER)
        put_number(&w, first->from);
    else
        for (int k = 0; k < s->nsegments; k++)
            put_segment(&w, &s->segment[k], k > 0 ? &s->segment[k - 1] : NULL);
    return ravine_text_out(w.text, w.used, text, capacity, length);
}
