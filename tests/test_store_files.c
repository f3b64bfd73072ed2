/* Files written whole or not at all, folders, checksums: on the real file system. */
#include "net/scratch.h"

#include "faults/disk.h"
#include "ravine_checkpoint.h"
#include "store/atomic_file.h"
#include "store/crc32c.h"
#include "store/files.h"
#include "store/folder.h"
#include "store/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void assert_says(const char *text) {
    if (strstr(ravine_errmsg(), text) == NULL)
        fail_msg("the message '%s' does not say '%s'", ravine_errmsg(), text);
}

static void assert_content(const char *path, const char *expected) {
    size_t size;
    char *bytes = scratch_read(path, &size);
    assert_string_equal(bytes, expected);
    free(bytes);
}

static ravine_status save(const char *path, const char *text) {
    ravine_atomic_file file;
    const int64_t size = (int64_t)strlen(text);
    ravine_status status = ravine_atomic_open(&file, path, size, true);
    if (!status) status = ravine_atomic_write(&file, text, (size_t)size);
    return status ? status : ravine_atomic_commit(&file);
}

/* All files of the folder, those that begin with a dot as well. */
static ravine_status count_one(void *context, const char *name) {
    (void)name;
    ++*(int *)context;
    return RAVINE_OK;
}

static int all_files(void) {
    int count = 0;
    assert_int_equal(ravine_folder_each(scratch_folder, count_one, &count), RAVINE_OK);
    return count;
}

/* ---- atomic_file ----------------------------------------------------------------------------- */

static mode_t mode_of(const char *path) {
    struct stat facts;
    assert_int_equal(lstat(path, &facts), 0);
    return facts.st_mode & 0777;
}

static void new_file_appears_on_commit(void **state) {
    (void)state;
    const char *path = scratch_path("new");
    ravine_atomic_file file;
    assert_int_equal(ravine_atomic_open(&file, path, 11, false), RAVINE_OK);
    assert_true(ravine_atomic_is_temporary(file.temporary));
    assert_int_equal(mode_of(scratch_path(file.temporary)) & 077, 0); /* private till it is whole */
    assert_int_equal(ravine_atomic_write(&file, "hello ", 6), RAVINE_OK);
    assert_int_equal(ravine_atomic_write(&file, "world", 5), RAVINE_OK);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(ravine_atomic_commit(&file), RAVINE_OK);
    assert_content(path, "hello world");
    assert_int_equal(all_files(), 1);
}

static void discard_leaves_the_old_file(void **state) {
    (void)state;
    const char *path = scratch_write("old", "old", 3);
    ravine_atomic_file file;
    assert_int_equal(ravine_atomic_open(&file, path, 0, false), RAVINE_OK);
    assert_int_equal(ravine_atomic_write(&file, "new", 3), RAVINE_OK);
    ravine_atomic_discard(&file);
    ravine_atomic_discard(&file);
    assert_content(path, "old");
    assert_int_equal(all_files(), 1);
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
    ravine_atomic_file file;
    assert_int_equal(ravine_atomic_open(&file, path, sizeof big, false), RAVINE_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const ravine_status status = ravine_atomic_write(&file, big, sizeof big);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, RAVINE_E_IO);
    assert_says(path);
    assert_says("write: File too large");
    assert_content(path, "old");
    assert_int_equal(all_files(), 1);
}

static void permissions(void **state) {
    (void)state;
    const mode_t before = umask(027);
    assert_int_equal(save(scratch_path("fresh"), "x"), RAVINE_OK);
    assert_int_equal(mode_of(scratch_path("fresh")), 0640);
    const char *path = scratch_write("secret", "x", 1);
    assert_int_equal(chmod(path, 0606), 0);
    assert_int_equal(save(path, "y"), RAVINE_OK);
    assert_int_equal(mode_of(path), 0606);
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(save(path, "z"), RAVINE_OK);
    umask(before);
    assert_int_equal(mode_of(path), 0400);
    assert_content(path, "z");
}

static void links_are_followed(void **state) {
    (void)state;
    assert_int_equal(mkdir(scratch_path("there"), 0777), 0);
    const char *path = scratch_write("there/target", "old", 3), *link = scratch_path("link");
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(save(link, "new"), RAVINE_OK);
    assert_content(path, "new");
    struct stat facts;
    assert_int_equal(lstat(link, &facts), 0);
    assert_true(S_ISLNK(facts.st_mode));
    assert_int_equal(all_files(), 2);
}

static void refused_targets(void **state) {
    (void)state;
    char *long_name = calloc(1, 5001);
    assert_non_null(long_name);
    memset(long_name, 'x', 5000);
    assert_int_equal(save(scratch_folder, "x"), RAVINE_E_IO);
    assert_says("not a regular file");
    /* A pipe of our own: a writer that is broken, run by root, would put its file over a device. */
    assert_int_equal(mkfifo(scratch_path("pipe"), 0600), 0);
    assert_int_equal(save(scratch_path("pipe"), "x"), RAVINE_E_IO);
    assert_says("pipe: it is not a regular file");
    assert_int_equal(unlink(scratch_path("pipe")), 0);
    assert_int_equal(save(scratch_path("none/file"), "x"), RAVINE_E_IO);
    assert_says("none/file: open its folder: No such file");
    assert_int_equal(save(scratch_path("none/"), "x"), RAVINE_E_IO);
    assert_says("none/: open: Is a directory");
    assert_int_equal(save(long_name, "x"), RAVINE_E_IO);
    assert_says("File name too long");
    long_name[256] = '\0';
    assert_int_equal(save(scratch_path(long_name), "x"), RAVINE_E_IO);
    assert_says("File name too long");
    assert_int_equal(all_files(), 0);
    free(long_name);
}

/* The temporary name of a long name is cut, so the longest name there is can be written. */
static void longest_name(void **state) {
    (void)state;
    char name[NAME_MAX + 1] = "";
    memset(name, 'x', NAME_MAX);
    assert_int_equal(save(scratch_path(name), "1"), RAVINE_OK);
    assert_int_equal(save(scratch_path(name), "2"), RAVINE_OK);
    assert_content(scratch_path(name), "2");
    assert_int_equal(all_files(), 1);
}

/* The folder is held open, so that it does not matter where the process goes meanwhile. */
static void another_folder_meanwhile(void **state) {
    (void)state;
    char before[PATH_MAX];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(scratch_folder), 0);
    ravine_atomic_file file;
    assert_int_equal(ravine_atomic_open(&file, "here", 0, false), RAVINE_OK);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(ravine_atomic_write(&file, "x", 1), RAVINE_OK);
    assert_int_equal(ravine_atomic_commit(&file), RAVINE_OK);
    assert_content(scratch_path("here"), "x");
}

static void no_room_on_the_disk(void **state) {
    (void)state;
    const char *path = scratch_write("old", "old", 3);
    ravine_atomic_file file;
    assert_int_equal(ravine_atomic_open(&file, path, INT64_MAX, false), RAVINE_E_IO);
    assert_says("it needs 9223372036854775807 bytes, the disk has ");
    assert_content(path, "old");
    assert_int_equal(all_files(), 1);
}

/* ---- temporary files that were left ---------------------------------------------------------- */

static void two_writers_of_one_file(void **state) {
    (void)state;
    const char *path = scratch_path("both");
    ravine_atomic_file first, second;
    assert_int_equal(ravine_atomic_open(&first, path, 0, false), RAVINE_OK);
    assert_int_equal(ravine_atomic_open(&second, path, 0, false), RAVINE_OK);
    assert_string_not_equal(first.temporary, second.temporary);
    assert_int_equal(ravine_atomic_write(&first, "first", 5), RAVINE_OK);
    assert_int_equal(ravine_atomic_write(&second, "second", 6), RAVINE_OK);
    int64_t removed;
    assert_int_equal(ravine_folder_sweep(scratch_folder, &removed), RAVINE_OK);
    assert_int_equal(removed, 0); /* both are being written */
    assert_int_equal(ravine_atomic_commit(&second), RAVINE_OK);
    assert_int_equal(ravine_atomic_commit(&first), RAVINE_OK);
    assert_content(path, "first");
    assert_int_equal(all_files(), 1);
}

static void leftovers_are_used_again(void **state) {
    (void)state;
    scratch_write(".x.0.ravine-tmp", "left", 4);
    ravine_atomic_file file;
    assert_int_equal(ravine_atomic_open(&file, scratch_path("x"), 0, false), RAVINE_OK);
    assert_string_equal(file.temporary, ".x.0.ravine-tmp");
    assert_int_equal(ravine_atomic_write(&file, "n", 1), RAVINE_OK);
    assert_int_equal(ravine_atomic_commit(&file), RAVINE_OK);
    assert_content(scratch_path("x"), "n");
    assert_int_equal(all_files(), 1);
}

/* A link, a folder or a pipe of that name is no temporary file of ours. */
static void traps_in_the_way(void **state) {
    (void)state;
    const char *victim = scratch_write("victim", "precious", 8);
    assert_int_equal(symlink(victim, scratch_path(".x.0.ravine-tmp")), 0);
    assert_int_equal(mkdir(scratch_path(".x.1.ravine-tmp"), 0777), 0);
    assert_int_equal(mkfifo(scratch_path(".x.2.ravine-tmp"), 0600), 0); /* must not be waited for */
    assert_int_equal(save(scratch_path("x"), "new"), RAVINE_OK);
    assert_content(victim, "precious");
    int64_t removed;
    assert_int_equal(ravine_folder_sweep(scratch_folder, &removed), RAVINE_OK);
    assert_int_equal(removed, 0);
    assert_content(victim, "precious");
    assert_int_equal(all_files(), 5);
}

static void sweeping(void **state) {
    (void)state;
    scratch_write(".a.0.ravine-tmp", "left", 4);
    scratch_write(".b.3.ravine-tmp", "", 0);
    scratch_write("a.ravine-tmp", "mine", 4);
    scratch_write(".ravine-tmp", "mine", 4);
    scratch_write(".a.0.ravine-tmp.bak", "mine", 4);
    const char *held = scratch_write(".c.0.ravine-tmp", "held", 4);
    const int fd = open(held, O_RDONLY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    int64_t removed;
    assert_int_equal(ravine_folder_sweep(scratch_folder, &removed), RAVINE_OK);
    assert_int_equal(removed, 2);
    assert_int_equal(all_files(), 4);
    close(fd);
    assert_int_equal(ravine_folder_sweep(scratch_folder, &removed), RAVINE_OK);
    assert_int_equal(removed, 1);
    assert_int_equal(ravine_folder_sweep(scratch_path("none"), &removed), RAVINE_E_IO);
    assert_says("none: No such file");
}

static void all_names_taken(void **state) {
    (void)state;
    static ravine_atomic_file file[101];
    for (int k = 0; k < 100; k++)
        assert_int_equal(ravine_atomic_open(&file[k], scratch_path("x"), 0, false), RAVINE_OK);
    assert_int_equal(ravine_atomic_open(&file[100], scratch_path("x"), 0, false), RAVINE_E_IO);
    assert_says("make a temporary file: File exists");
    for (int k = 0; k < 100; k++) ravine_atomic_discard(&file[k]);
    assert_int_equal(all_files(), 0);
}

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
        if (ravine_folder_sweep(scratch_folder, &removed[k])) removed[k] = -1;
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

/* ---- folders --------------------------------------------------------------------------------- */

static void folders(void **state) {
    (void)state;
    bool existed = true;
    struct stat facts;
    assert_int_equal(ravine_folder_create(scratch_path("a/b/c"), &existed), RAVINE_OK);
    assert_false(existed);
    assert_int_equal(stat(scratch_path("a/b/c"), &facts), 0);
    assert_true(S_ISDIR(facts.st_mode));
    assert_int_equal(ravine_folder_create(scratch_path("a/b/c"), &existed), RAVINE_OK);
    assert_true(existed);
    assert_int_equal(ravine_folder_create(scratch_path("a//d///"), &existed), RAVINE_OK);
    assert_false(existed);
    assert_int_equal(ravine_folder_create("/", &existed), RAVINE_OK);
    assert_true(existed);
    scratch_write("file", "x", 1);
    assert_int_equal(ravine_folder_create(scratch_path("file"), NULL), RAVINE_E_IO);
    assert_says("file: File exists");
    assert_int_equal(ravine_folder_create(scratch_path("file/below"), NULL), RAVINE_E_IO);
    assert_int_equal(ravine_folder_create("/proc/ravine", NULL), RAVINE_E_IO);
    assert_says("cannot make the folder /proc/ravine: ");
    assert_int_equal(ravine_folder_create("", NULL), RAVINE_E_IO);
    char *long_name = calloc(1, 5001);
    assert_non_null(long_name);
    memset(long_name, 'x', 5000);
    assert_int_equal(ravine_folder_create(long_name, NULL), RAVINE_E_IO);
    assert_says("File name too long");
    free(long_name);
}

static ravine_status stop_there(void *context, const char *name) {
    (void)name;
    ++*(int *)context;
    return RAVINE_E_STATE;
}

static void entries_of_a_folder(void **state) {
    (void)state;
    int seen = 0;
    scratch_write("a", "x", 1);
    scratch_write("b", "x", 1);
    assert_int_equal(ravine_folder_each(scratch_folder, stop_there, &seen), RAVINE_E_STATE);
    assert_int_equal(seen, 1);
    assert_int_equal(ravine_folder_each(scratch_path("a"), stop_there, &seen), RAVINE_E_IO);
    assert_says("a: Not a directory");
    assert_int_equal(ravine_folder_remove(scratch_folder, "a"), RAVINE_OK);
    assert_int_equal(ravine_folder_remove(scratch_folder, "a"), RAVINE_OK);
    assert_int_equal(all_files(), 1);
    assert_int_equal(mkdir(scratch_path("c"), 0777), 0);
    assert_int_equal(ravine_folder_remove(scratch_folder, "c"), RAVINE_E_IO);
    assert_says("cannot remove c of ");
    assert_int_equal(ravine_folder_remove(scratch_path("none"), "c"), RAVINE_E_IO);
}

/* A process without stdin: descriptor 0 is a descriptor like any other. */
static void descriptor_zero(void **state) {
    (void)state;
    scratch_write(".y.0.ravine-tmp", "left", 4);
    const int before = dup(0);
    close(0);
    int64_t removed = -1;
    int count = 0;
    const ravine_status saved = save(scratch_path("x"), "text");
    const ravine_status swept = ravine_folder_sweep(scratch_folder, &removed);
    const ravine_status listed = ravine_folder_each(scratch_folder, count_one, &count);
    const ravine_status made = ravine_folder_create(scratch_path("a/b"), NULL);
    const ravine_status gone = ravine_folder_remove(scratch_folder, "none");
    ravine_checkpoint *c;
    const ravine_status opened = ravine_checkpoint_open(&c, scratch_path("x"), NULL);
    const bool is_free = fcntl(0, F_GETFD) < 0; /* everything was closed again */
    assert_true(before < 0 || dup2(before, 0) == 0);
    if (before >= 0) close(before);
    assert_int_equal(saved, RAVINE_OK);
    assert_int_equal(swept, RAVINE_OK);
    assert_int_equal(removed, 1);
    assert_int_equal(listed, RAVINE_OK);
    assert_int_equal(count, 1);
    assert_int_equal(made, RAVINE_OK);
    assert_int_equal(gone, RAVINE_OK);
    assert_int_equal(opened, RAVINE_E_FORMAT); /* it was read: "text" is no such file */
    assert_true(is_free);
    assert_content(scratch_path("x"), "text");
}

/* ---- CRC32C: RFC 3720, B.4, the check value of the catalogues, and the definition -------------
 */

static void crc_vectors(void **state) {
    (void)state;
    unsigned char bytes[32];
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(ravine_crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(ravine_crc32c(0, bytes, sizeof bytes), 0x62a8ab43);
    for (unsigned k = 0; k < 32; k++) bytes[k] = (unsigned char)k;
    assert_int_equal(ravine_crc32c(0, bytes, sizeof bytes), 0x46dd794e);
    for (unsigned k = 0; k < 32; k++) bytes[k] = (unsigned char)(31 - k);
    assert_int_equal(ravine_crc32c(0, bytes, sizeof bytes), 0x113fdb5c);
    static const unsigned char read_command[48] = {
        [0] = 0x01,  [1] = 0xc0,  [16] = 0x14, [22] = 0x04,
        [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02};
    assert_int_equal(ravine_crc32c(0, read_command, sizeof read_command), 0xd9963a56);
    assert_int_equal(ravine_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(ravine_crc32c(0, "", 0), 0);
}

static void crc_of_any_parts(void **state) {
    (void)state;
    unsigned char bytes[100];
    for (unsigned k = 0; k < sizeof bytes; k++) bytes[k] = (unsigned char)(k * k + 7);
    uint32_t bit_by_bit = 0xffffffffu;
    for (size_t n = 0; n < sizeof bytes; n++) {
        assert_int_equal(ravine_crc32c(0, bytes, n), ~bit_by_bit);
        for (size_t cut = 0; cut <= n; cut++) {
            const uint32_t first = ravine_crc32c(0, bytes, cut);
            assert_int_equal(ravine_crc32c_by_table(0, bytes, cut), first);
            assert_int_equal(ravine_crc32c(first, bytes + cut, n - cut), ~bit_by_bit);
            assert_int_equal(ravine_crc32c_by_table(first, bytes + cut, n - cut), ~bit_by_bit);
        }
        bit_by_bit ^= bytes[n];
        for (int bit = 0; bit < 8; bit++)
            bit_by_bit = bit_by_bit & 1 ? bit_by_bit >> 1 ^ 0x82f63b78u : bit_by_bit >> 1;
    }
}

/* ---- names ----------------------------------------------------------------------------------- */

/* The number of the character at p by the definition of UTF-8, decoded; -1 if it is not valid. */
static int32_t decoded(const unsigned char *p, size_t left, size_t *length) {
    const int lead = p[0];
    *length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (*length == 0 || *length > left) return -1;
    int32_t code = *length == 1 ? lead : lead & (0x7f >> *length);
    for (size_t k = 1; k < *length; k++) {
        if (p[k] >> 6 != 2) return -1;
        code = code << 6 | (p[k] & 63);
    }
    static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool valid =
        code >= least[*length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return valid ? code : -1;
}

/* Every four bytes of these, which are on both sides of every border. */
static void utf8(void **state) {
    (void)state;
    static const unsigned char borders[] = {0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                            0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
                                            0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
    enum { N = sizeof borders };
    int64_t valid = 0;
    for (int k = 0; k < N * N * N * N; k++) {
        const unsigned char p[4] = {borders[k % N], borders[k / N % N], borders[k / N / N % N],
                                    borders[k / N / N / N]};
        for (size_t left = 1; left <= 4; left++) {
            size_t length;
            if (decoded(p, left, &length) < 0) length = 0;
            if (ravine_utf8_length((const char *)p, left) != length)
                fail_msg("%02x %02x %02x %02x: %zu", p[0], p[1], p[2], p[3], left);
            valid += length > 0;
        }
    }
    assert_true(valid > 0);
}

static void names_in_messages(void **state) {
    (void)state;
    assert_string_equal(ravine_quote("layer.w").text, "\"layer.w\"");
    assert_string_equal(ravine_quote("").text, "\"\"");
    assert_string_equal(ravine_quote("a\nb\x1b[31m\x7f\xff").text, "\"a?b?[31m??\"");
    char name[200];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(strlen(ravine_quote(name).text), 1 + 59 + 4);
    assert_non_null(strstr(ravine_quote(name).text, "x...\""));
    memcpy(name + 58, "\xf0\x9f\x98\x80", 4); /* is not cut in the middle */
    assert_non_null(strstr(ravine_quote(name).text, "x\xf0\x9f\x98\x80...\""));
}

static void sorted_names(void **state) {
    (void)state;
    enum { N = 300 };
    static char text[N][8];
    static name_slot slots[N];
    for (int n = 0; n < N; n++) {
        for (int k = 0; k < n; k++) {
            snprintf(text[k], sizeof text[k], "%d", (k * 7919 + n) % 1009);
            slots[k] = (name_slot){text[k], k};
        }
        ravine_names_sort(slots, n);
        for (int k = 1; k < n; k++) assert_true(strcmp(slots[k - 1].name, slots[k].name) < 0);
        for (int k = 0; k < n; k++) assert_int_equal(ravine_names_find(slots, n, text[k]), k);
        assert_int_equal(ravine_names_find(slots, n, "none"), -1);
        assert_int_equal(ravine_names_find(slots, n, ""), -1);
        assert_null(ravine_names_twice(slots, n));
    }
    slots[10].name = slots[9].name;
    assert_ptr_equal(ravine_names_twice(slots, N - 1), &slots[10]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(new_file_appears_on_commit),
        SCRATCH_TEST(discard_leaves_the_old_file),
        SCRATCH_TEST(failing_write_leaves_the_old_file),
        SCRATCH_TEST(permissions),
        SCRATCH_TEST(links_are_followed),
        SCRATCH_TEST(refused_targets),
        SCRATCH_TEST(longest_name),
        SCRATCH_TEST(another_folder_meanwhile),
        SCRATCH_TEST(no_room_on_the_disk),
        SCRATCH_TEST(two_writers_of_one_file),
        SCRATCH_TEST(leftovers_are_used_again),
        SCRATCH_TEST(traps_in_the_way),
        SCRATCH_TEST(sweeping),
        SCRATCH_TEST(all_names_taken),
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
        SCRATCH_TEST(folders),
        SCRATCH_TEST(entries_of_a_folder),
        SCRATCH_TEST(descriptor_zero),
        cmocka_unit_test(crc_vectors),
        cmocka_unit_test(crc_of_any_parts),
        cmocka_unit_test(utf8),
        cmocka_unit_test(names_in_messages),
        cmocka_unit_test(sorted_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
