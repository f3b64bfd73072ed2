/* SPDX-License-Identifier: Apache-2.0 */
#include "data/batch.h"

#include "data/random_stream.h"
#include "io/failure.h"
#include "math/random.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int data_batch_create(data_batch *b, const dataset *data, int64_t room) {
    const size_t examples = (size_t)room;
    *b = (data_batch){.room = room};
    b->x = calloc(examples, (size_t)data->size * sizeof *b->x);
    const size_t labels = data->text ? (size_t)data->size : 1;
    if (data->label || data->text)
        b->label = calloc(examples, labels * sizeof *b->label);
    else
        b->y = calloc(examples, (size_t)data->outputs * sizeof *b->y);
    if (b->x && (b->label || b->y)) return 0;
    data_batch_free(b);
    return failure(FAILURE_INPUT, "out of memory for a batch of %lld examples", (long long)room);
}

void data_batch_free(data_batch *b) {
    free(b->x);
    free(b->y);
    free(b->label);
    *b = (data_batch){0};
}

static void copy_sequence(const data_batch *b, const dataset *d, int64_t to, int64_t place) {
    float *x = b->x + to * d->size;
    int32_t *label = b->label + to * d->size;
    for (int64_t t = 0; t < d->size; t++, place++) {
        x[t] = place < d->bytes ? (float)d->text[place] : 0;
        label[t] = place + 1 < d->bytes ? d->text[place + 1] : -1;
    }
}

data_batch data_batch_at(const data_batch *room, const dataset *d, int64_t first, int64_t count) {
    if (!d->text)
        return (data_batch){.room = count,
                            .x = d->x + first * d->size,
                            .y = d->y ? d->y + first * d->outputs : NULL,
                            .label = d->label ? d->label + first : NULL};
    for (int64_t k = 0; k < count; k++) copy_sequence(room, d, k, (first + k) * d->size);
    return *room;
}

void data_batch_gather(data_batch *b, const dataset *data, const int64_t *order, int64_t count) {
    if (data->text) {
        for (int64_t k = 0; k < count; k++) copy_sequence(b, data, k, order[k]);
        return;
    }
    const size_t size = (size_t)data->size, outputs = (size_t)data->outputs;
    for (size_t to = 0; to < (size_t)count; to++) {
        const size_t from = (size_t)order[to];
        memcpy(b->x + to * size, data->x + from * size, size * sizeof *b->x);
        if (b->label)
            b->label[to] = data->label[from];
        else
            memcpy(b->y + to * outputs, data->y + from * outputs, outputs * sizeof *b->y);
    }
}

/* ---- moved ---- */

/* How one image is moved. */
typedef struct motion {
    bool flip;
    int64_t across, down;
} motion;

/* In [-shift, shift], from 32 random bits. */
static int64_t offset(uint32_t bits, int64_t shift) {
    return (int64_t)((uint64_t)bits * (uint64_t)(2 * shift + 1) >> 32) - shift;
}

static motion draw_motion(const data_augmentation *how, uint64_t step, int64_t k) {
    const ravine_random4 r = ravine_random_bits(how->seed, STREAM_MOTION | step, (uint64_t)k);
    return (motion){how->flip && (r.word[0] & 1), offset(r.word[1], how->shift),
                    offset(r.word[2], how->shift)};
}

static int64_t within(int64_t at, int64_t side) {
    return at < 0 ? 0 : at < side ? at : side - 1;
}

static void move(float *to, const float *from, const int64_t shape[3], motion m) {
    const int64_t height = shape[1], width = shape[2];
    for (int64_t row = 0; row < shape[0] * height; row++) {
        const int64_t y = within(row % height + m.down, height);
        const float *line = from + (row - row % height + y) * width;
        for (int64_t x = 0; x < width; x++)
            *to++ = line[within((m.flip ? width - 1 - x : x) + m.across, width)];
    }
}

void data_batch_gather_moved(data_batch *b, const dataset *data, const int64_t *order,
                             int64_t count, const data_augmentation *how, uint64_t step) {
    data_batch_gather(b, data, order, count);
    if (!how->flip && how->shift == 0) return;
    for (int64_t k = 0; k < count; k++)
        move(b->x + k * data->size, data->x + order[k] * data->size, data->shape,
             draw_motion(how, step, k));
}

/* ---- order ---- */

/* The place of element k among 0 .. k. */
static int64_t place(uint64_t seed, uint64_t stream, int64_t k) {
    return (int64_t)ravine_random_below(seed, stream, (uint64_t)k, (uint64_t)k + 1);
}

void data_order_shuffle(int64_t *order, int64_t count, uint64_t seed, uint64_t stream) {
    for (int64_t k = 0; k < count; k++) order[k] = k;
    for (int64_t k = count - 1; k > 0; k--) {
        const int64_t other = place(seed, stream, k), swapped = order[k];
        order[k] = order[other];
        order[other] = swapped;
    }
}

void data_order_draw(int64_t *order, int64_t count, uint64_t seed, uint64_t stream) {
    for (int64_t k = 0; k < count; k++) {
        const int64_t other = place(seed, stream, k);
        order[k] = order[other];
        order[other] = k;
    }
}

void data_order_places(int64_t *order, const dataset *text, uint64_t seed, uint64_t stream) {
    const uint64_t places = (uint64_t)(text->bytes - text->size);
    for (int64_t k = 0; k < text->count; k++)
        order[k] = (int64_t)ravine_random_below(seed, stream, (uint64_t)k, places);
}

void data_order_epoch(int64_t *order, const dataset *data, uint64_t seed, uint64_t stream) {
    if (data->text)
        data_order_places(order, data, seed, stream);
    else
        data_order_shuffle(order, data->count, seed, stream);
}
