/* SPDX-License-Identifier: Apache-2.0 */
#include "data/picture_rows.h"
#include "io/failure.h"

#include <setjmp.h>
#include <stdio.h> /* jpeglib.h needs it before */
#include <stdlib.h>

#include <jpeglib.h>

enum { SCANS_MAX = 100 }; /* of a progressive file: each costs as much as the whole image */

/* libjpeg reports through callbacks, and ends by a jump; all that outlives that is here. */
typedef struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf end;
    char why[JMSG_LENGTH_MAX];
    JSAMPROW rgb; /* [width, 3] a row */
} decoder;

static void end_with(decoder *d, const char *why) {
    snprintf(d->why, sizeof d->why, "%s", why);
    longjmp(d->end, 1);
}

static void on_error(j_common_ptr jpeg) {
    decoder *d = jpeg->client_data;
    char why[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, why);
    end_with(d, why);
}

/* A warning is of data that are damaged; libjpeg would fill the gap with grey. */
static void on_message(j_common_ptr jpeg, int level) {
    if (level < 0) on_error(jpeg);
}

static void on_progress(j_common_ptr jpeg) {
    decoder *d = jpeg->client_data;
    if (d->jpeg.input_scan_number > SCANS_MAX) end_with(d, "it has more than 100 scans");
}

static void begin(decoder *d) {
    d->jpeg.err = jpeg_std_error(&d->errors);
    d->errors.error_exit = on_error;
    d->errors.emit_message = on_message;
    d->jpeg.client_data = d;
}

static int read_pixels(picture_rows *rows, decoder *d, const unsigned char *bytes, size_t size) {
    jpeg_create_decompress(&d->jpeg);
    d->progress.progress_monitor = on_progress;
    d->jpeg.progress = &d->progress;
    jpeg_mem_src(&d->jpeg, bytes, size);
    jpeg_read_header(&d->jpeg, TRUE);
    const int code = picture_begin(rows, d->jpeg.image_width, d->jpeg.image_height,
                                   jpeg_has_multiple_scans(&d->jpeg));
    if (code) return code;
    d->rgb = malloc((size_t)rows->width * 3);
    if (!d->rgb) return picture_is_damaged(rows, "JPEG", "no memory for its pixels");
    d->jpeg.out_color_space = JCS_RGB;
    d->jpeg.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&d->jpeg);
    while (d->jpeg.output_scanline < d->jpeg.output_height) {
        jpeg_read_scanlines(&d->jpeg, &d->rgb, 1);
        picture_put_row(rows, d->rgb);
    }
    jpeg_finish_decompress(&d->jpeg);
    return 0;
}

int picture_read_jpeg(picture_rows *rows, const unsigned char *bytes, size_t size) {
    decoder *d = calloc(1, sizeof *d);
    if (!d) return failure(FAILURE_INPUT, "%s: no memory to decode it", rows->name);
    begin(d);
    const int code = setjmp(d->end) ? picture_is_damaged(rows, "JPEG", d->why)
                                    : read_pixels(rows, d, bytes, size);
    jpeg_destroy_decompress(&d->jpeg);
    free(d->rgb);
    free(d);
    return code;
}
