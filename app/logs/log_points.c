/* SPDX-License-Identifier: Apache-2.0 */
/* log_points.c - of each name a series whose steps rise, then all of them side by side. */
#include "logs/log_points.h"

#include "data/csv.h"
#include "io/failure.h"
#include "logs/log_names.h"
#include "logs/log_reader.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MAX 9007199254740992.0 /* 2^53: each whole number below is a double */

/* The numbers of one quantity; steps rise. */
typedef struct track {
    double *step, *value; /* [count] */
    size_t count, next;   /* next: of the merge */
} track;

typedef struct maker {
    log_data *log;
    double *row_step; /* [nrows] */
    track track[LOG_QUANTITIES];
    /* Of the loss: */
    size_t back, anew, again; /* steps that go back, to the start of all, that are there twice */
    double back_to, back_from;
} maker;

static int no_memory(const maker *m) {
    return failure(FAILURE_INPUT, "%s: out of memory", m->log->path);
}

/* ---- the step of each row ---- */

static int wrong_step(const maker *m, const log_series *s, size_t k) {
    return failure(FAILURE_INPUT, "%s, line %" PRId64 ": %s is %g; a step is from 0 to %.0f",
                   m->log->path, m->log->line[s->cell[k].row], csv_quote(s->key).text,
                   s->cell[k].value, STEP_MAX);
}

/* A row without a step belongs to the last one; the first rows to the first. */
static int read_steps(maker *m, const log_series *s) {
    size_t k = 0;
    double now = s->cell[0].value;
    for (size_t row = 0; row < m->log->nrows; row++) {
        for (; k < s->count && s->cell[k].row == row; k++) {
            now = s->cell[k].value;
            if (!(now >= 0 && now < STEP_MAX)) return wrong_step(m, s, k);
        }
        m->row_step[row] = now;
    }
    return 0;
}

/* Without a column of steps an epoch is one, else the place in the file. */
static int find_steps(maker *m) {
    log_data *log = m->log;
    const log_series *steps = log_series_of(log, log->taken[LOG_STEP]);
    const log_series *epochs = log_series_of(log, log->taken[LOG_EPOCH]);
    m->row_step = malloc((log->nrows + 1) * sizeof *m->row_step);
    if (!m->row_step) return no_memory(m);
    if (steps) return read_steps(m, steps);
    if (epochs) {
        log->epochs = true;
        log->taken[LOG_STEP] = log->taken[LOG_EPOCH];
        return read_steps(m, epochs);
    }
    log_note(log, "there is no column of steps: rows are counted");
    for (size_t row = 0; row < log->nrows; row++) m->row_step[row] = (double)(row + 1);
    return 0;
}

/* ---- one quantity ---- */

/* Of a step that was logged several times in a row the mean counts: micro-batches, processes. */
static void take_again(track *t, double value, size_t times) {
    double *mean = &t->value[t->count - 1];
    *mean += (value - *mean) / (double)times;
}

/* Steps that were made again after a checkpoint: the later ones count. */
static void go_back(maker *m, track *t, double step, bool loss) {
    if (loss) {
        m->back++;
        m->back_to = step;
        m->back_from = t->step[t->count - 1];
        if (step <= t->step[0]) m->anew++;
    }
    while (t->count > 0 && t->step[t->count - 1] >= step) t->count--;
}

static int make_track(maker *m, log_quantity q) {
    const log_series *s = log_series_of(m->log, m->log->taken[q]);
    track *t = &m->track[q];
    if (!s) return 0;
    t->step = malloc(s->count * sizeof *t->step);
    t->value = malloc(s->count * sizeof *t->value);
    if (!t->step || !t->value) return no_memory(m);
    for (size_t k = 0, times = 1; k < s->count; k++) {
        const double step = m->row_step[s->cell[k].row], value = s->cell[k].value;
        const bool same = t->count > 0 && step == t->step[t->count - 1];
        times = same ? times + 1 : 1;
        if (same) {
            take_again(t, value, times);
            m->again += q == LOG_LOSS;
            continue;
        }
        if (t->count > 0 && step < t->step[t->count - 1]) go_back(m, t, step, q == LOG_LOSS);
        t->step[t->count] = step;
        t->value[t->count++] = value;
    }
    return 0;
}

/* ---- what the order of the steps tells ---- */

/* A column of names of which there are several. */
static const log_series *names_of_runs(const log_data *log) {
    static const char *const known[] = {"run", "run_id", "run_name", "name", "experiment",
                                        "Run", "Name",   "ID",       "id"};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        const log_series *s = log_series_of(log, known[k]);
        if (s && s->variants > 0) return s;
    }
    return NULL;
}

static int check_runs(const maker *m) {
    const log_series *s = names_of_runs(m->log);
    if (s && !m->log->taken[LOG_STEP])
        return failure(FAILURE_INPUT,
                       "%s: a table of runs, one row for each; the history of one run is wanted "
                       "(docs/logs.md)",
                       m->log->path);
    if (s)
        return failure(FAILURE_INPUT,
                       "%s: several runs in one log (column %s); keep the rows of one",
                       m->log->path, csv_quote(s->key).text);
    if (m->back > 8 && m->back > log_series_of(m->log, m->log->taken[LOG_LOSS])->count / 20)
        return failure(FAILURE_INPUT,
                       "%s: %s goes back %zu times: several runs in one log? Keep the rows of one",
                       m->log->path, csv_quote(m->log->taken[LOG_STEP]).text, m->back);
    return 0;
}

static void note_order(const maker *m) {
    log_data *log = m->log;
    if (m->anew > 0)
        log_note(log,
                 "the steps begin anew %zu time%s: several runs in one log; the last is looked at",
                 m->anew, m->anew > 1 ? "s" : "");
    else if (m->back > 0) {
        log->resumed = m->back_to;
        log_note(log,
                 "training went on from step %.0f after step %.0f%s: of steps that are there twice "
                 "the later ones count",
                 m->back_to, m->back_from, m->back > 1 ? ", and so before" : "");
    }
    if (m->again > 0)
        log_note(log, "%zu losses belong to the same step as the one before: their mean counts",
                 m->again);
}

/* ---- side by side ---- */

static double least_step(const maker *m) {
    double least = INFINITY;
    for (int q = 0; q < LOG_QUANTITIES; q++) {
        const track *t = &m->track[q];
        if (t->next < t->count && t->step[t->next] < least) least = t->step[t->next];
    }
    return least;
}

static log_point take_point(maker *m, double step) {
    log_point p = {.told = 1u << LOG_STEP};
    for (int q = 0; q < LOG_QUANTITIES; q++) {
        track *t = &m->track[q];
        const bool told = t->next < t->count && t->step[t->next] == step;
        p.value[q] = told ? t->value[t->next++] : NAN;
        if (told) p.told |= 1u << q;
    }
    p.value[LOG_STEP] = step;
    return p;
}

static int merge(maker *m) {
    size_t most = 0;
    for (int q = 0; q < LOG_QUANTITIES; q++) most += m->track[q].count;
    m->log->point = malloc((most + 1) * sizeof *m->log->point);
    if (!m->log->point) return no_memory(m);
    for (double step; step = least_step(m), step < (double)INFINITY;)
        m->log->point[m->log->npoints++] = take_point(m, step);
    return 0;
}

static int check_losses(const maker *m) {
    const size_t count = m->track[LOG_LOSS].count;
    if (count >= 2) return 0;
    return failure(FAILURE_INPUT,
                   "%s: %zu value of %s; two at least are wanted, and a history of dozens tells "
                   "more",
                   m->log->path, count, csv_quote(m->log->taken[LOG_LOSS]).text);
}

static int make(maker *m) {
    int status = find_steps(m);
    for (int q = LOG_STEP + 1; q < LOG_QUANTITIES && !status; q++)
        status = make_track(m, (log_quantity)q);
    if (!status) status = check_runs(m);
    if (!status) status = check_losses(m);
    if (status) return status;
    note_order(m);
    return merge(m);
}

int log_make_points(log_data *log) {
    maker m = {.log = log};
    const int status = make(&m);
    for (int q = 0; q < LOG_QUANTITIES; q++) {
        free(m.track[q].step);
        free(m.track[q].value);
    }
    free(m.row_step);
    return status;
}
