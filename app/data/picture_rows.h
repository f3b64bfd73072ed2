/* SPDX-License-Identifier: Apache-2.0 */
/* picture_rows.h - rows of an image as they are decoded, summed up to the size that is wanted. */
#ifndef RAVINE_DATA_PICTURE_ROWS_H
#define RAVINE_DATA_PICTURE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PICTURE_SIDE_MAX = 1 << 15,
    PICTURE_PIXELS_MAX = 1 << 30,
    PICTURE_INTERLACED_MAX = 1 << 24, /* pixels that are held whole */
};

typedef struct picture_rows {
    const char *name; /* of the file */
    const int64_t *shape;
    int64_t width, height; /* of the file's image */
    int64_t row;           /* how many were put */
    uint64_t *line;        /* [shape[2], 3] sums of a row, each pixel times its part in the area */
    uint64_t *sum;         /* [shape[1], shape[2], 3] */
} picture_rows;

/* Checks the sides, of an interlaced image more strictly, and takes memory. */
int picture_begin(picture_rows *rows, int64_t width, int64_t height, bool interlaced);
void picture_put_row(picture_rows *rows, const unsigned char *rgb); /* [width, 3] */
/* The numbers of the whole image, once all its rows were put. */
void picture_take(const picture_rows *rows, unsigned char *to);
void picture_rows_free(picture_rows *rows);

/* The failure of a file that is cut or damaged. */
int picture_is_damaged(const picture_rows *rows, const char *format, const char *why);

/* The formats, which put all rows or fail. */
int picture_read_png(picture_rows *rows, const unsigned char *bytes, size_t size);
int picture_read_jpeg(picture_rows *rows, const unsigned char *bytes, size_t size);

#endif
