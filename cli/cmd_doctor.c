/* cmd_doctor.c - `ravine doctor`: what is asked of whom, and the order of an examination. */
#include "doctor.h"

#include <math.h>

/* Where loss or gradient are not finite there is no curvature to look at. */
static bool can_be_probed(const ravine_problem *problem) {
    double loss;
    return problem->evaluate(problem->context, problem->batch, 0, &loss) == 0 && isfinite(loss);
}

static int make_probe(patient *p, ravine_doctor *doctor, ravine_optimizer *optimizer,
                      const ravine_problem *problem, const char *what) {
    enum { SLICE = 65 };
    ravine_probe_options options;
    ravine_probe_options_init(&options);
    options.slice = SLICE;
    p->probe.size = sizeof p->probe;
    if (ravine_probe_run(optimizer, problem, &options, &p->probe) < 0 ||
        ravine_doctor_take_probe(doctor, &p->probe) < 0)
        return failure(EXIT_INPUT, "%s: the probe failed: %s", what, ravine_errmsg());
    return 0;
}

int doctor_examine(patient *p, ravine_doctor *doctor, ravine_optimizer *optimizer,
                   const ravine_problem *problem, const doctor_request *request, const char *what) {
    const bool further = request->probe || request->try_steps;
    const bool possible = further && can_be_probed(problem);
    int status = possible ? make_probe(p, doctor, optimizer, problem, what) : 0;
    if (status) return status;
    p->diagnosis.size = sizeof p->diagnosis;
    if (ravine_doctor_diagnose(doctor, &p->diagnosis) < 0)
        return failure(EXIT_INPUT, "%s: %s", what, ravine_errmsg());
    if (!request->try_steps || !possible || p->diagnosis.ncures == 0) return 0;
    if (ravine_try_cures(optimizer, problem, request->try_steps, &p->diagnosis) < 0)
        return failure(EXIT_INPUT, "%s: trying the cures failed: %s", what, ravine_errmsg());
    p->tried_steps = request->try_steps;
    return 0;
}

/* Options that concern the other kind of patient are refused, not ignored. */
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
    patient p = {0};
    status =
        surface ? doctor_surface(&p, args, &request) : doctor_run(&p, args->operand[0], &request);
    if (status) return status;
    if (cli_is_given(args, CLI_JSON))
        status = cli_print_json(doctor_json(&p.diagnosis));
    else
        doctor_print(stdout, &p);
    return status ? status : cli_answer(ravine_verdict_exit_code(p.diagnosis.verdict));
}
