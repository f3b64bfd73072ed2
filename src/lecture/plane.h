/* plane.h - the two planes of the lecture with their contours, as panels. */
#ifndef RAVINE_LECTURE_PLANE_H
#define RAVINE_LECTURE_PLANE_H

#include "lecture/figure.h"

/* Excess loss over (b, w) of the regression, axes as in the lecture. */
svg_panel plane_convex(const lecture *l, const svg_series *series, size_t n);
/* The crescent over (w1, w2). */
svg_panel plane_crescent(const lecture *l, const svg_series *series, size_t n);
#endif
