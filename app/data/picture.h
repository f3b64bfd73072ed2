/* SPDX-License-Identifier: Apache-2.0 */
/* picture.h - one image from a PNG or JPEG file, in the size that is wanted.
 *
 * Nothing of a file is believed: sides and pixels are bounded before memory is taken, and data that
 * are cut or damaged are an error, never half an image. Rows are taken as they are decoded, so that
 * memory does not grow with the image, unless it is interlaced.
 */
#ifndef RAVINE_DATA_PICTURE_H
#define RAVINE_DATA_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PICTURE_BYTES_MAX = 1 << 28 }; /* of a file */

/* The image of a file, whatever its name says, as to[channels, height, width] of `shape`: each
 * number is the mean of the area that it stands for, rounded. Channels: 3, or 1, the luma of
 * BT.601. What is transparent lies on white; the image is stretched where its sides differ. `name`
 * is for messages. Returns 0 or a kind of io/failure.h. */
int picture_read(unsigned char *to, const int64_t shape[3], const unsigned char *bytes, size_t size,
                 const char *name);

/* Pixels [height, width, channels], 1 or 3 channels, as a PNG file in memory; *png is for free().
 */
int picture_write(unsigned char **png, size_t *size, const unsigned char *pixel,
                  const int64_t shape[3]);

/* Whether a file of that name is one: its ending is .png, .jpg or .jpeg, in any case. */
bool picture_is_named(const char *path);

#endif
