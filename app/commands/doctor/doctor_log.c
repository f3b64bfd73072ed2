/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_log.c - the log of another program. */
#include "commands/doctor/doctor.h"
#include "logs/log_doctor.h"
#include "logs/log_reader.h"

#include <sys/stat.h>

/* What is not there is told as a run that is not there. */
bool doctor_is_log(const char *path) {
    struct stat facts;
    if (stat(path, &facts)) return false;
    return !S_ISDIR(facts.st_mode) || !log_has_file(path, "run.jsonl");
}

int doctor_log(doctor_answer *answer, const doctor_request *request) {
    log_free(&answer->log);
    const int status = log_read(&answer->log, answer->path, &request->choice);
    return status ? status
                  : log_diagnose(&answer->log, request->until, &answer->examination.diagnosis);
}
