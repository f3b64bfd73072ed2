/* SPDX-License-Identifier: Apache-2.0 */
#include "data/idx.h"

#include "io/failure.h"

#include <string.h>

enum { MAGIC_BYTES = 4, DIMENSION_BYTES = 4, TYPE_UBYTE = 8 };

static uint32_t big_endian(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int check_magic(const unsigned char *bytes, size_t size, const char *name) {
    static const unsigned char gzip[2] = {0x1f, 0x8b};
    if (size < MAGIC_BYTES)
        return failure(EXIT_INPUT, "%s: holds %zu bytes; an IDX file begins with %d", name, size,
                       MAGIC_BYTES);
    if (memcmp(bytes, gzip, sizeof gzip) == 0)
        return failure(EXIT_INPUT, "%s: is compressed by gzip; its name must end in .gz", name);
    if (bytes[0] != 0 || bytes[1] != 0)
        return failure(EXIT_INPUT, "%s: begins with 0x%08x; an IDX file begins with 0x0000", name,
                       big_endian(bytes));
    if (bytes[2] != TYPE_UBYTE)
        return failure(EXIT_INPUT,
                       "%s: has numbers of IDX type 0x%02x; only unsigned bytes, 0x%02x, are read",
                       name, bytes[2], TYPE_UBYTE);
    if (bytes[3] < 1 || bytes[3] > IDX_DIMENSIONS_MAX)
        return failure(EXIT_INPUT, "%s: has %d dimensions; there must be 1 to %d", name, bytes[3],
                       IDX_DIMENSIONS_MAX);
    return 0;
}

int idx_parse(idx_array *out, const unsigned char *bytes, size_t size, const char *name) {
    int code = check_magic(bytes, size, name);
    if (code) return code;
    idx_array array = {.ndim = bytes[3], .size = 1};
    size_t header = MAGIC_BYTES + (size_t)array.ndim * DIMENSION_BYTES;
    if (size < header)
        return failure(EXIT_INPUT, "%s: truncated: %zu bytes of a header of %zu", name, size,
                       header);
    for (int d = 0; d < array.ndim; d++) {
        array.shape[d] = big_endian(bytes + MAGIC_BYTES + d * DIMENSION_BYTES);
        if (__builtin_mul_overflow(array.size, (size_t)array.shape[d], &array.size))
            return failure(EXIT_INPUT, "%s: dimension %d, %lld, makes the array too large", name,
                           d + 1, (long long)array.shape[d]);
    }
    size_t body = size - header;
    if (body != array.size)
        return failure(EXIT_INPUT, "%s: %s: %zu numbers follow the header, which announces %zu",
                       name, body < array.size ? "truncated" : "too long", body, array.size);
    array.data = bytes + header;
    *out = array;
    return 0;
}
