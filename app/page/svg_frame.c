/* SPDX-License-Identifier: Apache-2.0 */
/* Where a value lies on the paper. */
#include "page/svg_frame.h"

#include <math.h>

double svg_scaled(const svg_span *s, double value) {
    if (!s->log) return value;
    return value > 0 ? log10(value) : NAN;
}

static double share(const svg_span *s, double value) {
    return (svg_scaled(s, value) - s->low) / (s->high - s->low);
}

double svg_place_x(const svg_frame *f, double x) {
    return f->left + share(&f->x, x) * f->width;
}

double svg_place_y(const svg_frame *f, double y) {
    return f->top + (1 - share(&f->y, y)) * f->height;
}

bool svg_frame_holds(const svg_frame *f, double x, double y) {
    return x >= f->left && x <= f->left + f->width && y >= f->top && y <= f->top + f->height;
}
