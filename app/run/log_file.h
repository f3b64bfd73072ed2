/* SPDX-License-Identifier: Apache-2.0 */
/* log_file.h - a file that grows by whole records, for run.jsonl and TensorBoard events.
 *
 * Records gather in memory and go out together, by one write, when LOG_FILE_BYTES have gathered or
 * LOG_FILE_SECONDS have passed since the last write (looked at after each record), and on flush and
 * close. So a killed process loses at most that last moment and never leaves part of a record
 * behind; a write that fails half-way (a full disk) is cut back to the last whole record.
 *
 * Such a failure is not told by the call that meets it: the log is behind. Records wait in memory,
 * LOG_FILE_KEPT bytes of them, and are tried again after LOG_FILE_SECONDS; only what is still not
 * written on close is lost, and told.
 */
#ifndef RAVINE_RUN_LOG_FILE_H
#define RAVINE_RUN_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOG_FILE_BYTES = 65536, LOG_FILE_SECONDS = 1, LOG_FILE_KEPT = 1 << 24 };

typedef struct log_file log_file;

/* Creates the file `path`; one that exists is never written over. It is locked while it is open:
 * two processes never write one log. The functions that can fail return 0 or an exit code of
 * io/failure.h. */
int log_file_create(log_file **out, const char *path);
/* Opens a log again, without changing it; no link is followed. Before anything is written comes
 * log_file_cut, which goes on behind the first `length` bytes and cuts off what follows them, or
 * log_file_append, which goes on at the end and fails where that is elsewhere. */
int log_file_open(log_file **out, const char *path);
/* Whether it can be cut there: fails where it is shorter, and of `lines` within one. */
int log_file_check(const log_file *log, int64_t length, bool lines);
int log_file_cut(log_file *log, int64_t length);
int log_file_append(log_file *log, int64_t length);
/* The bytes of the records that are written; they are on the disk when this returns 0. */
int log_file_position(log_file *log, int64_t *length);
void log_file_add(log_file *log, const void *bytes, size_t size);
void log_file_end_record(log_file *log);
void log_file_hurry(log_file *log); /* writes what it can now */
int log_file_flush(log_file *log);  /* and fails where it cannot */
/* Why it is behind: "cannot write PATH: No space left on device"; NULL: it is not. */
const char *log_file_behind(const log_file *log);
/* Flushes, syncs and frees; a record that was not ended is dropped. NULL is fine. */
int log_file_close(log_file *log);
/* Frees and removes the file: for a log whose beginning could not be written. NULL is fine. */
void log_file_discard(log_file *log);

#endif
