/* input.h - files: whole ones in memory, plain or .gz, and open ones. */
#ifndef RAVINE_IO_INPUT_H
#define RAVINE_IO_INPUT_H

#include <stddef.h>
#include <stdio.h>

/* Reads a file or a pipe; a path that ends in .gz is inflated. An empty one, a folder, and one of
 * more than `limit` bytes (after inflating; limit <= SIZE_MAX / 4) fail. *bytes is for free().
 * Returns 0 or an exit code of io/failure.h. */
int input_read(const char *path, size_t limit, unsigned char **bytes, size_t *size);

/* Opens a regular file; a pipe, which might never give anything, a folder and a device fail. */
int input_open(const char *path, FILE **out);

/* Inflates gzip data in memory, one member or several in a row (RFC 1952); `name` is for messages.
 * Never holds more than about twice `limit` bytes. */
int input_inflate(const unsigned char *deflated, size_t deflated_size, const char *name,
                  size_t limit, unsigned char **bytes, size_t *size);

#endif
