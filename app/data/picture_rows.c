/* SPDX-License-Identifier: Apache-2.0 */
#include "data/picture_rows.h"

#include "io/failure.h"

#include <stdlib.h>

int picture_is_damaged(const picture_rows *rows, const char *format, const char *why) {
    return failure(FAILURE_INPUT, "%s: is no whole %s image: %s", rows->name, format, why);
}

int picture_begin(picture_rows *rows, int64_t width, int64_t height, bool interlaced) {
    const int64_t most = interlaced ? PICTURE_INTERLACED_MAX : PICTURE_PIXELS_MAX;
    if (width < 1 || height < 1 || width > PICTURE_SIDE_MAX || height > PICTURE_SIDE_MAX ||
        width * height > most)
        return failure(
            FAILURE_INPUT, "%s: is %lld x %lld pixels%s; a side may have %d, and all %lld million",
            rows->name, (long long)width, (long long)height, interlaced ? ", interlaced" : "",
            PICTURE_SIDE_MAX, (long long)most / 1000000);
    const size_t line = (size_t)rows->shape[2] * 3;
    rows->width = width;
    rows->height = height;
    rows->line = malloc(line * sizeof *rows->line);
    rows->sum = calloc((size_t)rows->shape[1] * line, sizeof *rows->sum);
    return rows->line && rows->sum
               ? 0
               : failure(FAILURE_INPUT, "%s: no memory for its pixels", rows->name);
}

static int64_t lesser(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t greater(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* How much of pixel `at` of from[side] is in pixel `in` of to[side], in units of 1 / `to` of a
 * pixel, so that all of it is exact. */
static uint64_t overlap(int64_t from, int64_t to, int64_t at, int64_t in) {
    const int64_t first = greater(at * to, in * from),
                  last = lesser((at + 1) * to, (in + 1) * from);
    return (uint64_t)(last - first);
}

static void add(uint64_t sum[3], const unsigned char *rgb, uint64_t weight) {
    for (int c = 0; c < 3; c++) sum[c] += weight * rgb[c];
}

/* Those that lie in it whole all weigh the same; the first and the last may lie in it in part. */
static void sum_line(const picture_rows *r, const unsigned char *rgb) {
    const int64_t from = r->width, to = r->shape[2];
    for (int64_t in = 0; in < to; in++) {
        const int64_t first = in * from / to, last = ((in + 1) * from + to - 1) / to - 1;
        uint64_t whole[3] = {0}, *sum = r->line + 3 * in;
        for (int64_t x = first + 1; x < last; x++) add(whole, rgb + 3 * x, 1);
        for (int c = 0; c < 3; c++) sum[c] = whole[c] * (uint64_t)to;
        add(sum, rgb + 3 * first, overlap(from, to, first, in));
        if (last > first) add(sum, rgb + 3 * last, overlap(from, to, last, in));
    }
}

void picture_put_row(picture_rows *r, const unsigned char *rgb) {
    const int64_t from = r->height, to = r->shape[1], numbers = r->shape[2] * 3;
    const int64_t end = ((r->row + 1) * to + from - 1) / from;
    sum_line(r, rgb);
    for (int64_t in = r->row * to / from; in < end; in++) {
        const uint64_t weight = overlap(from, to, r->row, in);
        uint64_t *sum = r->sum + in * numbers;
        for (int64_t k = 0; k < numbers; k++) sum[k] += weight * r->line[k];
    }
    r->row++;
}

static unsigned char luma(const unsigned char rgb[3]) {
    return (unsigned char)((299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000);
}

void picture_take(const picture_rows *r, unsigned char *to) {
    const int64_t plane = r->shape[1] * r->shape[2];
    const uint64_t area = (uint64_t)(r->width * r->height);
    for (int64_t k = 0; k < plane; k++) {
        unsigned char mean[3];
        for (int c = 0; c < 3; c++)
            mean[c] = (unsigned char)((r->sum[3 * k + c] + area / 2) / area);
        if (r->shape[0] == 1)
            to[k] = luma(mean);
        else
            for (int c = 0; c < 3; c++) to[c * plane + k] = mean[c];
    }
}

void picture_rows_free(picture_rows *rows) {
    free(rows->line);
    free(rows->sum);
}
