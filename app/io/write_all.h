/* SPDX-License-Identifier: Apache-2.0 */
/* write_all.h - write(2) until everything is written. */
#ifndef RAVINE_IO_WRITE_ALL_H
#define RAVINE_IO_WRITE_ALL_H

#include <stdbool.h>
#include <stddef.h>

/* True when all bytes went to the descriptor; false with errno otherwise. */
bool write_all(int fd, const void *bytes, size_t size);

#endif
