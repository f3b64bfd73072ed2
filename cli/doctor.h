/* doctor.h - the parts of `ravine doctor`:
 *
 *     cmd_doctor.c      options, and the order: watch, probe, diagnose, try, print
 *     doctor_run.c      a run: its log, and for --probe and --try its net at the newest checkpoint
 *     doctor_surface.c  a race on a surface, run for the purpose
 *     doctor_text.c     the answer for people
 *     doctor_json.c     the answer for programs
 *
 * Functions that return int return 0 or an exit code of io/failure.h.
 */
#ifndef RAVINE_CLI_DOCTOR_H
#define RAVINE_CLI_DOCTOR_H

#include "cli.h"
#include "ravine_doctor.h"

/* What was watched, and what can be asked further. Starts as {0}. */
typedef struct patient {
    ravine_diagnosis diagnosis;
    ravine_probe probe;  /* size 0: none was made */
    int64_t tried_steps; /* of each cure; 0: none was tried */
} patient;

typedef struct doctor_request {
    int64_t until;     /* the step as of which; INT64_MAX: the last */
    bool probe;        /* curvature too */
    int64_t try_steps; /* 0: cures are not tried */
} doctor_request;

/* Runs the probe that the request asks for and lets the doctor count with it, diagnoses, and tries
 * the cures. `what` names the patient in messages. */
int doctor_examine(patient *p, ravine_doctor *doctor, ravine_optimizer *optimizer,
                   const ravine_problem *problem, const doctor_request *request, const char *what);

/* doctor_run.c */
int doctor_run(patient *p, const char *folder, const doctor_request *request);

/* doctor_surface.c */
int doctor_surface(patient *p, const cli_args *args, const doctor_request *request);

/* doctor_text.c */
void doctor_print(FILE *out, const patient *p);

/* doctor_json.c: docs/doctor.md has the keys. NULL: no memory. */
json_t *doctor_json(const ravine_diagnosis *d);

#endif
