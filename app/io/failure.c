/* SPDX-License-Identifier: Apache-2.0 */
#include "io/failure.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static _Thread_local char message[1024];

int failure(int exit_code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return exit_code;
}

int failure_of(ravine_status status) {
    if (status >= 0) return 0;
    const bool outside =
        status == RAVINE_E_NOMEM || status == RAVINE_E_IO || status == RAVINE_E_FORMAT;
    return failure(outside ? EXIT_INPUT : EXIT_USAGE, "%s", ravine_errmsg());
}

const char *failure_text(void) {
    return message;
}
