/* SPDX-License-Identifier: Apache-2.0 */
/* batch.h - examples in a drawn order, gathered into batches. */
#ifndef RAVINE_DATA_BATCH_H
#define RAVINE_DATA_BATCH_H

#include "data/dataset.h"

/* Room for `room` examples of a data set, one after the other. */
typedef struct data_batch {
    int64_t room;
    float *x, *y;   /* [room, size], [room, outputs] */
    int32_t *label; /* [room], of a text [room, size]; y or label is NULL */
} data_batch;

/* Returns 0 or a kind of io/failure.h. */
int data_batch_create(data_batch *b, const dataset *data, int64_t room);
void data_batch_free(data_batch *b); /* one that is all zero is fine */

/* Copies the examples order[0 .. count - 1] into it, count <= room. The number of an example of a
 * text is the place of its first byte; past the end its bytes are 0 and its labels -1. */
void data_batch_gather(data_batch *b, const dataset *data, const int64_t *order, int64_t count);
/* The examples first .. first + count - 1 where they are; those of a text, which lie side by side,
 * in `room`, count <= room->room. */
data_batch data_batch_at(const data_batch *room, const dataset *data, int64_t first, int64_t count);

/* [data->count] The examples of an epoch, a pure function of seed and stream: all of them in an
 * order that is shuffled down, or those of a text from places that are drawn. */
void data_order_epoch(int64_t *order, const dataset *data, uint64_t seed, uint64_t stream);
/* The places alone. */
void data_order_places(int64_t *order, const dataset *text, uint64_t seed, uint64_t stream);

/* Images that are moved about a little each time that they are learned from: all zero for none. */
typedef struct data_augmentation {
    bool flip;     /* every other one from left to right */
    int64_t shift; /* and each by up to so many pixels both ways; its edges go on */
    uint64_t seed;
} data_augmentation;
/* The same, moved: a pure function of seed and `step`, the step that learns from them. */
void data_batch_gather_moved(data_batch *b, const dataset *data, const int64_t *order,
                             int64_t count, const data_augmentation *how, uint64_t step);

/* Fisher and Yates: every order of 0 .. count - 1 is equally likely, a pure function of seed and
 * stream. Two walks through the same numbers give different orders; runs and probes that were made
 * stay as they are only while each keeps its own. */
void data_order_shuffle(int64_t *order, int64_t count, uint64_t seed, uint64_t stream); /* down */
void data_order_draw(int64_t *order, int64_t count, uint64_t seed, uint64_t stream);    /* up */

#endif
