/* SPDX-License-Identifier: Apache-2.0 */
/* plane.h - what figures share: the planes of the lecture with their contours, as panels, and
 * axes of steps. */
#ifndef RAVINE_LECTURE_PLANE_H
#define RAVINE_LECTURE_PLANE_H

#include "lecture/figure.h"

/* The minimum and the start of each; a figure may name other points. */
enum { PLANE_NOTES = 2 };
extern const svg_note plane_notes[PLANE_NOTES], crescent_notes[PLANE_NOTES];

/* Excess loss over (b, w) of the regression, axes as in the lecture. */
svg_panel plane_convex(const lecture *l, const svg_series *series, size_t n);
/* The crescent over (w1, w2). */
svg_panel plane_crescent(const lecture *l, const svg_series *series, size_t n);
/* The surface `ravine` over (x, y). */
svg_panel plane_ravine(surface *s, const svg_series *series, size_t n);

/* Steps counted from 1, as traces_curve() has them: all of them by their logarithm, or some. */
svg_axis steps_log(void);
svg_axis steps_between(double least, double greatest);

/* Series of traces_farthest(), from `least` to `greatest`. */
svg_panel panel_farthest(const svg_series *series, size_t n, double least, double greatest);
#endif
