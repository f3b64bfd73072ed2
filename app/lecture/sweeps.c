/* SPDX-License-Identifier: Apache-2.0 */
#include "lecture/sweeps.h"

#include "lecture/words.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

json_t *saved_read(const char *bytes, size_t size) {
    json_t *saved = json_array();
    for (const char *end = bytes + size; saved && bytes < end;) {
        const char *feed = memchr(bytes, '\n', (size_t)(end - bytes));
        const size_t length = (size_t)((feed ? feed : end) - bytes);
        if (json_array_append_new(saved, json_loadb(bytes, length, 0, NULL))) {
            json_decref(saved);
            return NULL;
        }
        bytes += length + (feed != NULL);
    }
    return saved;
}

static const char *text_of(const json_t *line, const char *key) {
    const char *text = json_string_value(json_object_get(line, key));
    return text ? text : "";
}

/* null is NaN. */
static double number_of(const json_t *line, const char *key) {
    const json_t *number = json_object_get(line, key);
    return json_is_number(number) ? json_number_value(number) : NAN;
}

static bool is_line(const json_t *line, const char *sweep, const char *type) {
    return !strcmp(text_of(line, "sweep"), sweep) && !strcmp(text_of(line, "type"), type);
}

static const json_t *made_of(const json_t *saved, const char *sweep) {
    size_t k;
    const json_t *line;
    json_array_foreach(saved, k, line) if (is_line(line, sweep, "made")) return line;
    return NULL;
}

static bool is_in(const json_t *line, const char *sweep, double row, double column) {
    return is_line(line, sweep, "run") && number_of(line, "row") == row &&
           number_of(line, "column") == column;
}

static double value_of(const json_t *saved, const char *sweep, double row, double column, int seed,
                       const char *key) {
    size_t k;
    const json_t *line;
    json_array_foreach(saved, k, line) {
        if (is_in(line, sweep, row, column) && number_of(line, "seed") == seed)
            return number_of(line, key);
    }
    return NAN;
}

/* Of the runs of a cell, one for each seed. */
static double mean_of(const json_t *saved, const char *sweep, double row, double column,
                      const char *key) {
    double sum = 0;
    int n = 0;
    size_t k;
    const json_t *line;
    json_array_foreach(saved, k, line) {
        if (!is_in(line, sweep, row, column)) continue;
        sum += number_of(line, key);
        n++;
    }
    return sum / n;
}

double saved_loss(const json_t *saved, const char *sweep, double row, double column, int seed) {
    return value_of(saved, sweep, row, column, seed, "loss");
}

double saved_mean(const json_t *saved, const char *sweep, double row, double column) {
    return mean_of(saved, sweep, row, column, "loss");
}

double saved_steps(const json_t *saved, const char *sweep, double row, double column, int seed) {
    return value_of(saved, sweep, row, column, seed, "steps");
}

double saved_mean_steps(const json_t *saved, const char *sweep, double row, double column) {
    return mean_of(saved, sweep, row, column, "steps");
}

double saved_target(const json_t *saved, const char *sweep) {
    return number_of(made_of(saved, sweep), "target");
}

int saved_diverged(const json_t *saved, const char *sweep) {
    int n = 0;
    size_t k;
    const json_t *line;
    json_array_foreach(saved, k, line) {
        n += is_line(line, sweep, "run") && isnan(number_of(line, "loss"));
    }
    return n;
}

static bool is_among(double value, const double *values, size_t n) {
    for (size_t k = 0; k < n; k++)
        if (values[k] == value) return true;
    return false;
}

size_t saved_columns(const json_t *saved, const char *sweep, double column[SAVED_COLUMNS]) {
    size_t n = 0, k;
    const json_t *line;
    json_array_foreach(saved, k, line) {
        const double found = number_of(line, "column");
        if (n < SAVED_COLUMNS && is_line(line, sweep, "run") && !is_among(found, column, n))
            column[n++] = found;
    }
    return n;
}

double saved_best(const json_t *saved, const char *sweep, double row, double *least) {
    double column[SAVED_COLUMNS], best = NAN, lowest = INFINITY;
    const size_t n = saved_columns(saved, sweep, column);
    for (size_t k = 0; k < n; k++) {
        const double loss = saved_mean(saved, sweep, row, column[k]);
        if (!(loss < lowest)) continue;
        lowest = loss;
        best = column[k];
    }
    if (least) *least = lowest;
    return best;
}

void saved_noise(noise_course *course, const json_t *saved, const char *sweep, double row,
                 int seed) {
    course->n = 0;
    size_t k;
    const json_t *line;
    json_array_foreach(saved, k, line) {
        if (course->n == SAVED_POINTS || !is_line(line, sweep, "noise")) continue;
        if (number_of(line, "row") != row || number_of(line, "seed") != seed) continue;
        const double scale = number_of(line, "scale");
        course->step[course->n] = number_of(line, "step");
        course->scale[course->n++] = isnan(scale) ? INFINITY : scale;
    }
}

static void put_command(page *p, const char *command) {
    for (const char *option; (option = strstr(command, " --"));) {
        char before[512];
        snprintf(before, sizeof before, "%.*s", (int)(option - command), command);
        page_escape(p, before);
        command = option + strlen(" --");
        words_option(p, command);
        command += strcspn(command, " =");
    }
    page_escape(p, command);
}

void saved_put_origin(page *p, const json_t *saved, const char *sweep) {
    const json_t *made = made_of(saved, sweep);
    page_add(p, "<code>");
    put_command(p, text_of(made, "command"));
    page_add(p, "</code>\n<p>");
    words_put(p, (svg_text){"saved numbers, made on ", "保存的结果，运行于 "});
    page_escape(p, text_of(made, "day"));
    page_add(p, "; ");
    page_escape(p, text_of(made, "machine"));
    page_add(p, "</p>\n");
}
