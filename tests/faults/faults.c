/* SPDX-License-Identifier: Apache-2.0 */
#include "faults/faults.h"

#include "file/files.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static file_operations under;
static fault now;
static int64_t count;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* True if this operation is hit; the kinds that end the process do it here. */
static bool hit(void) {
    pthread_mutex_lock(&mutex);
    count++;
    const bool is_hit = now.at && (count == now.at || (now.for_ever && count > now.at));
    pthread_mutex_unlock(&mutex);
    if (is_hit && now.kind == FAULT_EXIT) _exit(FAULT_EXIT_CODE);
    if (is_hit && now.kind == FAULT_KILL) kill(getpid(), SIGKILL);
    if (is_hit) errno = now.error;
    return is_hit;
}

/* A call that fails with `failed`. */
#define FAILING(type, name, failed, parameters, arguments)     \
    static type faulty_##name parameters {                     \
        if (hit() && now.kind == FAULT_ERROR) return (failed); \
        return under.name arguments;                           \
    }
FAILING(int, openat, -1, (int d, const char *p, int f, mode_t m), (d, p, f, m))
FAILING(int, fsync, -1, (int fd), (fd))
FAILING(int, flock, -1, (int fd, int how), (fd, how))
FAILING(int, fchmod, -1, (int fd, mode_t m), (fd, m))
FAILING(int, fstat, -1, (int fd, struct stat *s), (fd, s))
FAILING(int, fstatat, -1, (int d, const char *p, struct stat *s, int f), (d, p, s, f))
FAILING(int, fstatvfs, -1, (int fd, struct statvfs *s), (fd, s))
FAILING(int, renameat, -1, (int d, const char *p, int e, const char *q), (d, p, e, q))
FAILING(int, unlinkat, -1, (int d, const char *p, int f), (d, p, f))
FAILING(int, mkdirat, -1, (int d, const char *p, mode_t m), (d, p, m))
FAILING(char *, realpath, NULL, (const char *p, char *r), (p, r))
FAILING(DIR *, fdopendir, NULL, (int fd), (fd))
FAILING(struct dirent *, readdir, NULL, (DIR * d), (d))

static ssize_t faulty_pread(int fd, void *bytes, size_t size, off_t offset) {
    const bool is_hit = hit();
    if (is_hit && now.kind == FAULT_ERROR) return -1;
    return under.pread(fd, bytes, is_hit ? (size + 1) / 2 : size, offset);
}

static ssize_t faulty_pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    const bool is_hit = hit();
    if (is_hit && now.kind == FAULT_ERROR) return -1;
    return under.pwrite(fd, bytes, is_hit ? (size + 1) / 2 : size, offset);
}

/* On Linux a close that fails has closed all the same. */
static int faulty_close(int fd) {
    const bool is_hit = hit();
    const int status = under.close(fd);
    if (is_hit) errno = now.error;
    return is_hit && now.kind == FAULT_ERROR ? -1 : status;
}

static int faulty_closedir(DIR *folder) {
    const bool is_hit = hit();
    const int status = under.closedir(folder);
    if (is_hit) errno = now.error;
    return is_hit && now.kind == FAULT_ERROR ? -1 : status;
}

void faults_begin(fault f) {
    now = f;
    count = 0;
    under = ravine_files;
    ravine_files = (file_operations){
        faulty_openat,   faulty_close,    faulty_pread,   faulty_pwrite,   faulty_fsync,
        faulty_flock,    faulty_fchmod,   faulty_fstat,   faulty_fstatat,  faulty_fstatvfs,
        faulty_renameat, faulty_unlinkat, faulty_mkdirat, faulty_realpath, faulty_fdopendir,
        faulty_readdir,  faulty_closedir};
}

int64_t faults_end(void) {
    ravine_files = under;
    return count;
}

void faults_print(const char *name, int64_t number, int64_t lost) {
    printf("counter %s %" PRId64 " lost %" PRId64 "\n", name, number, lost);
}
