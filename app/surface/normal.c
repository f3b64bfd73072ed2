/* SPDX-License-Identifier: Apache-2.0 */
/* Normal numbers with the same bits on every machine: ravine_random_normal() takes the logarithm
 * and the cosine of the C library. */
#include "math/elementary.h"
#include "math/random.h"
#include "surface/bodies.h"

#include <math.h>

double surface_normal(const surface *s, uint64_t stream, uint64_t index) {
    const ravine_random4 r = ravine_random_bits(s->seed, stream, index);
    const uint64_t a = ((uint64_t)r.word[0] << 32 | r.word[1]) >> 11;
    const uint64_t b = ((uint64_t)r.word[2] << 32 | r.word[3]) >> 11;
    const double u = ((double)a + 1) * 0x1p-53; /* (0, 1]: its logarithm is finite */
    return sqrt(-2 * ravine_log(u)) * ravine_cospi(2 * ((double)b * 0x1p-53)); /* Box-Muller */
}
