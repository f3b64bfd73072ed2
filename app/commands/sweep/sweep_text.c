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

static void print_lines(const sweep *s, FILE *out) {
    const int64_t best = sweep_best(s, -1);
    char *lines = best >= 0 ? sweep_lines(s, best) : NULL;
    if (lines) {
        fprintf(out, "\nfor the configuration:\n\n");
        printable_lines(out, lines);
    }
    free(lines);
}

static void print_line(void *out, const phrase *line) {
    printable_put(out, line->in[PAGE_ENGLISH]);
    fputc('\n', out);
}

void sweep_print(const sweep *s, FILE *out) {
    phrase size;
    sweep_say_size(s, &size);
    fprintf(out, "%s in ", size.in[PAGE_ENGLISH]);
    printable_put(out, s->folder);
    fprintf(out, "\n\n");
    print_table(s, out);
    fputc('\n', out);
    sweep_say_answer(s, &(phrase_receiver){print_line, out});
    print_lines(s, out);
    fprintf(out, "\nall of them: ");
    printable_put(out, s->folder);
    fprintf(out, "/sweep.html\n");
}
