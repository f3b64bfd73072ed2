/* SPDX-License-Identifier: Apache-2.0 */
/* idx.h - the file format of MNIST and its kin: an array of bytes with its shape.
 *
 * Two zero bytes, the type of the numbers (8: unsigned byte), the number of dimensions, each
 * dimension as 32 bits big-endian, then the numbers, last dimension fastest. Source: LeCun, Cortes,
 * Burges: The MNIST database. Only unsigned bytes are read: it is what image sets use.
 */
#ifndef RAVINE_DATA_IDX_H
#define RAVINE_DATA_IDX_H

#include <stddef.h>
#include <stdint.h>

enum { IDX_DIMENSIONS_MAX = 4 };

typedef struct idx_array {
    int ndim;                          /* 1 .. IDX_DIMENSIONS_MAX */
    int64_t shape[IDX_DIMENSIONS_MAX]; /* [ndim] */
    const unsigned char *data;         /* [product of shape], inside the bytes that were parsed */
    size_t size;                       /* product of shape */
} idx_array;

/* Reads the header at `bytes` and checks that exactly its numbers follow; allocates nothing.
 * `name` is for messages. Returns 0 or an exit code of io/failure.h. */
int idx_parse(idx_array *out, const unsigned char *bytes, size_t size, const char *name);

#endif
