/* SPDX-License-Identifier: Apache-2.0 */
#include "io/wire.h"

#include <math.h>
#include <string.h>

uint64_t wire_load(const unsigned char *bytes, size_t size) {
    uint64_t value = 0;
    for (size_t k = 0; k < size; k++) value |= (uint64_t)bytes[k] << 8 * k;
    return value;
}

static size_t left(const wire *w) {
    return (size_t)(w->end - w->at);
}

/* Seven bits a byte, the lowest first; the tenth byte has the last bit of 64. */
static bool read_varint(wire *w, uint64_t *value) {
    *value = 0;
    for (unsigned shift = 0; shift < 70 && w->at < w->end; shift += 7) {
        const unsigned char byte = *w->at++;
        if (shift == 63 && byte > 1) return false;
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return true;
    }
    return false;
}

static bool read_fixed(wire *w, uint64_t *value, size_t size) {
    if (left(w) < size) return false;
    *value = wire_load(w->at, size);
    w->at += size;
    return true;
}

static bool read_bytes(wire *w, wire *inside) {
    uint64_t size;
    if (!read_varint(w, &size) || size > left(w)) return false;
    *inside = wire_of(w->at, (size_t)size);
    w->at += size;
    return true;
}

static bool read_value(wire *w, wire_field *f) {
    switch (f->type) {
    case WIRE_VARINT: return read_varint(w, &f->value);
    case WIRE_64: return read_fixed(w, &f->value, 8);
    case WIRE_BYTES: return read_bytes(w, &f->bytes);
    case WIRE_32: return read_fixed(w, &f->value, 4);
    default: return false;
    }
}

bool wire_next(wire *w, wire_field *f) {
    uint64_t key;
    if (w->damaged || w->at == w->end) return false;
    *f = (wire_field){0};
    w->damaged = true;
    if (!read_varint(w, &key) || key >> 3 == 0 || key >> 32) return false;
    f->number = (uint32_t)(key >> 3);
    f->type = (int)(key & 7);
    if (!read_value(w, f)) return false;
    w->damaged = false;
    return true;
}

double wire_double(const wire_field *f) {
    double value;
    if (f->type != WIRE_64) return (double)NAN;
    memcpy(&value, &f->value, sizeof value);
    return value;
}

double wire_float(const wire_field *f) {
    const uint32_t bits = (uint32_t)f->value;
    float value;
    if (f->type != WIRE_32) return (double)NAN;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

double wire_signed(const wire_field *f) {
    if (f->type != WIRE_VARINT) return (double)NAN;
    return (double)(int64_t)(f->value >> 1 ^ (~(f->value & 1) + 1));
}

bool wire_text(const wire_field *f, char *text, size_t size) {
    const size_t length = left(&f->bytes);
    if (f->type != WIRE_BYTES || length >= size || memchr(f->bytes.at, '\0', length)) return false;
    memcpy(text, f->bytes.at, length);
    text[length] = '\0';
    return true;
}
