/* SPDX-License-Identifier: Apache-2.0 */
/* Files written whole or not at all, and folders: on the real file system. */
#include "support/saved_text.h"

#include "ravine_checkpoint.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* ---- atomic_file ----------------------------------------------------------------------------- */

static mode_t mode_of(const char *path) {
    struct stat facts;
    assert_int_equal(lstat(path, &facts), 0);
    return facts.st_mode & 0777;
}

static bool is_temporary(const char *name) {
    const char *suffix = strstr(name, ".ravine-tmp");
    return *name == '.' && suffix && !strcmp(suffix, ".ravine-tmp");
}

static void new_file_appears_on_commit(void **state) {
    (void)state;
    const char *path = scratch_path("new");
    ravine_atomic_file file;
    assert_int_equal(ravine_atomic_open(&file, path, 11, false), RAVINE_OK);
    assert_true(is_temporary(file.temporary));
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

/* Where the path was named by nobody: the link goes, and what it points at is as before. */
static void links_are_replaced(void **state) {
    (void)state;
    static const char *const targets[] = {"target", "nothing", "link", "."};
    for (size_t k = 0; k < sizeof targets / sizeof *targets; k++) {
        struct stat facts;
        ravine_atomic_file file;
        const char *target = scratch_write("target", "old", 3), *link = scratch_path("link");
        assert_int_equal(symlink(targets[k], link), 0);
        assert_int_equal(ravine_atomic_open(&file, link, 3, RAVINE_ATOMIC_OVER_LINKS), RAVINE_OK);
        assert_int_equal(ravine_atomic_write(&file, "new", 3), RAVINE_OK);
        assert_int_equal(ravine_atomic_commit(&file), RAVINE_OK);
        assert_int_equal(lstat(link, &facts), 0);
        assert_true(S_ISREG(facts.st_mode));
        assert_content(link, "new");
        assert_content(target, "old");
        assert_int_equal(access(scratch_path("nothing"), F_OK), -1);
        assert_int_equal(unlink(link), 0);
    }
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
    assert_int_equal(ravine_atomic_sweep(scratch_folder, &removed), RAVINE_OK);
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
    assert_int_equal(ravine_atomic_sweep(scratch_folder, &removed), RAVINE_OK);
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
    assert_int_equal(ravine_atomic_sweep(scratch_folder, &removed), RAVINE_OK);
    assert_int_equal(removed, 2);
    assert_int_equal(all_files(), 4);
    close(fd);
    assert_int_equal(ravine_atomic_sweep(scratch_folder, &removed), RAVINE_OK);
    assert_int_equal(removed, 1);
    assert_int_equal(ravine_atomic_sweep(scratch_path("none"), &removed), RAVINE_E_IO);
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
    const ravine_status swept = ravine_atomic_sweep(scratch_folder, &removed);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(new_file_appears_on_commit),
        SCRATCH_TEST(discard_leaves_the_old_file),
        SCRATCH_TEST(failing_write_leaves_the_old_file),
        SCRATCH_TEST(permissions),
        SCRATCH_TEST(links_are_followed),
        SCRATCH_TEST(links_are_replaced),
        SCRATCH_TEST(refused_targets),
        SCRATCH_TEST(longest_name),
        SCRATCH_TEST(another_folder_meanwhile),
        SCRATCH_TEST(no_room_on_the_disk),
        SCRATCH_TEST(two_writers_of_one_file),
        SCRATCH_TEST(leftovers_are_used_again),
        SCRATCH_TEST(traps_in_the_way),
        SCRATCH_TEST(sweeping),
        SCRATCH_TEST(all_names_taken),
        SCRATCH_TEST(folders),
        SCRATCH_TEST(entries_of_a_folder),
        SCRATCH_TEST(descriptor_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
