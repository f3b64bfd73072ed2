/* SPDX-License-Identifier: Apache-2.0 */
/* Texts: how files become sequences, where they begin, what is refused. */
#include "support/scratch.h"

#include "data/batch.h"
#include "data/dataset.h"
#include "io/failure.h"

#include <zlib.h>

static int read_paths(dataset_pair *d, const char *const *paths, int64_t n, int64_t context,
                      double share, int64_t examples) {
    return dataset_read_text(d, &(dataset_text_options){.path = paths,
                                                        .paths = n,
                                                        .context = context,
                                                        .test_share = share,
                                                        .examples = examples});
}

static char *file_of(const char *name, const char *text, bool deflate) {
    char *path = strdup(scratch_write(name, text, strlen(text)));
    if (!deflate) return path;
    gzFile file = gzopen(path, "wb");
    assert_int_equal(gzwrite(file, text, (unsigned)strlen(text)), (int)strlen(text));
    gzclose(file);
    return path;
}

static void files_follow_each_other(void **state) {
    (void)state;
    char *paths[] = {file_of("a", "abcdefgh", false), file_of("b.gz", "ijklmnop", true),
                     file_of("c.dz", "qrstuvwx", true)};
    dataset_pair d;
    assert_int_equal(read_paths(&d, (const char *const *)paths, 3, 4, 0.4, 0), 0);
    assert_int_equal(d.nfiles, 3);
    assert_int_equal(d.test.bytes, 9); /* two sequences of 4 and the byte before them */
    assert_int_equal(d.test.count, 2);
    assert_memory_equal(d.test.text, "pqrstuvwx", 9);
    assert_int_equal(d.train.bytes, 15);
    assert_int_equal(d.train.count, 3);
    assert_memory_equal(d.train.text, "abcdefghijklmno", 15);
    assert_true(d.encoding.text && d.encoding.outputs == 256 && d.encoding.shape[1] == 4);
    dataset_pair_free(&d);
    for (int k = 0; k < 3; k++) free(paths[k]);
}

/* The test is the same whatever is kept for the validation, which lies right before it. */
static void the_validation_lies_before_the_test(void **state) {
    (void)state;
    char *path = file_of("a", "abcdefghijklmnopqrstuvwx", false);
    const char *const paths[] = {path};
    dataset_text_options how = {
        .path = paths, .paths = 1, .context = 2, .test_share = 0.25, .validation_share = 0.2};
    dataset_pair d;
    assert_int_equal(dataset_read_text(&d, &how), 0);
    assert_int_equal(d.test.bytes, 5);
    assert_memory_equal(d.test.text, "tuvwx", 5);
    assert_int_equal(d.validation.count, 1);
    assert_int_equal(d.validation.bytes, 3); /* a fifth of the 19 before it: one sequence */
    assert_memory_equal(d.validation.text, "qrs", 3);
    assert_int_equal(d.train.bytes, 16);
    assert_int_equal(d.train.count, 7);
    dataset_pair_free(&d);
    how.validation_share = 0.1; /* two bytes: no sequence */
    assert_int_equal(dataset_read_text(&d, &how), FAILURE_INPUT);
    assert_non_null(strstr(failure_text(), "a data.validation_share of 0.1 leaves 17"));
    free(path);
}

static void labels_are_the_bytes_after(void **state) {
    (void)state;
    const char text[] = {'a', (char)0xff, 'c', 'd', 'e', 'f', 'g'};
    char *path = strdup(scratch_write("a", text, sizeof text));
    data_encoding e = {.text = true, .shape = {1, 4, 1}, .outputs = 256};
    dataset d;
    dataset_file file;
    data_batch b;
    assert_int_equal(encoding_read_text(&d, &file, &e, path), 0);
    assert_int_equal(d.count, 2);
    assert_int_equal(data_batch_create(&b, &d, 2), 0);
    const data_batch at = data_batch_at(&b, &d, 0, 2);
    const float x[] = {'a', 255, 'c', 'd', 'e', 'f', 'g', 0};
    const int32_t label[] = {255, 'c', 'd', 'e', 'f', 'g', -1, -1};
    assert_memory_equal(at.x, x, sizeof x);
    assert_memory_equal(at.label, label, sizeof label);
    data_batch_gather(&b, &d, (int64_t[]){2}, 1);
    assert_true(b.x[0] == 'c' && b.x[3] == 'f' && b.label[3] == 'g');
    data_batch_free(&b);
    dataset_free(&d);
    free(path);
}

/* Places are a function of seed and stream, and each has its sequence and the byte after it; both
 * ends are reached. */
static void places_are_drawn(void **state) {
    (void)state;
    enum { COUNT = 2000 };
    static int64_t one[COUNT], two[COUNT];
    unsigned char text[50] = {0};
    const dataset d = {.count = COUNT, .size = 8, .text = text, .bytes = sizeof text};
    int64_t least = 50, most = 0;
    data_order_epoch(one, &d, 7, 1);
    data_order_epoch(two, &d, 7, 1);
    assert_memory_equal(one, two, sizeof one);
    data_order_epoch(two, &d, 7, 2);
    assert_memory_not_equal(one, two, sizeof one);
    for (int k = 0; k < COUNT; k++) {
        least = one[k] < least ? one[k] : least;
        most = one[k] > most ? one[k] : most;
    }
    assert_int_equal(least, 0);
    assert_int_equal(most, 50 - 8 - 1);
}

static void too_short_texts_are_refused(void **state) {
    (void)state;
    char *path = file_of("short", "0123456789", false), *one = file_of("one", "x", false);
    const char *missing = "/nonexistent/text";
    dataset_pair d;
    dataset late;
    dataset_file file;
    const data_encoding e = {.text = true, .shape = {1, 4, 1}};
    assert_int_equal(read_paths(&d, (const char *const *)&path, 1, 4, 0.5, 0), 0);
    dataset_pair_free(&d);
    assert_int_equal(read_paths(&d, (const char *const *)&path, 1, 5, 0.5, 0), FAILURE_INPUT);
    assert_non_null(strstr(failure_text(), "10 bytes"));
    assert_non_null(strstr(failure_text(), "a context of 5 needs 6 of each"));
    assert_null(d.train.text);
    assert_int_equal(read_paths(&d, (const char *const *)&path, 1, 4, 0.1, 0), FAILURE_INPUT);
    assert_int_equal(read_paths(&d, &missing, 1, 4, 0.1, 0), FAILURE_INPUT);
    assert_non_null(strstr(failure_text(), missing));
    assert_int_equal(encoding_read_text(&late, &file, &e, one), FAILURE_INPUT);
    assert_non_null(strstr(failure_text(), "has one byte"));
    free(path);
    free(one);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(files_follow_each_other),
        SCRATCH_TEST(the_validation_lies_before_the_test),
        SCRATCH_TEST(labels_are_the_bytes_after),
        cmocka_unit_test(places_are_drawn),
        SCRATCH_TEST(too_short_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
