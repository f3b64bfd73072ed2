/* SPDX-License-Identifier: Apache-2.0 */
#include "data/picture.h"
#include "io/failure.h"

#include <png.h>
#include <stdlib.h>

int picture_write(unsigned char **png, size_t *size, const unsigned char *pixel,
                  const int64_t shape[3]) {
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)shape[2],
                       .height = (png_uint_32)shape[1],
                       .format = shape[0] == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB};
    *png = NULL;
    png_alloc_size_t room = PNG_IMAGE_PNG_SIZE_MAX(image);
    *png = malloc(room);
    if (!*png || !png_image_write_to_memory(&image, *png, &room, 0, pixel, 0, NULL)) {
        free(*png);
        *png = NULL;
        return failure(FAILURE_INPUT, "a PNG image of %lld x %lld cannot be made: %s",
                       (long long)shape[2], (long long)shape[1],
                       *image.message ? image.message : "out of memory");
    }
    *size = room;
    return 0;
}
