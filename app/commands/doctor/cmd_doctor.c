/* cmd_doctor.c - `ravine doctor`: what is asked of whom, and the order of an examination. */
#include "commands/doctor/doctor.h"
#include "run/diagnosis.h"

enum { WHY_SIZE = 128 };

/* Where loss or gradient are not finite there is no curvature to look at, and `why` says so. */
static int make_probe(examination *e, const doctor_subject *s, char why[WHY_SIZE]) {
    problem_watch w;
    const ravine_problem problem = problem_watch_begin(&w, s->problem, "probing", s->calls);
    ravine_probe probe = {.size = sizeof probe};
    ravine_status status = ravine_probe_run(s->optimizer, &problem, s->probe, &probe);
    problem_watch_end(&w);
    if (status == RAVINE_E_STATE) {
        snprintf(why, WHY_SIZE, "%s", ravine_errmsg());
        return 0;
    }
    if (status >= 0) status = ravine_doctor_take_probe(s->doctor, &probe);
    e->probe = probe;
    return failure_of(status);
}

/* Beside the unchanged run, each for so many steps; the loss of the fixed batch after the last
 * ones.
 */
static int try_cures(examination *e, const doctor_subject *s, const doctor_request *request) {
    enum { JUDGED_STEPS = 8 };
    problem_watch w;
    const int64_t runs = 1 + e->diagnosis.ncures;
    const ravine_problem problem = problem_watch_begin(&w, s->trial, "trying cures",
                                                       runs * (request->try_steps + JUDGED_STEPS));
    const ravine_status status =
        ravine_try_cures(s->optimizer, &problem, request->try_steps, &e->diagnosis);
    problem_watch_end(&w);
    if (!status) e->tried_steps = request->try_steps;
    return failure_of(status);
}

/* The first failure of the examination, with its subject. */
static int failed(int status, const char *what) {
    char told[1024];
    snprintf(told, sizeof told, "%s", failure_text());
    return failure(status, "%s: %s", what, told);
}

int doctor_examine(examination *e, const doctor_subject *s, const doctor_request *request) {
    char why[WHY_SIZE] = "";
    int status = s->probe ? make_probe(e, s, why) : 0;
    if (status) return failed(status, s->name);
    e->diagnosis.size = sizeof e->diagnosis;
    status = failure_of(ravine_doctor_diagnose(s->doctor, &e->diagnosis));
    if (status) return failed(status, s->name);
    if (*why)
        diagnosis_cannot_tell(&e->diagnosis, "how the loss curves%s: %s",
                              request->try_steps ? " and what a cure is worth" : "", why);
    if (s->why_not) diagnosis_cannot_tell(&e->diagnosis, "how the loss curves: %s", s->why_not);
    if (!request->try_steps || *why || !diagnosis_can_be_tried(&e->diagnosis)) return 0;
    status = try_cures(e, s, request);
    return status ? failed(status, s->name) : 0;
}

/* Options that concern the other kind of subject are refused, not ignored. */
static int check(const cli_args *args, bool surface) {
    static const cli_option of_surface[] = {CLI_OPTIMIZER, CLI_LR_SCHEDULE, CLI_START,
                                            CLI_RACE_STEPS};
    const char *folder = args->operand[0];
    if (!surface && !folder)
        return failure(EXIT_USAGE, "doctor needs a RUN_DIR, for example runs/fashion_mlp, or "
                                   "--surface NAME");
    if (surface && folder)
        return failure(EXIT_USAGE, "doctor looks at %s or at a --surface, not at both", folder);
    for (size_t k = 0; !surface && k < sizeof of_surface / sizeof *of_surface; k++)
        if (cli_is_given(args, of_surface[k]))
            return failure(EXIT_USAGE,
                           "--schedule, --start, --steps and --optimizer go with "
                           "--surface; %s was trained already",
                           folder);
    const bool further = cli_is_given(args, CLI_PROBE) || cli_is_given(args, CLI_TRY);
    if (cli_is_given(args, CLI_FULL_PROBE) && !further)
        return failure(EXIT_USAGE, "--full goes with --probe or --try: it is how fine they look");
    if (cli_is_given(args, CLI_AT) && (surface || further))
        return failure(EXIT_USAGE, surface ? "--at goes with a RUN_DIR; a race ends at --steps"
                                           : "--at reads the log; --probe and --try look at the "
                                             "newest checkpoint");
    return 0;
}

int cmd_doctor(const cli_args *args) {
    const bool surface = cli_is_given(args, CLI_SURFACE), try = cli_is_given(args, CLI_TRY);
    int status = check(args, surface);
    if (status) return status;
    const doctor_request request = {.until = cli_count(args, CLI_AT, INT64_MAX),
                                    .probe = cli_is_given(args, CLI_PROBE),
                                    .full = cli_is_given(args, CLI_FULL_PROBE),
                                    .quiet = cli_is_given(args, CLI_JSON),
                                    .try_steps = try ? cli_count(args, CLI_TRY_STEPS, 1) : 0};
    examination e = {0};
    status =
        surface ? doctor_surface(&e, args, &request) : doctor_run(&e, args->operand[0], &request);
    if (status) return status;
    if (cli_is_given(args, CLI_JSON))
        status = cli_print_json(doctor_json(&e.diagnosis));
    else
        doctor_print(stdout, &e, &request);
    return status ? status : cli_answer(ravine_verdict_exit_code(e.diagnosis.verdict));
}
