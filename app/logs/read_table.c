/* SPDX-License-Identifier: Apache-2.0 */
/* read_table.c - tables in text: Lightning's metrics.csv (the file, its version_N, or a folder of
 * these, of which the newest counts), Keras' CSVLogger, histories and chart exports of Weights &
 * Biases, any CSV. What separates fields is seen from the header; where it is no comma, a comma
 * may stand in numbers for the point.
 *
 * Sparse cells are nothing. A table that is cut, or whose rows grow beyond its header, is read up
 * to there. */
#include "cli/progress.h"
#include "data/csv.h"
#include "io/failure.h"
#include "logs/log_reader.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIGHTNING_FILE "metrics.csv"

static bool find_file(const log_source *source, char path[PATH_MAX]) {
    return log_find_file(source, "version_", LIGHTNING_FILE, path);
}

/* ---- what it looks like ---- */

/* Text whose first line has at least two fields, or the name of a table. */
bool log_table_recognises(const log_source *source) {
    char path[PATH_MAX];
    if (source->folder) return find_file(source, path);
    const size_t length = strlen(source->path);
    if (length > 4 && !strcmp(source->path + length - 4, ".csv")) return true;
    return source->size > 0 && !memchr(source->head, 0, source->size) &&
           csv_delimiter(source->head, source->size, '\0');
}

/* ---- charts of Weights & Biases ---- */

static bool ends_in(const char *text, const char *with) {
    const size_t a = strlen(text), b = strlen(with);
    return a >= b && !strcmp(text + a - b, with);
}

/* A chart's export has, beside each curve, the least and the greatest of what a point stands for.
 */
static bool is_bound(const char *name) {
    return ends_in(name, "__MIN") || ends_in(name, "__MAX");
}

static bool is_chart(const csv_table *t) {
    for (int64_t k = 1; k < t->columns; k++)
        if (is_bound(csv_field(t, 0, k))) return true;
    return false;
}

/* The curve of "my run - train/loss"; the whole name where there are curves of several runs. */
static const char *curve_name(const csv_table *t, int64_t column, bool one_run) {
    const char *name = csv_field(t, 0, column), *at = NULL;
    for (const char *p = strstr(name, " - "); p; p = strstr(p + 1, " - ")) at = p;
    return one_run && at ? at + 3 : name;
}

static bool has_one_run(const csv_table *t) {
    const char *first = NULL;
    size_t length = 0;
    for (int64_t k = 1; k < t->columns; k++) {
        const char *name = csv_field(t, 0, k), *curve = curve_name(t, k, true);
        if (curve == name || is_bound(name)) continue;
        if (first && ((size_t)(curve - name) != length || strncmp(first, name, length) != 0))
            return false;
        first = name;
        length = (size_t)(curve - name);
    }
    return true;
}

/* ---- rows ---- */

typedef struct shape {
    bool comma, chart, one_run;
} shape;

/* A header that somebody appended once more. */
static bool is_header(const csv_table *t, int64_t row) {
    for (int64_t k = 0; k < t->columns; k++)
        if (strcmp(csv_field(t, 0, k), csv_field(t, row, k)) != 0) return false;
    return true;
}

static int read_row(log_data *log, const csv_table *t, int64_t row, const shape *s) {
    int status = log_row(log, t->line[row]);
    for (int64_t k = 0; k < t->columns && !status; k++) {
        const char *name = csv_field(t, 0, k);
        if (!*name || (s->chart && is_bound(name))) continue;
        if (s->chart) name = curve_name(t, k, s->one_run);
        status = log_put_text(log, name, csv_field(t, row, k), s->comma);
    }
    return status;
}

static int read_rows(log_data *log, const csv_table *t, char delimiter) {
    const bool chart = is_chart(t);
    const shape s = {.comma = delimiter != ',', .chart = chart, .one_run = chart && has_one_run(t)};
    if (t->rows == 0)
        return failure(FAILURE_INPUT, "%s: a header without rows; nothing was logged yet",
                       log->path);
    progress shown = progress_begin("reading the log", "rows", t->rows);
    int status = 0;
    for (int64_t row = 1; row <= t->rows && !status; row++) {
        progress_to(&shown, row);
        if (is_header(t, row)) {
            log_note(log, "line %u is the header once more: another training was appended",
                     (unsigned)t->line[row]);
            continue;
        }
        status = read_row(log, t, row, &s);
    }
    progress_end(&shown);
    return status;
}

/* ---- whose it is ---- */

static bool has_column(const csv_table *t, const char *name) {
    for (int64_t k = 0; k < t->columns; k++)
        if (!strcmp(csv_field(t, 0, k), name)) return true;
    return false;
}

static void name_format(log_data *log, const csv_table *t) {
    const char *slash = strrchr(log->path, '/');
    const bool step = has_column(t, "step");
    if (is_chart(t)) {
        log->format = "chart export of Weights & Biases";
        log_note(log, "a point of a chart's export may stand for several steps; the history "
                      "(run.history) has them all");
    } else if (has_column(t, "_step") && has_column(t, "_runtime"))
        log->format = "history of Weights & Biases";
    else if (step && has_column(t, "epoch") &&
             !strcmp(slash ? slash + 1 : log->path, LIGHTNING_FILE))
        log->format = "Lightning metrics.csv";
    else if (!step && !strcmp(csv_field(t, 0, 0), "epoch"))
        log->format = "Keras CSVLogger";
    if (!strcmp(log->format, "Lightning metrics.csv") && !has_column(t, "train_loss_epoch"))
        log->mean_over = 1;
}

static int read_text(log_data *log, const unsigned char *bytes, size_t size) {
    csv_table t;
    char why[LOG_NOTE_SIZE];
    const char delimiter = csv_delimiter(bytes, size, '\0');
    int status =
        csv_parse_start(&t, bytes, size, log->path, delimiter ? delimiter : ',', why, sizeof why);
    if (status) return status;
    if (*why) log_note(log, "what follows is left out: %.200s", why);
    name_format(log, &t);
    status = read_rows(log, &t, delimiter);
    csv_free(&t);
    return status;
}

int log_table_read(log_data *log, const log_source *source) {
    char path[PATH_MAX];
    unsigned char *bytes;
    size_t size;
    if (!find_file(source, path))
        return failure(FAILURE_INPUT, "%s: there is no " LIGHTNING_FILE, source->path);
    int status = log_load(log, path, LOG_BYTES_MAX, &bytes, &size);
    if (status) return status;
    status = read_text(log, bytes, size);
    free(bytes);
    return status;
}
