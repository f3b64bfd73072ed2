/* SPDX-License-Identifier: Apache-2.0 */
/* failure.h - how anything behind the command fails: an exit code and a one-line message.
 *
 *     if (rows != labels)
 *         return failure(EXIT_INPUT, "%s: %lld images, but %s has %lld labels", ...);
 *
 * The message names the thing, the value and the limit; main() prints it to stderr, once.
 */
#ifndef RAVINE_IO_FAILURE_H
#define RAVINE_IO_FAILURE_H

#include "ravine.h"

/* Exit codes of the command. Functions that can fail return one of them; 0 is success. */
enum {
    EXIT_NO = 1,           /* the answer to the question is no */
    EXIT_USAGE = 2,        /* the command line or the configuration is wrong */
    EXIT_INPUT = 3,        /* a file is unreadable, unwritable or malformed; out of memory */
    EXIT_DIVERGED = 4,     /* training diverged */
    EXIT_INTERRUPTED = 130 /* by a signal, after saving */
};

/* Formats the message for failure_text() and returns `exit_code`. */
__attribute__((format(printf, 2, 3))) int failure(int exit_code, const char *format, ...);
/* 0 for a status that is no error, else the library's message, with EXIT_INPUT where files or
 * memory failed and EXIT_USAGE where what it was given is wrong. */
int failure_of(ravine_status status);
const char *failure_text(void); /* the last message; "" if none */

#endif
