/* SPDX-License-Identifier: Apache-2.0 */
#include "logs/log_run.h"

#include "io/failure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(const log_data *log) {
    return failure(FAILURE_INPUT, "%s: out of memory", log->path);
}

static bool tells(const log_point *p, log_quantity q) {
    return p->told >> q & 1;
}

/* A score that is no share, such as a percentage, is left out. */
static double share_of(double score) {
    return score >= 0 && score <= 1 ? score : (double)NAN;
}

/* ---- steps ---- */

static void add_step(run_data *run, const log_point *p) {
    static const struct {
        run_column column;
        log_quantity quantity;
    } taken[] = {{RUN_STEP, LOG_STEP},
                 {RUN_LOSS, LOG_LOSS},
                 {RUN_LR, LOG_LR},
                 {RUN_GRAD_NORM, LOG_GRAD_NORM},
                 {RUN_SECONDS, LOG_SECONDS}};
    for (int c = 0; c < RUN_COLUMNS; c++) run->column[c][run->nsteps] = NAN;
    for (size_t k = 0; k < sizeof taken / sizeof *taken; k++)
        run->column[taken[k].column][run->nsteps] = p->value[taken[k].quantity];
    run->nsteps++;
}

static int add_steps(run_data *run, const log_data *log) {
    for (int c = 0; c < RUN_COLUMNS; c++) {
        run->column[c] = malloc((log->npoints + 1) * sizeof *run->column[c]);
        if (!run->column[c]) return no_memory(log);
    }
    double start = NAN;
    for (size_t k = 0; k < log->npoints; k++)
        if (tells(&log->point[k], LOG_LOSS)) add_step(run, &log->point[k]);
    for (size_t k = 0; k < run->nsteps; k++) { /* any clock becomes one since the start */
        if (isnan(start)) start = run->column[RUN_SECONDS][k];
        run->column[RUN_SECONDS][k] -= start;
    }
    return 0;
}

/* ---- epochs ---- */

static int add_epochs(run_data *run, const log_data *log) {
    run->epoch = malloc((log->npoints + 1) * sizeof *run->epoch);
    if (!run->epoch) return no_memory(log);
    for (size_t k = 0; k < log->npoints; k++) {
        const log_point *p = &log->point[k];
        if (!tells(p, LOG_VALIDATION) && !tells(p, LOG_SCORE)) continue;
        run->epoch[run->nepochs++] =
            (run_log_epoch){.epoch = tells(p, LOG_EPOCH) ? p->value[LOG_EPOCH] : p->value[LOG_STEP],
                            .step = p->value[LOG_STEP],
                            .train_loss = NAN,
                            .train_score = NAN,
                            .validation_loss = p->value[LOG_VALIDATION],
                            .validation_score = share_of(p->value[LOG_SCORE]),
                            .averaged_score = NAN,
                            .elapsed = NAN};
    }
    return 0;
}

/* ---- what stands above ---- */

static json_t *header_of(const log_data *log) {
    json_t *config = json_pack("{ss}", "log", log->format);
    for (int q = 0; q < LOG_QUANTITIES && config; q++)
        if (log->taken[q])
            json_object_set_new(config, log_quantity_key((log_quantity)q),
                                json_string(log->taken[q]));
    json_t *header = json_pack("{s[]so}", "groups", "config", config);
    if (header && log->total_steps > 0 && log->total_steps < 9e15)
        json_object_set_new(header, "total_steps", json_integer((json_int_t)log->total_steps));
    return header;
}

/* A file of a fixed name is called by its folder. */
static const char *name_of(char *path) {
    static const char *const fixed[] = {"/trainer_state.json", "/metrics.csv", "/logging.jsonl"};
    for (size_t k = 0; k < sizeof fixed / sizeof *fixed; k++) {
        const size_t length = strlen(path), end = strlen(fixed[k]);
        if (length > end && !strcmp(path + length - end, fixed[k])) path[length - end] = '\0';
    }
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

int log_as_run(run_data *run, const log_data *log) {
    *run = (run_data){.state = "log",
                      .events = json_array(),
                      .header = header_of(log),
                      .test = {NAN, NAN},
                      .test_averaged = {NAN, NAN}};
    run->folder = strdup(log->path);
    if (!run->events || !run->header || !run->folder) return no_memory(log);
    run->name = name_of(run->folder);
    run->lines = (int64_t)log->nrows;
    const int status = add_steps(run, log);
    return status ? status : add_epochs(run, log);
}
