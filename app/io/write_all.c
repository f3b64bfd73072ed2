/* SPDX-License-Identifier: Apache-2.0 */
#include "io/write_all.h"

#include <errno.h>
#include <unistd.h>

bool write_all(int fd, const void *bytes, size_t size) {
    const unsigned char *rest = bytes;
    while (size > 0) {
        ssize_t written = write(fd, rest, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        rest += written;
        size -= (size_t)written;
    }
    return true;
}
