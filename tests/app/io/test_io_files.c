/* SPDX-License-Identifier: Apache-2.0 */
/* Reading whole files, plain and compressed. */
#include "support/scratch.h"

#include "io/failure.h"
#include "io/input.h"

#include <sys/stat.h>
#include <zlib.h>

/* ---- input ----------------------------------------------------------------------------------- */

static void plain_input(void **state) {
    (void)state;
    unsigned char *bytes;
    size_t size;
    const char *path = scratch_write("plain", "0123456789", 10);
    assert_int_equal(input_read(path, 10, &bytes, &size), 0);
    assert_int_equal(size, 10);
    assert_memory_equal(bytes, "0123456789", 10);
    free(bytes);
    assert_int_equal(input_read(path, 9, &bytes, &size), EXIT_INPUT);
    assert_told(path, "more than 9 bytes");
    assert_int_equal(input_read(scratch_path("none"), 9, &bytes, &size), EXIT_INPUT);
    assert_told("none", "No such file");
    assert_int_equal(input_read(scratch_folder, 9, &bytes, &size), EXIT_INPUT);
    assert_told(scratch_folder, "is a folder");
    assert_int_equal(input_read(scratch_write("empty", "", 0), 9, &bytes, &size), EXIT_INPUT);
    assert_told("empty: the file is empty");
    assert_int_equal(input_read("/dev/zero", 100000, &bytes, &size), EXIT_INPUT);
    assert_told("/dev/zero", "more than 100000 bytes");
}

enum { NUMBERS = 200000 };

/* NUMBERS bytes that compress to about half, as a .gz in memory. */
static size_t compress_numbers(unsigned char *plain, unsigned char *packed, size_t room) {
    uint32_t x = 1;
    for (size_t k = 0; k < NUMBERS; k++) plain[k] = (unsigned char)((x = x * 69069 + 1) >> 28);
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = plain;
    z.avail_in = NUMBERS;
    z.next_out = packed;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

static unsigned char plain[NUMBERS], packed[2 * NUMBERS];

/* What a file NAME of the first `length` bytes of `packed` holds. */
static int read_packed(const char *name, size_t length, size_t limit, unsigned char **bytes,
                       size_t *size) {
    return input_read(scratch_write(name, packed, length), limit, bytes, size);
}

static void compressed_input(void **state) {
    (void)state;
    unsigned char *bytes;
    size_t size, length = compress_numbers(plain, packed, sizeof packed);
    const char *path = scratch_write("numbers.gz", packed, length);
    assert_int_equal(input_read(path, NUMBERS, &bytes, &size), 0);
    assert_int_equal(size, NUMBERS);
    assert_memory_equal(bytes, plain, NUMBERS);
    free(bytes);
    assert_int_equal(input_read(path, NUMBERS - 1, &bytes, &size), EXIT_INPUT);
    assert_told(path, "more than 199999 bytes");
    memcpy(packed + length, packed, length); /* two members make one content */
    assert_int_equal(read_packed("two.gz", 2 * length, 2 * NUMBERS, &bytes, &size), 0);
    assert_int_equal(size, 2 * NUMBERS);
    assert_memory_equal(bytes + NUMBERS, plain, NUMBERS);
    free(bytes);
}

static void truncated_input(void **state) {
    (void)state;
    unsigned char *bytes;
    size_t size, length = compress_numbers(plain, packed, sizeof packed);
    for (size_t cut = 1; cut < length; cut += cut < 40 || cut > length - 40 ? 1 : 997) {
        char where[32];
        snprintf(where, sizeof where, "at byte %zu,", cut);
        assert_int_equal(read_packed("cut.gz", cut, NUMBERS, &bytes, &size), EXIT_INPUT);
        assert_told("cut.gz: truncated", where);
    }
    assert_int_equal(input_read(scratch_write("e.gz", "", 0), 9, &bytes, &size), EXIT_INPUT);
    assert_told("e.gz: the file is empty");
}

/* Each of these flips hits what gzip protects: the magic, the data, the check sum, the length. */
static void corrupt_input(void **state) {
    (void)state;
    unsigned char *bytes;
    size_t size, length = compress_numbers(plain, packed, sizeof packed);
    const size_t flips[] = {0, 1, 2, 100, length / 2, length - 12, length - 8, length - 1};
    for (size_t k = 0; k < sizeof flips / sizeof *flips; k++) {
        packed[flips[k]] ^= 0x10;
        assert_int_equal(read_packed("bad.gz", length, NUMBERS, &bytes, &size), EXIT_INPUT);
        packed[flips[k]] ^= 0x10;
    }
    assert_told("bad.gz: corrupt: incorrect length check at byte");
    memset(packed + length, 'x', 10);
    assert_int_equal(read_packed("tail.gz", length + 10, NUMBERS, &bytes, &size), EXIT_INPUT);
    assert_told("tail.gz: corrupt: incorrect header check");
}

static void only_regular_files_are_opened(void **state) {
    (void)state;
    char line[16];
    FILE *file;
    assert_int_equal(input_open(scratch_write("log", "one\n", 4), &file), 0);
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, "one\n");
    fclose(file);
    assert_int_equal(mkfifo(scratch_path("pipe"), 0600), 0);
    const char *const others[] = {scratch_path("pipe"), scratch_folder, "/dev/zero"};
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        assert_int_equal(input_open(others[k], &file), EXIT_INPUT);
        assert_told(others[k], "it is no regular file");
    }
    assert_int_equal(input_open(scratch_path("none"), &file), EXIT_INPUT);
    assert_told("none", "No such file");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(plain_input),
        SCRATCH_TEST(compressed_input),
        SCRATCH_TEST(truncated_input),
        SCRATCH_TEST(corrupt_input),
        SCRATCH_TEST(only_regular_files_are_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
