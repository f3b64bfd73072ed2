/* SPDX-License-Identifier: Apache-2.0 */
#include "text/error.h"

#include <stdarg.h>
#include <stdio.h>

#define STRINGIZE(x)  #x
#define STRINGIZE2(x) STRINGIZE(x)

static _Thread_local char message[512];

ravine_status ravine_fail(ravine_status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return status;
}

const char *ravine_errmsg(void) {
    return message;
}

const char *ravine_status_text(ravine_status status) {
    switch (status) {
#define RAVINE_X(name, value, text) \
    case name: return text;
        RAVINE_STATUS_LIST(RAVINE_X)
#undef RAVINE_X
    }
    return "unknown status";
}

const char *ravine_version(void) {
    return STRINGIZE2(RAVINE_VERSION_MAJOR) "." STRINGIZE2(RAVINE_VERSION_MINOR) "." STRINGIZE2(
        RAVINE_VERSION_PATCH);
}
