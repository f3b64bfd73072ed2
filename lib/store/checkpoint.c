/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of ravine_checkpoint.h: files are read with pread, never mapped, so that one that
 * shrinks gives an error and not a signal. */
#include "base/memory.h"
#include "file/crc32c.h"
#include "file/files.h"
#include "store/header.h"
#include "store/safetensors.h"
#include "text/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct ravine_checkpoint {
    ravine_env env;
    size_t bytes; /* of this struct with the path behind it */
    int fd;
    int64_t file_size;
    char *start; /* [start_bytes] what stands before the data; names and texts are in it */
    size_t start_bytes;
    store_header header;
    char path[];
};

static ravine_status fail_io(const ravine_checkpoint *c, const char *operation) {
    return ravine_fail(RAVINE_E_IO, "cannot read %s: %s: %s", ravine_path_tail(c->path), operation,
                       strerror(errno));
}

/* Bytes [at, at + size) of the file. */
static ravine_status read_at(const ravine_checkpoint *c, void *bytes, size_t size, int64_t at) {
    enum { INTERRUPTIONS_MAX = 1000 };
    int times = 0;
    for (char *to = bytes; size > 0;) {
        const ssize_t got = ravine_files.pread(c->fd, to, size, at);
        if (got < 0 && errno == EINTR && ++times <= INTERRUPTIONS_MAX) continue;
        if (got < 0) return fail_io(c, "read");
        if (got == 0)
            return ravine_fail(RAVINE_E_FORMAT, "%s: the file ends at byte %lld; it was longer",
                               ravine_path_tail(c->path), (long long)at);
        to += got;
        at += got;
        times = 0;
        size -= (size_t)got;
    }
    return RAVINE_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

static ravine_status check_kind(const ravine_checkpoint *c, mode_t mode) {
    if (S_ISREG(mode)) return RAVINE_OK;
    const char *kind = S_ISDIR(mode)    ? "folder"
                       : S_ISFIFO(mode) ? "pipe"
                       : S_ISSOCK(mode) ? "socket"
                                        : "device";
    return ravine_fail(RAVINE_E_IO, "cannot read %s: it is a %s, not a regular file",
                       ravine_path_tail(c->path), kind);
}

static ravine_status open_file(ravine_checkpoint *c) {
    struct stat facts;
    /* Before it is opened, since opening a device may do something. */
    if (ravine_files.fstatat(AT_FDCWD, c->path, &facts, 0) < 0) return fail_io(c, "open");
    ravine_status status = check_kind(c, facts.st_mode);
    if (status) return status;
    c->fd = ravine_files.openat(AT_FDCWD, c->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
    if (c->fd < 0) return fail_io(c, "open");
    if (ravine_files.fstat(c->fd, &facts) < 0) return fail_io(c, "stat");
    c->file_size = facts.st_size;
    return check_kind(c, facts.st_mode);
}

/* The bytes before the data. */
static ravine_status read_start(ravine_checkpoint *c) {
    const char *path = ravine_path_tail(c->path);
    uint64_t length;
    if (c->file_size < (int64_t)SAFETENSORS_START)
        return ravine_fail(RAVINE_E_FORMAT,
                           "%s: byte %lld: the file ends here; its header's length "
                           "alone has 8 bytes",
                           path, (long long)c->file_size);
    ravine_status status = read_at(c, &length, sizeof length, 0);
    if (status) return status;
    if (length > SAFETENSORS_HEADER_MAX)
        return ravine_fail(RAVINE_E_FORMAT,
                           "%s: byte 0: the header has %llu bytes, the limit is %d", path,
                           (unsigned long long)length, SAFETENSORS_HEADER_MAX);
    if (length > (uint64_t)c->file_size - SAFETENSORS_START)
        return ravine_fail(RAVINE_E_FORMAT,
                           "%s: byte %lld: the file ends here, but its header goes "
                           "on to byte %llu",
                           path, (long long)c->file_size,
                           (unsigned long long)(length + SAFETENSORS_START));
    c->start_bytes = SAFETENSORS_START + (size_t)length;
    c->start = ravine_env_alloc(&c->env, c->start_bytes);
    if (!c->start) return RAVINE_E_NOMEM;
    return read_at(c, c->start, c->start_bytes, 0);
}

ravine_status ravine_checkpoint_open(ravine_checkpoint **out, const char *path,
                                     const ravine_env *env) {
    if (!out || !path) return ravine_fail(RAVINE_E_ARG, "out or path is NULL");
    ravine_env own;
    ravine_status status = ravine_env_complete(&own, env);
    if (status) return status;
    const size_t path_bytes = strlen(path) + 1, bytes = sizeof(ravine_checkpoint) + path_bytes;
    ravine_checkpoint *c = ravine_env_alloc(&own, bytes);
    if (!c) return RAVINE_E_NOMEM;
    *c = (ravine_checkpoint){.env = own, .bytes = bytes, .fd = -1};
    memcpy(c->path, path, path_bytes);
    status = open_file(c);
    if (!status) status = read_start(c);
    if (!status) {
        json_cursor cursor = {c->path, c->start, 0, c->start_bytes};
        status = ravine_header_read(&c->header, &cursor, c->file_size, &c->env);
    }
    if (status) {
        ravine_checkpoint_close(c);
        return status;
    }
    *out = c;
    return RAVINE_OK;
}

void ravine_checkpoint_close(ravine_checkpoint *c) {
    if (!c) return;
    const ravine_env env = c->env;
    if (c->fd >= 0) ravine_files.close(c->fd);
    ravine_header_free(&c->header, &env);
    ravine_env_free(&env, c->start, c->start_bytes);
    ravine_env_free(&env, c, c->bytes);
}

/* ---- looking --------------------------------------------------------------------------------- */

int64_t ravine_checkpoint_tensor_count(const ravine_checkpoint *c) {
    return c ? c->header.count : 0;
}

int64_t ravine_checkpoint_find(const ravine_checkpoint *c, const char *name) {
    return c && name ? ravine_names_find(c->header.by_name, c->header.count, name) : -1;
}

int32_t ravine_checkpoint_text(const ravine_checkpoint *c, int64_t k, ravine_text *text) {
    if (!c || !text || k < 0 || k >= c->header.ntexts) return 0;
    *text = c->header.texts[k];
    return 1;
}

const char *ravine_checkpoint_find_text(const ravine_checkpoint *c, const char *key) {
    if (!c || !key) return NULL;
    const int64_t k = ravine_names_find(c->header.by_key, c->header.ntexts, key);
    return k < 0 ? NULL : c->header.texts[k].value;
}

static ravine_status look_up(const ravine_checkpoint *c, int64_t i, const store_tensor **tensor) {
    if (!c) return ravine_fail(RAVINE_E_ARG, "the checkpoint is NULL");
    if (i < 0 || i >= c->header.count)
        return ravine_fail(RAVINE_E_RANGE, "tensor %lld of %s: it has %lld tensors", (long long)i,
                           ravine_path_tail(c->path), (long long)c->header.count);
    *tensor = &c->header.tensors[i];
    return RAVINE_OK;
}

ravine_tensor ravine_checkpoint_tensor_at(const ravine_checkpoint *c, int64_t i) {
    const store_tensor *t = &c->header.tensors[i];
    return (ravine_tensor){.name = t->name, .dtype = t->dtype, .ndim = t->ndim, .shape = t->shape};
}

ravine_status ravine_checkpoint_tensor(const ravine_checkpoint *c, int64_t i,
                                       ravine_tensor *tensor) {
    const store_tensor *t = NULL;
    const ravine_status status = look_up(c, i, &t);
    if (status) return status;
    if (!tensor) return ravine_fail(RAVINE_E_ARG, "tensor is NULL");
    *tensor = ravine_checkpoint_tensor_at(c, i);
    return RAVINE_OK;
}

ravine_status ravine_checkpoint_range(const ravine_checkpoint *c, int64_t i, int64_t *begin,
                                      int64_t *end, int32_t *checked) {
    const store_tensor *t = NULL;
    const ravine_status status = look_up(c, i, &t);
    if (status) return status;
    const int64_t data = (int64_t)c->start_bytes;
    if (begin) *begin = data + t->begin;
    if (end) *end = data + t->end;
    if (checked) *checked = t->checked;
    return RAVINE_OK;
}

/* ---- the numbers ----------------------------------------------------------------------------- */

static ravine_status check_crc(const ravine_checkpoint *c, const store_tensor *t, uint32_t crc) {
    if (!t->checked || crc == t->crc) return RAVINE_OK;
    const long long data = (long long)c->start_bytes;
    return ravine_fail(RAVINE_E_FORMAT,
                       "%s: tensor %s, bytes %lld to %lld, is damaged: its checksum "
                       "is %08x, not %08x",
                       ravine_path_tail(c->path), ravine_quote(t->name).text, data + t->begin,
                       data + t->end - 1, crc, t->crc);
}

ravine_status ravine_checkpoint_read(const ravine_checkpoint *c, int64_t i, void *data,
                                     int64_t bytes) {
    const store_tensor *t = NULL;
    ravine_status status = look_up(c, i, &t);
    if (status) return status;
    if (bytes != t->end - t->begin || (bytes > 0 && !data))
        return ravine_fail(RAVINE_E_ARG, "there is room for %lld bytes at %p; tensor %s has %lld",
                           (long long)bytes, data, ravine_quote(t->name).text,
                           (long long)(t->end - t->begin));
    status = read_at(c, data, (size_t)bytes, (int64_t)c->start_bytes + t->begin);
    return status ? status : check_crc(c, t, ravine_crc32c(0, data, (size_t)bytes));
}

static ravine_status verify_one(const ravine_checkpoint *c, const store_tensor *t) {
    char part[16384];
    uint32_t crc = 0;
    for (int64_t at = t->begin; at < t->end;) {
        const int64_t left = t->end - at;
        const size_t size = left < (int64_t)sizeof part ? (size_t)left : sizeof part;
        const ravine_status status = read_at(c, part, size, (int64_t)c->start_bytes + at);
        if (status) return status;
        crc = ravine_crc32c(crc, part, size);
        at += (int64_t)size;
    }
    return check_crc(c, t, crc);
}

ravine_status ravine_checkpoint_verify(const ravine_checkpoint *c) {
    if (!c) return ravine_fail(RAVINE_E_ARG, "the checkpoint is NULL");
    ravine_status status = RAVINE_OK;
    for (int64_t k = 0; !status && k < c->header.count; k++)
        if (c->header.tensors[k].checked) status = verify_one(c, &c->header.tensors[k]);
    return status;
}
