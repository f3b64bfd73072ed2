#include "io/atomic_file.h"

#include "io/failure.h"
#include "io/folder.h"
#include "io/write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const atomic_file closed = {.path = NULL, .temporary = NULL, .fd = -1};

void atomic_file_discard(atomic_file *file) {
    if (file->fd >= 0) {
        close(file->fd);
        unlink(file->temporary);
    }
    free(file->path);
    free(file->temporary);
    *file = closed;
}

/* Fails with the reason in errno, and gives up. */
static int give_up(atomic_file *file) {
    int reason = errno;
    int code = failure(EXIT_INPUT, "cannot write %s: %s", file->path, strerror(reason));
    atomic_file_discard(file);
    return code;
}

/* O_EXCL: never into a file, or through a link, that is already there - of another thread that
 * writes the same path, or left by a process that was killed. */
static int open_temporary(atomic_file *file, mode_t mode) {
    enum { ATTEMPTS = 100 };
    for (int k = 0; k < ATTEMPTS && file->fd < 0; k++) {
        free(file->temporary);
        if (asprintf(&file->temporary, "%s.%ld.%d.tmp", file->path, (long)getpid(), k) < 0) {
            file->temporary = NULL;
            return -1;
        }
        file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (file->fd < 0 && errno != EEXIST) return -1;
    }
    return file->fd;
}

int atomic_file_open(atomic_file *file, const char *path) {
    *file = closed;
    struct stat old;
    bool exists = stat(path, &old) == 0;
    if (exists && !S_ISREG(old.st_mode))
        return failure(EXIT_INPUT, "cannot write %s: it is not a regular file", path);
    file->path = exists ? realpath(path, NULL) : strdup(path);
    if (!file->path) return failure(EXIT_INPUT, "cannot write %s: %s", path, strerror(errno));
    mode_t mode = exists ? old.st_mode & 0777 : 0666;
    if (open_temporary(file, mode) < 0) return give_up(file);
    if (exists && fchmod(file->fd, mode) < 0) return give_up(file); /* the umask may have cut it */
    return 0;
}

int atomic_file_write(atomic_file *file, const void *bytes, size_t size) {
    return write_all(file->fd, bytes, size) ? 0 : give_up(file);
}

int atomic_file_commit(atomic_file *file) {
    if (fsync(file->fd) < 0) return give_up(file);
    if (rename(file->temporary, file->path) < 0) return give_up(file);
    int code = folder_sync_above(file->path);
    close(file->fd);
    file->fd = -1; /* and so the new file stays */
    atomic_file_discard(file);
    return code;
}
