/* doctor_run.c - a run that was trained: its log, and for --probe and --try its net as the newest
 * checkpoint holds it or, where there is none, as it was at the start. */
#include "doctor.h"
#include "net/problem.h"
#include "ravine_checkpoint.h"
#include "report/diagnosis.h"
#include "report/printable.h"
#include "report/report.h"
#include "train.h"

#include <inttypes.h>
#include <limits.h>
#include <unistd.h>

/* ---- the net at the newest checkpoint ---- */

typedef struct rebuilt {
    config config;
    training training;
    net_problem *problem;
} rebuilt;

static int read_config(rebuilt *b, const run_data *run) {
    int status = config_init(&b->config);
    if (!status)
        status = config_read_json(&b->config, json_object_get(run->header, "config"), "run.jsonl");
    return status ? status : config_check(&b->config);
}

/* Parameters and state; what else the file has concerns the loop. A run that was lost before its
 * first checkpoint begins again: the configuration has the seed. */
static int load_newest(rebuilt *b, const run_data *run) {
    char folder[PATH_MAX + 16], path[PATH_MAX];
    snprintf(folder, sizeof folder, "%s/checkpoints", run->folder);
    if (access(folder, F_OK)) return 0;
    const ravine_status found = ravine_checkpoint_latest(folder, path, sizeof path, NULL);
    if (found == RAVINE_E_STATE) return 0;
    if (found < 0) return failure_of(found);
    const int status = checkpoint_restore_lr(&b->training, path);
    if (status) return status;
    ravine_load_options options;
    ravine_load_options_init(&options);
    options.partial = 1;
    return failure_of(ravine_load(b->training.optimizer, path, &options));
}

static int rebuild(rebuilt *b, const run_data *run) {
    enum { FIXED = 1024 }; /* examples on which curvature and loss are looked at */
    int status = read_config(b, run);
    if (!status) status = training_create(&b->training, &b->config);
    if (!status) status = data_check(&b->training.data, run->header, run->folder);
    if (!status) status = load_newest(b, run);
    if (status) return status;
    const net_problem_setup setup = {.net = b->training.net,
                                     .data = &b->training.data.train,
                                     .batch = b->training.batch,
                                     .fixed = FIXED,
                                     .slice = b->training.slice,
                                     .seed = (uint64_t)b->config.seed};
    return net_problem_create(&b->problem, &setup);
}

static void rebuilt_free(rebuilt *b) {
    net_problem_destroy(b->problem);
    training_free(&b->training);
    config_free(&b->config);
}

/* ---- the examination ---- */

static int look_further(examination *e, run_doctor *d, const run_data *run,
                        const doctor_request *request) {
    rebuilt b = {0};
    int status = rebuild(&b, run);
    if (!status) {
        const ravine_problem problem = net_problem_view(b.problem);
        ravine_optimizer *optimizer = b.training.optimizer;
        status = doctor_examine(e, d->doctor, optimizer, &problem, request, run->folder);
        const int64_t from = ravine_steps(optimizer);
        if (!status && from == 0)
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
