/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_text.c - a sweep on the terminal: a line while it runs, then the table and the best. */
#include "commands/sweep/sweep.h"
#include "page/printable.h"
#include "trainer/train.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- while it runs ---- */

void sweep_watch_begin(sweep_watch *w, const sweep *s) {
    *w = (sweep_watch){.sweep = s,
                       .live = !cli_is_given(s->args, CLI_QUIET) && cli_terminal(stderr),
                       .began = seconds_now(),
                       .ended_before = -1};
}

/* The best of the runs so far, whatever their seed. */
static const sweep_run *best_run(const sweep *s) {
    const sweep_run *best = NULL;
    for (int64_t k = 0; k < s->nruns; k++) {
        const double loss = sweep_loss(s, &s->run[k]);
        if (!isnan(loss) && (!best || loss < sweep_loss(s, best))) best = &s->run[k];
    }
    return best;
}

static void add_time_left(const sweep_watch *w, char *line, size_t size) {
    const int64_t made = w->ended - w->ended_before;
    if (made == 0) return;
    const double each = (seconds_now() - w->began) / (double)made;
    const int64_t left = (int64_t)(each * (double)(w->sweep->nruns - w->ended) + 0.5);
    const size_t used = strlen(line);
    snprintf(line + used, size - used, "  %" PRId64 ":%02d:%02d left", left / 3600,
             (int)(left / 60 % 60), (int)(left % 60));
}

void sweep_watch_draw(sweep_watch *w, int64_t ended) {
    const sweep *s = w->sweep;
    static const double REDRAW_SECONDS = 0.5;
    if (w->ended_before < 0) w->ended_before = ended;
    if (!w->live || (ended == w->ended && seconds_now() - w->drawn_at < REDRAW_SECONDS)) return;
    w->ended = ended;
    w->drawn_at = seconds_now();
    char line[512];
    snprintf(line, sizeof line, "%" PRId64 " of %" PRId64 " runs", ended, s->nruns);
    add_time_left(w, line, sizeof line);
    const sweep_run *best = best_run(s);
    const size_t used = strlen(line);
    if (best)
        snprintf(line + used, sizeof line - used, "  best loss %.4f: %s", sweep_loss(s, best),
                 strrchr(best->folder, '/') + 1);
    fprintf(stderr, "\r%.*s\033[K", cli_width(stderr) - 1, line);
}

void sweep_watch_end(sweep_watch *w) {
    if (w->live) fputs("\r\033[K", stderr);
}

/* ---- the table ---- */

enum { ROWS_MAX = 24, COLUMN_MAX = 28, NUMBER_WIDTH = 12, SCORE_WIDTH = 15 };

static void put_padded(FILE *out, const char *text, int width) {
    char cut[COLUMN_MAX + 4];
    const bool fits = strlen(text) <= COLUMN_MAX;
    snprintf(cut, sizeof cut, "%.*s%s", fits ? COLUMN_MAX : COLUMN_MAX - 3, text,
             fits ? "" : "...");
    const size_t columns = printable_put(out, cut);
    fprintf(out, "%*s", columns < (size_t)width ? width - (int)columns : 0, "");
}

static int width_of(const sweep_axis *axis) {
    size_t width = strlen(axis->target.name);
    for (int64_t k = 0; k < axis->count; k++) {
        const size_t length = strlen(axis->value[k]);
        if (length > width) width = length;
    }
    return (int)(width < COLUMN_MAX ? width : COLUMN_MAX) + 2;
}

static void put_number(FILE *out, int width, double value) {
    if (isnan(value))
        fprintf(out, "%*s", width, "-");
    else
        fprintf(out, "%*.4g", width, value);
}

double sweep_mean_score(const sweep *s, int64_t cell) {
    for (int64_t k = 0; k < s->nseeds; k++) {
        const sweep_run *run = sweep_run_of(s, cell, k);
        const bool counts = !isnan(sweep_loss(s, run));
        s->room[k] = !counts ? NAN : s->validates ? run->validation.score : run->train.score;
    }
    return ravine_spread_of(s->room, s->nseeds).mean;
}

static void print_row(const sweep *s, int64_t cell, FILE *out) {
    const sweep_cell *c = &s->cell[cell];
    for (int k = 0; k < s->naxes; k++)
        put_padded(out, sweep_text_of(s, cell, k), width_of(&s->axis[k]));
    put_number(out, NUMBER_WIDTH, c->loss.count ? c->loss.mean : NAN);
    put_number(out, NUMBER_WIDTH, c->loss.deviation);
    put_number(out, SCORE_WIDTH, sweep_mean_score(s, cell));
    if (c->diverged) fprintf(out, "  %" PRId64 " of %" PRId64 " diverged", c->diverged, s->nseeds);
    fputc('\n', out);
}

static void print_table(const sweep *s, FILE *out) {
    const sweep_cell **order = calloc((size_t)s->ncells, sizeof *order);
    if (!order) return; /* the page and the best are there all the same */
    for (int k = 0; k < s->naxes; k++)
        put_padded(out, s->axis[k].target.name, width_of(&s->axis[k]));
    fprintf(out, "%*s%*s%*s\n", NUMBER_WIDTH, s->validates ? "validation" : "train loss",
            NUMBER_WIDTH, "deviation", SCORE_WIDTH, s->score);
    sweep_rank(s, order);
    for (int64_t k = 0; k < s->ncells && k < ROWS_MAX; k++) print_row(s, order[k] - s->cell, out);
    if (s->ncells > ROWS_MAX) fprintf(out, "... and %" PRId64 " more\n", s->ncells - ROWS_MAX);
    free(order);
}

/* ---- the best ---- */

/* "lr=0.01, batch_size=32" */
static void print_cell(const sweep *s, int64_t cell, FILE *out) {
    for (int k = 0; k < s->naxes; k++) {
        fprintf(out, "%s%s=", k ? ", " : "", s->axis[k].target.name);
        printable_put(out, sweep_text_of(s, cell, k));
    }
}

static void print_lead(const sweep *s, const sweep_lead *lead, FILE *out) {
    if (lead->next < 0) return;
    fprintf(out, "next: ");
    print_cell(s, lead->next, out);
    fprintf(out, ": %.4g", s->cell[lead->next].loss.mean);
    if (s->nseeds == 1) {
        fprintf(out, "; one seed says nothing of chance: --seeds 3\n");
        return;
    }
    fprintf(out, "\n      the best is lower with %" PRId64 " of %" PRId64 " seeds, by %.2g",
            lead->lower_in, s->nseeds, lead->by.mean);
    if (lead->seeds > 0)
        fprintf(out, " on average, %.2g times the deviation of the seeds",
                lead->by.mean / lead->seeds);
    if (lead->lower_in < s->nseeds) fprintf(out, "\n      the seeds do not tell the two apart");
    fputc('\n', out);
}

static void print_edges(const sweep *s, int64_t cell, FILE *out) {
    for (int k = 0; k < s->naxes; k++) {
        const int edge = sweep_edge(s, cell, k);
        if (edge)
            fprintf(out, "%s=%s is the %s that was tried: a wider range may hold a better one\n",
                    s->axis[k].target.name, sweep_text_of(s, cell, k),
                    edge < 0 ? "least" : "greatest");
    }
}

void sweep_print_answer(const sweep *s, FILE *out) {
    const sweep_lead lead = sweep_find_lead(s);
    if (lead.best < 0) {
        fprintf(out, "no combination came to its end with every seed\n");
        return;
    }
    const ravine_spread *loss = &s->cell[lead.best].loss;
    fprintf(out, "best: ");
    print_cell(s, lead.best, out);
    fprintf(out, ": %s loss %.4g", s->validates ? "validation" : "training", loss->mean);
    if (loss->count > 1)
        fprintf(out, ", deviation %.2g over %" PRId64 " seeds", loss->deviation, loss->count);
    fputc('\n', out);
    print_lead(s, &lead, out);
    print_edges(s, lead.best, out);
}

static void print_lines(const sweep *s, FILE *out) {
    const int64_t best = sweep_best(s, -1);
    char *lines = best >= 0 ? sweep_lines(s, best) : NULL;
    if (lines) {
        fprintf(out, "\nfor the configuration:\n\n");
        printable_lines(out, lines);
    }
    free(lines);
}

static const char *several(int64_t count) {
    return count == 1 ? "" : "s";
}

void sweep_print_size(const sweep *s, FILE *out) {
    fprintf(out, "%" PRId64 " combination%s, %" PRId64 " seed%s each: %" PRId64 " run%s", s->ncells,
            several(s->ncells), s->nseeds, several(s->nseeds), s->nruns, several(s->nruns));
}

void sweep_print(const sweep *s, FILE *out) {
    sweep_print_size(s, out);
    fprintf(out, " in ");
    printable_put(out, s->folder);
    fprintf(out, "\n\n");
    print_table(s, out);
    fputc('\n', out);
    sweep_print_answer(s, out);
    print_lines(s, out);
    fprintf(out, "\nall of them: ");
    printable_put(out, s->folder);
    fprintf(out, "/sweep.html\n");
}
