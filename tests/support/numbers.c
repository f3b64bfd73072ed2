/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.c - see numbers.h. */
#include "numbers.h"
#include <float.h>
#include <math.h>
#include <stdio.h>

size_t number_bytes(int32_t dtype) {
    return dtype == RAVINE_F32 ? sizeof(float) : sizeof(double);
}

long double number_get(const void *array, int32_t dtype, int64_t i) {
    return dtype == RAVINE_F32 ? (long double)((const float *)array)[i]
                               : (long double)((const double *)array)[i];
}

void number_set(void *array, int32_t dtype, int64_t i, long double value) {
    if (dtype == RAVINE_F32) {
        ((float *)array)[i] = (float)value;
    } else {
        ((double *)array)[i] = (double)value;
    }
}

long double number_round(int32_t dtype, long double value) {
    return dtype == RAVINE_F32 ? (long double)(float)value : (long double)(double)value;
}

long double number_largest(int32_t dtype) {
    return dtype == RAVINE_F32 ? (long double)FLT_MAX : (long double)DBL_MAX;
}

long double number_spacing(int32_t dtype, long double x) {
    const int digits = dtype == RAVINE_F32 ? FLT_MANT_DIG : DBL_MANT_DIG;
    const int lowest = (dtype == RAVINE_F32 ? FLT_MIN_EXP : DBL_MIN_EXP) - digits;
    if (!isfinite(x)) return INFINITY;
    int exponent = lowest + digits; /* of zero and denormals: their spacing is the smallest */
    if (x != 0) (void)frexpl(x, &exponent);
    const int power = exponent - digits;
    return ldexpl(1, power < lowest ? lowest : power);
}

const char *number_text(long double x) {
    static char text[16][64];
    static unsigned turn;
    char *const out = text[turn++ % 16];
    (void)snprintf(out, sizeof text[0], "%La (%.9Lg)", x, x);
    return out;
}
