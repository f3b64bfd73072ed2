/* SPDX-License-Identifier: Apache-2.0 */
/* tfevents.h - numbers over steps in the event files that TensorBoard reads.
 *
 * A file is a row of records (TensorFlow's TFRecord): length, check of the length, data, check of
 * the data. The data are protobuf messages Event{wall_time, step, file_version | summary{value{tag,
 * simple_value}}}, encoded by hand: five fields do not need a library. When records are written is
 * told in log_file.h. Functions that can fail return 0 or an exit code of io/failure.h.
 * Formats: tensorflow/core/util/event.proto, framework/summary.proto, lib/io/record_writer.cc.
 */
#ifndef RAVINE_RUN_TFEVENTS_H
#define RAVINE_RUN_TFEVENTS_H

#include <stddef.h>
#include <stdint.h>

typedef struct tfevents tfevents;

typedef struct tfevents_scalar {
    const char *tag; /* "train/loss" */
    double value;    /* kept as float32; NaN and infinities are shown as such */
} tfevents_scalar;

#define TFEVENTS_PREFIX "events.out.tfevents." /* of the files' names */
/* Creates events.out.tfevents.<seconds>.<host>.<pid> in `folder`. */
int tfevents_create(tfevents **out, const char *folder);
/* Opens the file `path` again, and goes on behind its first `length` bytes (run/log_file.h). */
int tfevents_open(tfevents **out, const char *path);
int tfevents_check(const tfevents *events, int64_t length);
int tfevents_cut(tfevents *events, int64_t length);
/* The bytes of all whole events, which are on the disk when this returns 0. */
int tfevents_position(tfevents *events, int64_t *length);
const char *tfevents_path(const tfevents *events);
/* One event, stamped with the time now. */
int tfevents_write(tfevents *events, int64_t step, const tfevents_scalar *scalars, size_t count);
const char *tfevents_behind(const tfevents *events); /* as run_log_behind() */
int tfevents_close(tfevents *events);                /* NULL is fine */

#endif
