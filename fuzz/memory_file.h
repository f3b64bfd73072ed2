/* SPDX-License-Identifier: Apache-2.0 */
/* memory_file.h - one file to read and one to write, in memory, under the operations of the
 * library; and an environment that counts its memory. For fuzzers. */
#ifndef FUZZ_MEMORY_FILE_H
#define FUZZ_MEMORY_FILE_H

#include "file/files.h"
#include "ravine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY_FOLDER = 1000, MEMORY_INPUT, MEMORY_OUTPUT, MEMORY_OUTPUT_MAX = 1 << 20 };

static struct memory_file {
    const void *input;
    size_t input_size;
    char output[MEMORY_OUTPUT_MAX];
    size_t output_size;
    size_t taken, most_taken; /* memory of the env */
} memory_file;

static int memory_openat(int folder, const char *path, int flags, mode_t mode) {
    (void)folder, (void)path, (void)mode;
    if (flags & O_DIRECTORY) return MEMORY_FOLDER;
    if (!(flags & O_CREAT)) return MEMORY_INPUT;
    memory_file.output_size = 0;
    return MEMORY_OUTPUT;
}

static ssize_t memory_pread(int fd, void *bytes, size_t size, off_t offset) {
    const int input = fd == MEMORY_INPUT;
    const size_t whole = input ? memory_file.input_size : memory_file.output_size;
    const char *from = input ? memory_file.input : memory_file.output;
    if ((size_t)offset >= whole) return 0;
    if (size > whole - (size_t)offset) size = whole - (size_t)offset;
    memcpy(bytes, from + offset, size);
    return (ssize_t)size;
}

static ssize_t memory_pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    (void)fd;
    if ((size_t)offset + size > MEMORY_OUTPUT_MAX) return errno = ENOSPC, -1;
    memcpy(memory_file.output + offset, bytes, size);
    memory_file.output_size = (size_t)offset + size;
    return (ssize_t)size;
}

static int memory_fstat(int fd, struct stat *facts) {
    *facts = (struct stat){.st_mode = S_IFREG | 0600, .st_nlink = 1};
    facts->st_size =
        (off_t)(fd == MEMORY_OUTPUT ? memory_file.output_size : memory_file.input_size);
    return 0;
}

static int memory_fstatat(int folder, const char *path, struct stat *facts, int flags) {
    (void)folder, (void)path, (void)flags;
    return memory_fstat(MEMORY_INPUT, facts);
}

static int memory_fstatvfs(int fd, struct statvfs *facts) {
    (void)fd, (void)facts;
    return -1;
}

static char *memory_realpath(const char *path, char *resolved) {
    return strcpy(resolved, path);
}

static int memory_fd(int fd) {
    (void)fd;
    return 0;
}

static int memory_fd_and_number(int fd, int number) {
    (void)fd, (void)number;
    return 0;
}

static int memory_fchmod(int fd, mode_t mode) {
    (void)fd, (void)mode;
    return 0;
}

static int memory_renameat(int from_folder, const char *from, int to_folder, const char *to) {
    (void)from_folder, (void)from, (void)to_folder, (void)to;
    return 0;
}

static int memory_unlinkat(int folder, const char *path, int flags) {
    (void)folder, (void)path, (void)flags;
    return 0;
}

/* Every file that is opened to be read is bytes[size]. */
static inline void memory_file_begin(const void *bytes, size_t size) {
    memory_file.input = bytes;
    memory_file.input_size = size;
    ravine_files.openat = memory_openat;
    ravine_files.close = memory_fd;
    ravine_files.pread = memory_pread;
    ravine_files.pwrite = memory_pwrite;
    ravine_files.fsync = memory_fd;
    ravine_files.flock = memory_fd_and_number;
    ravine_files.fchmod = memory_fchmod;
    ravine_files.fstat = memory_fstat;
    ravine_files.fstatat = memory_fstatat;
    ravine_files.fstatvfs = memory_fstatvfs;
    ravine_files.renameat = memory_renameat;
    ravine_files.unlinkat = memory_unlinkat;
    ravine_files.realpath = memory_realpath;
}

/* What was written is what is read from now on. */
static inline void memory_file_turn(void) {
    memory_file.input = memory_file.output;
    memory_file.input_size = memory_file.output_size;
}

static void *memory_take(void *context, size_t bytes, size_t alignment) {
    void *memory = NULL;
    (void)context;
    memory_file.taken += bytes;
    if (memory_file.taken > memory_file.most_taken) memory_file.most_taken = memory_file.taken;
    return posix_memalign(&memory, alignment, bytes) ? NULL : memory;
}

static void memory_give(void *context, void *memory, size_t bytes) {
    (void)context;
    memory_file.taken -= bytes;
    free(memory);
}

static inline ravine_env memory_env(void) {
    ravine_env env;
    ravine_env_init(&env);
    env.threads = 1;
    env.allocate = memory_take;
    env.release = memory_give;
    memory_file.taken = memory_file.most_taken = 0;
    return env;
}

#endif
