/* SPDX-License-Identifier: Apache-2.0 */
#include "file/folder.h"

#include "file/files.h"
#include "text/error.h"
#include "text/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static ravine_status fail(const char *what, const char *path, int reason) {
    return ravine_fail(RAVINE_E_IO, "cannot %s %s: %s", what, ravine_path_tail(path),
                       strerror(reason));
}

ravine_status ravine_folder_open(const char *path, int *fd) {
    *fd = ravine_files.openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return *fd < 0 ? fail("open the folder", path, errno) : RAVINE_OK;
}

int ravine_folder_sync(int fd) {
    /* Some file systems cannot sync a folder and say EINVAL: nothing more can be done there. */
    return ravine_files.fsync(fd) < 0 && errno != EINVAL ? -1 : 0;
}

/* Makes one folder; the one above it is `above`. */
static ravine_status make_one(const char *path, const char *above, bool *existed) {
    struct stat facts;
    *existed = false;
    if (ravine_files.mkdirat(AT_FDCWD, path, 0777) < 0) {
        const int reason = errno;
        *existed = ravine_files.fstatat(AT_FDCWD, path, &facts, 0) == 0;
        if (*existed && S_ISDIR(facts.st_mode)) return RAVINE_OK;
        return fail("make the folder", path, reason);
    }
    int fd;
    ravine_status status = ravine_folder_open(above, &fd);
    if (status) return status;
    if (ravine_folder_sync(fd) < 0) status = fail("sync the folder", above, errno);
    ravine_files.close(fd);
    return status;
}

ravine_status ravine_folder_create(const char *path, bool *existed) {
    char part[PATH_MAX], above[PATH_MAX] = ".";
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    if (length == 0 || length >= sizeof part)
        return fail("make the folder", path, length ? ENAMETOOLONG : ENOENT);
    memcpy(part, path, length);
    part[length] = '\0';
    bool there = false;
    char *p = part;
    do {
        p = strchr(p + 1, '/');
        if (p) *p = '\0';
        const ravine_status status = make_one(part, above, &there);
        if (status) return status;
        strcpy(above, part);
        if (p) *p = '/';
    } while (p);
    if (existed) *existed = there;
    return RAVINE_OK;
}

ravine_status ravine_folder_each(const char *path,
                                 ravine_status (*visit)(void *context, const char *name),
                                 void *context) {
    int fd;
    ravine_status status = ravine_folder_open(path, &fd);
    if (status) return status;
    DIR *folder = ravine_files.fdopendir(fd);
    if (!folder) {
        const int reason = errno;
        ravine_files.close(fd);
        return fail("read the folder", path, reason);
    }
    while (!status) {
        errno = 0;
        const struct dirent *entry = ravine_files.readdir(folder);
        if (!entry && errno) status = fail("read the folder", path, errno);
        if (!entry) break;
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            status = visit(context, entry->d_name);
    }
    ravine_files.closedir(folder);
    return status;
}

ravine_status ravine_folder_remove(const char *path, const char *name) {
    int fd;
    ravine_status status = ravine_folder_open(path, &fd);
    if (status) return status;
    if (ravine_files.unlinkat(fd, name, 0) < 0 && errno != ENOENT)
        status = ravine_fail(RAVINE_E_IO, "cannot remove %s of %s: %s", name,
                             ravine_path_tail(path), strerror(errno));
    ravine_files.close(fd);
    return status;
}
