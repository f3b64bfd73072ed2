/* SPDX-License-Identifier: Apache-2.0 */
/* forge.h - protobuf messages and the frames that TensorBoard and W&B put around them, made byte by
 * byte, right ones and wrong ones. */
#ifndef TESTS_FORGE_H
#define TESTS_FORGE_H

#include "file/crc32c.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

typedef struct forge {
    unsigned char bytes[1 << 18];
    size_t size;
} forge;

static inline void forge_raw(forge *f, const void *bytes, size_t size) {
    assert(f->size + size <= sizeof f->bytes);
    memcpy(f->bytes + f->size, bytes, size);
    f->size += size;
}

/* The low `size` bytes, the lowest first. */
static inline void forge_number(forge *f, uint64_t value, size_t size) {
    for (size_t k = 0; k < size; k++)
        forge_raw(f, &(unsigned char){(unsigned char)(value >> 8 * k)}, 1);
}

static inline void forge_varint(forge *f, uint64_t value) {
    for (; value >= 128; value >>= 7) forge_number(f, value | 128, 1);
    forge_number(f, value, 1);
}

static inline void forge_key(forge *f, uint64_t field, unsigned type) {
    forge_varint(f, field << 3 | type);
}

static inline void forge_integer(forge *f, uint64_t field, uint64_t value) {
    forge_key(f, field, 0);
    forge_varint(f, value);
}

static inline void forge_double(forge *f, uint64_t field, double value) {
    forge_key(f, field, 1);
    forge_raw(f, &value, sizeof value);
}

static inline void forge_float(forge *f, uint64_t field, float value) {
    forge_key(f, field, 5);
    forge_raw(f, &value, sizeof value);
}

static inline void forge_bytes(forge *f, uint64_t field, const void *bytes, size_t size) {
    forge_key(f, field, 2);
    forge_varint(f, size);
    forge_raw(f, bytes, size);
}

static inline void forge_text(forge *f, uint64_t field, const char *text) {
    forge_bytes(f, field, text, strlen(text));
}

static inline void forge_message(forge *f, uint64_t field, const forge *inside) {
    forge_bytes(f, field, inside->bytes, inside->size);
}

/* A record of TensorFlow. */
static inline void forge_tf_record(forge *file, const forge *data) {
    unsigned char length[8];
    for (int k = 0; k < 8; k++) length[k] = (unsigned char)((uint64_t)data->size >> 8 * k);
    forge_raw(file, length, 8);
    forge_number(file, ravine_crc32c_masked(length, 8), 4);
    forge_raw(file, data->bytes, data->size);
    forge_number(file, ravine_crc32c_masked(data->bytes, data->size), 4);
}

/* A piece of a record in the log of LevelDB, as W&B checks it. */
static inline void forge_piece(forge *file, unsigned type, const void *bytes, size_t size) {
    const unsigned char head = (unsigned char)type;
    const uint64_t check = crc32(crc32(0, &head, 1), bytes, (unsigned)size);
    forge_number(file, check, 4);
    forge_number(file, size, 2);
    forge_number(file, type, 1);
    forge_raw(file, bytes, size);
}

#endif
