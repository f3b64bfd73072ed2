/* SPDX-License-Identifier: Apache-2.0 */
/* logs.h - logs of other programs, written for a test. */
#ifndef TESTS_LOGS_H
#define TESTS_LOGS_H

#include "io/failure.h"
#include "logs/log.h"
#include "logs/log_doctor.h"
#include "support/scratch.h"

#include <math.h>

static inline const char *write_text(const char *name, const char *text) {
    return scratch_write(name, text, strlen(text));
}

/* Reads a file of that name and content, which must succeed. */
static inline log_data read_text(const char *name, const char *text) {
    log_data log;
    if (log_read(&log, write_text(name, text), NULL)) {
        print_error("%s: %s\n", name, failure_text());
        fail();
    }
    return log;
}

static inline double value_of(const log_data *log, size_t point, log_quantity q) {
    assert_true(point < log->npoints);
    return log->point[point].value[q];
}

static inline bool has_note(const log_data *log, const char *text) {
    for (int k = 0; k < log->nnotes; k++)
        if (strstr(log->note[k], text)) return true;
    return false;
}

#endif
