/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.h - arrays of either floating type, seen as long double, and distances in ULP. */
#ifndef TESTS_NUMBERS_H
#define TESTS_NUMBERS_H

#include "ravine.h"

/* Bytes of one element of RAVINE_F32 or RAVINE_F64. */
size_t number_bytes(int32_t dtype);
/* Element i of an array of `dtype`; it is stored rounded to nearest. */
long double number_get(const void *array, int32_t dtype, int64_t i);
void number_set(void *array, int32_t dtype, int64_t i, long double value);
/* The value rounded to `dtype`. */
long double number_round(int32_t dtype, long double value);
/* Greatest finite number of the type. */
long double number_largest(int32_t dtype);
/* Distance from |x| to the next larger number of the type: one ULP of x, never 0. */
long double number_spacing(int32_t dtype, long double x);
/* "0x1.8p+3 (12)": the bits and what they mean. Fixed buffers, used in turns: 16 at a time. */
const char *number_text(long double x);

#endif
