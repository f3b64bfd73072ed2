/* SPDX-License-Identifier: Apache-2.0 */
/* random.h - counter-based random numbers: the same bits for any order, thread count or resume.
 *
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC11): a
 * keyed bijection of a 128-bit counter. There is no state: the number at (seed, stream, index) is
 * a function of the three, so any element can be drawn by any thread at any time.
 */
#ifndef RAVINE_MATH_RANDOM_H
#define RAVINE_MATH_RANDOM_H

#include <math.h>
#include <stdint.h>

typedef struct ravine_random4 {
    uint32_t word[4];
} ravine_random4;

/* The 128 random bits at counter (index, stream) under key `seed`. */
static inline ravine_random4 ravine_random_bits(uint64_t seed, uint64_t stream, uint64_t index) {
    uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32);
    uint32_t c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(b >> 32) ^ c1 ^ k0, n2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)b;
        c3 = (uint32_t)a;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (ravine_random4){{c0, c1, c2, c3}};
}

/* Uniform in [0, 1), 53 bits. */
static inline double ravine_random_uniform(uint64_t seed, uint64_t stream, uint64_t index) {
    ravine_random4 r = ravine_random_bits(seed, stream, index);
    uint64_t bits = ((uint64_t)r.word[0] << 32 | r.word[1]) >> 11;
    return (double)bits * 0x1p-53;
}

/* Uniform integer in [0, n), n >= 1, without bias beyond 2^-64 n (multiply and shift). */
static inline uint64_t ravine_random_below(uint64_t seed, uint64_t stream, uint64_t index,
                                           uint64_t n) {
    ravine_random4 r = ravine_random_bits(seed, stream, index);
    uint64_t bits = (uint64_t)r.word[0] << 32 | r.word[1];
    /* High 64 bits of the 128-bit product, by halves: __int128 is not C11. */
    uint64_t low = (bits & 0xffffffffu) * (n & 0xffffffffu);
    uint64_t mid1 = (bits >> 32) * (n & 0xffffffffu) + (low >> 32);
    uint64_t mid2 = (bits & 0xffffffffu) * (n >> 32) + (mid1 & 0xffffffffu);
    return (bits >> 32) * (n >> 32) + (mid1 >> 32) + (mid2 >> 32);
}

/* Standard normal (Box-Muller). */
static inline double ravine_random_normal(uint64_t seed, uint64_t stream, uint64_t index) {
    ravine_random4 r = ravine_random_bits(seed, stream, index);
    uint64_t a = ((uint64_t)r.word[0] << 32 | r.word[1]) >> 11;
    uint64_t b = ((uint64_t)r.word[2] << 32 | r.word[3]) >> 11;
    double u = ((double)a + 1) * 0x1p-53; /* (0, 1]: its logarithm is finite */
    double angle = 6.283185307179586 * ((double)b * 0x1p-53);
    return sqrt(-2 * log(u)) * cos(angle);
}

#endif
