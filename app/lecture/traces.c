/* SPDX-License-Identifier: Apache-2.0 */
/* traces.c - the runs behind a figure, as arrays that a panel draws. */
#include "io/failure.h"
#include "lecture/figure.h"

#include <math.h>
#include <stdlib.h>

int traces_make(traces *t, const lecture *l, const run_id *id, size_t n, int64_t steps) {
    *t = (traces){.count = 0};
    for (size_t k = 0; k < n; k++) {
        const int status = run_trace(&t->race[k], id[k], l->convex, steps);
        if (status) {
            traces_free(t);
            return status;
        }
        t->count++;
    }
    return 0;
}

int traces_status(const traces *t) {
    return t->failed ? failure(EXIT_INPUT, "out of memory for a figure of the lecture") : 0;
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

/* ---- what panels and players take ---- */

svg_series traces_curve(traces *t, size_t k, svg_text name, const double *y, int color) {
    const double *x = column_steps(t, k);
    return (svg_series){.name = name,
                        .x = x,
                        .y = y,
                        .n = x && y ? (size_t)t->race[k].trace.count - 1 : 0,
                        .color = color};
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
