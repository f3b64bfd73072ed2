/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_log.c - the log of another program, and whether it is one. */
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

static int look_at_log(doctor_answer *answer, const doctor_request *request) {
    log_free(&answer->log);
    const int status = log_read(&answer->log, answer->path, &request->choice);
    return status ? status
                  : log_diagnose(&answer->log, request->until, &answer->examination.diagnosis);
}

int doctor_look(doctor_answer *answer, const doctor_request *request) {
    return doctor_is_log(answer->path) ? look_at_log(answer, request)
                                       : doctor_run(&answer->examination, answer->path, request);
}
