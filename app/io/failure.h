/* SPDX-License-Identifier: Apache-2.0 */
/* failure.h - how anything behind the command fails: what kind of failure, and a one-line message.
 *
 *     if (rows != labels)
 *         return failure(FAILURE_INPUT, "%s: %lld images, but %s has %lld labels", ...);
 *
 * The message names the thing, the value and the limit; main() prints it to stderr, once.
 */
#ifndef RAVINE_IO_FAILURE_H
#define RAVINE_IO_FAILURE_H

#include "ravine.h"

/* Functions that can fail return one of them; 0 is success. cli/exit_code.c has the exit codes. */
typedef enum failure_kind {
    FAILURE_NO = 1,      /* the answer to the question is no */
    FAILURE_USAGE,       /* the command line or the configuration is wrong */
    FAILURE_INPUT,       /* a file is unreadable, unwritable or malformed; out of memory */
    FAILURE_DIVERGED,    /* training diverged */
    FAILURE_INTERRUPTED, /* by a signal, after saving */
    FAILURE_KIND_COUNT
} failure_kind;

/* Formats the message for failure_text() and returns `kind`. */
__attribute__((format(printf, 2, 3))) int failure(int kind, const char *format, ...);
/* 0 for a status that is no error, else the library's message, with FAILURE_INPUT where files or
 * memory failed and FAILURE_USAGE where what it was given is wrong. */
int failure_of(ravine_status status);
const char *failure_text(void); /* the last message; "" if none */

#endif
