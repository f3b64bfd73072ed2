/* SPDX-License-Identifier: Apache-2.0 */
/* files.h - every operation on files that the library does, in one table, so that the tests can
 * make each of them fail, stop the process before it, and lose what was not synced.
 *
 * The members are the calls of POSIX and Linux with their own names; the table is changed by tests
 * alone, before any other thread uses it.
 */
#ifndef RAVINE_FILES_H
#define RAVINE_FILES_H

#include <dirent.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

typedef struct file_operations {
    int (*openat)(int folder, const char *path, int flags, mode_t mode);
    int (*close)(int fd);
    ssize_t (*pread)(int fd, void *bytes, size_t size, off_t offset);
    ssize_t (*pwrite)(int fd, const void *bytes, size_t size, off_t offset);
    int (*fsync)(int fd);
    int (*flock)(int fd, int operation);
    int (*fchmod)(int fd, mode_t mode);
    int (*fstat)(int fd, struct stat *facts);
    int (*fstatat)(int folder, const char *path, struct stat *facts, int flags);
    int (*fstatvfs)(int fd, struct statvfs *facts);
    int (*renameat)(int from_folder, const char *from, int to_folder, const char *to);
    int (*unlinkat)(int folder, const char *path, int flags);
    int (*mkdirat)(int folder, const char *path, mode_t mode);
    char *(*realpath)(const char *path, char *resolved); /* resolved: [PATH_MAX] */
    DIR *(*fdopendir)(int fd);
    struct dirent *(*readdir)(DIR *folder);
    int (*closedir)(DIR *folder);
} file_operations;

extern file_operations ravine_files;

#endif
