/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_log.c - what was asked about: a run of ours, or the log of another program. */
#include "commands/doctor/doctor.h"
#include "logs/log_doctor.h"

static int look_at_log(doctor_answer *answer, const doctor_request *request) {
    log_free(&answer->log);
    const int status = log_read(&answer->log, answer->path, &request->choice);
    return status ? status
                  : log_diagnose(&answer->log, request->until, &answer->examination.diagnosis);
}

int doctor_look(doctor_answer *answer, const doctor_request *request) {
    return log_is_foreign(answer->path) ? look_at_log(answer, request)
                                        : doctor_run(&answer->examination, answer->path, request);
}
