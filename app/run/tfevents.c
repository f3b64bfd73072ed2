/* SPDX-License-Identifier: Apache-2.0 */
#include "run/tfevents.h"

#include "file/crc32c.h"
#include "io/failure.h"
#include "io/wire.h"
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
    unsigned char *bytes; /* [capacity]: the event that is being encoded, `used` so far */
    size_t used, capacity;
};

static int make_room(tfevents *e, size_t size) {
    if (e->capacity >= size) return 0;
    unsigned char *grown = realloc(e->bytes, size);
    if (!grown)
        return failure(FAILURE_INPUT, "no memory for a TensorBoard event of %zu bytes", size);
    e->bytes = grown;
    e->capacity = size;
    return 0;
}

/* ---- protobuf: a field is a key (number * 8 + wire type) and its value ----------------------- */

enum { VARINT_MAX = 10, FIELD_MAX = 1 + VARINT_MAX }; /* most bytes of a varint, with its key */

static size_t varint_size(uint64_t value) {
    size_t size = 1;
    while (value >>= 7) size++;
    return size;
}

static void put_varint(tfevents *e, uint64_t value) {
    for (; value >= 128; value >>= 7) e->bytes[e->used++] = (unsigned char)(value | 128);
    e->bytes[e->used++] = (unsigned char)value;
}

static void put_key(tfevents *e, int field, int type) {
    e->bytes[e->used++] = (unsigned char)(field << 3 | type);
}

/* The low `size` bytes of value, the lowest first. */
static void store(unsigned char *to, uint64_t value, size_t size) {
    for (size_t k = 0; k < size; k++) to[k] = (unsigned char)(value >> 8 * k);
}

static void put_double(tfevents *e, int field, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(e, field, WIRE_64);
    store(e->bytes + e->used, bits, sizeof bits);
    e->used += sizeof bits;
}

static void put_float(tfevents *e, int field, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(e, field, WIRE_32);
    store(e->bytes + e->used, bits, sizeof bits);
    e->used += sizeof bits;
}

static void put_text(tfevents *e, int field, const char *text) {
    size_t length = strlen(text);
    put_key(e, field, WIRE_BYTES);
    put_varint(e, length);
    memcpy(e->bytes + e->used, text, length);
    e->used += length;
}

/* A message inside a message; its fields, `size` bytes, are put next. */
static void put_message(tfevents *e, int field, size_t size) {
    put_key(e, field, WIRE_BYTES);
    put_varint(e, size);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void begin_event(tfevents *e) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    e->used = 0;
    put_double(e, EVENT_WALL_TIME, (double)t.tv_sec + (double)t.tv_nsec * 1e-9);
}

static void end_event(tfevents *e) {
    unsigned char head[12], tail[4];
    store(head, e->used, 8);
    store(head + 8, ravine_crc32c_masked(head, 8), 4);
    store(tail, ravine_crc32c_masked(e->bytes, e->used), 4);
    log_file_add(e->file, head, sizeof head);
    log_file_add(e->file, e->bytes, e->used);
    log_file_add(e->file, tail, sizeof tail);
    log_file_end_record(e->file);
}

static size_t value_size(const tfevents_scalar *s) {
    size_t length = strlen(s->tag);
    return 1 + varint_size(length) + length + 1 + sizeof(float);
}

int tfevents_write(tfevents *e, int64_t step, const tfevents_scalar *scalars, size_t count) {
    size_t summary = 0;
    for (size_t k = 0; k < count; k++) {
        size_t size = value_size(&scalars[k]);
        summary += 1 + varint_size(size) + size;
    }
    int code = make_room(e, 3 * FIELD_MAX + summary);
    if (code) return code;
    begin_event(e);
    put_key(e, EVENT_STEP, WIRE_VARINT);
    put_varint(e, (uint64_t)step);
    put_message(e, EVENT_SUMMARY, summary);
    for (size_t k = 0; k < count; k++) {
        put_message(e, SUMMARY_VALUE, value_size(&scalars[k]));
        put_text(e, VALUE_TAG, scalars[k].tag);
        put_float(e, VALUE_SIMPLE, (float)scalars[k].value);
    }
    end_event(e);
    return 0;
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
    free(e->bytes);
    free(e->path);
    free(e);
}

int tfevents_create(tfevents **out, const char *folder) {
    static const char version[] = "brain.Event:2";
    tfevents *e = calloc(1, sizeof *e);
    if (!e) return failure(FAILURE_INPUT, "no memory for TensorBoard events");
    int code = make_room(e, 2 * FIELD_MAX + sizeof version);
    if (!code) code = create_file(e, folder);
    if (code) return destroy(e), code;
    begin_event(e);
    put_text(e, EVENT_FILE_VERSION, version);
    end_event(e);
    code = log_file_flush(e->file);
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
