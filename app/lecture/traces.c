/* SPDX-License-Identifier: Apache-2.0 */
/* traces.c - the runs behind a figure, as arrays that a panel draws. */
#include "io/failure.h"
#include "lecture/figure.h"
#include "lecture/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int traces_race(traces *t, const race_setup *setup, size_t n) {
    *t = (traces){.count = 0};
    for (size_t k = 0; k < n; k++) {
        t->setup[k] = setup[k];
        const int status = race_run(&t->race[k], &t->setup[k]);
        if (status) {
            traces_free(t);
            return status;
        }
        t->count++;
    }
    return 0;
}

int traces_make(traces *t, const lecture *l, const lecture_run *id, size_t n, int64_t steps) {
    race_setup setup[TRACES_MAX];
    for (size_t k = 0; k < n; k++) setup[k] = lecture_run_setup(id[k], l->convex, steps);
    return traces_race(t, setup, n);
}

int traces_status(const traces *t) {
    return t->failed ? failure(FAILURE_INPUT, "out of memory for a figure of the lecture") : 0;
}

void traces_free(traces *t) {
    for (size_t k = 0; k < t->count; k++) race_free(&t->race[k]);
    for (size_t k = 0; k < t->ncolumns; k++) free(t->column[k]);
    *t = (traces){.count = 0};
}

/* ---- columns ---- */

double *column_new(traces *t, size_t k) {
    const size_t n = (size_t)t->race[k].trace.count;
    double *column = t->ncolumns < COLUMNS_MAX ? calloc(n, sizeof *column) : NULL;
    if (column)
        t->column[t->ncolumns++] = column;
    else
        t->failed = true;
    return column;
}

/* Counted from 1, for logarithmic axes. */
static double *column_steps(traces *t, size_t k) {
    const race_trace *trace = &t->race[k].trace;
    double *column = column_new(t, k);
    for (int64_t i = 0; column && i < trace->count; i++) column[i] = (double)trace->step[i] + 1;
    return column;
}

double *column_axis(traces *t, size_t k, const double *values, int axis) {
    double *column = column_new(t, k);
    for (int64_t i = 0; column && i < t->race[k].trace.count; i++) column[i] = values[2 * i + axis];
    return column;
}

double *column_excess(traces *t, size_t k, const surface *s) {
    const race_trace *trace = &t->race[k].trace;
    double *column = column_new(t, k);
    for (int64_t i = 0; column && i < trace->count; i++) column[i] = trace->loss[i] - s->least;
    return column;
}

double *column_distance(traces *t, size_t k, const surface *s) {
    const race_trace *trace = &t->race[k].trace;
    double *column = column_new(t, k);
    for (int64_t i = 0; column && i < trace->count; i++)
        column[i] = surface_distance(s, trace->theta + 2 * i);
    return column;
}

double *column_across(traces *t, size_t k, const surface *s) {
    const race_trace *trace = &t->race[k].trace;
    double *column = column_new(t, k);
    for (int64_t i = 0; column && i < trace->count; i++)
        column[i] = fabs(surface_across(s, trace->theta + 2 * i));
    return column;
}

double *column_farthest(traces *t, size_t k, const surface *s) {
    double *column = column_distance(t, k, s);
    for (int64_t i = t->race[k].trace.count - 1; column && i-- > 0;)
        column[i] = fmax(column[i], column[i + 1]);
    return column;
}

/* ---- the commands ---- */

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Whether one command makes both. */
static bool is_together(const race_setup *a, const race_setup *b) {
    return a->surface == b->surface && a->start == b->start && a->steps == b->steps &&
           same_text(a->schedule, b->schedule);
}

static void put_option(page *p, const char *option, const char *text) {
    words_option(p, option);
    page_add(p, " \"");
    page_escape(p, text);
    page_add(p, "\"");
}

static void begin_command(page *p, const race_setup *s) {
    page_add(p, "<code>ravine race");
    put_option(p, "surface", s->surface->spec);
    if (s->start) words_option(p, "start");
    for (int i = 0; s->start && i < s->surface->size; i++) {
        page_add(p, i ? "," : "=");
        page_number(p, s->start[i], 17);
    }
    words_option(p, "steps");
    page_format(p, " %lld", (long long)s->steps);
    if (s->schedule) put_option(p, "schedule", s->schedule);
}

void traces_put_commands(page *p, const traces *t) {
    for (size_t k = 0; k < t->count; k++) {
        const race_setup *s = &t->setup[k];
        if (k == 0 || !is_together(s - 1, s)) begin_command(p, s);
        put_option(p, "optimizer", s->optimizer);
        if (k + 1 == t->count || !is_together(s, s + 1)) page_add(p, "</code>\n");
    }
}

/* ---- what panels and players take ---- */

svg_series traces_curve(traces *t, size_t k, svg_text name, const double *y, int color) {
    const double *x = column_steps(t, k);
    return (svg_series){.name = name,
                        .x = x,
                        .y = y,
                        .n = x && y ? (size_t)t->race[k].trace.count - 1 : 0,
                        .color = color};
}

svg_series traces_farthest(traces *t, size_t k, svg_text name, const double *farthest, int color) {
    svg_series curve = traces_curve(t, k, name, farthest, color);
    if (curve.n > TRACES_TAIL) curve.n -= TRACES_TAIL;
    return curve;
}

svg_series traces_way(traces *t, size_t k, svg_text name, int color) {
    const race_trace *trace = &t->race[k].trace;
    const double *x = column_axis(t, k, trace->theta, 0);
    const double *y = column_axis(t, k, trace->theta, 1);
    return (svg_series){.name = name,
                        .x = x,
                        .y = y,
                        .n = x && y ? (size_t)trace->count : 0,
                        .draw = SVG_TRAIL,
                        .color = color,
                        .step = trace->step};
}
