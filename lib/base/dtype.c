/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of numbers, from RAVINE_DTYPE_LIST. */
#include "base/dtype.h"

#include <string.h>

const char *ravine_dtype_name(int32_t dtype) {
    switch (dtype) {
#define RAVINE_X(NAME, value, bits, name) \
    case RAVINE_##NAME: return name;
        RAVINE_DTYPE_LIST(RAVINE_X)
#undef RAVINE_X
    }
    return NULL;
}

int32_t ravine_dtype_bits(int32_t dtype) {
    switch (dtype) {
#define RAVINE_X(NAME, value, bits, name) \
    case RAVINE_##NAME: return bits;
        RAVINE_DTYPE_LIST(RAVINE_X)
#undef RAVINE_X
    }
    return 0;
}

const computed ravine_computed_rows[COMPUTED_COUNT] = {
#define X(NAME, name, type, most, epsilon_, far, curvature_, loss_) \
    {sizeof(type), COMPUTED_##NAME, (double)(most), (double)(epsilon_), far, curvature_, loss_},
    COMPUTED_LIST(X)
#undef X
};

static float from_half(uint16_t half) {
    const uint32_t bits = (uint32_t)(half & 0x7fff) << 13;
    float x;
    memcpy(&x, &bits, sizeof x);
    x *= 0x1p112f;
    if ((half & 0x7c00) == 0x7c00) x = half & 0x3ff ? NAN : INFINITY;
    return half & 0x8000 ? -x : x;
}

static float from_bf16(uint16_t half) {
    const uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

void ravine_widen(double *restrict to, int32_t dtype, const void *from, int64_t at, int64_t n) {
    const uint16_t *halves = (const uint16_t *)from + at;
    switch (dtype) {
    case RAVINE_F64: memcpy(to, (const double *)from + at, (size_t)n * sizeof *to); break;
    case RAVINE_BF16:
        for (int64_t i = 0; i < n; i++) to[i] = (double)from_bf16(halves[i]);
        break;
    case RAVINE_F16:
        for (int64_t i = 0; i < n; i++) to[i] = (double)from_half(halves[i]);
        break;
    default:
        for (int64_t i = 0; i < n; i++) to[i] = (double)((const float *)from)[at + i];
    }
}

bool ravine_is_real(int32_t dtype) {
    return ravine_computed(dtype) || dtype == RAVINE_BF16 || dtype == RAVINE_F16;
}
