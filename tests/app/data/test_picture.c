/* SPDX-License-Identifier: Apache-2.0 */
/* Images of files: their area means, what is refused, and how they are moved in training. */
#include "support/scratch.h"

#include "data/batch.h"
#include "data/picture.h"
#include "io/failure.h"

#include <math.h>
#include <png.h>
#include <stdio.h>

#include <jpeglib.h>

/* A PNG of these pixels, `channels` bytes each. */
static unsigned char *png_of(const unsigned char *pixels, int width, int height, int channels,
                             size_t *size) {
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = channels == 1   ? PNG_FORMAT_GRAY
                                 : channels == 3 ? PNG_FORMAT_RGB
                                                 : PNG_FORMAT_RGBA};
    assert_true(png_image_write_get_memory_size(image, *size, 0, pixels, 0, NULL));
    unsigned char *bytes = malloc(*size);
    assert_true(png_image_write_to_memory(&image, bytes, size, 0, pixels, 0, NULL));
    return bytes;
}

static unsigned char *jpeg_of(const unsigned char *rgb, int width, int height, size_t *size) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long length = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &length);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < height; y++) {
        JSAMPROW row = (JSAMPROW)rgb + (size_t)y * (size_t)width * 3;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    *size = length;
    return bytes;
}

/* The mean of an area, in long double, from the very definition. */
static long double area_mean(const unsigned char *rgb, int width, int height, const int64_t *shape,
                             int64_t y, int64_t x, int channel) {
    const long double high = (long double)height / shape[1], wide = (long double)width / shape[2];
    long double sum = 0, area = 0;
    for (int j = 0; j < height; j++)
        for (int i = 0; i < width; i++) {
            const long double down = fminl(j + 1, (y + 1) * high) - fmaxl(j, y * high);
            const long double across = fminl(i + 1, (x + 1) * wide) - fmaxl(i, x * wide);
            if (down <= 0 || across <= 0) continue;
            sum += down * across * rgb[3 * (j * width + i) + channel];
            area += down * across;
        }
    return sum / area;
}

static void draw(unsigned char *pixels, size_t size) {
    unsigned state = 12345;
    for (size_t k = 0; k < size; k++)
        pixels[k] = (unsigned char)((state = state * 69069 + 1) >> 24);
}

static void each_number_is_the_mean_of_its_area(void **state) {
    (void)state;
    static const int sides[][2] = {{7, 5}, {64, 64}, {1, 1}, {100, 3}, {32, 8}, {33, 31}};
    static const int64_t shapes[][3] = {{3, 8, 8}, {3, 5, 7}, {3, 1, 1}, {3, 32, 32}};
    unsigned char rgb[100 * 64 * 3], got[3 * 32 * 32];
    draw(rgb, sizeof rgb);
    for (size_t s = 0; s < sizeof sides / sizeof *sides; s++)
        for (size_t t = 0; t < sizeof shapes / sizeof *shapes; t++) {
            const int width = sides[s][0], height = sides[s][1];
            const int64_t *shape = shapes[t];
            size_t size;
            unsigned char *bytes = png_of(rgb, width, height, 3, &size);
            assert_int_equal(picture_read(got, shape, bytes, size, "p.png"), 0);
            free(bytes);
            for (int c = 0; c < 3; c++)
                for (int64_t y = 0; y < shape[1]; y++)
                    for (int64_t x = 0; x < shape[2]; x++) {
                        const long double mean = area_mean(rgb, width, height, shape, y, x, c);
                        const int value = got[(c * shape[1] + y) * shape[2] + x];
                        assert_true(fabsl(value - mean) < 0.5001L);
                    }
        }
}

static void grey_is_luma_and_what_is_transparent_is_white(void **state) {
    (void)state;
    static const int64_t grey[3] = {1, 1, 1}, colour[3] = {3, 1, 1};
    static const struct {
        unsigned char rgba[4], luma, rgb[3];
    } cases[] = {{{255, 0, 0, 255}, 76, {255, 0, 0}},   {{0, 255, 0, 255}, 150, {0, 255, 0}},
                 {{0, 0, 255, 255}, 29, {0, 0, 255}},   {{9, 9, 9, 0}, 255, {255, 255, 255}},
                 {{0, 0, 0, 51}, 204, {204, 204, 204}}, {{200, 100, 0, 128}, 186, {227, 177, 127}}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        size_t size;
        unsigned char got[3], *bytes = png_of(cases[k].rgba, 1, 1, 4, &size);
        assert_int_equal(picture_read(got, colour, bytes, size, "p.png"), 0);
        assert_memory_equal(got, cases[k].rgb, 3);
        assert_int_equal(picture_read(got, grey, bytes, size, "p.png"), 0);
        assert_int_equal(got[0], cases[k].luma);
        free(bytes);
    }
    size_t size;
    unsigned char got[3], *bytes = png_of((const unsigned char[]){77}, 1, 1, 1, &size);
    assert_int_equal(picture_read(got, colour, bytes, size, "p.png"), 0);
    assert_memory_equal(got, ((const unsigned char[]){77, 77, 77}), 3);
    free(bytes);
}

static void jpeg_is_read(void **state) {
    (void)state;
    static const int64_t shape[3] = {3, 1, 2};
    unsigned char rgb[16 * 8 * 3], got[6];
    for (int k = 0; k < 16 * 8; k++) {
        const bool left = k % 16 < 8;
        memcpy(rgb + 3 * k,
               left ? ((const unsigned char[]){200, 30, 60})
                    : ((const unsigned char[]){10, 220, 90}),
               3);
    }
    size_t size;
    unsigned char *bytes = jpeg_of(rgb, 16, 8, &size);
    assert_int_equal(picture_read(got, shape, bytes, size, "p.jpg"), 0);
    static const unsigned char wanted[] = {200, 10, 30, 220, 60, 90};
    for (int k = 0; k < 6; k++) assert_true(abs(got[k] - wanted[k]) <= 12);
    free(bytes);
}

static void refuse(const unsigned char *bytes, size_t size, const char *told) {
    static const int64_t shape[3] = {3, 4, 4};
    unsigned char got[48], *copy = malloc(size ? size : 1); /* ASan sees a read past its end */
    assert_non_null(copy);
    if (size) memcpy(copy, bytes, size);
    assert_int_equal(picture_read(got, shape, copy, size, "p.png"), FAILURE_INPUT);
    assert_told("p.png: ", told);
    free(copy);
}

/* Every cut of a file, and every byte that is another, is told or leaves an image. */
static void cut_and_damaged_files(void **state) {
    (void)state;
    unsigned char rgb[16 * 16 * 3], got[48];
    static const int64_t shape[3] = {3, 4, 4};
    draw(rgb, sizeof rgb);
    for (int format = 0; format < 2; format++) {
        size_t size;
        unsigned char *bytes = format ? jpeg_of(rgb, 16, 16, &size) : png_of(rgb, 16, 16, 3, &size);
        for (size_t cut = 4; cut + 12 < size; cut++)
            refuse(bytes, cut, format ? "is no whole JPEG image" : "is no whole PNG image");
        for (size_t k = 4; k < size; k++) {
            bytes[k] ^= 0x5a;
            const int code = picture_read(got, shape, bytes, size, "p");
            assert_true(code == 0 || code == FAILURE_INPUT);
            bytes[k] ^= 0x5a;
        }
        free(bytes);
    }
    refuse((const unsigned char *)"GIF89a...", 9, "is neither PNG nor JPEG, but GIF");
    refuse((const unsigned char *)"", 0, "is neither PNG nor JPEG");
}

/* A header that announces more than there may be, with its right checksum. */
static void huge_sides(void **state) {
    (void)state;
    size_t size;
    unsigned char *bytes = png_of((const unsigned char[]){1, 2, 3}, 1, 1, 3, &size);
    unsigned char header[33];
    memcpy(header, bytes, sizeof header);
    free(bytes);
    static const unsigned char sides[][8] = {{0, 0, 0x80, 1, 0, 0, 0, 1},
                                             {0, 0, 0x80, 0, 0, 0, 0x80, 1},
                                             {0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff}};
    for (size_t k = 0; k < sizeof sides / sizeof *sides; k++) {
        memcpy(header + 16, sides[k], 8);
        uint32_t crc = 0xffffffff;
        for (int i = 12; i < 29; i++) {
            crc ^= header[i];
            for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
        for (int i = 0; i < 4; i++) header[29 + i] = (unsigned char)(~crc >> (24 - 8 * i));
        refuse(header, sizeof header, "p.png: is no whole PNG image: ");
    }
}

static void names_of_images(void **state) {
    (void)state;
    assert_true(picture_is_named("a/b.png") && picture_is_named("b.JPG") &&
                picture_is_named("c.jpeg"));
    assert_false(picture_is_named(".png") || picture_is_named("png") || picture_is_named("a.gif") ||
                 picture_is_named("a.png.txt"));
}

/* ---- moved in training
 * ------------------------------------------------------------------------------ */

static void images_are_moved(void **state) {
    (void)state;
    enum { SIDE = 5, COUNT = 400 };
    float x[2 * SIDE * SIDE];
    int32_t label[COUNT] = {0};
    int64_t order[COUNT] = {0};
    for (int k = 0; k < 2 * SIDE * SIDE; k++) x[k] = (float)k;
    const dataset data = {.count = 1,
                          .shape = {2, SIDE, SIDE},
                          .size = 2 * SIDE * SIDE,
                          .outputs = 2,
                          .x = x,
                          .label = label};
    const data_augmentation how = {.flip = true, .shift = 1, .seed = 9};
    data_batch a, b;
    assert_int_equal(data_batch_create(&a, &data, COUNT), 0);
    assert_int_equal(data_batch_create(&b, &data, COUNT), 0);
    data_batch_gather_moved(&a, &data, order, COUNT, &how, 17);
    int seen[2][3][3] = {{{0}}};
    for (int i = 0; i < COUNT; i++) {
        const float *to = a.x + i * data.size;
        const float middle = to[2 * SIDE + 2]; /* which is at the middle of the first channel? */
        const int down = (int)middle / SIDE - 2, across = (int)middle % SIDE - 2;
        const bool flip = to[2 * SIDE + 1] > middle;
        assert_in_range(down + 1, 0, 2);
        assert_in_range(across + 1, 0, 2);
        seen[flip][down + 1][across + 1]++;
        for (int c = 0; c < 2; c++)
            for (int r = 0; r < SIDE; r++)
                for (int k = 0; k < SIDE; k++) {
                    int y = r + down, from = (flip ? SIDE - 1 - k : k) + across;
                    y = y < 0 ? 0 : y >= SIDE ? SIDE - 1 : y;
                    from = from < 0 ? 0 : from >= SIDE ? SIDE - 1 : from;
                    assert_true(to[(c * SIDE + r) * SIDE + k] == x[(c * SIDE + y) * SIDE + from]);
                }
    }
    for (int k = 0; k < 18; k++) assert_in_range((&seen[0][0][0])[k], 8, 40); /* 22 are expected */
    data_batch_gather_moved(&b, &data, order, COUNT, &how, 17);
    assert_memory_equal(a.x, b.x, COUNT * sizeof x); /* by seed and step alone */
    data_batch_gather_moved(&b, &data, order, COUNT, &how, 18);
    assert_memory_not_equal(a.x, b.x, COUNT * sizeof x);
    data_batch_gather_moved(&b, &data, order, COUNT, &(data_augmentation){0}, 17);
    for (int i = 0; i < COUNT; i++) assert_memory_equal(b.x + i * data.size, x, sizeof x);
    data_batch_free(&a);
    data_batch_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_is_the_mean_of_its_area),
        cmocka_unit_test(grey_is_luma_and_what_is_transparent_is_white),
        cmocka_unit_test(jpeg_is_read),
        cmocka_unit_test(cut_and_damaged_files),
        cmocka_unit_test(huge_sides),
        cmocka_unit_test(names_of_images),
        cmocka_unit_test(images_are_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
