/* cmd_doctor.c - `ravine doctor`: what is asked of whom, and the order of an examination. */
#include "doctor.h"
#include "report/diagnosis.h"

enum { WHY_SIZE = 128 };

/* Where loss or gradient are not finite there is no curvature to look at, and `why` says so. */
static int make_probe(examination *e, ravine_doctor *doctor, ravine_optimizer *optimizer,
                      const ravine_problem *problem, char why[WHY_SIZE]) {
    enum { SLICE = 65 };
    ravine_probe_options options;
    ravine_probe_options_init(&options);
    options.slice = SLICE;
    ravine_probe probe = {.size = sizeof probe};
    ravine_status status = ravine_probe_run(optimizer, problem, &options, &probe);
    if (status == RAVINE_E_STATE) {
        snprintf(why, WHY_SIZE, "%s", ravine_errmsg());
        return 0;
    }
    if (status >= 0) status = ravine_doctor_take_probe(doctor, &probe);
    e->probe = probe;
    return failure_of(status);
}

/* The first failure of the examination, with its subject. */
static int failed(int status, const char *what) {
    char told[1024];
    snprintf(told, sizeof told, "%s", failure_text());
    return failure(status, "%s: %s", what, told);
}

int doctor_examine(examination *e, ravine_doctor *doctor, ravine_optimizer *optimizer,
                   const ravine_problem *problem, const doctor_request *request, const char *what) {
    const bool further = request->probe || request->try_steps;
    char why[WHY_SIZE] = "";
    int status = further ? make_probe(e, doctor, optimizer, problem, why) : 0;
    if (status) return failed(status, what);
    e->diagnosis.size = sizeof e->diagnosis;
    status = failure_of(ravine_doctor_diagnose(doctor, &e->diagnosis));
    if (status) return failed(status, what);
    if (*why)
        diagnosis_cannot_tell(&e->diagnosis, "how the loss curves%s: %s",
                              request->try_steps ? " and what a cure is worth" : "", why);
    if (!request->try_steps || *why || !diagnosis_can_be_tried(&e->diagnosis)) return 0;
    status = failure_of(ravine_try_cures(optimizer, problem, request->try_steps, &e->diagnosis));
    if (status) return failed(status, what);
    e->tried_steps = request->try_steps;
    return 0;
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
