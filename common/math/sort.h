/* SPDX-License-Identifier: Apache-2.0 */
/* sort.h - the library's one sort.
 *
 * Heap sort (Williams 1964): O(n log n) whatever the order, in place. The C library's qsort takes
 * memory that is not the caller's, and has a quadratic worst case without it. */
#ifndef RAVINE_MATH_SORT_H
#define RAVINE_MATH_SORT_H

#include <stddef.h>
#include <stdint.h>

/* items: [n], each of `size` bytes; `compare` as qsort takes it. */
void ravine_sort(void *items, int64_t n, size_t size, int (*compare)(const void *, const void *));

#endif
