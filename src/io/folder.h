/* folder.h - folders of the file system. */
#ifndef RAVINE_IO_FOLDER_H
#define RAVINE_IO_FOLDER_H

#include <stdbool.h>

/* Makes the folder `path` and those above it that are missing; true in *existed (may be NULL) if it
 * was there already. Returns 0 or an exit code of io/failure.h. */
int folder_create(const char *path, bool *existed);

/* Waits until what was created, renamed or removed in the folder that holds `path` is on the disk.
 * Returns 0 or an exit code. */
int folder_sync_above(const char *path);

#endif
