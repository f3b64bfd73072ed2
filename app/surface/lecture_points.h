/* SPDX-License-Identifier: Apache-2.0 */
/* lecture_points.h - the ten points of the lecture's regression y = b + w x: those of the course's
 * regression demo, whose pictures the lecture shows. */
#ifndef RAVINE_SURFACE_LECTURE_POINTS_H
#define RAVINE_SURFACE_LECTURE_POINTS_H

enum { LECTURE_POINTS = 10 };
static const double lecture_x[LECTURE_POINTS] = {338, 333, 328, 207, 226, 25, 179, 60, 208, 606};
static const double lecture_y[LECTURE_POINTS] = {640, 633, 619, 393, 428, 27, 193, 66, 226, 1591};

#endif
