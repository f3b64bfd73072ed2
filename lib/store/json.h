/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - the words of JSON (RFC 8259) that a safetensors header is made of, read strictly.
 *
 * No value is nested by these functions, so nothing recurses. Strings are UTF-8 without NUL;
 * numbers are whole, not negative, without a leading zero, and at most INT64_MAX. A failure is
 * E_FORMAT and names the file and the byte: "x.safetensors: byte 123: expected ':', found 'x'".
 */
#ifndef RAVINE_STORE_JSON_H
#define RAVINE_STORE_JSON_H

#include "ravine.h"

#include <stdbool.h>

typedef struct json_cursor {
    const char *file; /* for messages */
    char *bytes;      /* the beginning of the file, up to the end of the header */
    size_t at, end;   /* where we are, and where the header ends */
} json_cursor;

typedef struct json_string {
    size_t begin, end; /* between the quotes, as it stands there */
} json_string;

__attribute__((format(printf, 3, 4))) ravine_status
ravine_json_fail(const json_cursor *c, size_t at, const char *format, ...);

/* Takes the next byte that is not white space, which is skipped, if it is `wanted`. */
bool ravine_json_take(json_cursor *c, char wanted);
/* Fails with "expected WHAT, found ...". */
ravine_status ravine_json_expected(const json_cursor *c, const char *what);
/* Takes it, or fails. */
ravine_status ravine_json_need(json_cursor *c, char wanted);
ravine_status ravine_json_string(json_cursor *c, json_string *string);
ravine_status ravine_json_whole(json_cursor *c, int64_t *number);

/* True if the string, unescaped, is `text`. */
bool ravine_json_is(const json_cursor *c, json_string string, const char *text);
bool ravine_json_starts(const json_cursor *c, json_string string, const char *text);
/* The string unescaped in its own place, with a NUL behind it: so it can be read only once. */
const char *ravine_json_unescape(const json_cursor *c, json_string string);

#endif
