/* SPDX-License-Identifier: Apache-2.0 */
/* write_json.h - a JSON value as a file of the command's own, whole or not at all. */
#ifndef RAVINE_IO_WRITE_JSON_H
#define RAVINE_IO_WRITE_JSON_H

#include <jansson.h>

/* Takes the value over; NULL: there was no memory for it. `flags` of json_dumps(). Returns 0 or a
 * kind of io/failure.h. */
int write_json(const char *path, json_t *value, size_t flags);

#endif
