/* SPDX-License-Identifier: Apache-2.0 */
/* dataset_allocate.h - what the readers of data sets share: files, and room for the examples. */
#ifndef RAVINE_DATASET_ALLOCATE_H
#define RAVINE_DATASET_ALLOCATE_H

#include "data/dataset.h"

#include <stddef.h>

/* All of a file (io/input.h), and what it is; *bytes is for free(). */
int dataset_read_file(dataset_file *file, const char *path, size_t limit, unsigned char **bytes,
                      size_t *size);

/* How many of `count` examples are for the validation: the share, rounded, at least 1 unless it is
 * 0. `name` is for messages. Returns 0 or a kind of io/failure.h. */
int dataset_hold_out(const char *name, int64_t count, double share, int64_t *held);

#define DATASET_NUMBERS_MAX (INT64_C(1) << 31) /* in x of one data set: 8 GiB */

/* Sets d->size and allocates x, and label or y, for d->count examples (>= 1) of d->shape with
 * d->outputs. `name` is for messages. Returns 0 or a kind of io/failure.h; what was allocated
 * before a failure goes with dataset_pair_free. */
int dataset_allocate(dataset *d, bool regression, const char *name);

#endif
