/* SPDX-License-Identifier: Apache-2.0 */
/* atomic_file.h - write a file whole or not at all.
 *
 *     ravine_atomic_file file;
 *     ravine_status status = ravine_atomic_open(&file, path, size, 0);
 *     if (!status) status = ravine_atomic_write(&file, bytes, size);     as often as needed
 *     if (!status) status = ravine_atomic_commit(&file);
 *
 * The bytes go to a temporary file in the same folder; on commit it is synced, takes the place of
 * `path` by one rename, and the folder is synced. At any moment, killed or out of power, `path` is
 * the old file or the new one, and after a commit that returned OK it is the new one, on the disk.
 * A failing call has removed the temporary file, left `path` as it was and ended the writing; only
 * where the last sync, that of the folder, fails, the new file stands and may be lost with the
 * power: the message says so. E_IO names the file, the operation and the system's reason.
 *
 * The temporary file is ".NAME.<k>.ravine-tmp" and locked (flock) as long as it is written. So one
 * whose lock is free has lost its owner, on whatever machine that was, and is removed by the next
 * writer of the same name or by ravine_atomic_sweep; docs/decisions/temporary_files.md.
 *
 * Nothing here allocates. Method: Pillai et al., All File Systems Are Not Created Equal, OSDI 2014;
 * a sync that failed is never tried again: Rebello et al., Can Applications Recover from fsync
 * Failures?, USENIX ATC 2020.
 */
#ifndef RAVINE_FILE_ATOMIC_FILE_H
#define RAVINE_FILE_ATOMIC_FILE_H

#include "ravine.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct ravine_atomic_file {
    const char *path;              /* as given, for messages; outlives the writing */
    char name[NAME_MAX + 1];       /* of the file to be, in its folder */
    char temporary[NAME_MAX + 32]; /* in the same folder; fits NAME_MAX */
    int folder, fd;
    mode_t mode; /* permissions of the file to be */
    bool change_mode, verify;
    off_t written; /* bytes so far */
    uint32_t crc;  /* CRC32C of them, for verify */
} ravine_atomic_file;

enum {
    /* What was written is read back, from the disk where the system lets us, and compared, before
     * the file gets its name. */
    RAVINE_ATOMIC_VERIFY = 1,
    /* A link is replaced, not followed: for paths that nobody has named, in folders whose owner we
     * do not know. */
    RAVINE_ATOMIC_OVER_LINKS = 2
};

/* `size`: bytes that are going to be written, 0 if unknown; E_IO where the disk has less free.
 * `how`: flags of the list above. The new file gets the permissions of the one that it replaces, or
 * what the umask gives; until then only the owner may read it. What exists and is not a regular
 * file (a folder, a device) is refused. */
ravine_status ravine_atomic_open(ravine_atomic_file *file, const char *path, int64_t size, int how);
ravine_status ravine_atomic_write(ravine_atomic_file *file, const void *bytes, size_t size);
ravine_status ravine_atomic_commit(ravine_atomic_file *file);
void ravine_atomic_discard(ravine_atomic_file *file); /* gives up; nothing to do after the end */

/* Removes the temporary files that dead writers left in a folder; their number in *removed (may be
 * NULL). */
ravine_status ravine_atomic_sweep(const char *folder, int64_t *removed);

#endif
