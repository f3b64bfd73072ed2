#include "io/failure.h"

#include <stdarg.h>
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
    return status < 0 ? failure(EXIT_INPUT, "%s", ravine_errmsg()) : 0;
}

const char *failure_text(void) {
    return message;
}
