/* SPDX-License-Identifier: Apache-2.0 */
/* ticks.h - round values along an axis, of a chart on a page or on a terminal. */
#ifndef RAVINE_PAGE_TICKS_H
#define RAVINE_PAGE_TICKS_H

#include <stddef.h>

/* The least of 1, 2, 5 times a power of ten with which `span` > 0 takes at most `most` strides. */
double ticks_stride(double span, double most);

/* The multiples of `stride` from `least` to `greatest`, `room` at most; how many. */
size_t ticks_between(double least, double greatest, double stride, double *tick, size_t room);

#endif
