/* SPDX-License-Identifier: Apache-2.0 */
/* wire_out.h - a protobuf message as bytes, field by field; wire.h reads one.
 *
 *     wire_out point = {0}, message = {0};
 *     wire_put_varint(&point, POINT_X, 3);
 *     wire_put_message(&message, FIGURE_POINT, &point);    takes the point's memory
 *     if (message.failed) ...                              once, at the end
 *     free(message.bytes);
 */
#ifndef RAVINE_IO_WIRE_OUT_H
#define RAVINE_IO_WIRE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct wire_out {
    unsigned char *bytes; /* [used], for free() */
    size_t used, capacity;
    bool failed; /* there was no memory, here or in a message that was put in */
} wire_out;

void wire_put_varint(wire_out *w, uint32_t field, uint64_t value);
void wire_put_double(wire_out *w, uint32_t field, double value);
void wire_put_float(wire_out *w, uint32_t field, float value);
void wire_put_bytes(wire_out *w, uint32_t field, const void *bytes, size_t size);
void wire_put_text(wire_out *w, uint32_t field, const char *text);
/* A message inside a message, which is empty afterwards. */
void wire_put_message(wire_out *w, uint32_t field, wire_out *inside);

/* The low `size` <= 8 bytes of value, the lowest first; wire_load() reads them. */
void wire_store(unsigned char *to, uint64_t value, size_t size);

#endif
