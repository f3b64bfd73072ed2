/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of numbers, from RAVINE_DTYPE_LIST. */
#include "ravine.h"

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
