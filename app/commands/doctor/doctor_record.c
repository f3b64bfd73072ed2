/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_record.c - what --probe and --try found, as a line at the end of the run's log. */
#include "commands/doctor/doctor.h"
#include "run/run_log.h"

#include <inttypes.h>
#include <limits.h>

/* Behind a last line without an end nothing can be written. */
static int check_log(const run_data *run) {
    if (run->stop.line)
        return failure(EXIT_INPUT, "%s/run.jsonl is not right from line %" PRId64 " on",
                       run->folder, run->stop.line);
    if (run->open_end)
        return failure(EXIT_INPUT, "%s/run.jsonl: the last line has no end", run->folder);
    return 0;
}

int doctor_record(const examination *e, const run_data *run) {
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/run.jsonl", run->folder);
    int status = check_log(run);
    if (status) return status;
    run_log *log;
    status = run_log_open(&log, path);
    if (status) return status;
    json_t *line = examination_json(e);
    if (!line) status = failure(EXIT_INPUT, "out of memory");
    if (!status) status = run_log_append(log, run->bytes);
    if (!status) status = run_log_object(log, line);
    json_decref(line);
    const int closed = run_log_close(log);
    return status ? status : closed;
}
