/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_doctor.c - `ravine doctor`: what is asked of whom. */
#include "commands/doctor/doctor.h"
#include "run/diagnosis.h"

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
