/* SPDX-License-Identifier: Apache-2.0 */
/* segment.h - what one segment of a schedule means, for the files of this room. */
#ifndef RAVINE_SCHEDULE_SEGMENT_H
#define RAVINE_SCHEDULE_SEGMENT_H

#include "ravine.h"

#include <stdbool.h>

/* The most steps of one segment, and the greatest parameter that counts steps: whole doubles. */
#define RAVINE_SEGMENT_STEPS_MAX ((int64_t)1 << 53)

extern const char *const ravine_shape_name[RAVINE_SHAPE_COUNT];
extern const char *const ravine_shape_parameters[RAVINE_SHAPE_COUNT]; /* words, as in ravine.h */
bool ravine_shape_has_to(int32_t shape);

/* Word k of a list of words split by single blanks, and its length; NULL past the last. */
const char *ravine_list_word(const char *list, int k, int *length);

/* The value at step u of the segment, 0 <= u < steps. */
double ravine_segment_at(const ravine_segment *g, int64_t u);
/* The value that it reaches when u comes to n = steps (not FOREVER) from below: where a step or a
 * restart would fall on n itself, the value before it. */
double ravine_segment_end(const ravine_segment *g);
/* For how many steps, from its first, the value rises; a constant does not. */
int64_t ravine_segment_rise(const ravine_segment *g);

/* OK if every number is within its bounds. `where` begins the message; only the last segment of a
 * schedule may be without end. */
ravine_status ravine_segment_check(const ravine_segment *g, bool last, const char *where);

#endif
