/* SPDX-License-Identifier: Apache-2.0 */
#include "io/input.h"

#include "io/failure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>

/* Bytes that grow by doubling, up to limit + 1: the one byte more shows that the limit is passed.
 */
typedef struct growing {
    unsigned char *bytes;
    size_t used, capacity, limit;
} growing;

static int make_room(growing *g, const char *name) {
    if (g->used > g->limit)
        return failure(FAILURE_INPUT, "%s: holds more than %zu bytes, the limit", name, g->limit);
    if (g->used < g->capacity) return 0;
    size_t capacity = g->capacity < 32768 ? 65536 : g->capacity * 2;
    if (capacity > g->limit) capacity = g->limit + 1;
    unsigned char *grown = realloc(g->bytes, capacity);
    if (!grown) return failure(FAILURE_INPUT, "%s: no memory for %zu bytes of it", name, capacity);
    g->bytes = grown;
    g->capacity = capacity;
    return 0;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* ---- plain ----------------------------------------------------------------------------------- */

static int read_descriptor(int fd, const char *path, growing *g) {
    for (;;) {
        int code = make_room(g, path);
        if (code) return code;
        ssize_t got = read(fd, g->bytes + g->used, g->capacity - g->used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failure(FAILURE_INPUT, "cannot read %s: %s", path, strerror(errno));
        if (got == 0) return 0;
        g->used += (size_t)got;
    }
}

static int read_plain(const char *path, size_t limit, unsigned char **bytes, size_t *size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return failure(FAILURE_INPUT, "cannot open %s: %s", path, strerror(errno));
    growing g = {.limit = limit};
    struct stat facts;
    int code = 0;
    if (fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode))
        code = failure(FAILURE_INPUT, "%s is a folder; a file is needed", path);
    else
        code = read_descriptor(fd, path, &g);
    close(fd);
    if (!code && g.used == 0) code = failure(FAILURE_INPUT, "%s: the file is empty", path);
    if (code) return free(g.bytes), code;
    *bytes = g.bytes;
    *size = g.used;
    return 0;
}

/* ---- .gz ------------------------------------------------------------------------------------- */

static int inflate_all(z_stream *z, const unsigned char *deflated, size_t deflated_size,
                       const char *name, growing *g) {
    const size_t most = 1u << 30; /* zlib counts in unsigned int */
    size_t position = 0;
    for (;;) {
        int code = make_room(g, name);
        if (code) return code;
        size_t in = smaller(deflated_size - position, most);
        size_t room = smaller(g->capacity - g->used, most);
        z->next_in = deflated + position;
        z->avail_in = (uInt)in;
        z->next_out = g->bytes + g->used;
        z->avail_out = (uInt)room;
        int status = inflate(z, Z_NO_FLUSH);
        position += in - z->avail_in;
        g->used += room - z->avail_out;
        if (status == Z_STREAM_END && position == deflated_size) return make_room(g, name);
        if (status == Z_STREAM_END) status = inflateReset(z); /* another member follows */
        if (status == Z_MEM_ERROR)
            return failure(FAILURE_INPUT, "%s: no memory to inflate it", name);
        if (status == Z_BUF_ERROR) /* there is room, so it is input that is missing */
            return failure(FAILURE_INPUT,
                           "%s: truncated: the compressed data end at byte %zu, in the middle of "
                           "a stream (%zu bytes inflated)",
                           name, deflated_size, g->used);
        if (status != Z_OK)
            return failure(FAILURE_INPUT, "%s: corrupt: %s at byte %zu of the compressed data",
                           name, z->msg ? z->msg : "wrong data", position);
    }
}

static int inflate_bytes(const unsigned char *deflated, size_t deflated_size, const char *name,
                         size_t limit, unsigned char **bytes, size_t *size) {
    z_stream z = {0};
    const int gzip_only = 16 + MAX_WBITS;
    if (inflateInit2(&z, gzip_only) != Z_OK)
        return failure(FAILURE_INPUT, "%s: no memory to inflate it", name);
    growing g = {.limit = limit};
    int code = inflate_all(&z, deflated, deflated_size, name, &g);
    inflateEnd(&z);
    if (!code && g.used == 0) code = failure(FAILURE_INPUT, "%s: the file is empty", name);
    if (code) return free(g.bytes), code;
    *bytes = g.bytes;
    *size = g.used;
    return 0;
}

/* ---- open ------------------------------------------------------------------------------------ */

bool input_is_folder(const char *path) {
    struct stat facts;
    return !stat(path, &facts) && S_ISDIR(facts.st_mode);
}

int input_open(const char *path, FILE **out) {
    struct stat facts;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return failure(FAILURE_INPUT, "cannot open %s: %s", path, strerror(errno));
    if (fstat(fd, &facts) < 0 || !S_ISREG(facts.st_mode)) {
        close(fd);
        return failure(FAILURE_INPUT, "cannot read %s: it is no regular file", path);
    }
    *out = fdopen(fd, "rb");
    if (*out) return 0;
    close(fd);
    return failure(FAILURE_INPUT, "cannot open %s: no memory", path);
}

/* ---- whole ----------------------------------------------------------------------------------- */

static bool is_deflated(const char *path) {
    size_t length = strlen(path);
    const char *end = length >= 3 ? path + length - 3 : path;
    return strcmp(end, ".gz") == 0 || strcmp(end, ".dz") == 0;
}

int input_read(const char *path, size_t limit, unsigned char **bytes, size_t *size) {
    if (!is_deflated(path)) return read_plain(path, limit, bytes, size);
    unsigned char *deflated = NULL;
    size_t deflated_size = 0;
    int code = read_plain(path, limit, &deflated, &deflated_size);
    if (code) return code;
    code = inflate_bytes(deflated, deflated_size, path, limit, bytes, size);
    free(deflated);
    return code;
}
