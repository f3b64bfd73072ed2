/* SPDX-License-Identifier: Apache-2.0 */
/* train_watch.c - what a person sees of a training: one live line, a table, a summary. */
#include "cli/cli.h"
#include "page/printable.h"
#include "run/diagnosis.h"
#include "trainer/train.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

int64_t peak_memory_bytes(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)usage.ru_maxrss * 1024; /* Linux counts in KiB */
}

/* ---- the live line ----------------------------------------------------------------------------
 */

/* One piece of the line; when the terminal is narrow the highest `rank` goes first. */
typedef struct piece {
    int rank;
    char text[48];
} piece;

/* Joins the pieces that fit into `width` columns. */
static void join(char *line, size_t capacity, const piece *pieces, int n, int width) {
    bool fits = false;
    for (int worst = n; !fits && worst > 0; worst--) { /* pieces of rank <= worst */
        size_t used = 0;
        line[0] = '\0';
        for (int k = 0; k < n && used < capacity; k++)
            if (pieces[k].rank <= worst)
                used += (size_t)snprintf(line + used, capacity - used, "%s%s", used ? "  " : "",
                                         pieces[k].text);
        fits = used <= (size_t)width;
    }
    if (!fits && (size_t)width < capacity) line[width] = '\0';
}

static void draw(train_watch *w, const piece *pieces, int n) {
    char line[512];
    join(line, sizeof line, pieces, n, cli_width(stderr) - 1);
    live_line_draw(&w->line, line);
}

void train_watch_erase(train_watch *w) {
    live_line_erase(&w->line);
}

void train_watch_step(train_watch *w, const run_step *s) {
    w->loss_sum += s->loss;
    w->loss_count++;
    if (!live_line_is_due(&w->line)) return;

    static const char *const examples[] = {"images", "rows", "sequences"};
    const training *t = w->t;
    double per_second = (double)(s->step * t->trainer.batch) / s->seconds;
    double left = s->seconds / (double)s->step * (double)(t->total_steps - s->step);
    char number[NUMBER_SIZE];
    piece pieces[7] = {{1, ""}, {4, ""}, {2, ""}, {5, ""}, {6, ""}, {7, ""}, {3, ""}};
    enum { SIZE = sizeof pieces[0].text };
    snprintf(pieces[0].text, SIZE, "epoch %" PRId64 "/%" PRId64, s->epoch, t->config->epochs);
    snprintf(pieces[1].text, SIZE, "step %" PRId64 "/%" PRId64, s->step, t->total_steps);
    snprintf(pieces[2].text, SIZE, "loss %.4f", w->loss_sum / (double)w->loss_count);
    snprintf(pieces[3].text, SIZE, "|g| %.3g", s->stats.grad_norm);
    snprintf(pieces[4].text, SIZE, "lr %.2e", s->stats.lr);
    snprintf(pieces[5].text, SIZE, "%s %s/s", grouped(number, (int64_t)per_second),
             examples[t->config->data_format]);
    snprintf(pieces[6].text, SIZE, "%s left", clock_text(number, left));
    draw(w, pieces, 7);
    w->loss_sum = 0;
    w->loss_count = 0;
}

void train_watch_evaluating(train_watch *w, int64_t epoch) {
    if (!live_line_is_due(&w->line)) return;
    piece pieces[2] = {{1, ""}, {2, "validating"}};
    snprintf(pieces[0].text, sizeof pieces[0].text, "epoch %" PRId64 "/%" PRId64, epoch,
             w->t->config->epochs);
    draw(w, pieces, 2);
}

/* ---- the table --------------------------------------------------------------------------------
 */

static bool validates(const train_watch *w) {
    return w->t->data.validation.count > 0;
}

static const char *score_title(const training *t) {
    if (training_is_of_text(t)) return "bits/byte";
    return training_is_regression(t) ? "rmse" : "accuracy";
}

/* ---- in lines that fit ---- */

/* What is written before it is broken into lines. */
typedef struct draft {
    char *text;
    size_t size;
} draft;

static void print_draft(const train_watch *w, FILE *out, draft *d) {
    if (out && fclose(out) == 0) cli_print_lines(w->table, d->text, "");
    fflush(w->table);
    free(d->text);
}

static void put_title(const train_watch *w, FILE *out) {
    const training *t = w->t;
    const run_config *c = t->config;
    char size[NUMBER_SIZE], train[NUMBER_SIZE], held[NUMBER_SIZE], test[NUMBER_SIZE];
    size_t length;
    const char *model =
        config_word(config_rows[CONFIG_KEY_model_name].words, c->model_name, &length);
    if (t->data.summary) {
        printable_lines(out, t->data.summary);
        fputc('\n', out);
    }
    fprintf(out, "%s: %.*s of %s parameters; %s examples to train on, %s to validate, %s to test\n",
            c->name, (int)length, model, grouped(size, net_size(t->trainer.net)),
            grouped(train, t->data.train.count), grouped(held, t->data.validation.count),
            grouped(test, t->data.test.count));
    fprintf(out, "%s%s%s; batches of %" PRId64 ", %d threads\n\n", c->optimizer,
            c->schedule_lr ? "; lr " : "", c->schedule_lr ? c->schedule_lr : "", t->trainer.batch,
            (int)ravine_pool_threads(t->trainer.pool));
}

static void print_title(const train_watch *w) {
    draft d = {0};
    FILE *out = open_memstream(&d.text, &d.size);
    put_title(w, out ? out : w->table);
    print_draft(w, out, &d);
    fprintf(w->table, "%6s %11s", "epoch", "train loss");
    if (validates(w)) fprintf(w->table, " %10s %9s", "validation", score_title(w->t));
    if (validates(w) && w->t->aside) fprintf(w->table, " %9s", "averaged");
    fprintf(w->table, " %8s\n", "seconds");
    fflush(w->table);
}

enum { ROWS_MOST = 20 };

void train_watch_begin(train_watch *w, const training *t, bool quiet, bool json) {
    *w = (train_watch){.t = t};
    if (quiet) return;
    w->table = json ? stderr : stdout;
    w->line = live_line_begin();
    w->every = cli_terminal(w->table) ? 1 + (t->config->epochs - 1) / ROWS_MOST : 1;
    print_title(w);
}

enum { SCORE_COLUMNS = 10 }; /* with the blank before */

/* `width`: of a column, or 0. */
static void put_score(const train_watch *w, FILE *out, double score, int width) {
    if (training_is_regression(w->t) || training_is_of_text(w->t))
        fprintf(out, "%*.4f", width, score);
    else
        fprintf(out, "%*.2f %%", width > 2 ? width - 2 : 0, 100 * score);
}

/* On a terminal a training of many short epochs has some twenty rows, so that what comes before and
 * after them can be read; an epoch of a second or more has its own. The others are in the log. */
static bool has_row(const train_watch *w, const run_epoch *e) {
    static const double ROW_SECONDS = 1;
    return e->epoch <= 1 || e->epoch % w->every == 0 || seconds_now() - w->row_at >= ROW_SECONDS;
}

static void print_row(train_watch *w, const run_epoch *e) {
    train_watch_erase(w);
    w->row_at = seconds_now();
    fprintf(w->table, "%6" PRId64 " %11.4f", e->epoch, e->train.loss);
    if (validates(w)) {
        fprintf(w->table, " %10.4f", e->validation.loss);
        put_score(w, w->table, e->validation.score, SCORE_COLUMNS);
        if (w->t->aside) put_score(w, w->table, e->average.score, SCORE_COLUMNS);
    }
    fprintf(w->table, " %8.2f\n", e->seconds);
    fflush(w->table);
}

void train_watch_epoch(train_watch *w, const run_epoch *e) {
    if (!w->table) return;
    w->left_out = (run_epoch){0};
    if (has_row(w, e))
        print_row(w, e);
    else
        w->left_out = *e;
}

/* The last epoch has a row in any case. */
static void end_table(train_watch *w) {
    if (w->left_out.epoch) print_row(w, &w->left_out);
    w->left_out = (run_epoch){0};
}

void train_watch_patience(train_watch *w, const train_result *r) {
    if (!w->table) return;
    const run_config *c = w->t->config;
    end_table(w);
    train_watch_erase(w);
    fprintf(w->table,
            "stopped after epoch %" PRId64 " of %" PRId64 ": for %" PRId64
            " epochs the validation loss has not fallen by %g %% (train.patience, train.margin)\n",
            r->nepochs, c->epochs, c->train_patience, 100 * c->train_margin);
}

void train_watch_told(train_watch *w, const run_step *s, const char *text) {
    if (!w->line.live) return;
    train_watch_erase(w);
    fprintf(stderr, "step %" PRId64 ": %s\n", s->step, text);
}

void train_watch_complain(train_watch *w, const char *what, const char *why) {
    train_watch_erase(w);
    fprintf(stderr, "ravine: %s: ", what);
    printable_put(stderr, why);
    fputc('\n', stderr);
}

static void put_test(const train_watch *w, FILE *out, const train_result *r) {
    fprintf(out, "weights of epoch %" PRId64 ", %s\n", r->test.epoch,
            train_best(w->t, r) ? "where the validation loss was least" : "the last");
    fprintf(out, "test: loss %.4f, %s ", r->test.score.loss, score_title(w->t));
    put_score(w, out, r->test.score.score, 0);
    if (w->t->aside) {
        fputs(", averaged ", out);
        put_score(w, out, r->test.average.score, 0);
    }
    fputc('\n', out);
}

/* What was asked for stands last: how good it is. */
static void put_end(const train_watch *w, FILE *out, const train_result *r, const char *folder) {
    const training *t = w->t;
    char steps[NUMBER_SIZE], rate[NUMBER_SIZE], held[NUMBER_SIZE], announced[NUMBER_SIZE];
    double epochs = (double)r->steps / (double)t->steps_per_epoch;
    double examples = epochs * (double)t->data.train.count;
    fprintf(out, "\n%.2f seconds, %s steps, %s examples/s; peak memory %.1f MiB\n", r->seconds,
            grouped(steps, r->steps), grouped(rate, (int64_t)(examples / r->seconds)),
            (double)peak_memory_bytes() / (1024 * 1024));
    fprintf(out, "the optimizer announced %s bytes and holds %s\n",
            grouped(announced, t->announced_bytes),
            grouped(held, ravine_memory_bytes(t->trainer.optimizer)));
    if (r->diagnosis.size) {
        char line[DIAGNOSIS_LINE_SIZE];
        diagnosis_line(&r->diagnosis, line, sizeof line);
        fprintf(out, "doctor: ");
        cli_print_wrapped(out, line, 8, 8, cli_width(w->table));
        if (ravine_verdict_severity(r->diagnosis.verdict) > RAVINE_SEVERITY_FINE)
            fprintf(out, "        what to do: ravine doctor %s\n", folder);
    }
    fprintf(out, "log, TensorBoard events and weights: %s\n", folder);
    if (r->tested) put_test(w, out, r);
}

void train_watch_end(train_watch *w, const train_result *r, const char *folder) {
    if (!w->table || r->steps == 0) return;
    end_table(w);
    train_watch_erase(w);
    draft d = {0};
    FILE *out = open_memstream(&d.text, &d.size);
    put_end(w, out ? out : w->table, r, folder);
    print_draft(w, out, &d);
}
