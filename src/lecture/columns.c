/* columns.c - arrays that the panels show, made from traces. */
#include "lecture/figure.h"

#include <math.h>
#include <stdlib.h>

double *column_new(columns *c, size_t n) {
    double *array = c->count < COLUMNS_MAX ? calloc(n ? n : 1, sizeof *array) : NULL;
    if (array)
        c->array[c->count++] = array;
    else
        c->failed = true;
    return array;
}

double *column_of(columns *c, const double *values, int64_t n, int width, int first) {
    double *array = column_new(c, (size_t)n);
    for (int64_t k = 0; array && k < n; k++) array[k] = values[k * width + first];
    return array;
}

double *column_steps(columns *c, const race_trace *t) {
    double *array = column_new(c, (size_t)t->count);
    for (int64_t k = 0; array && k < t->count; k++) array[k] = (double)t->step[k] + 1;
    return array;
}

double *column_excess(columns *c, const race_trace *t, const surface *s) {
    double *array = column_new(c, (size_t)t->count);
    for (int64_t k = 0; array && k < t->count; k++) array[k] = t->loss[k] - s->least;
    return array;
}

double *column_distance(columns *c, const race_trace *t, const surface *s) {
    double *array = column_new(c, (size_t)t->count);
    for (int64_t k = 0; array && k < t->count; k++)
        array[k] = surface_distance(s, t->theta + 2 * k);
    return array;
}

double *column_across(columns *c, const race_trace *t, const surface *s) {
    double *array = column_new(c, (size_t)t->count);
    for (int64_t k = 0; array && k < t->count; k++)
        array[k] = fabs(surface_across(s, t->theta + 2 * k));
    return array;
}

void columns_free(columns *c) {
    for (size_t k = 0; k < c->count; k++) free(c->array[k]);
    *c = (columns){0};
}
