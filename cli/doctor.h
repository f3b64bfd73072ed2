/* doctor.h - the parts of `ravine doctor`:
 *
 *     cmd_doctor.c      options, and the order: watch, probe, diagnose, try, print
 *     doctor_run.c      a run: its log, and for --probe and --try its net at the newest checkpoint
 *     doctor_record.c   what they found, as a line of the log
 *     doctor_surface.c  a race on a surface, run for the purpose
 *     doctor_text.c     the answer for people
 *     doctor_json.c     the answer for programs
 *
 * Functions that return int return 0 or an exit code of io/failure.h.
 */
#ifndef RAVINE_CLI_DOCTOR_H
#define RAVINE_CLI_DOCTOR_H

#include "cli.h"
#include "report/examination.h"
#include "report/run_reader.h"

typedef struct doctor_request {
    int64_t until;     /* the step as of which; INT64_MAX: the last */
    bool probe;        /* curvature too */
    int64_t try_steps; /* 0: cures are not tried */
} doctor_request;

/* Runs the probe that the request asks for and lets the doctor count with it, diagnoses, and tries
 * the cures. `what` names the subject in messages. */
int doctor_examine(examination *e, ravine_doctor *doctor, ravine_optimizer *optimizer,
                   const ravine_problem *problem, const doctor_request *request, const char *what);

/* doctor_run.c */
int doctor_run(examination *e, const char *folder, const doctor_request *request);

/* doctor_record.c: appends it to the log that was read as `run`. */
int doctor_record(const examination *e, const run_data *run);

/* doctor_surface.c */
int doctor_surface(examination *e, const cli_args *args, const doctor_request *request);

/* doctor_text.c */
void doctor_print(FILE *out, const examination *e, const doctor_request *asked);

/* doctor_json.c: docs/doctor.md has the keys. NULL: no memory. */
json_t *doctor_json(const ravine_diagnosis *d);

#endif
