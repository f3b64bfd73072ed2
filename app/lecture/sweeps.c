/* SPDX-License-Identifier: Apache-2.0 */
#include "lecture/sweeps.h"

#include "lecture/words.h"

#include <math.h>
#include <stdbool.h>

static const struct {
    const char *day, *machine, *command;
} origins[] = {
#define SAVED_SWEEP(NAME, ...) {__VA_ARGS__},
#include "lecture/sweeps.def"
};

typedef struct saved_run {
    saved_sweep sweep;
    double row, column;
    int seed;
    double loss;
} saved_run;

static const saved_run runs[] = {
#define SAVED_RUN(NAME, ...) {SAVED_##NAME, __VA_ARGS__},
#include "lecture/sweeps.def"
};
enum { RUNS = sizeof runs / sizeof *runs };

static const struct {
    saved_sweep sweep;
    double loss;
} targets[] = {
#define SAVED_TARGET(NAME, LOSS) {SAVED_##NAME, LOSS},
#include "lecture/sweeps.def"
};
enum { TARGETS = sizeof targets / sizeof *targets };

static const struct {
    saved_sweep sweep;
    double row, column;
    int seed;
    double steps;
} arrivals[] = {
#define SAVED_STEPS(NAME, ...) {SAVED_##NAME, __VA_ARGS__},
#include "lecture/sweeps.def"
};
enum { ARRIVALS = sizeof arrivals / sizeof *arrivals };

static const struct {
    saved_sweep sweep;
    double row;
    int seed;
    double step, scale;
} noises[] = {
#define SAVED_NOISE(NAME, ...) {SAVED_##NAME, __VA_ARGS__},
#include "lecture/sweeps.def"
};
enum { NOISES = sizeof noises / sizeof *noises };

static bool is_in(const saved_run *run, saved_sweep sweep, double row, double column) {
    return run->sweep == sweep && run->row == row && run->column == column;
}

double saved_loss(saved_sweep sweep, double row, double column, int seed) {
    for (size_t k = 0; k < RUNS; k++)
        if (is_in(&runs[k], sweep, row, column) && runs[k].seed == seed) return runs[k].loss;
    return NAN;
}

int saved_diverged(saved_sweep sweep) {
    int n = 0;
    for (size_t k = 0; k < RUNS; k++) n += runs[k].sweep == sweep && isnan(runs[k].loss);
    return n;
}

double saved_target(saved_sweep sweep) {
    for (size_t k = 0; k < TARGETS; k++)
        if (targets[k].sweep == sweep) return targets[k].loss;
    return NAN;
}

double saved_steps(saved_sweep sweep, double row, double column, int seed) {
    for (size_t k = 0; k < ARRIVALS; k++)
        if (arrivals[k].sweep == sweep && arrivals[k].row == row && arrivals[k].column == column &&
            arrivals[k].seed == seed)
            return arrivals[k].steps;
    return NAN;
}

/* Of the runs of a cell, one for each seed. */
static double mean_of(double (*value)(saved_sweep, double, double, int), saved_sweep sweep,
                      double row, double column) {
    double sum = 0;
    int n = 0;
    for (size_t k = 0; k < RUNS; k++) {
        if (!is_in(&runs[k], sweep, row, column)) continue;
        sum += value(sweep, row, column, runs[k].seed);
        n++;
    }
    return sum / n;
}

double saved_mean(saved_sweep sweep, double row, double column) {
    return mean_of(saved_loss, sweep, row, column);
}

double saved_mean_steps(saved_sweep sweep, double row, double column) {
    return mean_of(saved_steps, sweep, row, column);
}

void saved_noise(noise_course *course, saved_sweep sweep, double row, int seed) {
    course->n = 0;
    for (size_t k = 0; k < NOISES && course->n < SAVED_POINTS; k++) {
        if (noises[k].sweep != sweep || noises[k].row != row || noises[k].seed != seed) continue;
        course->step[course->n] = noises[k].step;
        course->scale[course->n++] = noises[k].scale;
    }
}

static bool is_among(double value, const double *values, size_t n) {
    for (size_t k = 0; k < n; k++)
        if (values[k] == value) return true;
    return false;
}

size_t saved_columns(saved_sweep sweep, double column[SAVED_COLUMNS]) {
    size_t n = 0;
    for (size_t k = 0; k < RUNS && n < SAVED_COLUMNS; k++)
        if (runs[k].sweep == sweep && !is_among(runs[k].column, column, n))
            column[n++] = runs[k].column;
    return n;
}

void saved_put_origin(page *p, saved_sweep sweep) {
    page_add(p, "<code>");
    page_escape(p, origins[sweep].command);
    page_add(p, "</code>\n<p>");
    words_put(p, (svg_text){"saved numbers, made on ", "保存的结果，运行于 "});
    page_escape(p, origins[sweep].day);
    page_add(p, "; ");
    page_escape(p, origins[sweep].machine);
    page_add(p, "</p>\n");
}
