/* SPDX-License-Identifier: Apache-2.0 */
/* run_record.h - what stays of a run: the folder RUNS_DIR/NAME, and what is in it.
 *
 *     run_subject.h         what a run is of, and what it tells of a step and of an epoch
 *     run_header.h          the first line of run.jsonl, written and read
 *     run_line.h            the line of a step, written and read
 *     run_log.h             run.jsonl as a file of such lines
 *     run_record.h          the folder while it is written
 *     run_resume.h          where a run goes on, and whether it may
 *     run_reader.h          all of it, read back
 *
 * run.jsonl: the first line is the header ("type": "header"); then lines without a type, one for
 * each logged step; and, where they happen, lines of type "epoch" and "event". docs/command.md
 * lists the keys. Functions that return int return 0 or a kind of io/failure.h.
 */
#ifndef RAVINE_RUN_RECORD_H
#define RAVINE_RUN_RECORD_H

#include "run/run_subject.h"

#include <limits.h>

typedef struct run_record run_record;

/* Makes runs_dir/NAME, or NAME-2, NAME-3 ...; its path into folder[PATH_MAX]. */
int run_folder_create(char folder[PATH_MAX], const char *runs_dir, const char *name);
/* Makes runs_dir/NAME, or NAME-2, NAME-3 ..., and the files in it; on an error there is none. */
int run_record_create(run_record **out, const run_subject *of);
/* The record of a run that there is, whose log nobody else can open any more; then where it goes
 * on. Nothing changes before run_record_go_on, which cuts the files there. Events that are missing
 * begin anew. */
typedef struct run_position {
    int64_t log, events; /* bytes of run.jsonl and of the events */
    char events_name[NAME_MAX + 1];
} run_position;
int run_record_open(run_record **out, const run_subject *of, const char *folder);
int run_record_place(run_record *r, const run_position *from);
int run_record_go_on(run_record *r);
/* Where both logs are now; what is before it is on the disk when this returns 0. */
int run_record_where(run_record *r, run_position *position);
/* Why lines wait in memory for room on the disk; NULL: none does. */
const char *run_record_behind(const run_record *r);
const char *run_record_folder(const run_record *r);
int run_record_step(run_record *r, const run_step *s);
int run_record_epoch(run_record *r, const run_epoch *e);
int run_record_test(run_record *r, const run_test *t);
/* What happened once: "finished", "interrupted", "diverged", "stopped". */
int run_record_event(run_record *r, const char *event, const run_step *s);
/* The first gradient that is not finite, of a step whose first example has that number. */
int run_record_nonfinite(run_record *r, const run_step *s, int64_t example);
/* The same with keys of its own; takes the reference to `more`. */
int run_record_event_with(run_record *r, const char *event, const run_step *s, json_t *more);
int run_record_weights(run_record *r);
int run_record_close(run_record *r); /* NULL is fine */

/* Of what is trained on: "accuracy", "rmse" or "bits_per_byte". */
const char *run_score_name(const dataset *train);
/* As the log tells them; for json_decref(). */
json_t *run_epoch_json(const run_subject *of, const run_epoch *e);
json_t *run_test_json(const run_subject *of, const run_test *t);

#endif
