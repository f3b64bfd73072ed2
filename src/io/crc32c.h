/* crc32c.h - the Castagnoli cyclic redundancy check of RFC 3720, which TensorBoard's records use.
 */
#ifndef RAVINE_IO_CRC32C_H
#define RAVINE_IO_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *bytes, size_t size);

#endif
