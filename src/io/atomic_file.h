/* atomic_file.h - write a file whole or not at all.
 *
 *     atomic_file file;
 *     int code = atomic_file_open(&file, path);
 *     if (!code) code = atomic_file_write(&file, bytes, size);     as often as needed
 *     if (!code) code = atomic_file_commit(&file);
 *
 * The bytes go to a temporary file in the same folder, and on commit it is synced, takes the place
 * of `path` by one rename, and the folder is synced: at any moment, killed or out of power, `path`
 * is the old file or the new one, and after a commit that returned 0 it is the new one. A failing
 * call has removed the temporary file, left `path` as it was, and ended the writing; only a commit
 * that could not sync the folder leaves the new file. Every function returns 0 or an exit code of
 * io/failure.h. Method: Pillai et al., All File Systems Are Not Created Equal, OSDI 2014.
 */
#ifndef RAVINE_IO_ATOMIC_FILE_H
#define RAVINE_IO_ATOMIC_FILE_H

#include <stddef.h>

typedef struct atomic_file {
    char *path;      /* the file to be; symbolic links are followed */
    char *temporary; /* "<path>.<pid>.<k>.tmp" */
    int fd;
} atomic_file;

/* The new file gets the permissions of the one that it replaces, or what the umask gives. What
 * exists and is not a regular file (a folder, a device) is refused. */
int atomic_file_open(atomic_file *file, const char *path);
int atomic_file_write(atomic_file *file, const void *bytes, size_t size);
int atomic_file_commit(atomic_file *file);
void atomic_file_discard(atomic_file *file); /* gives up; nothing to do after commit or a failure */

#endif
