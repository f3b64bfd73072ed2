/* SPDX-License-Identifier: Apache-2.0 */
/* log_file.h - a log of another program under the name that its reader knows: read, and told what
 * holds the training up. */
#ifndef FUZZ_LOG_FILE_H
#define FUZZ_LOG_FILE_H

#include "logs/log.h"
#include "logs/log_doctor.h"
#include "scratch_file.h"

#include <math.h>

/* What a log that was read promises: steps rise, and what was not told is not there. */
static inline void log_check(const log_data *log) {
    if (!log->format || !log->taken[LOG_LOSS] || log->npoints == 0) abort();
    for (size_t k = 0; k < log->npoints; k++) {
        const log_point *p = &log->point[k];
        if (!(p->value[LOG_STEP] >= 0)) abort();
        if (k > 0 && !(p->value[LOG_STEP] > log->point[k - 1].value[LOG_STEP])) abort();
        for (int q = 0; q < LOG_QUANTITIES; q++)
            if (!(p->told >> q & 1) && !isnan(p->value[q])) abort();
    }
}

static inline int log_fuzz_path(const char *path) {
    log_data log;
    if (log_read(&log, path, NULL) == 0) {
        ravine_diagnosis d;
        log_check(&log);
        if (log_diagnose(&log, INT64_MAX, &d) || !ravine_verdict_word(d.verdict)) abort();
    }
    log_free(&log);
    return 0;
}

static inline int log_fuzz(const char *name, const uint8_t *data, size_t size) {
    return log_fuzz_path(scratch_write(name, data, size));
}

#endif
