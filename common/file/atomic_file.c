/* SPDX-License-Identifier: Apache-2.0 */
#include "file/atomic_file.h"

#include "file/crc32c.h"
#include "file/files.h"
#include "file/folder.h"
#include "text/error.h"
#include "text/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#define SUFFIX ".ravine-tmp"
enum { PRIVATE = 0600, EVERYONE = 0666, RIGHTS = 0777 };

/* A signal without progress: the call is made again, but not for ever. */
static bool interrupted(int *times) {
    enum { MOST = 1000 };
    return errno == EINTR && ++*times <= MOST;
}

void ravine_atomic_discard(ravine_atomic_file *file) {
    if (file->fd >= 0) {
        ravine_files.unlinkat(file->folder, file->temporary, 0); /* while it is locked */
        ravine_files.close(file->fd);
    }
    if (file->folder >= 0) ravine_files.close(file->folder);
    file->fd = file->folder = -1;
}

/* Fails with the reason in errno, and gives up. */
static ravine_status give_up(ravine_atomic_file *file, const char *operation) {
    const int reason = errno;
    ravine_atomic_discard(file);
    return ravine_fail(RAVINE_E_IO, "cannot write %s: %s: %s", ravine_path_tail(file->path),
                       operation, strerror(reason));
}

/* ---- the temporary file ---------------------------------------------------------------------- */

static bool is_temporary(const char *name) {
    const size_t length = strlen(name), suffix = strlen(SUFFIX);
    return name[0] == '.' && length > suffix && strcmp(name + length - suffix, SUFFIX) == 0;
}

static int lock(int fd) {
    int times = 0, status;
    do status = ravine_files.flock(fd, LOCK_EX | LOCK_NB);
    while (status < 0 && interrupted(&times));
    return status;
}

/* Whoever removes a temporary file holds its lock and has seen that the name is still that file's;
 * so nobody removes one that is written, and no two remove the same. */
static bool remove_stale(int folder, const char *name) {
    struct stat locked, named;
    bool removed = false;
    const int fd = ravine_files.openat(
        folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
    if (fd < 0) return false;
    if (lock(fd) == 0 && ravine_files.fstat(fd, &locked) == 0 && S_ISREG(locked.st_mode) &&
        ravine_files.fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
        named.st_dev == locked.st_dev && named.st_ino == locked.st_ino)
        removed = ravine_files.unlinkat(folder, name, 0) == 0;
    ravine_files.close(fd);
    return removed;
}

/* Opens and locks file->temporary and tells its mode; -1 with errno, EEXIST if another has it.
 * A file system without locks does not stop us: there nothing is ever taken for stale either. */
static int open_locked(ravine_atomic_file *file, mode_t mode, struct stat *facts) {
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int times = 0, fd;
    do fd = ravine_files.openat(file->folder, file->temporary, flags, mode);
    while (fd < 0 && interrupted(&times));
    if (fd < 0) return -1;
    const bool taken = lock(fd) < 0 && errno == EWOULDBLOCK;
    if (!taken && ravine_files.fstat(fd, facts) < 0) {
        const int reason = errno;
        ravine_files.unlinkat(file->folder, file->temporary, 0);
        ravine_files.close(fd);
        errno = reason;
        return -1;
    }
    if (!taken && facts->st_nlink > 0) return fd;
    ravine_files.close(fd); /* removed as stale between its making and its locking */
    errno = EEXIST;
    return -1;
}

static int open_temporary(ravine_atomic_file *file, mode_t mode, struct stat *facts) {
    enum { WRITERS_MAX = 100, NAME_KEPT = NAME_MAX - (int)sizeof ".99" - (int)sizeof SUFFIX };
    for (int k = 0; k < WRITERS_MAX; k++) {
        snprintf(file->temporary, sizeof file->temporary, ".%.*s.%d" SUFFIX, NAME_KEPT, file->name,
                 k);
        for (int attempt = 0; attempt < 2; attempt++) {
            file->fd = open_locked(file, mode, facts);
            if (file->fd >= 0 || errno != EEXIST) return file->fd;
            if (!remove_stale(file->folder, file->temporary)) break;
        }
    }
    errno = EEXIST;
    return -1;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Splits the path of the file to be into folder and name; a link is followed to what is there. */
static ravine_status find_place(ravine_atomic_file *file, bool follow) {
    char path[PATH_MAX];
    if (follow) {
        if (!ravine_files.realpath(file->path, path)) return give_up(file, "realpath");
    } else {
        if (strlen(file->path) >= sizeof path) {
            errno = ENAMETOOLONG;
            return give_up(file, "open");
        }
        strcpy(path, file->path);
    }
    char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    if (!*name || strlen(name) > NAME_MAX) {
        errno = *name ? ENAMETOOLONG : EISDIR;
        return give_up(file, "open");
    }
    strcpy(file->name, name);
    if (slash) slash[slash == path] = '\0'; /* the root keeps its slash */
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    int times = 0;
    do file->folder = ravine_files.openat(AT_FDCWD, slash ? path : ".", flags, 0);
    while (file->folder < 0 && interrupted(&times));
    return file->folder < 0 ? give_up(file, "open its folder") : RAVINE_OK;
}

/* A disk that is too full is told before anything is written. */
static ravine_status check_room(ravine_atomic_file *file, int64_t size) {
    struct statvfs disk;
    uint64_t room;
    if (ravine_files.fstatvfs(file->fd, &disk) < 0 || disk.f_blocks == 0 ||
        __builtin_mul_overflow((uint64_t)disk.f_bavail, (uint64_t)disk.f_frsize, &room) ||
        (uint64_t)size <= room)
        return RAVINE_OK;
    ravine_atomic_discard(file);
    return ravine_fail(RAVINE_E_IO, "cannot write %s: it needs %lld bytes, the disk has %llu free",
                       ravine_path_tail(file->path), (long long)size, (unsigned long long)room);
}

/* A link that is going to be replaced counts as nothing. */
static ravine_status look(ravine_atomic_file *file, int how, struct stat *old, bool *exists) {
    const bool over_links = how & RAVINE_ATOMIC_OVER_LINKS;
    const int status =
        ravine_files.fstatat(AT_FDCWD, file->path, old, over_links ? AT_SYMLINK_NOFOLLOW : 0);
    *exists = status == 0 && !(over_links && S_ISLNK(old->st_mode));
    if (status < 0 && errno != ENOENT) return give_up(file, "stat");
    if (*exists && !S_ISREG(old->st_mode))
        return ravine_fail(RAVINE_E_IO, "cannot write %s: it is not a regular file",
                           ravine_path_tail(file->path));
    return RAVINE_OK;
}

ravine_status ravine_atomic_open(ravine_atomic_file *file, const char *path, int64_t size,
                                 int how) {
    *file = (ravine_atomic_file){.path = path, .folder = -1, .fd = -1};
    file->verify = how & RAVINE_ATOMIC_VERIFY;
    struct stat old, facts;
    bool exists;
    ravine_status status = look(file, how, &old, &exists);
    if (status) return status;
    status = find_place(file, exists && !(how & RAVINE_ATOMIC_OVER_LINKS));
    if (status) return status;
    if (open_temporary(file, exists ? PRIVATE : EVERYONE, &facts) < 0)
        return give_up(file, "make a temporary file");
    mode_t now = facts.st_mode & RIGHTS;
    file->mode = exists ? old.st_mode & RIGHTS : now;
    /* Some file systems know no permissions of a file: then it has those of its end already. */
    if (now & ~(mode_t)PRIVATE && ravine_files.fchmod(file->fd, now & PRIVATE) == 0) now &= PRIVATE;
    file->change_mode = now != file->mode;
    return check_room(file, size);
}

ravine_status ravine_atomic_write(ravine_atomic_file *file, const void *bytes, size_t size) {
    const char *rest = bytes;
    int times = 0;
    if (file->verify) file->crc = ravine_crc32c(file->crc, bytes, size);
    while (size > 0) {
        const ssize_t written = ravine_files.pwrite(file->fd, rest, size, file->written);
        if (written < 0 && interrupted(&times)) continue;
        if (written < 0) return give_up(file, "write");
        if (written == 0) {
            errno = ENOSPC;
            return give_up(file, "write");
        }
        rest += written;
        size -= (size_t)written;
        file->written += written;
        times = 0;
    }
    return RAVINE_OK;
}

/* Reads everything back. The pages are synced, so the system may drop them and ask the disk. */
static ravine_status read_back(ravine_atomic_file *file) {
    char bytes[16384];
    uint32_t crc = 0;
    int times = 0;
    posix_fadvise(file->fd, 0, 0, POSIX_FADV_DONTNEED);
    for (off_t at = 0; at < file->written;) {
        const ssize_t got = ravine_files.pread(file->fd, bytes, sizeof bytes, at);
        if (got < 0 && interrupted(&times)) continue;
        if (got < 0) return give_up(file, "read it back");
        if (got == 0) break;
        crc = ravine_crc32c(crc, bytes, (size_t)got);
        at += got;
        times = 0;
    }
    if (crc == file->crc) return RAVINE_OK;
    ravine_atomic_discard(file);
    return ravine_fail(RAVINE_E_IO,
                       "cannot write %s: what the disk gives back is not what was "
                       "written",
                       ravine_path_tail(file->path));
}

ravine_status ravine_atomic_commit(ravine_atomic_file *file) {
    if (file->change_mode && ravine_files.fchmod(file->fd, file->mode) < 0)
        return give_up(file, "chmod");
    if (ravine_files.fsync(file->fd) < 0) return give_up(file, "fsync");
    if (file->verify) {
        const ravine_status status = read_back(file);
        if (status) return status;
    }
    if (ravine_files.renameat(file->folder, file->temporary, file->folder, file->name) < 0)
        return give_up(file, "rename");
    ravine_files.close(file->fd);
    file->fd = -1; /* and so the new file stays */
    const int reason = ravine_folder_sync(file->folder) < 0 ? errno : 0;
    ravine_atomic_discard(file);
    if (!reason) return RAVINE_OK;
    return ravine_fail(RAVINE_E_IO,
                       "%s is written, but may be lost with the power: sync its "
                       "folder: %s",
                       ravine_path_tail(file->path), strerror(reason));
}

/* ---- what dead writers left ------------------------------------------------------------------ */

typedef struct sweeping {
    int folder;
    int64_t removed;
} sweeping;

static ravine_status sweep_one(void *context, const char *name) {
    sweeping *s = context;
    s->removed += is_temporary(name) && remove_stale(s->folder, name);
    return RAVINE_OK;
}

ravine_status ravine_atomic_sweep(const char *folder, int64_t *removed) {
    sweeping s = {0};
    ravine_status status = ravine_folder_open(folder, &s.folder);
    if (status) return status;
    status = ravine_folder_each(folder, sweep_one, &s);
    ravine_files.close(s.folder);
    if (removed) *removed = s.removed;
    return status;
}
