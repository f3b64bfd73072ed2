/* SPDX-License-Identifier: Apache-2.0 */
/* run_reader.h - what a run's folder tells: runs/NAME/run.jsonl, read back (docs/command.md).
 *
 * Strict, but forgiving to a run that was killed or a file that was cut: everything before the
 * first line that is not right is kept, and `stop` says where that line is and what is wrong with
 * it. What is null in the log, not being finite, is NaN here.
 */
#ifndef RAVINE_RUN_READER_H
#define RAVINE_RUN_READER_H

#include "run/run_line.h"

#include <jansson.h>
#include <stdint.h>

enum { RUN_LINE_MAX = 1 << 20 }; /* bytes */

typedef struct run_log_score {
    double loss, score;
} run_log_score;

/* A score is the accuracy in [0, 1], the root mean square error of a regression, or the bits per
 * byte of a text. */
typedef enum run_score_kind { RUN_ACCURACY, RUN_RMSE, RUN_BITS_PER_BYTE } run_score_kind;
typedef struct run_log_epoch {
    double epoch, step;
    double train_loss, train_score, validation_loss, validation_score;
    double averaged_score; /* of the validation, with the averaged weights */
    double elapsed;        /* seconds since the start, of the last step before it */
} run_log_epoch;

typedef struct run_data {
    char *folder;
    const char *name;            /* the last part of the folder, or all of it */
    json_t *header;              /* an object with "groups", a list of objects, and "config" */
    double *column[RUN_COLUMNS]; /* [nsteps]; steps are whole and rise */
    double **ratio;              /* [ngroups][nsteps] update norm / parameter norm */
    size_t nsteps, ngroups;
    run_log_epoch *epoch; /* [nepochs] */
    size_t nepochs;
    run_score_kind score_kind;
    run_log_score test, test_averaged; /* at the end, of the weights that are kept; NaN: not told */
    json_t *events;                    /* a list of the lines of type "event" */
    json_t *examination; /* the last line of type "doctor", if no step follows it; or NULL */
    const char
        *state; /* finished, interrupted, diverged, stopped, or unfinished: no end in the log */
    int64_t lines, bytes; /* read and kept */
    bool open_end;        /* the last of them has no line feed */
    struct {
        int64_t line, byte; /* the first line that is not right, from 1, and where it begins, from
                               0; line 0: there is none */
        char why[160];
    } stop;
    bool header_only; /* of the reader: */
    size_t step_room, epoch_room;
    const struct run_listener *listener; /* while it reads */
} run_data;

/* Told every step as it is read, for what is too much to keep; returns 0, or a kind of failure that
 * ends the reading. `line` has the lists of the groups; run->header is there, the step not yet in
 * the columns. */
typedef struct run_listener {
    int (*step)(void *context, const run_data *run, const run_line *line);
    void *context;
    /* And every line of type "epoch" or "event", in its place among the steps; may be NULL. */
    int (*line)(void *context, const run_data *run, const json_t *line);
} run_listener;

/* The first line of FOLDER/run.jsonl alone, for json_decref(), and how many bytes it takes. Fails
 * as run_read() does. */
int run_read_header(json_t **header, int64_t *bytes, const char *folder);
/* Reads FOLDER/run.jsonl; `listener` may be NULL. Fails with a kind of io/failure.h if there
 * is none, if its first line is not the header of a run, or when memory ends. Free with run_free()
 * in any case. */
int run_read(run_data *run, const char *folder, const run_listener *listener);
void run_free(run_data *run);

/* Of a line of type "epoch", the scores of what was not trained on: the validation, and in logs of
 * before there was one, the test. */
const json_t *run_line_held_out(const json_t *line);

#endif
