/* SPDX-License-Identifier: Apache-2.0 */
/* run_doctor.h - what the doctor says about a run, from its log alone.
 *
 *     run_doctor d = {.until = INT64_MAX};
 *     run_listener listener = run_doctor_listener(&d);
 *     int status = run_read(&run, folder, &listener);
 *     if (!status) status = run_doctor_diagnose(&d, &run, &diagnosis);
 *     run_doctor_free(&d);
 *
 * Of a training that came to an end it remembers what the live one did (doctor_memory.h), and says
 * the same. Else it sees what is in the log: the steps of log_every, and of old logs only some of
 * the numbers. What that hides is added to cannot_tell. Functions that return int return 0 or an
 * kind of io/failure.h.
 */
#ifndef RAVINE_RUN_DOCTOR_H
#define RAVINE_RUN_DOCTOR_H

#include "ravine_doctor.h"
#include "run/run_reader.h"

/* Starts as {.until = ...}. */
typedef struct run_doctor {
    int64_t until;            /* steps beyond it are not looked at */
    ravine_doctor *doctor;    /* NULL before the first step */
    const char **group_name;  /* [ngroups], of the header */
    int64_t *group_elements;  /* [ngroups] */
    ravine_step_stats *group; /* [ngroups] of the last step that was looked at */
    size_t ngroups;
    ravine_config config; /* of the optimizer */
    bool has_config;
    bool sign_change_known; /* in some step */
    bool remembers;         /* what the live one did */
    ravine_step_stats last; /* of the last step that was looked at */
    double last_loss, path_efficiency;
    int64_t broke; /* the step of the event "nonfinite", until it is known; 0: there is none */
    int64_t step;  /* the last one that was looked at; 0: none */
    int64_t steps; /* how many were looked at */
} run_doctor;

run_listener run_doctor_listener(run_doctor *d);
int run_doctor_diagnose(run_doctor *d, const run_data *run, ravine_diagnosis *diagnosis);
/* What is special to a log, added to a diagnosis that the doctor gave after more questions. */
void run_doctor_complete(const run_doctor *d, const run_data *run, ravine_diagnosis *diagnosis);
void run_doctor_free(run_doctor *d);

#endif
