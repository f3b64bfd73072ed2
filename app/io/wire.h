/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - the fields of a protobuf message, one after the other, from bytes of any origin.
 *
 *     wire_field f;
 *     while (wire_next(&message, &f))
 *         if (f.number == EVENT_STEP && f.type == WIRE_VARINT) step = (int64_t)f.value;
 *     if (message.damaged) ...
 *
 * Nothing is copied or allocated, and a message inside a message is looked into only by who asks.
 * Why not a library: docs/decisions/protobuf.md. The format:
 * protobuf.dev/programming-guides/encoding.
 */
#ifndef RAVINE_IO_WIRE_H
#define RAVINE_IO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a field is written; groups (3, 4), given up long ago, are taken for damage. */
enum { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_32 = 5 };

typedef struct wire {
    const unsigned char *at, *end;
    bool damaged; /* what stood at `at` is no field */
} wire;

typedef struct wire_field {
    uint32_t number; /* from 1 */
    int type;
    uint64_t value; /* of a varint; the bits of WIRE_64 and WIRE_32 */
    wire bytes;     /* of WIRE_BYTES: a text, a message or packed numbers */
} wire_field;

static inline wire wire_of(const void *bytes, size_t size) {
    return (wire){bytes, (const unsigned char *)bytes + size, false};
}

/* The next field; false at the end and at damage. */
bool wire_next(wire *w, wire_field *f);

/* A number as `double`, `float` and `sint64` write it; NaN where the field is of another type. */
double wire_double(const wire_field *f);
double wire_float(const wire_field *f);
double wire_signed(const wire_field *f);

/* Copies a text with its final 0. False: it has a 0 inside or no room. */
bool wire_text(const wire_field *f, char *text, size_t size);

/* The low `size` <= 8 bytes, the lowest first. */
uint64_t wire_load(const unsigned char *bytes, size_t size);

#endif
