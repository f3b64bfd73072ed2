/* SPDX-License-Identifier: Apache-2.0 */
/* Eight bytes at a time: with the processor's instruction where it has one, else with eight tables
 * (Kounavis, Berry: Novel table lookup-based algorithms for high-performance CRC generation, IEEE
 * Trans. Computers 57, 2008). docs/decisions/checksums.md has the speeds. */
#include "file/crc32c.h"

#include <pthread.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the tables are for little-endian words"
#endif

/* table[k][b]: the check of byte b followed by k zero bytes, without the inversions. */
static uint32_t table[8][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_table(void) {
    const uint32_t polynomial = 0x82f63b78u; /* reflected */
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
        table[0][byte] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (int byte = 0; byte < 256; byte++) {
            const uint32_t before = table[k - 1][byte];
            table[k][byte] = before >> 8 ^ table[0][before & 255];
        }
}

static uint32_t by_table(uint32_t crc, const void *bytes, size_t size) {
    pthread_once(&once, make_table);
    const unsigned char *p = bytes;
    crc = ~crc;
    for (; size >= 8; size -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        word ^= crc;
        crc = 0;
        for (int k = 0; k < 8; k++) crc ^= table[7 - k][word >> (8 * k) & 255];
    }
    for (; size > 0; size--, p++) crc = crc >> 8 ^ table[0][(crc ^ *p) & 255];
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const void *bytes,
                                                                 size_t size) {
    const unsigned char *p = bytes;
    uint64_t wide = ~crc;
    for (; size >= 8; size -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; size > 0; size--, p++) crc = __builtin_ia32_crc32qi(crc, *p);
    return ~crc;
}
#endif

uint32_t ravine_crc32c(uint32_t crc, const void *bytes, size_t size) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) /* GCOVR_EXCL_BR_LINE: a machine has it or has it not */
        return by_instruction(crc, bytes, size);
#endif
    return by_table(crc, bytes, size); /* GCOVR_EXCL_LINE: a test calls it by name */
}

uint32_t ravine_crc32c_masked(const void *bytes, size_t size) {
    const uint32_t crc = ravine_crc32c(0, bytes, size);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}
