/* SPDX-License-Identifier: Apache-2.0 */
#include "data/picture_rows.h"
#include "io/failure.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* libpng reports through callbacks, and ends by a jump; all that outlives that is here. */
typedef struct decoder {
    png_structp png;
    png_infop info;
    const unsigned char *at, *end;
    jmp_buf failed;
    char why[128];
    unsigned char *rgba; /* [width, 4] a row; of an interlaced image all of them */
} decoder;

static void on_error(png_structp png, png_const_charp why) {
    decoder *d = png_get_error_ptr(png);
    snprintf(d->why, sizeof d->why, "%s", why);
    longjmp(d->failed, 1);
}

/* Of what the pixels do not depend on: a profile, a comment. */
static void on_warning(png_structp png, png_const_charp why) {
    (void)png, (void)why;
}

static void on_read(png_structp png, png_bytep to, size_t size) {
    decoder *d = png_get_io_ptr(png);
    if (size > (size_t)(d->end - d->at)) png_error(png, "it is cut off");
    memcpy(to, d->at, size);
    d->at += size;
}

/* Whatever the file has becomes RGBA of 8 bits. */
static bool set_up(decoder *d) {
    d->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, d, on_error, on_warning);
    d->info = d->png ? png_create_info_struct(d->png) : NULL;
    if (!d->info) return false;
    png_set_read_fn(d->png, d, on_read);
    png_set_user_limits(d->png, PICTURE_SIDE_MAX, PICTURE_SIDE_MAX);
    png_read_info(d->png, d->info);
    png_set_expand(d->png);
    png_set_scale_16(d->png);
    png_set_gray_to_rgb(d->png);
    png_set_add_alpha(d->png, 255, PNG_FILLER_AFTER);
    return true;
}

/* As if what is transparent lay on white; in place, since what is read lies behind. */
static void put_on_white(picture_rows *rows, unsigned char *rgba) {
    unsigned char *rgb = rgba;
    for (const unsigned char *end = rgba + 4 * rows->width; rgba < end; rgba += 4) {
        const int alpha = rgba[3];
        for (int c = 0; c < 3; c++)
            *rgb++ = (unsigned char)((rgba[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
    picture_put_row(rows, rgba - 4 * rows->width);
}

static int read_pixels(picture_rows *rows, decoder *d) {
    if (!set_up(d)) return picture_is_damaged(rows, "PNG", "no memory to decode it");
    const int64_t width = png_get_image_width(d->png, d->info);
    const int64_t height = png_get_image_height(d->png, d->info);
    const int passes = png_set_interlace_handling(d->png);
    const int code = picture_begin(rows, width, height, passes > 1);
    if (code) return code;
    const int64_t held = passes > 1 ? height : 1;
    d->rgba = calloc((size_t)held, (size_t)width * 4);
    if (!d->rgba) return picture_is_damaged(rows, "PNG", "no memory for its pixels");
    png_read_update_info(d->png, d->info);
    for (int pass = 0; pass < passes; pass++)
        for (int64_t row = 0; row < height; row++) {
            unsigned char *rgba = d->rgba + row % held * width * 4;
            png_read_row(d->png, rgba, NULL);
            if (pass + 1 == passes) put_on_white(rows, rgba);
        }
    png_read_end(d->png, NULL);
    return 0;
}

int picture_read_png(picture_rows *rows, const unsigned char *bytes, size_t size) {
    decoder *d = calloc(1, sizeof *d);
    if (!d) return failure(FAILURE_INPUT, "%s: no memory to decode it", rows->name);
    d->at = bytes;
    d->end = bytes + size;
    const int code =
        setjmp(d->failed) ? picture_is_damaged(rows, "PNG", d->why) : read_pixels(rows, d);
    png_destroy_read_struct(&d->png, &d->info, NULL);
    free(d->rgba);
    free(d);
    return code;
}
