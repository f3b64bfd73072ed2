/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_surface.c - a race with the doctor watching: loss and gradient are exact, so curvature and
 * cures can be looked at where it ends. */
#include "commands/doctor/doctor.h"
#include "commands/race/race_command.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct racer {
    surface *surface;
    double theta[SURFACE_SIZE_MAX], gradient[SURFACE_SIZE_MAX];
    int64_t step; /* steps made; the noise of a gradient is a function of it */
    ravine_optimizer *optimizer;
    ravine_doctor *doctor;
} racer;

/* ---- the problem ---- */

/* Batch 0 is the surface itself, batch k the noise that the k-th step from here will meet. */
static int evaluate(void *context, int64_t batch, int32_t gradient, double *loss) {
    racer *r = context;
    if (!gradient)
        *loss = surface_loss(r->surface, r->theta);
    else if (batch == 0)
        *loss = r->surface->row->gradient_f64(r->surface, r->theta, r->gradient);
    else
        *loss = surface_gradient(r->surface, r->theta, r->step + batch - 1, r->gradient);
    return 0;
}

static ravine_problem problem_of(racer *r) {
    enum { MANY = 1 << 30 };
    return (ravine_problem){.size = sizeof(ravine_problem),
                            .evaluate = evaluate,
                            .context = r,
                            .nbatches = r->surface->noise > 0 ? MANY : 0};
}

/* ---- the race ---- */

/* The library's refusal; FAILURE_USAGE, since what it was given came from the command line. */
static int refused(const char *what) {
    return failure(FAILURE_USAGE, "%s: %s", what, ravine_errmsg());
}

static int make_optimizer(racer *r, const char *spec, const char *schedule) {
    ravine_config config;
    ravine_env env;
    ravine_env_init(&env);
    env.statistics = 1;
    env.threads = 1;
    if (ravine_config_parse(&config, spec) < 0) return refused("--optimizer");
    if (ravine_create(&r->optimizer, &config, &env) < 0) return refused("--optimizer");
    ravine_schedule lr;
    if (schedule && (ravine_schedule_parse(&lr, schedule) < 0 ||
                     ravine_set_schedule(r->optimizer, 0, RAVINE_LR, &lr) < 0))
        return refused("--schedule");
    const ravine_param theta = {.size = sizeof theta,
                                .dtype = RAVINE_F64,
                                .name = "theta",
                                .data = r->theta,
                                .grad = r->gradient,
                                .len = r->surface->size};
    if (ravine_add(r->optimizer, &theta, 1) < 0 || ravine_doctor_create(&r->doctor, NULL, NULL) < 0)
        return refused("--surface");
    return 0;
}

static int make(racer *r, const cli_args *args) {
    const char *start = cli_text(args, CLI_START), *optimizer = cli_text(args, CLI_OPTIMIZER);
    int given = 0;
    for (int k = 0; k < args->ngiven; k++) given += args->given[k].option == CLI_OPTIMIZER;
    if (given != 1)
        return failure(FAILURE_USAGE,
                       "doctor --surface needs one --optimizer \"NAME setting=value ...\"%s",
                       given ? "; it looks at one run" : "; `ravine optimizers` lists the names");
    int status = surface_create(&r->surface, cli_text(args, CLI_SURFACE));
    if (status) return status;
    memcpy(r->theta, r->surface->start, (size_t)r->surface->size * sizeof *r->theta);
    if (start) status = race_read_start(start, r->surface, r->theta);
    char *schedule = NULL;
    if (!status) status = race_read_schedule(args, &schedule);
    if (!status) status = make_optimizer(r, optimizer, schedule);
    free(schedule);
    return status;
}

/* Ends early behind the first loss that is not finite. */
static int watch(racer *r, int64_t steps) {
    bool finite = true;
    while (finite && r->step < steps) {
        ravine_step_stats stats = {.size = sizeof stats};
        const double loss = surface_gradient(r->surface, r->theta, r->step, r->gradient);
        finite = isfinite(loss);
        if (ravine_step(r->optimizer, &stats) < 0 ||
            ravine_doctor_observe(r->doctor, r->optimizer, loss) < 0)
            return failure(FAILURE_INPUT, "step %lld: %s", (long long)r->step, ravine_errmsg());
        r->step++;
    }
    return 0;
}

int doctor_surface(examination *e, const cli_args *args, const doctor_request *request) {
    racer r = {0};
    probe_plan whole;
    (void)probe_plan_choose(&whole, &(probed_run){0}, true); /* a gradient costs next to nothing */
    int status = make(&r, args);
    if (!status) status = watch(&r, cli_count(args, CLI_RACE_STEPS, 1));
    if (!status) {
        const ravine_problem problem = problem_of(&r);
        const ravine_probe_options options = probe_plan_options(&whole);
        const bool further = request->probe || request->try_steps;
        status = doctor_examine(e,
                                &(doctor_subject){.doctor = r.doctor,
                                                  .optimizer = r.optimizer,
                                                  .problem = &problem,
                                                  .trial = &problem,
                                                  .probe = further ? &options : NULL,
                                                  .calls = probe_plan_calls(&whole),
                                                  .name = r.surface->spec},
                                request);
    }
    ravine_doctor_destroy(r.doctor);
    ravine_destroy(r.optimizer);
    surface_destroy(r.surface);
    return status;
}
