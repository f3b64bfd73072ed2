/* SPDX-License-Identifier: Apache-2.0 */
/* write_file.h - a file of the command's own, whole or not at all. */
#ifndef RAVINE_IO_WRITE_FILE_H
#define RAVINE_IO_WRITE_FILE_H

#include <stddef.h>

/* Replaces the file `path`, and a link in its place. Returns 0 or a kind of io/failure.h. */
int write_file(const char *path, const void *bytes, size_t size);

#endif
