/* SPDX-License-Identifier: Apache-2.0 */
/* disk.h - a disk in memory under the file operations of the library, which remembers what was done
 * to it and tells what may be left of it after a loss of power.
 *
 * One folder, whatever its name; a path counts by what stands behind its last slash. The model of
 * what is lost is that of Pillai et al., OSDI 2014: a write since the last fsync of its file may be
 * there, missing, torn at 512 bytes, or be zeros because the size came first; a name that was made,
 * renamed or removed since the last fsync of the folder may have changed or not, each by itself.
 */
#ifndef TESTS_FAULTS_DISK_H
#define TESTS_FAULTS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void disk_install(void); /* an empty disk takes the place of the real ones in ravine_files */
void disk_remove(void);  /* and gives it back */

void disk_put(const char *name, const void *bytes, size_t size); /* a file that was always there */
/* The bytes of a file, valid until it changes; NULL: there is none. */
const char *disk_get(const char *name, size_t *size);
int disk_file_count(void);
int disk_handle_count(void); /* opened and not closed */

/* ---- loss of power ---- */
void disk_mark(int64_t mark); /* from here on the caller has been promised `mark`; 0 at first */

typedef struct disk_states {
    int64_t points, states; /* how many moments, and disks that may be left at them, were tried */
    int64_t lost;           /* of these, check() refused */
} disk_states;
/* For every moment since disk_install, from before the first operation to after the last, sets the
 * disk to what may be left of it, at most `most` different ones for a moment (all, or drawn at
 * random), and calls check(context, mark) with the last mark before it: false counts as lost.
 * Afterwards the disk is as before. */
disk_states disk_lose_power(bool (*check)(void *context, int64_t mark), void *context,
                            int64_t most);

#endif
