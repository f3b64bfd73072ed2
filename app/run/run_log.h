/* SPDX-License-Identifier: Apache-2.0 */
/* run_log.h - runs/NAME/run.jsonl: what a run did, one JSON object per line (JSON Lines).
 *
 * The first line is the header. Objects that come once (the header, a result) are jansson trees;
 * lines that come every step are written straight into the buffer:
 *
 *     run_log_integer(log, "step", 12);
 *     run_log_number(log, "loss", 0.25);
 *     run_log_numbers(log, "group_grad_norm", norm, 2);
 *     run_log_end(log);            {"step":12,"loss":0.25,"group_grad_norm":[1,2]}
 *
 * Numbers read back as the same double; JSON has no NaN and no infinities, so they become null.
 * Keys are plain ASCII without quotes and backslashes. The header is in the file when
 * run_log_create returns; when later lines are written is told in log_file.h. Functions that can
 * fail return 0 or an exit code of io/failure.h.
 */
#ifndef RAVINE_RUN_LOG_H
#define RAVINE_RUN_LOG_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

typedef struct run_log run_log;

/* Creates the file `path`, which must not exist yet. `header` stays the caller's. */
int run_log_create(run_log **out, const char *path, const json_t *header);
/* Opens a log again, and goes on behind its first `length` bytes, which are whole lines, or at its
 * end (run/log_file.h). */
int run_log_open(run_log **out, const char *path);
int run_log_check(const run_log *log, int64_t length);
int run_log_cut(run_log *log, int64_t length);
int run_log_append(run_log *log, int64_t length);
/* The bytes of all whole lines, which are on the disk when this returns 0. */
int run_log_position(run_log *log, int64_t *length);
/* One line, written at once, or as soon as there is room. */
int run_log_object(run_log *log, const json_t *object);

/* One line, member by member. */
void run_log_integer(run_log *log, const char *key, int64_t value);
void run_log_number(run_log *log, const char *key, double value);
void run_log_numbers(run_log *log, const char *key, const double *values, size_t count);
void run_log_end(run_log *log);
/* Why lines wait for room (run/log_file.h); NULL: none does. */
const char *run_log_behind(const run_log *log);

int run_log_close(run_log *log); /* NULL is fine; a line that was not ended is dropped */

#endif
