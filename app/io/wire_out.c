/* SPDX-License-Identifier: Apache-2.0 */
#include "io/wire_out.h"

#include "io/wire.h"

#include <stdlib.h>
#include <string.h>

enum { VARINT_MAX = 10 };

static void append(wire_out *w, const void *bytes, size_t size) {
    if (w->failed || size == 0) return;
    if (size > w->capacity - w->used) {
        const size_t capacity =
            size > SIZE_MAX / 4 || w->used > SIZE_MAX / 4 ? 0 : 2 * (w->used + size) + 64;
        unsigned char *grown = capacity ? realloc(w->bytes, capacity) : NULL;
        if (!grown) {
            w->failed = true;
            return;
        }
        w->bytes = grown;
        w->capacity = capacity;
    }
    memcpy(w->bytes + w->used, bytes, size);
    w->used += size;
}

void wire_store(unsigned char *to, uint64_t value, size_t size) {
    for (size_t k = 0; k < size; k++) to[k] = (unsigned char)(value >> 8 * k);
}

static void append_varint(wire_out *w, uint64_t value) {
    unsigned char bytes[VARINT_MAX];
    size_t size = 0;
    for (; value >= 128; value >>= 7) bytes[size++] = (unsigned char)(value | 128);
    bytes[size++] = (unsigned char)value;
    append(w, bytes, size);
}

static void append_key(wire_out *w, uint32_t field, int type) {
    append_varint(w, (uint64_t)field << 3 | (unsigned)type);
}

void wire_put_varint(wire_out *w, uint32_t field, uint64_t value) {
    append_key(w, field, WIRE_VARINT);
    append_varint(w, value);
}

static void put_fixed(wire_out *w, uint32_t field, int type, uint64_t bits, size_t size) {
    unsigned char bytes[sizeof bits];
    wire_store(bytes, bits, size);
    append_key(w, field, type);
    append(w, bytes, size);
}

void wire_put_double(wire_out *w, uint32_t field, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_fixed(w, field, WIRE_64, bits, sizeof bits);
}

void wire_put_float(wire_out *w, uint32_t field, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_fixed(w, field, WIRE_32, bits, sizeof bits);
}

void wire_put_bytes(wire_out *w, uint32_t field, const void *bytes, size_t size) {
    append_key(w, field, WIRE_BYTES);
    append_varint(w, size);
    append(w, bytes, size);
}

void wire_put_text(wire_out *w, uint32_t field, const char *text) {
    wire_put_bytes(w, field, text, strlen(text));
}

void wire_put_message(wire_out *w, uint32_t field, wire_out *inside) {
    w->failed = w->failed || inside->failed;
    wire_put_bytes(w, field, inside->bytes, inside->used);
    free(inside->bytes);
    *inside = (wire_out){0};
}
