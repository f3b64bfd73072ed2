/* SPDX-License-Identifier: Apache-2.0 */
/* clip.c - Liang and Barsky 1984, counted from the place of the line that is nearest to the middle
 * of the box. Counted from an end, as they do it, a line whose ends are 1e17 boxes away would be
 * cut boxes beside where it passes: that is how float64 rounds a point so far out.
 */
#include "page/clip.h"

#include <math.h>

bool clip_holds(const clip_box *box, const double point[2]) {
    return point[0] >= box->least[0] && point[0] <= box->most[0] && point[1] >= box->least[1] &&
           point[1] <= box->most[1];
}

/* Products of coordinates must not overflow. */
static double unit_of(const double a[2], const double b[2]) {
    const double largest = fmax(fmax(fabs(a[0]), fabs(a[1])), fmax(fabs(b[0]), fabs(b[1])));
    return largest > 0x1p500 ? 0x1p-524 : 1;
}

/* [*from, *to] becomes the part of it where |at + s step| is at most `half`. */
static void narrow(double at, double step, double half, double *from, double *to) {
    if (step == 0) {
        if (fabs(at) > half) *to = -INFINITY;
        return;
    }
    const double one = (-half - at) / step, other = (half - at) / step;
    *from = fmax(*from, fmin(one, other));
    *to = fmin(*to, fmax(one, other));
}

bool clip_line(const clip_box *box, double a[2], double b[2]) {
    const bool a_inside = clip_holds(box, a), b_inside = clip_holds(box, b);
    if (a_inside && b_inside) return true;
    const double unit = unit_of(a, b);
    double middle[2], half[2], p[2], q[2];
    for (int i = 0; i < 2; i++) {
        middle[i] = box->least[i] / 2 + box->most[i] / 2;
        half[i] = (box->most[i] / 2 - box->least[i] / 2) * unit;
        p[i] = a[i] * unit - middle[i] * unit;
        q[i] = b[i] * unit - middle[i] * unit;
    }
    const double length = hypot(q[0] - p[0], q[1] - p[1]);
    if (length == 0) return false;
    const double along[2] = {(q[0] - p[0]) / length, (q[1] - p[1]) / length};
    /* the nearer end knows best how far the line is from the middle */
    const double *near = hypot(p[0], p[1]) < hypot(q[0], q[1]) ? p : q;
    const double aside = near[0] * along[1] - near[1] * along[0];
    const double foot[2] = {aside * along[1], -aside * along[0]};
    double from = p[0] * along[0] + p[1] * along[1], to = q[0] * along[0] + q[1] * along[1];
    for (int i = 0; i < 2; i++) narrow(foot[i], along[i], half[i], &from, &to);
    if (from > to && !a_inside && !b_inside) return false;
    for (int i = 0; i < 2; i++) { /* rounding must not leave the box */
        const double one = middle[i] + (foot[i] + from * along[i]) / unit;
        const double other = middle[i] + (foot[i] + to * along[i]) / unit;
        if (!a_inside) a[i] = fmin(fmax(one, box->least[i]), box->most[i]);
        if (!b_inside) b[i] = fmin(fmax(other, box->least[i]), box->most[i]);
    }
    return true;
}
