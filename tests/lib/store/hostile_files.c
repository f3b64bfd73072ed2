/* SPDX-License-Identifier: Apache-2.0 */
/* What is no file, or does not stay one; on the real file system. */
#include "hostile.h"

#include "file/files.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* ---- 38, 39, 40: what is no file, or does not stay one; on the real file system */

static void refuse_path(int class, const char *path, ravine_status wanted, const char *told) {
    ravine_checkpoint *c = NULL;
    const ravine_status status = ravine_checkpoint_open(&c, path, NULL);
    if (status != wanted || !strstr(ravine_errmsg(), told))
        fail_msg("%s: %d '%s', not '%s'", path, status, ravine_errmsg(), told);
    tried[class]++;
}

static void no_files(void **state) {
    (void)state;
    assert_int_equal(mkfifo(scratch_path("pipe"), 0600), 0);
    refuse_path(39, scratch_path("pipe"), RAVINE_E_IO, "it is a pipe, not a regular file");
    refuse_path(39, scratch_folder, RAVINE_E_IO, "it is a folder, not a regular file");
    refuse_path(39, "/dev/zero", RAVINE_E_IO, "it is a device, not a regular file");
    refuse_path(39, "/dev/null", RAVINE_E_IO, "it is a device, not a regular file");
    refuse_path(39, scratch_path("none"), RAVINE_E_IO, "none: open: No such file");
    assert_int_equal(symlink("loop", scratch_path("loop")), 0);
    refuse_path(39, scratch_path("loop"), RAVINE_E_IO, "Too many levels of symbolic links");
    assert_int_equal(symlink("none", scratch_path("dangling")), 0);
    refuse_path(39, scratch_path("dangling"), RAVINE_E_IO, "No such file");
    assert_int_equal(symlink("/dev/zero", scratch_path("link")), 0);
    refuse_path(39, scratch_path("link"), RAVINE_E_IO, "it is a device, not a regular file");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", scratch_folder);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    refuse_path(39, address.sun_path, RAVINE_E_IO, "it is a socket, not a regular file");
    close(fd);
    /* 0 bytes, but more than any header: the files of /proc */
    refuse_path(39, "/proc/self/maps", RAVINE_E_FORMAT, "byte 0: the file ends here");
}

static void sparse(void **state) {
    (void)state;
    static const off_t sizes[] = {9,
                                  4096,
                                  1 << 20,
                                  (off_t)1 << 31,
                                  (off_t)1 << 32,
                                  (off_t)1 << 36,
                                  (off_t)1 << 40,
                                  ((off_t)1 << 40) + 1};
    size_t size;
    char *bytes = file_of(GOOD, strlen(GOOD), 8, &size);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const char *path = scratch_write("sparse", "", 0);
        if (truncate(path, sizes[k]) < 0) continue; /* the file system has no such files */
        refuse_path(40, path, RAVINE_E_FORMAT,
                    "byte 8: expected '{' as the first byte of the header");
        path = scratch_write("sparse", bytes, size);
        assert_int_equal(truncate(path, (off_t)size + sizes[k]), 0);
        refuse_path(40, path, RAVINE_E_FORMAT, "the tensors end here, but the file has ");
    }
    free(bytes);
}

static void shrinking(void **state) {
    (void)state;
    size_t size;
    char *bytes = file_of(GOOD, strlen(GOOD), 8, &size);
    for (size_t left = 0; left < size; left++) {
        const char *path = scratch_write("shrinking", bytes, size);
        ravine_checkpoint *c;
        char data[8], told[64];
        assert_int_equal(ravine_checkpoint_open(&c, path, NULL), RAVINE_OK);
        assert_int_equal(truncate(path, (off_t)left), 0);
        assert_int_equal(ravine_checkpoint_read(c, 0, data, 8), RAVINE_E_FORMAT);
        snprintf(told, sizeof told, "the file ends at byte %zu; it was longer",
                 left > size - 8 ? left : size - 8);
        assert_non_null(strstr(ravine_errmsg(), told));
        ravine_checkpoint_close(c);
        tried[38]++;
    }
    free(bytes);
}

static int becoming_a_pipe(int folder, const char *path, struct stat *facts, int flags) {
    const int status = fstatat(folder, path, facts, flags);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    return status;
}

/* It must not be waited for. */
static void pipe_when_it_is_opened(void **state) {
    (void)state;
    const file_operations before = ravine_files;
    ravine_files.fstatat = becoming_a_pipe;
    ravine_checkpoint *c = NULL;
    const ravine_status status = ravine_checkpoint_open(&c, scratch_write("file", "{}", 2), NULL);
    ravine_files = before;
    assert_int_equal(status, RAVINE_E_IO);
    assert_non_null(strstr(ravine_errmsg(), "it is a pipe, not a regular file"));
    tried[39]++;
}

static int64_t
    vanishing_from; /* what the file has when it is read; when it was opened it had all */

static ssize_t vanishing(int fd, void *bytes, size_t size, off_t offset) {
    if (offset >= vanishing_from) return 0;
    const size_t left = (size_t)(vanishing_from - offset);
    return pread(fd, bytes, size < left ? size : left, offset);
}

static void shrinking_while_it_is_opened(void **state) {
    (void)state;
    size_t size;
    char *bytes = file_of(GOOD, strlen(GOOD), 8, &size);
    const char *path = scratch_write("shrinking", bytes, size);
    const file_operations before = ravine_files;
    ravine_files.pread = vanishing;
    for (vanishing_from = 0; vanishing_from < (int64_t)size - 8; vanishing_from++) {
        char told[64];
        snprintf(told, sizeof told, "the file ends at byte %lld; it was longer",
                 (long long)vanishing_from);
        refuse_path(38, path, RAVINE_E_FORMAT, told);
    }
    ravine_files = before;
    free(bytes);
}

int hostile_files(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(no_files),
        SCRATCH_TEST(sparse),
        SCRATCH_TEST(shrinking),
        SCRATCH_TEST(shrinking_while_it_is_opened),
        SCRATCH_TEST(pipe_when_it_is_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
