/* SPDX-License-Identifier: Apache-2.0 */
#include "logs/log_axes.h"

#include "data/csv.h"
#include "logs/log_names.h"
#include "logs/log_reader.h"

#include <math.h>
#include <string.h>

typedef struct axes {
    log_data *log;
    struct log_cell *step;       /* [nrows] */
    const struct log_cell *time; /* [nrows] */
} axes;

typedef struct span {
    double step, time;
} span;

/* Has each row one, and only one? */
static bool is_whole(const log_data *log, const log_series *s) {
    if (!s || s->count != log->nrows) return false;
    for (size_t row = 0; row < s->count; row++)
        if (s->cell[row].row != row || !isfinite(s->cell[row].value)) return false;
    return true;
}

static bool is_axis(const log_series *s) {
    return !strcmp(s->key, "step") || !strcmp(s->key, "_timestamp");
}

static span span_of(const axes *a, const log_series *s) {
    if (s->count < 2) return (span){0, 0};
    const size_t first = s->cell[0].row, last = s->cell[s->count - 1].row;
    return (span){a->step[last].value - a->step[first].value,
                  a->time[last].value - a->time[first].value};
}

/* The name whose steps go furthest. */
static const log_series *find_longest(const axes *a) {
    const log_series *longest = NULL;
    double most = 0;
    for (size_t k = 0; k < a->log->nseries; k++) {
        const log_series *s = &a->log->series[k];
        const double now = is_axis(s) ? 0 : span_of(a, s).step;
        if (now <= most) continue;
        most = now;
        longest = s;
    }
    return longest;
}

static bool times_rise(const axes *a, const log_series *s) {
    for (size_t k = 1; k < s->count; k++)
        if (a->time[s->cell[k].row].value < a->time[s->cell[k - 1].row].value) return false;
    return true;
}

/* As long in time, and nearly nothing in steps. */
static bool counts_otherwise(const axes *a, const log_series *s, span longest) {
    const span own = span_of(a, s);
    return !is_axis(s) && s->count >= 2 && own.time > 0 && 2 * own.time >= longest.time &&
           own.step >= 0 && 5 * own.step <= longest.step;
}

/* The step that was made when it was `time`; times of `by` rise. */
static double step_at(const axes *a, const log_series *by, double time) {
    size_t low = 0, high = by->count; /* the last one that is not later is in [low, high) */
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (a->time[by->cell[middle].row].value <= time)
            low = middle;
        else
            high = middle;
    }
    return a->step[by->cell[low].row].value;
}

static void move(const axes *a, const log_series *s, const log_series *by) {
    for (size_t k = 0; k < s->count; k++) {
        const size_t row = s->cell[k].row;
        a->step[row].value = step_at(a, by, a->time[row].value);
    }
    log_note(a->log, "%s counts other steps (epochs?) than %s: it was placed by its times",
             csv_quote(s->key).text, csv_quote(by->key).text);
}

void log_align_axes(log_data *log) {
    const log_series *steps = log_series_of(log, "step"), *times = log_series_of(log, "_timestamp");
    if (!is_whole(log, steps) || !is_whole(log, times)) return;
    const axes a = {log, steps->cell, times->cell};
    const log_series *by = find_longest(&a);
    if (!by || !times_rise(&a, by)) return;
    const span longest = span_of(&a, by);
    for (size_t k = 0; k < log->nseries && longest.time > 0; k++)
        if (counts_otherwise(&a, &log->series[k], longest)) move(&a, &log->series[k], by);
}
