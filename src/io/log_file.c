#include "io/log_file.h"

#include "io/failure.h"
#include "io/write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct log_file {
    int fd;
    char *path;
    char *bytes; /* [capacity]: `whole` bytes of ended records, then the record that grows */
    size_t whole, used, capacity;
    off_t length;   /* of the file: whole records */
    double flushed; /* seconds, when */
    bool no_memory;
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

int log_file_create(log_file **out, const char *path) {
    log_file *log = calloc(1, sizeof *log);
    if (!log) return failure(EXIT_INPUT, "cannot create %s: no memory", path);
    log->path = strdup(path);
    log->fd = log->path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666) : -1;
    if (log->fd < 0) {
        int code = failure(EXIT_INPUT, "cannot create %s: %s", path, strerror(errno));
        return destroy(log), code;
    }
    log->flushed = now();
    *out = log;
    return 0;
}

static bool make_room(log_file *log, size_t more) {
    if (log->capacity - log->used >= more) return true;
    size_t capacity = log->capacity ? log->capacity : LOG_FILE_BYTES;
    while (capacity - log->used < more) {
        if (capacity > SIZE_MAX / 2) return false;
        capacity *= 2;
    }
    char *grown = realloc(log->bytes, capacity);
    if (!grown) return false;
    log->bytes = grown;
    log->capacity = capacity;
    return true;
}

void log_file_add(log_file *log, const void *bytes, size_t size) {
    if (log->no_memory || size == 0) return;
    if (!make_room(log, size)) {
        log->no_memory = true;
        return;
    }
    memcpy(log->bytes + log->used, bytes, size);
    log->used += size;
}

int log_file_end_record(log_file *log) {
    if (log->no_memory) {
        log->no_memory = false;
        log->used = log->whole;
        return failure(EXIT_INPUT, "cannot write %s: no memory for a record", log->path);
    }
    log->whole = log->used;
    if (log->whole >= LOG_FILE_BYTES || now() - log->flushed >= LOG_FILE_SECONDS)
        return log_file_flush(log);
    return 0;
}

/* What could not be written is kept, for a flush when there is room again. */
int log_file_flush(log_file *log) {
    log->flushed = now();
    if (!write_all(log->fd, log->bytes, log->whole)) {
        int code = failure(EXIT_INPUT, "cannot write %s: %s", log->path, strerror(errno));
        if (ftruncate(log->fd, log->length) == 0) lseek(log->fd, log->length, SEEK_SET);
        return code;
    }
    log->length += (off_t)log->whole;
    log->used -= log->whole;
    if (log->used) memmove(log->bytes, log->bytes + log->whole, log->used);
    log->whole = 0;
    return 0;
}

int log_file_close(log_file *log) {
    if (!log) return 0;
    int code = log_file_flush(log);
    if (!code && fsync(log->fd) < 0)
        code = failure(EXIT_INPUT, "cannot write %s: %s", log->path, strerror(errno));
    destroy(log);
    return code;
}

void log_file_discard(log_file *log) {
    if (!log) return;
    unlink(log->path);
    destroy(log);
}
