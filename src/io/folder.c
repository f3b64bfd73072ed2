#include "io/folder.h"

#include "io/failure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_one(const char *path, bool *existed) {
    struct stat facts;
    *existed = false;
    if (mkdir(path, 0777) == 0) return 0;
    int reason = errno;
    *existed = stat(path, &facts) == 0;
    if (*existed && S_ISDIR(facts.st_mode)) return 0;
    return failure(EXIT_INPUT, "cannot make the folder %s: %s", path, strerror(reason));
}

int folder_create(const char *path, bool *existed) {
    char *part = strdup(path);
    if (!part) return failure(EXIT_INPUT, "cannot make the folder %s: no memory", path);
    int code = 0;
    bool there = false;
    for (char *p = part; !code && (p = strchr(p + 1, '/'));) {
        *p = '\0';
        code = make_one(part, &there);
        *p = '/';
    }
    size_t length = strlen(part);
    bool ends_in_slash = length > 1 && part[length - 1] == '/'; /* then the loop made it */
    if (!code && !ends_in_slash) code = make_one(part, &there);
    if (!code && existed) *existed = there;
    free(part);
    return code;
}

int folder_sync_above(const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int code = 0;
    /* Some file systems cannot sync a folder and say EINVAL: nothing more can be done there. */
    if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
        code = failure(EXIT_INPUT, "cannot sync the folder of %s: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    free(folder);
    return code;
}
