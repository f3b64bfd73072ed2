/* SPDX-License-Identifier: Apache-2.0 */
/* folder.h - folders of the file system. Every failure is E_IO and names the folder. */
#ifndef RAVINE_FILE_FOLDER_H
#define RAVINE_FILE_FOLDER_H

#include "ravine.h"

#include <stdbool.h>

/* Makes the folder `path` and those above it that are missing; true in *existed (may be NULL) if it
 * was there already. What was made is on the disk when this returns OK. */
ravine_status ravine_folder_create(const char *path, bool *existed);

/* For ravine_files; *fd is closed with ravine_files.close. */
ravine_status ravine_folder_open(const char *path, int *fd);

/* Waits until what was created, renamed or removed in the folder is on the disk. 0, or -1 with
 * errno. */
int ravine_folder_sync(int fd);

/* Calls visit(context, name) for every entry but "." and "..", in no order, until it returns
 * something else than OK, which is then returned. */
ravine_status ravine_folder_each(const char *path,
                                 ravine_status (*visit)(void *context, const char *name),
                                 void *context);

/* Removes a file of the folder; one that is not there is fine. Not synced. */
ravine_status ravine_folder_remove(const char *path, const char *name);

#endif
