/* Reading whole files, plain and compressed; writing them whole or not at all. */
#include "net/scratch.h"

#include "io/atomic_file.h"
#include "io/failure.h"
#include "io/folder.h"
#include "io/input.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <zlib.h>

/* ---- atomic_file ----------------------------------------------------------------------------- */

static void assert_content(const char *path, const char *expected) {
    size_t size;
    char *bytes = scratch_read(path, &size);
    assert_string_equal(bytes, expected);
    free(bytes);
}

static int save(const char *path, const char *text) {
    atomic_file file;
    int code = atomic_file_open(&file, path);
    if (!code) code = atomic_file_write(&file, text, strlen(text));
    if (!code) code = atomic_file_commit(&file);
    return code;
}

static void new_file_appears_on_commit(void **state) {
    (void)state;
    const char *path = scratch_path("new");
    atomic_file file;
    assert_int_equal(atomic_file_open(&file, path), 0);
    assert_int_equal(atomic_file_write(&file, "hello ", 6), 0);
    assert_int_equal(atomic_file_write(&file, "world", 5), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(atomic_file_commit(&file), 0);
    assert_content(path, "hello world");
    assert_int_equal(scratch_count(), 1);
}

static void discard_leaves_the_old_file(void **state) {
    (void)state;
    const char *path = scratch_write("old", "old", 3);
    atomic_file file;
    assert_int_equal(atomic_file_open(&file, path), 0);
    assert_int_equal(atomic_file_write(&file, "new", 3), 0);
    atomic_file_discard(&file);
    atomic_file_discard(&file);
    assert_content(path, "old");
    assert_int_equal(scratch_count(), 1);
}

/* A file may have 1,000 bytes at most: the write of 4,000 is cut short, then fails. */
static void failing_write_leaves_the_old_file(void **state) {
    (void)state;
    const char *path = scratch_write("old", "old", 3);
    static char big[4000];
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    atomic_file file;
    assert_int_equal(atomic_file_open(&file, path), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int code = atomic_file_write(&file, big, sizeof big);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(code, EXIT_INPUT);
    assert_told(path, "File too large");
    assert_content(path, "old");
    assert_int_equal(scratch_count(), 1);
}

static mode_t mode_of(const char *path) {
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    return facts.st_mode & 0777;
}

static void permissions(void **state) {
    (void)state;
    mode_t before = umask(027);
    assert_int_equal(save(scratch_path("fresh"), "x"), 0);
    assert_int_equal(mode_of(scratch_path("fresh")), 0640);
    const char *path = scratch_write("secret", "x", 1);
    assert_int_equal(chmod(path, 0606), 0);
    assert_int_equal(save(path, "y"), 0);
    umask(before);
    assert_int_equal(mode_of(path), 0606);
    assert_content(path, "y");
}

static void links_are_followed(void **state) {
    (void)state;
    const char *path = scratch_write("target", "old", 3), *link = scratch_path("link");
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(save(link, "new"), 0);
    assert_content(path, "new");
    struct stat facts;
    assert_int_equal(lstat(link, &facts), 0);
    assert_true(S_ISLNK(facts.st_mode));
}

static void refused_targets(void **state) {
    (void)state;
    assert_int_equal(save(scratch_folder, "x"), EXIT_INPUT);
    assert_told(scratch_folder, "not a regular file");
    assert_int_equal(save("/dev/null", "x"), EXIT_INPUT);
    assert_told("/dev/null", "not a regular file");
    assert_int_equal(save(scratch_path("none/file"), "x"), EXIT_INPUT);
    assert_told("none/file", "No such file");
    assert_int_equal(scratch_count(), 0);
}

/* ---- folder ---------------------------------------------------------------------------------- */

static void folders(void **state) {
    (void)state;
    bool existed = true;
    struct stat facts;
    assert_int_equal(folder_create(scratch_path("a/b/c"), &existed), 0);
    assert_false(existed);
    assert_int_equal(stat(scratch_path("a/b/c"), &facts), 0);
    assert_true(S_ISDIR(facts.st_mode));
    assert_int_equal(folder_create(scratch_path("a/b/c"), &existed), 0);
    assert_true(existed);
    assert_int_equal(folder_create(scratch_path("a/d/"), &existed), 0);
    assert_false(existed);
    scratch_write("file", "x", 1);
    assert_int_equal(folder_create(scratch_path("file"), NULL), EXIT_INPUT);
    assert_told("file", "File exists");
    assert_int_equal(folder_create(scratch_path("file/below"), NULL), EXIT_INPUT);
    assert_int_equal(folder_create("/proc/ravine", NULL), EXIT_INPUT);
    assert_told("/proc/ravine");
}

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
    assert_int_equal(input_inflate(packed, 2 * length, "two", 2 * NUMBERS, &bytes, &size), 0);
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
        assert_int_equal(input_inflate(packed, cut, "cut.gz", NUMBERS, &bytes, &size), EXIT_INPUT);
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
        assert_int_equal(input_inflate(packed, length, "bad.gz", NUMBERS, &bytes, &size),
                         EXIT_INPUT);
        packed[flips[k]] ^= 0x10;
    }
    assert_told("bad.gz: corrupt: incorrect length check at byte");
    memset(packed + length, 'x', 10);
    assert_int_equal(input_inflate(packed, length + 10, "tail.gz", NUMBERS, &bytes, &size),
                     EXIT_INPUT);
    assert_told("tail.gz: corrupt: incorrect header check");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(new_file_appears_on_commit),
        SCRATCH_TEST(discard_leaves_the_old_file),
        SCRATCH_TEST(failing_write_leaves_the_old_file),
        SCRATCH_TEST(permissions),
        SCRATCH_TEST(links_are_followed),
        SCRATCH_TEST(refused_targets),
        SCRATCH_TEST(folders),
        SCRATCH_TEST(plain_input),
        SCRATCH_TEST(compressed_input),
        SCRATCH_TEST(truncated_input),
        SCRATCH_TEST(corrupt_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
