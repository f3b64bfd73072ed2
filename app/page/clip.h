/* SPDX-License-Identifier: Apache-2.0 */
/* clip.h - the part of a straight line that lies in a box.
 *
 *     double a[2] = {0, 0}, b[2] = {1e300, 2e300};
 *     clip_line(&(clip_box){{-1, -1}, {1, 1}}, a, b);          a is (0, 0), b is (0.5, 1)
 */
#ifndef RAVINE_PAGE_CLIP_H
#define RAVINE_PAGE_CLIP_H

#include <stdbool.h>

typedef struct clip_box {
    double least[2], most[2];
} clip_box;

bool clip_holds(const clip_box *box, const double point[2]);

/* Cuts the line from a to b to the box; false: no part of it is there. The ends are finite, of any
 * size. An end in the box keeps its bits, the direction is that of the whole line. */
bool clip_line(const clip_box *box, double a[2], double b[2]);

#endif
