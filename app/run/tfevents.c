/* SPDX-License-Identifier: Apache-2.0 */
#include "run/tfevents.h"

#include "file/crc32c.h"
#include "io/failure.h"
#include "io/wire_out.h"
#include "run/log_file.h"
#include "run/tfevents_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct tfevents {
    log_file *file;
    char *path;
    wire_out event; /* that is being encoded; its memory serves the next one */
};

/* ---- events ---------------------------------------------------------------------------------- */

static void begin_event(tfevents *e) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    e->event.used = 0;
    e->event.failed = false;
    wire_put_double(&e->event, EVENT_WALL_TIME, (double)t.tv_sec + (double)t.tv_nsec * 1e-9);
}

static int end_event(tfevents *e) {
    const wire_out *event = &e->event;
    unsigned char head[12], tail[4];
    if (event->failed)
        return failure(FAILURE_INPUT, "no memory for a TensorBoard event of %zu bytes",
                       event->used);
    wire_store(head, event->used, 8);
    wire_store(head + 8, ravine_crc32c_masked(head, 8), 4);
    wire_store(tail, ravine_crc32c_masked(event->bytes, event->used), 4);
    log_file_add(e->file, head, sizeof head);
    log_file_add(e->file, event->bytes, event->used);
    log_file_add(e->file, tail, sizeof tail);
    log_file_end_record(e->file);
    return 0;
}

int tfevents_write(tfevents *e, int64_t step, const tfevents_scalar *scalars, size_t count) {
    wire_out summary = {0};
    for (size_t k = 0; k < count; k++) {
        wire_out value = {0};
        wire_put_text(&value, VALUE_TAG, scalars[k].tag);
        wire_put_float(&value, VALUE_SIMPLE, (float)scalars[k].value);
        wire_put_message(&summary, SUMMARY_VALUE, &value);
    }
    begin_event(e);
    wire_put_varint(&e->event, EVENT_STEP, (uint64_t)step);
    wire_put_message(&e->event, EVENT_SUMMARY, &summary);
    return end_event(e);
}

/* ---- the file -------------------------------------------------------------------------------- */

static int create_file(tfevents *e, const char *folder) {
    char host[256] = "";
    const char *name = gethostname(host, sizeof host - 1) == 0 ? host : "localhost";
    if (asprintf(&e->path, "%s/" TFEVENTS_PREFIX "%010lld.%s.%ld", folder, (long long)time(NULL),
                 name, (long)getpid()) < 0) {
        e->path = NULL;
        return failure(FAILURE_INPUT, "no memory for TensorBoard events");
    }
    return log_file_create(&e->file, e->path);
}

static void destroy(tfevents *e) {
    free(e->event.bytes);
    free(e->path);
    free(e);
}

int tfevents_create(tfevents **out, const char *folder) {
    static const char version[] = "brain.Event:2";
    tfevents *e = calloc(1, sizeof *e);
    if (!e) return failure(FAILURE_INPUT, "no memory for TensorBoard events");
    int code = create_file(e, folder);
    if (code) return destroy(e), code;
    begin_event(e);
    wire_put_text(&e->event, EVENT_FILE_VERSION, version);
    code = end_event(e);
    if (!code) code = log_file_flush(e->file);
    if (code) {
        log_file_discard(e->file);
        return destroy(e), code;
    }
    *out = e;
    return 0;
}

int tfevents_open(tfevents **out, const char *path) {
    tfevents *e = calloc(1, sizeof *e);
    if (!e || !(e->path = strdup(path)))
        return free(e), failure(FAILURE_INPUT, "no memory for TensorBoard events");
    int code = log_file_open(&e->file, path);
    if (code) return destroy(e), code;
    *out = e;
    return 0;
}

int tfevents_check(const tfevents *e, int64_t length) {
    return log_file_check(e->file, length, false);
}

int tfevents_cut(tfevents *e, int64_t length) {
    return log_file_cut(e->file, length);
}

int tfevents_position(tfevents *e, int64_t *length) {
    return log_file_position(e->file, length);
}

const char *tfevents_behind(const tfevents *e) {
    return log_file_behind(e->file);
}

const char *tfevents_path(const tfevents *e) {
    return e->path;
}

int tfevents_close(tfevents *e) {
    if (!e) return 0;
    int code = log_file_close(e->file);
    destroy(e);
    return code;
}
