/* SPDX-License-Identifier: Apache-2.0 */
#include "page/ticks.h"

#include <math.h>

/* A billionth of a stride is a rounding error. */
#define NEARLY 1e-9

double ticks_stride(double span, double most) {
    const double power = pow(10, floor(log10(span / most)));
    for (double digit = 1; digit < 10; digit = digit == 2 ? 5 : digit * 2)
        if (span <= digit * power * most * (1 + NEARLY)) return digit * power;
    return 10 * power;
}

size_t ticks_between(double least, double greatest, double stride, double *tick, size_t room) {
    size_t count = 0;
    for (double k = ceil(least / stride - NEARLY); count < room; k++) {
        if (k * stride > greatest + NEARLY * stride) break;
        tick[count++] = k * stride + 0.0; /* + 0: never -0 */
    }
    return count;
}
