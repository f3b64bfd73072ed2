/* SPDX-License-Identifier: Apache-2.0 */
#include "run/log_file.h"

#include "io/failure.h"
#include "io/write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct log_file {
    int fd;
    char *path;
    char *bytes; /* [capacity]: `whole` bytes of ended records, then the record that grows */
    size_t whole, used, capacity;
    off_t length;   /* of the file: whole records */
    double flushed; /* seconds, when it was last tried */
    bool dropped;   /* the record that grows: there is no room for it */
    bool lossy;     /* some record was dropped */
    char why[512];  /* it is behind; "": it is not */
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void destroy(log_file *log) {
    if (log->fd >= 0) close(log->fd);
    free(log->path);
    free(log->bytes);
    free(log);
}

static int open_file(log_file *log, int how) {
    struct stat facts;
    log->fd = open(log->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | how, 0666);
    if (log->fd < 0 && errno == ELOOP && !(how & O_CREAT))
        return failure(EXIT_INPUT, "cannot write %s: it is a link, and may lead out of the run",
                       log->path);
    if (log->fd < 0)
        return failure(EXIT_INPUT, "cannot %s %s: %s", how & O_CREAT ? "create" : "open", log->path,
                       strerror(errno));
    if (fstat(log->fd, &facts) < 0 || !S_ISREG(facts.st_mode))
        return failure(EXIT_INPUT, "cannot write %s: it is no regular file", log->path);
    return 0;
}

/* File systems without locks are written without them. */
static int lock(const log_file *log) {
    if (flock(log->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return 0;
    return failure(EXIT_INPUT, "cannot write %s: another process writes it", log->path);
}

static int open_log(log_file **out, const char *path, int how) {
    log_file *log = calloc(1, sizeof *log);
    if (log) *log = (log_file){.fd = -1, .path = strdup(path), .flushed = now()};
    if (!log || !log->path) {
        free(log);
        return failure(EXIT_INPUT, "cannot open %s: no memory", path);
    }
    int code = open_file(log, how);
    if (!code) code = lock(log);
    if (code) return destroy(log), code;
    *out = log;
    return 0;
}

int log_file_create(log_file **out, const char *path) {
    return open_log(out, path, O_CREAT | O_EXCL);
}

int log_file_open(log_file **out, const char *path) {
    return open_log(out, path, 0);
}

static bool ends_a_line(const log_file *log, int64_t length) {
    char last;
    return length > 0 && pread(log->fd, &last, 1, (off_t)length - 1) == 1 && last == '\n';
}

int log_file_check(const log_file *log, int64_t length, bool lines) {
    struct stat facts;
    if (fstat(log->fd, &facts) < 0)
        return failure(EXIT_INPUT, "cannot read %s: %s", log->path, strerror(errno));
    if (facts.st_size < length)
        return failure(EXIT_INPUT, "%s has %lld bytes; the run goes on behind byte %lld", log->path,
                       (long long)facts.st_size, (long long)length);
    if (lines && !ends_a_line(log, length))
        return failure(EXIT_INPUT, "%s: no line ends at byte %lld, behind which the run goes on",
                       log->path, (long long)length);
    return 0;
}

int log_file_cut(log_file *log, int64_t length) {
    if (ftruncate(log->fd, (off_t)length) < 0 || lseek(log->fd, (off_t)length, SEEK_SET) < 0)
        return failure(EXIT_INPUT, "cannot write %s: %s", log->path, strerror(errno));
    log->length = (off_t)length;
    return 0;
}

int log_file_append(log_file *log, int64_t length) {
    log->length = lseek(log->fd, 0, SEEK_END);
    if (log->length == (off_t)length) return 0;
    return failure(EXIT_INPUT, "%s has %lld bytes now, and had %lld when it was read", log->path,
                   (long long)log->length, (long long)length);
}

static bool make_room(log_file *log, size_t more) {
    if (more > LOG_FILE_KEPT || log->used > LOG_FILE_KEPT - more) return false;
    if (log->capacity - log->used >= more) return true;
    size_t capacity = log->capacity ? log->capacity : LOG_FILE_BYTES;
    while (capacity - log->used < more) capacity *= 2;
    char *grown = realloc(log->bytes, capacity);
    if (!grown) return false;
    log->bytes = grown;
    log->capacity = capacity;
    return true;
}

void log_file_add(log_file *log, const void *bytes, size_t size) {
    if (log->dropped || size == 0) return;
    if (!make_room(log, size)) {
        log->dropped = log->lossy = true;
        return;
    }
    memcpy(log->bytes + log->used, bytes, size);
    log->used += size;
}

/* Part of a record may be in the file now: it is cut off, or at least written over the next time.
 */
static void fall_behind(log_file *log) {
    snprintf(log->why, sizeof log->why, "cannot write %s: %s", log->path, strerror(errno));
    lseek(log->fd, log->length, SEEK_SET);
    (void)(ftruncate(log->fd, log->length) == 0);
}

static bool write_records(log_file *log) {
    log->flushed = now();
    if (!write_all(log->fd, log->bytes, log->whole)) {
        fall_behind(log);
        return false;
    }
    *log->why = '\0';
    log->length += (off_t)log->whole;
    log->used -= log->whole;
    if (log->used) memmove(log->bytes, log->bytes + log->whole, log->used);
    log->whole = 0;
    return true;
}

void log_file_end_record(log_file *log) {
    if (log->dropped) log->used = log->whole;
    log->dropped = false;
    log->whole = log->used;
    const bool full = log->whole >= LOG_FILE_BYTES && !*log->why;
    if (full || now() - log->flushed >= LOG_FILE_SECONDS) write_records(log);
}

void log_file_hurry(log_file *log) {
    write_records(log);
}

int log_file_flush(log_file *log) {
    return write_records(log) ? 0 : failure(EXIT_INPUT, "%s", log->why);
}

const char *log_file_behind(const log_file *log) {
    return *log->why ? log->why : NULL;
}

static int sync_file(const log_file *log) {
    if (fsync(log->fd) == 0) return 0;
    return failure(EXIT_INPUT, "cannot write %s: %s", log->path, strerror(errno));
}

int log_file_position(log_file *log, int64_t *length) {
    write_records(log);
    *length = (int64_t)log->length;
    return sync_file(log);
}

int log_file_close(log_file *log) {
    if (!log) return 0;
    int code = log_file_flush(log);
    if (!code) code = sync_file(log);
    if (!code && log->lossy)
        code =
            failure(EXIT_INPUT, "%s: records are missing: there was no room for them", log->path);
    destroy(log);
    return code;
}

void log_file_discard(log_file *log) {
    if (!log) return;
    unlink(log->path);
    destroy(log);
}
