/* SPDX-License-Identifier: Apache-2.0 */
/* error.h - the one way a function of the library fails: a status and a message for this thread.
 *
 *     return ravine_fail(RAVINE_E_RANGE, "beta2 is %g; it must be in [0, 1)", value);
 */
#ifndef RAVINE_TEXT_ERROR_H
#define RAVINE_TEXT_ERROR_H

#include "ravine.h"

/* Formats the message that ravine_errmsg() returns on this thread, and returns `status`. */
__attribute__((format(printf, 2, 3))) ravine_status ravine_fail(ravine_status status,
                                                                const char *format, ...);

#endif
