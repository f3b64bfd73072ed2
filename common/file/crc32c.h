/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c.h - the Castagnoli cyclic redundancy check of RFC 3720. */
#ifndef RAVINE_FILE_CRC32C_H
#define RAVINE_FILE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The check of bytes whose beginning has the check `crc` (0: nothing before them) and whose rest is
 * bytes[size]: crc32c(crc32c(0, a), b) is that of a followed by b. */
uint32_t ravine_crc32c(uint32_t crc, const void *bytes, size_t size);

/* As TensorFlow's records have it, rotated and shifted: data that hold checks of their own fool a
 * plain one. */
uint32_t ravine_crc32c_masked(const void *bytes, size_t size);

#endif
