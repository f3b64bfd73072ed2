/* SPDX-License-Identifier: Apache-2.0 */
#include "file/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static int open_at(int folder, const char *path, int flags, mode_t mode) {
    return openat(folder, path, flags, mode); /* its own mode is a variable argument */
}

file_operations ravine_files = {
    .openat = open_at,
    .close = close,
    .pread = pread,
    .pwrite = pwrite,
    .fsync = fsync,
    .flock = flock,
    .fchmod = fchmod,
    .fstat = fstat,
    .fstatat = fstatat,
    .fstatvfs = fstatvfs,
    .renameat = renameat,
    .unlinkat = unlinkat,
    .mkdirat = mkdirat,
    .realpath = realpath,
    .fdopendir = fdopendir,
    .readdir = readdir,
    .closedir = closedir,
};
