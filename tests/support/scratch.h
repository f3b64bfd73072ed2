/* SPDX-License-Identifier: Apache-2.0 */
/* scratch.h - a folder for the files of one test: made before it, removed after it. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/temporary.h"

#define SCRATCH_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

static char scratch_folder[TEMPORARY_MAX];

static inline int scratch_make(void **state) {
    (void)state;
    temporary_template(scratch_folder, "test");
    return mkdtemp(scratch_folder) ? 0 : -1;
}

static inline int scratch_remove_one(const char *path, const struct stat *s, int type,
                                     struct FTW *f) {
    (void)s, (void)type, (void)f;
    return remove(path);
}

static inline int scratch_remove(void **state) {
    (void)state;
    return nftw(scratch_folder, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path of a file in the folder; valid for the next 63 calls. */
static inline const char *scratch_path(const char *name) {
    static char path[64][2048];
    static unsigned turn;
    char *p = path[turn++ % 64];
    snprintf(p, sizeof path[0], "%s/%s", scratch_folder, name);
    return p;
}

static inline const char *scratch_write(const char *name, const void *bytes, size_t size) {
    const char *path = scratch_path(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* All of a file, with a NUL behind it; for free(). */
static inline char *scratch_read(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = calloc(*size + 1, 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* How many files are in the folder. */
static inline int scratch_count(void) {
    int count = 0;
    DIR *folder = opendir(scratch_folder);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* Fails unless the last failure() says all of the given texts. */
#define assert_told(...) \
    scratch_assert_told((const char *const[]){__VA_ARGS__, NULL}, __FILE__, __LINE__)
static inline void scratch_assert_told(const char *const *texts, const char *file, int line) {
    extern const char *failure_text(void);
    for (; *texts; texts++)
        if (!strstr(failure_text(), *texts)) {
            print_error("the message '%s' does not say '%s'\n", failure_text(), *texts);
            _fail(file, line);
        }
    if (strchr(failure_text(), '\n')) {
        print_error("the message '%s' has more than one line\n", failure_text());
        _fail(file, line);
    }
}

#endif
