/* SPDX-License-Identifier: Apache-2.0 */
/* A surface from its text, and the calls that pick the row's functions. */
#include "surface/surface.h"

#include "io/failure.h"
#include "surface/bodies.h"
#include "text/nearest.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the text ---- */

enum { WORD_MAX = 64 };

/* The next word of *text; false at its end. FAILURE_USAGE in *code if it is too long. */
static bool next_word(const char **text, char word[WORD_MAX], int *code) {
    static const char blanks[] = " \t\n";
    *text += strspn(*text, blanks);
    const size_t length = strcspn(*text, blanks);
    if (length == 0) return false;
    if (length >= WORD_MAX) {
        *code =
            failure(FAILURE_USAGE, "a word of the surface has %zu characters; at most %d are read",
                    length, WORD_MAX - 1);
        return false;
    }
    memcpy(word, *text, length);
    word[length] = '\0';
    *text += length;
    return true;
}

static int find_row(const char *name, const surface_row **found) {
    ravine_nearest near = ravine_nearest_to(name);
    const surface_row *row;
    for (int k = 0; (row = surface_table(k)); k++) {
        *found = row;
        if (strcmp(row->name, name) == 0 || (row->alias && strcmp(row->alias, name) == 0)) return 0;
        ravine_nearest_offer(&near, row->name);
        if (row->alias) ravine_nearest_offer(&near, row->alias);
    }
    if (near.name)
        return failure(FAILURE_USAGE, "there is no surface %s; the nearest is %s", name, near.name);
    return failure(FAILURE_USAGE, "there is no surface %s; `ravine race --surfaces` lists them",
                   name);
}

static int find_parameter(const surface_row *row, const char *name, int *found) {
    ravine_nearest near = ravine_nearest_to(name);
    for (*found = 0; *found < row->nparameters; ++*found) {
        if (strcmp(row->parameter[*found].name, name) == 0) return 0;
        ravine_nearest_offer(&near, row->parameter[*found].name);
    }
    if (near.name)
        return failure(FAILURE_USAGE, "surface %s has no setting %s; the nearest is %s", row->name,
                       name, near.name);
    return failure(FAILURE_USAGE, "surface %s has no setting %s", row->name, name);
}

static int read_value(const surface_row *row, const surface_parameter *p, const char *text,
                      double *value) {
    if (p->kind == SURFACE_FLAG) {
        *value = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
        if (*value == 1 || strcmp(text, "false") == 0 || strcmp(text, "0") == 0) return 0;
        return failure(FAILURE_USAGE, "%s of %s is %s; it must be true or false", p->name,
                       row->name, text);
    }
    char *end;
    *value = strtod(text, &end);
    const bool decimal = strspn(text, "0123456789+-.eE") == strlen(text);
    if (end == text || *end || !decimal)
        return failure(FAILURE_USAGE, "%s of %s is %s; it must be a number", p->name, row->name,
                       text);
    const bool whole = p->kind != SURFACE_WHOLE || *value == floor(*value);
    if (*value >= p->least && *value <= p->greatest && whole) return 0;
    return failure(FAILURE_USAGE, "%s of %s is %s; it must be %s [%.15g, %.15g]", p->name,
                   row->name, text, p->kind == SURFACE_WHOLE ? "a whole number in" : "in", p->least,
                   p->greatest);
}

static int read_spec(surface *s, const char *text) {
    char word[WORD_MAX];
    int code = 0;
    if (!next_word(&text, word, &code))
        return code ? code : failure(FAILURE_USAGE, "the surface is empty; it must be NAME ...");
    code = find_row(word, &s->row);
    if (code) return code;
    for (int k = 0; k < s->row->nparameters; k++) s->parameter[k] = s->row->parameter[k].fallback;
    while (!code && next_word(&text, word, &code)) {
        char *value = strchr(word, '=');
        if (!value)
            return failure(FAILURE_USAGE, "after surface %s stands %s; it must be setting=value",
                           s->row->name, word);
        *value++ = '\0';
        int k = 0;
        code = find_parameter(s->row, word, &k);
        if (!code) code = read_value(s->row, &s->row->parameter[k], value, &s->parameter[k]);
    }
    return code;
}

static void write_spec(surface *s) {
    size_t used = (size_t)snprintf(s->spec, sizeof s->spec, "%s", s->row->name);
    for (int k = 0; k < s->row->nparameters; k++) {
        const surface_parameter *p = &s->row->parameter[k];
        if (s->parameter[k] == p->fallback || used >= sizeof s->spec) continue;
        used += (size_t)(p->kind == SURFACE_FLAG
                             ? snprintf(s->spec + used, sizeof s->spec - used, " %s=%s", p->name,
                                        s->parameter[k] != 0 ? "true" : "false")
                             : snprintf(s->spec + used, sizeof s->spec - used, " %s=%.*g", p->name,
                                        DBL_DIG, s->parameter[k]));
    }
}

/* ---- making it ---- */

static double parameter_named(const surface *s, const char *name) {
    for (int k = 0; k < s->row->nparameters; k++)
        if (strcmp(s->row->parameter[k].name, name) == 0) return s->parameter[k];
    return 0;
}

/* What the row says in numbers; build() does the rest. */
static int make(surface *s) {
    const surface_row *row = s->row;
    s->size = row->size ? row->size : (int)s->parameter[0];
    s->noise = parameter_named(s, "noise");
    s->seed = (uint64_t)parameter_named(s, "seed");
    s->minima = row->minima;
    s->least = row->least;
    const size_t n = (size_t)s->size;
    s->start = calloc(n, sizeof *s->start);
    if (row->minima > 0) s->minimum = calloc(n * (size_t)row->minima, sizeof *s->minimum);
    if (row->straight_valley) s->steep = calloc(n, sizeof *s->steep);
    if (!s->start || (row->minima > 0 && !s->minimum) || (row->straight_valley && !s->steep))
        return failure(FAILURE_INPUT, "out of memory for a surface of size %d", s->size);
    for (size_t i = 0; i < n; i++) {
        const size_t given = i < 2 ? i : 1;
        s->start[i] = row->start[given];
        for (int k = 0; k < row->minima; k++)
            s->minimum[(size_t)k * n + i] = row->minimum[k][given];
    }
    if (s->steep) s->steep[0] = 1;
    return row->build ? row->build(s) : 0;
}

int surface_create(surface **out, const char *spec) {
    surface *s = calloc(1, sizeof *s);
    if (!s) return failure(FAILURE_INPUT, "out of memory for a surface");
    int code = read_spec(s, spec);
    if (!code) code = make(s);
    if (code) {
        surface_destroy(s);
        return code;
    }
    write_spec(s);
    *out = s;
    return 0;
}

void surface_destroy(surface *s) {
    if (!s) return;
    free(s->start);
    free(s->minimum);
    free(s->steep);
    free(s->data);
    free(s);
}

/* ---- using it ---- */

double surface_loss(const surface *s, const double *theta) {
    double gradient[SURFACE_SIZE_MAX];
    return s->row->gradient_f64(s, theta, gradient);
}

static double noise(const surface *s, int64_t step, int i) {
    return s->noise * surface_normal(s, STREAM_NOISE + (uint64_t)step, (uint64_t)i);
}

double surface_gradient(const surface *s, const double *theta, int64_t step, double *gradient) {
    const double loss = s->row->gradient_f64(s, theta, gradient);
    for (int i = 0; s->noise > 0 && i < s->size; i++) gradient[i] += noise(s, step, i);
    return loss;
}

float surface_gradient_f32(const surface *s, const float *theta, int64_t step, float *gradient) {
    const float loss = s->row->gradient_f32(s, theta, gradient);
    for (int i = 0; s->noise > 0 && i < s->size; i++) gradient[i] += (float)noise(s, step, i);
    return loss;
}

void surface_hessian(const surface *s, const double *theta, double *hessian) {
    s->row->hessian(s, theta, hessian);
}

double surface_distance(const surface *s, const double *theta) {
    double nearest = NAN;
    for (int k = 0; k < s->minima; k++) {
        double squares = 0;
        for (int i = 0; i < s->size; i++) {
            const double d = theta[i] - s->minimum[k * s->size + i];
            squares += d * d;
        }
        nearest = fmin(nearest, sqrt(squares));
    }
    return nearest;
}

double surface_across(const surface *s, const double *theta) {
    if (!s->steep) return NAN;
    double across = 0;
    for (int i = 0; i < s->size; i++) across += s->steep[i] * (theta[i] - s->minimum[i]);
    return across;
}
