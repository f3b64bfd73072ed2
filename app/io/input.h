/* SPDX-License-Identifier: Apache-2.0 */
/* input.h - files: whole ones in memory, plain, .gz or .dz, and open ones. */
#ifndef RAVINE_IO_INPUT_H
#define RAVINE_IO_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Reads a file or a pipe; one whose path ends in .gz is inflated (so is .dz, dictzip): gzip data,
 * one member or several in a row (RFC 1952). An empty one, a folder, and one of more than `limit`
 * bytes (after inflating; limit <= SIZE_MAX / 4) fail; it never takes more memory than about twice
 * that. *bytes is for free(). Returns 0 or a kind of io/failure.h. */
int input_read(const char *path, size_t limit, unsigned char **bytes, size_t *size);

/* Whether a folder is there; links are followed. */
bool input_is_folder(const char *path);

/* Opens a regular file; a pipe, which might never give anything, a folder and a device fail. */
int input_open(const char *path, FILE **out);

#endif
