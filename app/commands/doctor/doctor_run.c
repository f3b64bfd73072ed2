/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_run.c - a run that was trained: its log, and for --probe and --try its net as the newest
 * checkpoint holds it or, where there is none, as it was at the start. */
#include "commands/doctor/doctor.h"
#include "page/printable.h"
#include "ravine_checkpoint.h"
#include "report/report.h"
#include "run/diagnosis.h"
#include "trainer/problem.h"
#include "trainer/train.h"

#include <inttypes.h>
#include <limits.h>
#include <unistd.h>

/* ---- the net at the newest checkpoint ---- */

typedef struct rebuilt {
    run_config config;
    training training;
    net_problem *probed, *tried; /* the loss that a probe looks at, and the one of trials */
} rebuilt;

static int read_config(rebuilt *b, const run_data *run) {
    int status = config_init(&b->config);
    if (!status)
        status = config_read_json(&b->config, json_object_get(run->header, "config"), "run.jsonl");
    return status ? status : config_check(&b->config);
}

/* A run that was lost before its first checkpoint begins again: the configuration has the seed. */
static int load_newest(rebuilt *b, const run_data *run) {
    char folder[PATH_MAX + 16], path[PATH_MAX];
    snprintf(folder, sizeof folder, "%s/checkpoints", run->folder);
    if (access(folder, F_OK)) return 0;
    const ravine_status found = ravine_checkpoint_latest(folder, path, sizeof path, NULL);
    if (found == RAVINE_E_STATE) return 0;
    if (found < 0) return failure_of(found);
    return train_checkpoint_restore(&b->training, path);
}

/* What was lost within as many steps as a trial makes is tried from its start: from where it is now
 * nothing leads back. */
static bool begins_anew(const ravine_diagnosis *found, const doctor_request *request) {
    switch (found->verdict) {
    case RAVINE_VERDICT_NONFINITE:
    case RAVINE_VERDICT_DIVERGING:
    case RAVINE_VERDICT_WARMUP_NEEDED:
        return found->since >= 0 && found->since <= request->try_steps;
    default: return false;
    }
}

static int rebuild(rebuilt *b, const run_data *run, bool anew) {
    int status = read_config(b, run);
    if (!status) status = training_create(&b->training, &b->config);
    if (!status) status = run_header_check_data(run->header, &b->training.data, run->folder);
    if (!status && !anew) status = load_newest(b, run);
    return status;
}

static int make_problem(net_problem **out, const rebuilt *b, int64_t fixed) {
    return net_problem_of(out, &b->training.trainer, fixed, (uint64_t)b->config.seed);
}

static void rebuilt_free(rebuilt *b) {
    net_problem_destroy(b->probed);
    net_problem_destroy(b->tried);
    training_free(&b->training);
    config_free(&b->config);
}

/* ---- the examination ---- */

/* What it is going to cost, before it does. */
static void tell_cost(const probe_plan *plan, const probed_run *run) {
    const double cost = (double)probe_plan_cost(plan, run),
                 all = (double)run->steps * (double)run->batch;
    fprintf(stderr,
            "ravine: the probe computes about %" PRId64 " gradients of %" PRId64
            " examples: %.2g %% of what the run cost\n",
            probe_plan_calls(plan), plan->fixed, 100 * cost / all);
}

/* What is seen where a probe has to be coarse. */
static void tell_coarse(examination *e, const probe_plan *plan) {
    if (!probe_plan_is_whole(plan))
        diagnosis_cannot_tell(&e->diagnosis,
                              "the curvature any finer: the probe looked at %" PRId64
                              " examples, for a tenth of what the run cost; --full looks closer",
                              plan->fixed);
}

/* A new start is not where the run is: what its curvature says of a run that was thrown far is that
 * all is small there. */
static bool may_probe(const ravine_diagnosis *found, bool anew) {
    return !anew || found->verdict != RAVINE_VERDICT_WARMUP_NEEDED;
}

static int examine(examination *e, rebuilt *b, run_doctor *d, const doctor_request *request,
                   bool anew, const char *folder) {
    enum { JUDGED = 1024 }; /* examples by whose loss cures are judged */
    const probed_run run = {d->step, b->training.trainer.batch, b->training.data.train.count};
    probe_plan plan;
    /* Beside trials the least of them counts for nothing. */
    const bool possible = probe_plan_choose(&plan, &run, request->full) || request->try_steps;
    const bool probed = possible && may_probe(&e->diagnosis, anew);
    const ravine_probe_options options = probe_plan_options(&plan);
    int status = make_problem(&b->probed, b, plan.fixed);
    if (!status) status = make_problem(&b->tried, b, JUDGED);
    if (status) return status;
    const ravine_problem problem = net_problem_view(b->probed), trial = net_problem_view(b->tried);
    if (probed && !request->quiet) tell_cost(&plan, &run);
    const doctor_subject subject = {
        .doctor = d->doctor,
        .optimizer = b->training.trainer.optimizer,
        .problem = &problem,
        .trial = &trial,
        .probe = probed ? &options : NULL,
        .why_not = probed ? NULL
                   : possible
                       ? "cures are tried from the start of the run"
                       : "a tenth of what the run cost is too little for a probe; --full probes "
                         "all the same",
        .calls = probe_plan_calls(&plan),
        .name = folder};
    status = doctor_examine(e, &subject, request);
    if (!status && probed) tell_coarse(e, &plan);
    return status;
}

static int look_further(examination *e, run_doctor *d, const run_data *run,
                        const doctor_request *request) {
    const bool anew = begins_anew(&e->diagnosis, request);
    rebuilt b = {0};
    int status = rebuild(&b, run, anew);
    if (!status) {
        status = examine(e, &b, d, request, anew, run->folder);
        const int64_t from = ravine_steps(b.training.trainer.optimizer);
        if (!status && anew)
            diagnosis_cannot_tell(&e->diagnosis,
                                  "what would save the run at step %" PRId64
                                  ": cures were tried from its start",
                                  d->step);
        else if (!status && from == 0)
            diagnosis_cannot_tell(&e->diagnosis,
                                  "how the loss curves at step %" PRId64
                                  ": there is no checkpoint; this is the start of the run",
                                  d->step);
        else if (!status && from != d->step)
            diagnosis_cannot_tell(&e->diagnosis,
                                  "how the loss curves at step %" PRId64
                                  ": the newest checkpoint is of step %" PRId64,
                                  d->step, from);
    }
    rebuilt_free(&b);
    return status;
}

static int save_page(const char *folder) {
    report r = {0};
    int status = report_add(&r, folder);
    if (!status) status = report_save(&r);
    report_free(&r);
    return status;
}

/* In the log, and on the page that is made of it. The answer does not depend on it. */
static void keep(const examination *e, const run_data *run) {
    int status = doctor_record(e, run);
    if (!status) status = save_page(run->folder);
    if (!status) return;
    fputs("ravine: what was found is not kept: ", stderr);
    printable_put(stderr, failure_text());
    fputc('\n', stderr);
}

int doctor_run(examination *e, const char *folder, const doctor_request *request) {
    const bool further = request->probe || request->try_steps;
    run_data run;
    run_doctor d = {.until = request->until};
    const run_listener listener = run_doctor_listener(&d);
    int status = run_read(&run, folder, &listener);
    if (!status) status = run_doctor_diagnose(&d, &run, &e->diagnosis);
    if (!status && further) {
        status = look_further(e, &d, &run, request);
        run_doctor_complete(&d, &run, &e->diagnosis);
        if (!status) keep(e, &run);
    }
    run_doctor_free(&d);
    run_free(&run);
    return status;
}
