/* SPDX-License-Identifier: Apache-2.0 */
#include "logs/tfevents_reader.h"

#include "cli/progress.h"
#include "file/crc32c.h"
#include "io/failure.h"
#include "io/input.h"
#include "io/wire.h"
#include "logs/log_reader.h"
#include "run/tfevents_fields.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HEAD_SIZE = 12, TAIL_SIZE = 4, RECORD_MAX = 1 << 28 };

typedef struct reader {
    log_data *log;
    const char *path;
    FILE *file;
    uint64_t at, size; /* where the record begins; of the file */
    bool done;
    unsigned char *bytes;
    size_t room;
    tfevents_namer *name;
    void *context;
} reader;

/* ---- a number -------------------------------------------------------------------------------- */

/* The one number of a field, which may be packed: TENSOR_FLOAT, TENSOR_DOUBLE, TENSOR_CONTENT. */
static bool take_number(const wire_field *f, size_t size, double *value) {
    wire_field own = *f;
    const int type = size == 8 ? WIRE_64 : WIRE_32;
    if (f->type == WIRE_BYTES) {
        if ((size_t)(f->bytes.end - f->bytes.at) != size) return false;
        own.type = type;
        own.value = wire_load(f->bytes.at, size);
    }
    *value = size == 8 ? wire_double(&own) : wire_float(&own);
    return own.type == type;
}

static bool has_dimensions(wire shape) {
    wire_field f;
    while (wire_next(&shape, &f))
        if (f.number == SHAPE_DIM || f.number == SHAPE_UNKNOWN_RANK) return true;
    return shape.damaged;
}

/* A tensor of one number: fields may come in any order, its type too. */
static bool read_tensor(wire tensor, double *value) {
    wire_field f, content = {0}, single = {0}, twice = {0};
    uint64_t type = 0;
    while (wire_next(&tensor, &f)) {
        if (f.number == TENSOR_DTYPE) type = f.value;
        if (f.number == TENSOR_SHAPE && has_dimensions(f.bytes)) return false;
        if (f.number == TENSOR_CONTENT) content = f;
        if (f.number == TENSOR_FLOAT) single = f;
        if (f.number == TENSOR_DOUBLE) twice = f;
    }
    if (tensor.damaged || (type != DTYPE_FLOAT && type != DTYPE_DOUBLE)) return false;
    const size_t size = type == DTYPE_DOUBLE ? 8 : 4;
    const wire_field *own = type == DTYPE_DOUBLE ? &twice : &single;
    const wire_field *found = own->number ? own : content.number ? &content : NULL;
    *value = 0; /* a tensor of one zero may have no value at all */
    return !found || take_number(found, size, value);
}

static bool read_value(wire message, char tag[LOG_KEY_MAX + 1], double *value) {
    wire_field f;
    bool found = false;
    *tag = '\0';
    while (wire_next(&message, &f)) {
        if (f.number == VALUE_TAG && !wire_text(&f, tag, LOG_KEY_MAX + 1)) return false;
        if (f.number == VALUE_SIMPLE && f.type == WIRE_32) found = true, *value = wire_float(&f);
        if (f.number == VALUE_TENSOR && f.type == WIRE_BYTES && read_tensor(f.bytes, value))
            found = true;
    }
    return found && *tag && !message.damaged;
}

/* ---- an event -------------------------------------------------------------------------------- */

typedef struct event {
    int64_t step; /* left out where it is 0 */
    double time;  /* seconds */
    wire summary;
} event;

static bool read_event(wire message, event *e) {
    wire_field f;
    *e = (event){.time = (double)NAN};
    while (wire_next(&message, &f)) {
        if (f.number == EVENT_WALL_TIME) e->time = wire_double(&f);
        if (f.number == EVENT_STEP && f.type == WIRE_VARINT) e->step = (int64_t)f.value;
        if (f.number == EVENT_SUMMARY && f.type == WIRE_BYTES) e->summary = f.bytes;
    }
    return !message.damaged;
}

static int begin_row(const reader *r, const event *e) {
    int status = log_row(r->log, 0);
    if (!status) status = log_put(r->log, "step", (double)e->step);
    return status || isnan(e->time) ? status : log_put(r->log, "_timestamp", e->time);
}

static int put_summary(const reader *r, const event *e) {
    wire summary = e->summary;
    wire_field f;
    bool begun = false;
    int status = 0;
    while (!status && wire_next(&summary, &f)) {
        char tag[LOG_KEY_MAX + 1], own[LOG_KEY_MAX + 1];
        double value = 0;
        if (f.number != SUMMARY_VALUE || f.type != WIRE_BYTES) continue;
        if (!read_value(f.bytes, tag, &value)) continue;
        if (r->name && !r->name(r->context, tag, own)) continue;
        if (!begun) status = begin_row(r, e);
        begun = true;
        if (!status) status = log_put(r->log, r->name ? own : tag, value);
    }
    return status;
}

/* ---- records --------------------------------------------------------------------------------- */

/* What stands before the damage is told; where that is nothing, the file is refused. */
static int stop(reader *r, const char *what) {
    r->done = true;
    if (r->at == 0)
        return failure(FAILURE_INPUT, "%s: its first record %s: no event file of TensorBoard",
                       r->path, what);
    log_note(r->log, "%s: the record at byte %llu %s; what follows it was not read",
             strrchr(r->path, '/') ? strrchr(r->path, '/') + 1 : r->path, (unsigned long long)r->at,
             what);
    return 0;
}

static int make_room(reader *r, uint64_t size) {
    if (size > RECORD_MAX)
        return failure(FAILURE_INPUT, "%s: the record at byte %llu has %llu bytes, the limit is %d",
                       r->path, (unsigned long long)r->at, (unsigned long long)size, RECORD_MAX);
    if (size <= r->room) return 0;
    unsigned char *grown = realloc(r->bytes, (size_t)size);
    if (!grown) return failure(FAILURE_INPUT, "%s: out of memory", r->path);
    r->bytes = grown;
    r->room = (size_t)size;
    return 0;
}

static int take_record(reader *r, size_t size) {
    event e;
    const uint64_t check = wire_load(r->bytes + size, TAIL_SIZE);
    if (ravine_crc32c_masked(r->bytes, size) != check) return stop(r, "has a wrong check");
    if (!read_event(wire_of(r->bytes, size), &e)) return stop(r, "holds no event");
    return put_summary(r, &e);
}

static bool head_is_right(const unsigned char head[HEAD_SIZE]) {
    return ravine_crc32c_masked(head, 8) == wire_load(head + 8, 4);
}

bool tfevents_begins(const unsigned char *bytes, size_t size) {
    return size >= HEAD_SIZE && head_is_right(bytes);
}

static int read_record(reader *r) {
    unsigned char head[HEAD_SIZE];
    if (r->size - r->at < HEAD_SIZE) return stop(r, "is cut");
    if (fread(head, 1, HEAD_SIZE, r->file) != HEAD_SIZE) return stop(r, "cannot be read");
    if (!head_is_right(head)) return stop(r, "has a wrong check of its length");
    const uint64_t size = wire_load(head, 8);
    if (size > r->size - r->at - HEAD_SIZE || r->size - r->at - HEAD_SIZE - size < TAIL_SIZE)
        return stop(r, "is cut");
    const int status = make_room(r, size + TAIL_SIZE);
    if (status) return status;
    if (fread(r->bytes, 1, (size_t)size + TAIL_SIZE, r->file) != size + TAIL_SIZE)
        return stop(r, "cannot be read");
    const int taken = take_record(r, (size_t)size);
    r->at += HEAD_SIZE + size + TAIL_SIZE;
    return taken;
}

int tfevents_read(log_data *log, const char *path, tfevents_namer *name, void *context) {
    reader r = {.log = log, .path = path, .name = name, .context = context};
    struct stat facts;
    int status = input_open(path, &r.file);
    if (status) return status;
    /* What a training writes while this reads is not looked at. */
    if (!fstat(fileno(r.file), &facts)) r.size = (uint64_t)facts.st_size;
    progress shown = progress_begin_bytes("reading the log", (int64_t)r.size);
    for (; !status && !r.done && r.at < r.size; progress_to_byte(&shown, (int64_t)r.at))
        status = read_record(&r);
    progress_end(&shown);
    free(r.bytes);
    fclose(r.file);
    return status;
}
