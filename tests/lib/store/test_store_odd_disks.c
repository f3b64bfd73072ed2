/* SPDX-License-Identifier: Apache-2.0 */
/* Files written whole or not at all where a disk, a file system or another process does what it
 * seldom does: on the real file system, by operations that are put in place of the real ones. */
#include "support/saved_text.h"

#include "faults/disk.h"
#include "file/files.h"
#include "ravine_checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>

/* ---- races, by operations that do something in between --------------------------------------- */

static file_operations real;

/* Somebody sweeps between the making of a temporary file and its locking. */
static int swept_before(int fd, int operation) {
    static int turn;
    if (turn++ == 0) unlink(scratch_path(".x.0.ravine-tmp"));
    return real.flock(fd, operation);
}

static int locked_by_another(int fd, int operation) {
    static int turn;
    if (turn++ < 2) return errno = EWOULDBLOCK, -1;
    return real.flock(fd, operation);
}

static int without_locks(int fd, int operation) {
    (void)fd, (void)operation;
    return errno = ENOLCK, -1;
}

static void assert_saved_with(int (*lock)(int, int)) {
    real = ravine_files;
    ravine_files.flock = lock;
    const ravine_status status = save(scratch_path("x"), "text");
    ravine_files = real;
    assert_int_equal(status, RAVINE_OK);
    assert_content(scratch_path("x"), "text");
}

static void swept_while_it_is_made(void **state) {
    (void)state;
    assert_saved_with(swept_before);
    assert_int_equal(all_files(), 1);
}

static void sweeper_has_the_lock(void **state) {
    (void)state;
    assert_saved_with(locked_by_another);
    assert_int_equal(all_files(), 2); /* the sweeper was going to remove it */
}

/* Where nothing can be locked nothing is taken for stale, and saving works all the same. */
static void file_system_without_locks(void **state) {
    (void)state;
    scratch_write(".x.0.ravine-tmp", "left", 4);
    assert_saved_with(without_locks);
    assert_int_equal(all_files(), 2);
}

/* The file at the name is not the one that was opened and locked: somebody made a new one. */
static int another_is_there(int fd, struct stat *facts) {
    static int turn;
    const int status = real.fstat(fd, facts);
    if (turn++ % 2)
        facts->st_ino++;
    else
        facts->st_dev++;
    return status;
}

static void name_of_a_new_file_is_left(void **state) {
    (void)state;
    scratch_write(".x.0.ravine-tmp", "left", 4);
    real = ravine_files;
    ravine_files.fstat = another_is_there;
    int64_t removed[2] = {-1, -1};
    for (int k = 0; k < 2; k++)
        if (ravine_atomic_sweep(scratch_folder, &removed[k])) removed[k] = -1;
    ravine_files = real;
    assert_int_equal(removed[0], 0);
    assert_int_equal(removed[1], 0);
    assert_int_equal(all_files(), 1);
}

/* ---- reading back ---------------------------------------------------------------------------- */

static ssize_t bad_disk(int fd, void *bytes, size_t size, off_t offset) {
    const ssize_t got = real.pread(fd, bytes, size, offset);
    if (got > 0) ((char *)bytes)[got - 1] ^= 1;
    return got;
}

static ssize_t short_disk(int fd, void *bytes, size_t size, off_t offset) {
    return offset ? 0 : real.pread(fd, bytes, size > 2 ? 2 : size, offset);
}

static void disk_gives_back_something_else(void **state) {
    (void)state;
    ssize_t (*const disks[])(int, void *, size_t, off_t) = {bad_disk, short_disk};
    const char *path = scratch_write("x", "old", 3);
    for (int k = 0; k < 2; k++) {
        real = ravine_files;
        ravine_files.pread = disks[k];
        const ravine_status status = save(path, "other");
        ravine_files = real;
        assert_int_equal(status, RAVINE_E_IO);
        assert_says("not what was written");
        assert_content(path, "old");
        assert_int_equal(all_files(), 1);
    }
}

/* ---- odd file systems ------------------------------------------------------------------------ */

/* Paths that the real file system refuses before they come so far. */
static void odd_paths(void **state) {
    (void)state;
    size_t size;
    char *long_path = calloc(1, 5001);
    assert_non_null(long_path);
    disk_install();
    assert_int_equal(save("/x", "1"), RAVINE_OK); /* in the root */
    assert_int_equal(save("/x", "2"), RAVINE_OK);
    assert_memory_equal(disk_get("/x", &size), "2", 1);
    memset(long_path, 'x', 5000);
    assert_int_equal(save(long_path, "x"), RAVINE_E_IO);
    assert_says("open: File name too long");
    long_path[NAME_MAX + 1] = '\0';
    assert_int_equal(save(long_path, "x"), RAVINE_E_IO);
    assert_says("open: File name too long");
    assert_int_equal(disk_file_count(), 1);
    disk_remove();
    free(long_path);
}

static struct statvfs disk_facts;

static int tell_disk(int fd, struct statvfs *facts) {
    (void)fd;
    *facts = disk_facts;
    return 0;
}

/* A disk that does not know its size is not full. */
static void sizes_of_disks(void **state) {
    (void)state;
    const struct {
        struct statvfs facts;
        ravine_status status;
    } disks[] = {
        {{.f_blocks = 0, .f_bavail = 0, .f_frsize = 4096}, RAVINE_OK},
        {{.f_blocks = 1, .f_bavail = UINT64_MAX, .f_frsize = 4096}, RAVINE_OK},
        {{.f_blocks = 1, .f_bavail = 4, .f_frsize = 1}, RAVINE_OK},
        {{.f_blocks = 1, .f_bavail = 3, .f_frsize = 1}, RAVINE_E_IO},
        {{.f_blocks = 1, .f_bavail = 0, .f_frsize = 4096}, RAVINE_E_IO},
    };
    for (size_t k = 0; k < sizeof disks / sizeof *disks; k++) {
        disk_facts = disks[k].facts;
        real = ravine_files;
        ravine_files.fstatvfs = tell_disk;
        const ravine_status status = save(scratch_path("x"), "four");
        ravine_files = real;
        assert_int_equal(status, disks[k].status);
    }
    assert_says("it needs 4 bytes, the disk has 0 free");
    assert_int_equal(all_files(), 1);
}

static ssize_t nothing_written(int fd, const void *bytes, size_t size, off_t offset) {
    (void)fd, (void)bytes, (void)size, (void)offset;
    return 0;
}

/* Every second call is interrupted, the others do one byte. */
static ssize_t one_byte(int fd, const void *bytes, size_t size, off_t offset) {
    static int turn;
    if (turn++ % 2) return errno = EINTR, -1;
    return real.pwrite(fd, bytes, size > 1 ? 1 : size, offset);
}

static ssize_t one_byte_back(int fd, void *bytes, size_t size, off_t offset) {
    static int turn;
    if (turn++ % 2) return errno = EINTR, -1;
    return real.pread(fd, bytes, size > 1 ? 1 : size, offset);
}

/* Interruptions count only where nothing goes on between them. */
static void many_interruptions(void **state) {
    (void)state;
    static char text[3001], header[5009];
    memset(text, 'x', sizeof text - 1);
    snprintf(header, sizeof header, "\x88\x13%c%c%c%c%c%c{}%4998s", 0, 0, 0, 0, 0, 0,
             ""); /* 5000 */
    real = ravine_files;
    ravine_files.pwrite = one_byte;
    ravine_files.pread = one_byte_back;
    const ravine_status status = save(scratch_path("x"), text);
    ravine_checkpoint *c;
    const ravine_status opened = ravine_checkpoint_open(&c, scratch_write("y", header, 5008), NULL);
    ravine_files = real;
    assert_int_equal(status, RAVINE_OK);
    assert_int_equal(opened, RAVINE_OK);
    ravine_checkpoint_close(c);
    assert_content(scratch_path("x"), text);
}

/* Every call is interrupted so often before it is done, the last writes and reads one byte. */
static int in_a_row, interruptions, locked;

static bool is_interrupted(void) {
    if (interruptions++ < in_a_row) return errno = EINTR, true;
    interruptions = 0;
    return false;
}

static int late_openat(int at, const char *path, int flags, mode_t mode) {
    return is_interrupted() ? -1 : real.openat(at, path, flags, mode);
}

static int late_flock(int fd, int operation) {
    return is_interrupted() ? -1 : (locked++, real.flock(fd, operation));
}

static ssize_t late_pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    return is_interrupted() ? -1 : real.pwrite(fd, bytes, size > 1 ? 1 : size, offset);
}

static ssize_t late_pread(int fd, void *bytes, size_t size, off_t offset) {
    return is_interrupted() ? -1 : real.pread(fd, bytes, size > 1 ? 1 : size, offset);
}

/* 1,000 in a row are borne, and not one more. */
static void interruptions_in_a_row(void **state) {
    (void)state;
    for (int more = 0; more < 2; more++) {
        const char *file = scratch_write("y", "\2\0\0\0\0\0\0\0{}", 10);
        ravine_checkpoint *c;
        real = ravine_files;
        in_a_row = 1000 + more;
        locked = 0;
        ravine_files.flock = late_flock;
        ravine_files.pwrite = late_pwrite;
        ravine_files.pread = late_pread;
        interruptions = 0;
        const ravine_status opened = ravine_checkpoint_open(&c, file, NULL);
        interruptions = 0;
        ravine_files.openat = late_openat;
        const ravine_status saved = save(scratch_path("x"), "text");
        ravine_files = real;
        if (opened == RAVINE_OK) ravine_checkpoint_close(c);
        assert_int_equal(saved, more ? RAVINE_E_IO : RAVINE_OK);
        assert_int_equal(opened, more ? RAVINE_E_IO : RAVINE_OK);
        assert_int_equal(locked, !more);
    }
}

/* A call that succeeds may leave any errno, and the temporary file may be descriptor 0. */
static int left_behind;

static int odd_openat(int at, const char *path, int flags, mode_t mode) {
    if (flags & O_CREAT) close(0);
    const int fd = real.openat(at, path, flags, mode);
    if (fd >= 0) errno = left_behind;
    return fd;
}

static int odd_flock(int fd, int operation) {
    const int status = real.flock(fd, operation);
    if (status == 0) errno = left_behind;
    return status;
}

static int odd_fstat(int fd, struct stat *facts) {
    const int status = real.fstat(fd, facts);
    if (status == 0) errno = left_behind;
    return status;
}

static int odd_close(int fd) {
    const int status = real.close(fd);
    errno = left_behind;
    return status;
}

static int no_fstat(int fd, struct stat *facts) {
    (void)fd, (void)facts;
    return errno = EIO, -1;
}

static void errno_of_success(void **state) {
    (void)state;
    static const int errors[] = {EINTR, EEXIST, EWOULDBLOCK};
    enum { ERRORS = sizeof errors / sizeof *errors };
    ravine_status saved[ERRORS], refused;
    const int before = dup(0), other = open(scratch_folder, O_RDONLY);
    real = ravine_files;
    ravine_files.openat = odd_openat;
    ravine_files.flock = odd_flock;
    ravine_files.fstat = odd_fstat;
    ravine_files.close = odd_close;
    for (int k = 0; k < ERRORS; k++) {
        left_behind = errors[k];
        dup2(other, 0);
        saved[k] = save(scratch_path("x"), "text");
    }
    ravine_files.fstat = no_fstat;
    dup2(other, 0);
    refused = save(scratch_path("x"), "other");
    const bool is_free = fcntl(0, F_GETFD) < 0;
    ravine_files = real;
    assert_true(before < 0 || dup2(before, 0) == 0);
    if (before >= 0) close(before);
    close(other);
    for (int k = 0; k < ERRORS; k++) assert_int_equal(saved[k], RAVINE_OK);
    assert_int_equal(refused, RAVINE_E_IO);
    assert_says("Input/output error");
    assert_true(is_free);
    assert_content(scratch_path("x"), "text");
    assert_int_equal(all_files(), 1);
}

static void writes_that_do_nothing(void **state) {
    (void)state;
    real = ravine_files;
    ravine_files.pwrite = nothing_written;
    const ravine_status status = save(scratch_path("x"), "text");
    ravine_files = real;
    assert_int_equal(status, RAVINE_E_IO);
    assert_says("write: No space left");
    assert_int_equal(all_files(), 0);
}

/* Some file systems cannot sync a folder: that is no failure; anything else is. */
static int folder_sync_error;

static int no_folder_sync(int fd) {
    struct stat facts;
    if (fstat(fd, &facts) < 0 || !S_ISDIR(facts.st_mode)) return real.fsync(fd);
    return errno = folder_sync_error, -1;
}

static void folders_that_cannot_sync(void **state) {
    (void)state;
    static const int errors[] = {EINVAL, EIO};
    for (int k = 0; k < 2; k++) {
        folder_sync_error = errors[k];
        real = ravine_files;
        ravine_files.fsync = no_folder_sync;
        const ravine_status status = save(scratch_path("x"), k ? "second" : "first");
        const ravine_status folder = ravine_folder_create(scratch_path(k ? "b" : "a"), NULL);
        ravine_files = real;
        assert_int_equal(status, k ? RAVINE_E_IO : RAVINE_OK);
        assert_int_equal(folder, k ? RAVINE_E_IO : RAVINE_OK);
        assert_content(scratch_path("x"), k ? "second" : "first"); /* it stands all the same */
    }
    assert_says("cannot sync the folder ");
}

/* No permissions (vfat): what the file has is what it gets; and what cannot be given is told. */
static int no_chmod(int fd, mode_t mode) {
    (void)fd, (void)mode;
    return errno = EPERM, -1;
}

static void file_system_without_permissions(void **state) {
    (void)state;
    const mode_t before = umask(022);
    const char *path = scratch_path("x");
    real = ravine_files;
    ravine_files.fchmod = no_chmod;
    const ravine_status made = save(path, "1");
    assert_int_equal(chmod(path, 0644), 0);
    const ravine_status replaced = save(path, "2");
    ravine_files = real;
    umask(before);
    assert_int_equal(made, RAVINE_OK);
    assert_int_equal(replaced, RAVINE_E_IO);
    assert_says("chmod: Operation not permitted");
    assert_content(path, "1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(swept_while_it_is_made),
        SCRATCH_TEST(sweeper_has_the_lock),
        SCRATCH_TEST(file_system_without_locks),
        SCRATCH_TEST(name_of_a_new_file_is_left),
        SCRATCH_TEST(disk_gives_back_something_else),
        cmocka_unit_test(odd_paths),
        SCRATCH_TEST(sizes_of_disks),
        SCRATCH_TEST(many_interruptions),
        SCRATCH_TEST(interruptions_in_a_row),
        SCRATCH_TEST(errno_of_success),
        SCRATCH_TEST(writes_that_do_nothing),
        SCRATCH_TEST(folders_that_cannot_sync),
        SCRATCH_TEST(file_system_without_permissions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
