/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_doctor.c - `ravine doctor`: what is asked of whom. */
#include "commands/doctor/doctor.h"
#include "commands/log_options.h"
#include "run/diagnosis.h"

/* Options that concern the other kind of subject are refused, not ignored. */
static int check_log(const cli_args *args, bool surface) {
    const char *path = args->operand[0];
    const bool log = !surface && log_is_foreign(path);
    const bool further = cli_is_given(args, CLI_PROBE) || cli_is_given(args, CLI_TRY);
    if (log_options_given(args) && !log)
        return failure(FAILURE_USAGE, "--loss, --step, --lr, --grad-norm, --validation and --run "
                                      "choose within a log that another program wrote");
    if (further && log)
        return failure(FAILURE_USAGE,
                       "--probe and --try need a run of ravine train; %s is a log and no more",
                       path);
    if (cli_is_given(args, CLI_FOLLOW) && (surface || further || cli_is_given(args, CLI_AT)))
        return failure(FAILURE_USAGE, "--follow watches a log that grows, as it is: not with "
                                      "--surface, --probe, --try or --at");
    if (cli_is_given(args, CLI_JSON) + cli_is_given(args, CLI_SARIF) +
            cli_is_given(args, CLI_FOLLOW) >
        1)
        return failure(FAILURE_USAGE,
                       "--json, --sarif and --follow are three answers; ask for one");
    return 0;
}

/* Options that concern the other kind of subject are refused, not ignored. */
static int check(const cli_args *args, bool surface) {
    static const cli_option of_surface[] = {CLI_OPTIMIZER, CLI_LR_SCHEDULE, CLI_START,
                                            CLI_RACE_STEPS};
    const char *folder = args->operand[0];
    if (!surface && !folder)
        return failure(FAILURE_USAGE, "doctor needs the PATH of a run or a log, for example "
                                      "runs/fashion_mlp, or --surface NAME");
    if (surface && folder)
        return failure(FAILURE_USAGE, "doctor looks at %s or at a --surface, not at both", folder);
    for (size_t k = 0; !surface && k < sizeof of_surface / sizeof *of_surface; k++)
        if (cli_is_given(args, of_surface[k]))
            return failure(FAILURE_USAGE,
                           "--schedule, --start, --steps and --optimizer go with "
                           "--surface; %s was trained already",
                           folder);
    const bool further = cli_is_given(args, CLI_PROBE) || cli_is_given(args, CLI_TRY);
    if (cli_is_given(args, CLI_FULL_PROBE) && !further)
        return failure(FAILURE_USAGE,
                       "--full goes with --probe or --try: it is how fine they look");
    if (cli_is_given(args, CLI_AT) && (surface || further))
        return failure(FAILURE_USAGE, surface ? "--at goes with a RUN_DIR; a race ends at --steps"
                                              : "--at reads the log; --probe and --try look at the "
                                                "newest checkpoint");
    return 0;
}

static doctor_request read_request(const cli_args *args) {
    const bool try = cli_is_given(args, CLI_TRY);
    return (doctor_request){.until = cli_count(args, CLI_AT, INT64_MAX),
                            .probe = cli_is_given(args, CLI_PROBE),
                            .full = cli_is_given(args, CLI_FULL_PROBE),
                            .quiet = cli_is_given(args, CLI_JSON) || cli_is_given(args, CLI_SARIF),
                            .try_steps = try ? cli_count(args, CLI_TRY_STEPS, 1) : 0,
                            .choice = log_options(args)};
}

static int print_answer(const cli_args *args, const doctor_answer *answer,
                        const doctor_request *request) {
    if (cli_is_given(args, CLI_JSON)) return cli_print_json(doctor_answer_json(answer));
    if (cli_is_given(args, CLI_SARIF)) return cli_print_json(doctor_sarif(answer));
    doctor_print(stdout, answer, request);
    return 0;
}

static int find_answer(const cli_args *args, doctor_answer *answer, const doctor_request *request) {
    if (cli_is_given(args, CLI_SURFACE)) return doctor_surface(&answer->examination, args, request);
    if (cli_is_given(args, CLI_FOLLOW)) return doctor_watch_log(answer, request);
    return doctor_look(answer, request);
}

int cmd_doctor(const cli_args *args) {
    const bool surface = cli_is_given(args, CLI_SURFACE);
    int status = check(args, surface);
    if (!status) status = check_log(args, surface);
    if (status) return status;
    const doctor_request request = read_request(args);
    doctor_answer answer = {.path = args->operand[0]};
    status = find_answer(args, &answer, &request);
    if (!status) status = print_answer(args, &answer, &request);
    const int verdict = answer.examination.diagnosis.verdict;
    log_free(&answer.log);
    return status ? status : cli_answer(verdict);
}
