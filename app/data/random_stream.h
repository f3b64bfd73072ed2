/* SPDX-License-Identifier: Apache-2.0 */
/* random_stream.h - what random numbers under the seed of a training are drawn for. Each use has
 * streams of its own, so that none moves another; the low bits are left to the use. Values never
 * change: runs of before go on with them.
 */
#ifndef RAVINE_DATA_RANDOM_STREAM_H
#define RAVINE_DATA_RANDOM_STREAM_H

#include <stdint.h>

#define STREAM_INITIAL (UINT64_C(1) << 56)    /* | layer: initial weights */
#define STREAM_DROPOUT (UINT64_C(2) << 56)    /* | layer << 40 | step: masks */
#define STREAM_EPOCH   (UINT64_C(1) << 48)    /* | epoch: the order, or the places of a text */
#define STREAM_PROBLEM (UINT64_C(2) << 48)    /* which examples a probe looks at */
#define STREAM_MOTION  (UINT64_C(3) << 48)    /* | step: how images are moved */
#define STREAM_SPLIT   UINT64_C(0x73706c6974) /* "split": which examples are for the test */
#define STREAM_HOLD    UINT64_C(0x686f6c64)   /* "hold": which images of IDX validate */
/* Under the seed of `ravine generate`, which no training has. */
#define STREAM_WRITER (UINT64_C(3) << 48)

#endif
