/* SPDX-License-Identifier: Apache-2.0 */
/* bench_stream.h - what the step is measured against: the bare stream over the same arrays, and the
 * divider. Compiled for the widest vectors the processor has, as the library's kernels are. */
#ifndef RAVINE_COMMANDS_BENCH_STREAM_H
#define RAVINE_COMMANDS_BENCH_STREAM_H

#include "ravine.h"

#include <stdbool.h>

#define STREAM_ARRAYS_MAX 8

/* Reads `source` and reads and writes `narrays` arrays, all [len], with one multiply and one add an
 * element: the least that a step with that many arrays can cost. */
typedef struct stream {
    float *array[STREAM_ARRAYS_MAX];
    const float *source;
    int narrays;
    int64_t len;
    bool prefetch; /* ask for memory ahead, as the kernels do */
} stream;
void stream_run(const stream *s, ravine_pool *pool); /* pool NULL: this thread */

/* Nanoseconds of one square root and one divide per float, from the first-level cache. */
double stream_divider_nanoseconds(void);

double bench_clock(void); /* nanoseconds */

#endif
