/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.h - the parts of `ravine doctor`:
 *
 *     cmd_doctor.c      options, and who is asked
 *     doctor_examine.c  the order: probe, diagnose, try
 *     doctor_run.c      a run: its log, and for --probe and --try its net at the newest checkpoint
 *     doctor_probe.c    what a probe may cost, and what is seen while it works
 *     doctor_record.c   what they found, as a line of the log
 *     doctor_surface.c  a race on a surface, run for the purpose
 *     doctor_log.c      the log of another program
 *     doctor_follow.c   a log that grows
 *     doctor_text.c     the answer for people
 *     doctor_json.c     the answer for programs
 *     doctor_sarif.c    the same for code scanning in CI
 *
 * Functions that return int return 0 or a kind of io/failure.h.
 */
#ifndef RAVINE_COMMANDS_DOCTOR_H
#define RAVINE_COMMANDS_DOCTOR_H

#include "cli/cli.h"
#include "logs/log.h"
#include "run/examination.h"
#include "run/run_reader.h"

typedef struct doctor_request {
    int64_t until;     /* the step as of which; INT64_MAX: the last */
    bool probe;        /* curvature too */
    bool full;         /* whatever it costs */
    int64_t try_steps; /* 0: cures are not tried */
    bool quiet;        /* costs are not told */
    log_choice choice; /* of a log: names of columns */
} doctor_request;

/* What was asked about, and what was found. Starts as {0}. */
typedef struct doctor_answer {
    const char *path;        /* as given; NULL: a surface */
    log_data log;            /* of another program; format NULL: there is none */
    examination examination; /* with the diagnosis */
} doctor_answer;

/* What is examined further: a net or a surface, as an optimizer with problems. */
typedef struct doctor_subject {
    ravine_doctor *doctor;
    ravine_optimizer *optimizer;
    const ravine_problem *problem, *trial; /* of the probe, and to try cures with */
    const ravine_probe_options *probe;     /* NULL: it is not probed; why_not may say why */
    const char *why_not;
    int64_t calls;    /* about so many evaluations does the probe take */
    const char *name; /* in messages */
} doctor_subject;

/* doctor_examine.c: runs the probe that the request asks for and lets the doctor count with it,
 * diagnoses, and tries the cures. */
int doctor_examine(examination *e, const doctor_subject *s, const doctor_request *request);

/* doctor_probe.c */
typedef struct probed_run {
    int64_t steps, batch; /* that it made, and examples of each */
    int64_t examples;     /* that it is trained on */
} probed_run;
typedef struct probe_plan {
    int64_t fixed; /* examples on which curvature and loss are looked at */
    int32_t lanczos, slice, noise;
} probe_plan;
/* The finest probe that costs no more than a tenth of the run; `full`: the whole one. False: none
 * is so cheap, and it is the cheapest. */
bool probe_plan_choose(probe_plan *p, const probed_run *run, bool full);
bool probe_plan_is_whole(const probe_plan *p);
int64_t probe_plan_calls(const probe_plan *p); /* about so many gradients and losses */
int64_t probe_plan_cost(const probe_plan *p, const probed_run *run); /* in examples */
ravine_probe_options probe_plan_options(const probe_plan *p);

/* doctor_run.c */
int doctor_run(examination *e, const char *folder, const doctor_request *request);

/* doctor_record.c: appends it to the log that was read as `run`. */
int doctor_record(const examination *e, const run_data *run);

/* doctor_surface.c */
int doctor_surface(examination *e, const cli_args *args, const doctor_request *request);

/* doctor_log.c: looks at answer->path once, a run of ours or a log. */
int doctor_look(doctor_answer *answer, const doctor_request *request);

/* doctor_follow.c: prints a line whenever the verdict changes, until a signal comes; the last
 * answer is then in *answer. */
int doctor_watch_log(doctor_answer *answer, const doctor_request *request);

/* doctor_text.c */
void doctor_print(FILE *out, const doctor_answer *answer, const doctor_request *asked);

/* doctor_json.c: docs/doctor.md has the keys. NULL: no memory. */
json_t *doctor_json(const ravine_diagnosis *d);
/* The same with the key "log". */
json_t *doctor_answer_json(const doctor_answer *answer);

/* doctor_sarif.c: Static Analysis Results Interchange Format 2.1.0 (OASIS). NULL: no memory. */
json_t *doctor_sarif(const doctor_answer *answer);

#endif
