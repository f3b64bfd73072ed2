/* SPDX-License-Identifier: Apache-2.0 */
/* pixels.h - bytes of images as the numbers that a net is given: (pixel / 255 - mean) / deviation.
 */
#ifndef RAVINE_DATA_PIXELS_H
#define RAVINE_DATA_PIXELS_H

#include "data/encoding.h"

#include <stddef.h>

/* How often each value is there. */
void pixels_count(int64_t times[256], const unsigned char *pixel, size_t size);
/* Mean and deviation of what was counted, as shares of 255; deviation 0: they are all the same. */
void pixels_measure(data_encoding *e, const int64_t times[256]);
void pixels_put(const data_encoding *e, const unsigned char *pixel, size_t size, float *to);

#endif
