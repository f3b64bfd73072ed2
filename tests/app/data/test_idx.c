/* SPDX-License-Identifier: Apache-2.0 */
/* IDX: what is read, standardised and refused. */
#include "support/scratch.h"

#include "data/dataset.h"
#include "data/idx.h"
#include "io/failure.h"

#include <math.h>
#include <zlib.h>

/* An IDX file of `size` numbers at `data` in `to`; its length. */
static size_t make_idx(unsigned char *to, int ndim, const uint32_t *shape, const void *data,
                       size_t size) {
    const unsigned char magic[4] = {0, 0, 8, (unsigned char)ndim};
    memcpy(to, magic, 4);
    for (int k = 0; k < 4 * ndim; k++) to[4 + k] = (unsigned char)(shape[k / 4] >> 8 * (3 - k % 4));
    memcpy(to + 4 + 4 * ndim, data, size);
    return 4 + 4 * (size_t)ndim + size;
}

/* ---- idx_parse
 * ----------------------------------------------------------------------------------- */

static void arrays_are_parsed(void **state) {
    (void)state;
    unsigned char bytes[64];
    idx_array array;
    size_t size = make_idx(bytes, 3, (uint32_t[]){2, 1, 3}, "abcdef", 6);
    assert_int_equal(idx_parse(&array, bytes, size, "x"), 0);
    assert_int_equal(array.ndim, 3);
    assert_int_equal(array.shape[0], 2);
    assert_int_equal(array.shape[1], 1);
    assert_int_equal(array.shape[2], 3);
    assert_int_equal(array.size, 6);
    assert_memory_equal(array.data, "abcdef", 6);
}

/* Every length but the right one fails, and says so; exact copies let ASan see a read past them. */
static void other_lengths_are_refused(void **state) {
    (void)state;
    unsigned char bytes[64] = {0};
    idx_array array;
    size_t size = make_idx(bytes, 2, (uint32_t[]){2, 3}, "abcdef", 6);
    for (size_t length = 0; length <= size + 5; length++) {
        unsigned char *copy = malloc(length ? length : 1);
        assert_non_null(copy);
        memcpy(copy, bytes, length);
        int code = idx_parse(&array, copy, length, "x");
        free(copy);
        assert_int_equal(code, length == size ? 0 : FAILURE_INPUT);
        if (length < 4)
            assert_told("x: holds", "an IDX file begins with");
        else if (length < 12)
            assert_told("x: truncated", "header of 12");
        else if (length < size)
            assert_told("x: truncated", "announces 6");
        else if (length > size)
            assert_told("x: too long", "announces 6");
    }
}

static void other_headers_are_refused(void **state) {
    (void)state;
    static const struct {
        unsigned char bytes[20];
        const char *told;
    } cases[] = {
        {{0x1f, 0x8b, 8, 0}, "must end in .gz"},
        {{'P', 'K', 3, 4}, "begins with 0x504b0304"},
        {{0, 0, 0x0d, 1, 0, 0, 0, 4}, "type 0x0d"},
        {{0, 0, 8, 0}, "0 dimensions; there must be 1 to 4"},
        {{0, 0, 8, 5}, "5 dimensions"},
        {{0,   0,   8,   4,   255, 255, 255, 255, 255, 255,
          255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
         "dimension 3, 4294967295, makes the array too large"},
        {{0, 0, 8, 2, 128, 0, 0, 0, 128, 0, 0, 0}, "announces 4611686018427387904"},
    };
    idx_array array;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        assert_int_equal(idx_parse(&array, cases[k].bytes, 20, "x"), FAILURE_INPUT);
        assert_told("x: ", cases[k].told);
    }
}

/* ---- dataset_read_idx
 * ---------------------------------------------------------------------------- */

typedef struct four_files {
    const char *train_images, *train_labels, *test_images, *test_labels;
} four_files;

static const char *write_idx(const char *name, int ndim, const uint32_t *shape, const void *data,
                             size_t size) {
    unsigned char bytes[128];
    return scratch_write(name, bytes, make_idx(bytes, ndim, shape, data, size));
}

static const char *write_labels(const char *name, const char *labels, uint32_t count) {
    return write_idx(name, 1, &count, labels, count);
}

/* Three training images of 1 x 2 pixels with 3 classes, two test images. */
static four_files write_good(void) {
    return (four_files){write_idx("i", 3, (uint32_t[]){3, 1, 2}, "\x00\xff\x33\x66\x00\x00", 6),
                        write_labels("l", "\2\0\1", 3),
                        write_idx("ti", 3, (uint32_t[]){2, 1, 2}, "\xff\x00\x33\x99", 4),
                        write_labels("tl", "\1\1", 2)};
}

static int read_held(dataset_pair *pair, four_files f, double share) {
    return dataset_read_idx(pair, &(dataset_idx_options){.train_images = f.train_images,
                                                         .train_labels = f.train_labels,
                                                         .test_images = f.test_images,
                                                         .test_labels = f.test_labels,
                                                         .validation_share = share,
                                                         .seed = 1});
}

static int read_files(dataset_pair *pair, four_files f) {
    return read_held(pair, f, 0);
}

/* Six images, three of each class: what is held out and what is not are all of them, in their
 * order, and the mean is of those to train on. */
static void some_are_held_out(void **state) {
    (void)state;
    const four_files f = {write_idx("hi", 3, (uint32_t[]){6, 1, 1}, "\x00\x33\x66\x99\xcc\xff", 6),
                          write_labels("hl", "\0\1\1\0\1\0", 6),
                          write_idx("hti", 3, (uint32_t[]){1, 1, 1}, "\xff", 1),
                          write_labels("htl", "\1", 1)};
    static const int32_t label[6] = {0, 1, 1, 0, 1, 0};
    dataset_pair pair;
    assert_int_equal(read_held(&pair, f, 0.3), 0);
    assert_int_equal(pair.train.count, 4);
    assert_int_equal(pair.validation.count, 2);
    assert_int_equal(pair.test.count, 1);
    const data_encoding *e = &pair.encoding;
    int64_t train = 0, held = 0;
    double mean = 0;
    for (int k = 0; k < 6; k++) {
        const float x = (float)((k * 0.2 - e->mean) / e->deviation);
        if (held < 2 && fabsf(pair.validation.x[held] - x) < 1e-6F) {
            assert_int_equal(pair.validation.label[held++], label[k]);
            continue;
        }
        assert_true(fabsf(pair.train.x[train] - x) < 1e-6F);
        assert_int_equal(pair.train.label[train++], label[k]);
        mean += k * 0.2 / 4;
    }
    assert_true(train == 4 && held == 2 && fabs(mean - e->mean) < 1e-12);
    dataset_pair_free(&pair);
    assert_int_equal(read_held(&pair, f, 0.9), FAILURE_INPUT);
    assert_told("5 to validate");
}

/* Pixels 0, 1, .2, .4, 0, 0: mean .8/3, mean square 1.2/6, so variance .2 - (.8/3)^2. */
static void images_are_standardised(void **state) {
    (void)state;
    dataset_pair pair;
    assert_int_equal(read_files(&pair, write_good()), 0);
    const dataset *a = &pair.train, *b = &pair.test;
    assert_int_equal(a->count, 3);
    assert_int_equal(a->shape[0], 1);
    assert_int_equal(a->shape[1], 1);
    assert_int_equal(a->shape[2], 2);
    assert_int_equal(a->size, 2);
    assert_int_equal(a->outputs, 3);
    assert_null(a->y);
    const double train[6] = {0, 1, .2, .4, 0, 0}, test[4] = {1, 0, .2, .6};
    const double mean = .8 / 3, deviation = sqrt(.2 - mean * mean);
    for (int k = 0; k < 6; k++) assert_true(fabs(a->x[k] - (train[k] - mean) / deviation) < 1e-6);
    for (int k = 0; k < 4; k++) assert_true(fabs(b->x[k] - (test[k] - mean) / deviation) < 1e-6);
    assert_memory_equal(a->label, ((int32_t[]){2, 0, 1}), 12);
    assert_memory_equal(b->label, ((int32_t[]){1, 1}), 8);
    assert_int_equal(b->count, 2);
    assert_int_equal(b->outputs, 3);
    dataset_pair_free(&pair);
    dataset_pair_free(&pair);
}

static void constant_images_become_zero(void **state) {
    (void)state;
    four_files f = write_good();
    f.train_images = write_idx("i", 3, (uint32_t[]){3, 1, 2}, "\7\7\7\7\7\7", 6);
    dataset_pair pair;
    assert_int_equal(read_files(&pair, f), 0);
    for (int k = 0; k < 6; k++) assert_true(pair.train.x[k] == 0);
    dataset_pair_free(&pair);
}

static void channels_and_gz(void **state) {
    (void)state;
    four_files f = write_good();
    f.train_images = write_idx("i", 4, (uint32_t[]){3, 2, 1, 1}, "\0\1\2\3\4\5", 6);
    unsigned char bytes[64];
    size_t size = make_idx(bytes, 4, (uint32_t[]){2, 2, 1, 1}, "\5\4\3\2", 4);
    f.test_images = scratch_path("ti.gz");
    gzFile file = gzopen(f.test_images, "wb");
    assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
    assert_int_equal(gzclose(file), Z_OK);
    dataset_pair pair;
    assert_int_equal(read_files(&pair, f), 0);
    assert_int_equal(pair.test.shape[0], 2);
    assert_int_equal(pair.test.shape[1], 1);
    assert_int_equal(pair.test.size, 2);
    assert_true(pair.test.x[0] == pair.train.x[5] && pair.test.x[3] == pair.train.x[2]);
    dataset_pair_free(&pair);
}

static void refuse(four_files f, const char *told) {
    dataset_pair pair;
    assert_int_equal(read_files(&pair, f), FAILURE_INPUT);
    assert_told(told);
    assert_null(pair.train.x);
    assert_null(pair.test.x);
}

static void sets_that_are_refused(void **state) {
    (void)state;
    const four_files good = write_good();
    four_files f = good;
    f.train_labels = write_labels("bad", "\2\0", 2);
    refuse(f, "holds 2 labels");
    f.train_labels = write_labels("bad", "\3\0\1", 3);
    refuse(f, "no image has label 2, though labels reach 3");
    f.train_labels = write_labels("bad", "\0\0\0", 3);
    refuse(f, "at least 2 classes");
    f.train_labels = good.train_images;
    refuse(f, "has 3 dimensions; labels have 1");
    f = good;
    f.test_labels = write_labels("bad", "\1\3", 2);
    refuse(f, "has label 3, but the training labels reach only 2");
    f.test_labels = good.test_labels;
    f.test_images = write_idx("bad", 3, (uint32_t[]){2, 2, 1}, "abcd", 4);
    refuse(f, "differ in size");
    f.test_images = good.train_labels;
    refuse(f, "has 1 dimensions; images have 3");
    f.test_images = write_idx("bad", 3, (uint32_t[]){0, 1, 2}, "", 0);
    refuse(f, "holds no pixels");
    f.test_images = scratch_write("bad", "", 0);
    refuse(f, "the file is empty");
    f.test_images = scratch_folder;
    refuse(f, "is a folder");
    f.test_images = scratch_write("bad.gz", "\x1f\x8b\x08\0", 4);
    refuse(f, "bad.gz: truncated");
}

/* The real thing: Debian's dataset-fashion-mnist, whose pixels have mean .2860 and deviation .3530
 * (known in the field, e.g. from torchvision's examples); after standardising 0 and 1. */
static void fashion_mnist(void **state) {
    (void)state;
#define FOLDER "/usr/share/datasets/fashion-mnist/"
    static const four_files f = {
        FOLDER "train-images-idx3-ubyte.gz", FOLDER "train-labels-idx1-ubyte.gz",
        FOLDER "t10k-images-idx3-ubyte.gz", FOLDER "t10k-labels-idx1-ubyte.gz"};
    if (access(f.train_images, R_OK) != 0) skip();
    dataset_pair pair;
    assert_int_equal(read_files(&pair, f), 0);
    assert_int_equal(pair.train.count, 60000);
    assert_int_equal(pair.test.count, 10000);
    assert_int_equal(pair.train.size, 784);
    assert_int_equal(pair.train.outputs, 10);
    double sum = 0, squares = 0;
    for (int64_t k = 0; k < 60000 * 784; k++) {
        sum += pair.train.x[k];
        squares += (double)pair.train.x[k] * pair.train.x[k];
    }
    assert_true(fabs(sum / (60000 * 784)) < 1e-6);
    assert_true(fabs(squares / (60000 * 784) - 1) < 1e-6);
    assert_true(fabs(pair.train.x[0] + .2860 / .3530) < 1e-3); /* a black corner */
    int64_t times[10] = {0};
    for (int64_t k = 0; k < 60000; k++) times[pair.train.label[k]]++;
    for (int k = 0; k < 10; k++) assert_int_equal(times[k], 6000);
    dataset_pair_free(&pair);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_parsed),
        cmocka_unit_test(other_lengths_are_refused),
        cmocka_unit_test(other_headers_are_refused),
        SCRATCH_TEST(images_are_standardised),
        SCRATCH_TEST(some_are_held_out),
        SCRATCH_TEST(constant_images_become_zero),
        SCRATCH_TEST(channels_and_gz),
        SCRATCH_TEST(sets_that_are_refused),
        cmocka_unit_test(fashion_mnist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
