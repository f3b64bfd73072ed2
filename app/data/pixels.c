/* SPDX-License-Identifier: Apache-2.0 */
#include "data/pixels.h"

#include <math.h>

void pixels_count(int64_t times[256], const unsigned char *pixel, size_t size) {
    for (size_t k = 0; k < size; k++) times[pixel[k]]++;
}

void pixels_measure(data_encoding *e, const int64_t times[256]) {
    double mean = 0, variance = 0, count = 0;
    int different = 0;
    for (int p = 0; p < 256; p++) count += (double)times[p];
    for (int p = 0; p < 256; p++) different += times[p] > 0;
    for (int p = 0; p < 256; p++) mean += (double)times[p] * (p / 255.0) / count;
    for (int p = 0; p < 256; p++)
        variance += (double)times[p] * (p / 255.0 - mean) * (p / 255.0 - mean) / count;
    e->mean = mean;
    e->deviation = different > 1 ? sqrt(variance) : 0;
}

void pixels_put(const data_encoding *e, const unsigned char *pixel, size_t size, float *to) {
    const double factor = e->deviation > 0 ? 1 / e->deviation : 0;
    float value[256];
    for (int p = 0; p < 256; p++) value[p] = (float)((p / 255.0 - e->mean) * factor);
    for (size_t k = 0; k < size; k++) to[k] = value[pixel[k]];
}
