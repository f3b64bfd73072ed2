/* SPDX-License-Identifier: Apache-2.0 */
/* log_runs.h - several runs in one store or folder: which of them is wanted.
 *
 *     log_runs runs = {0};
 *     log_runs_add(&runs, id, name) ... for each that is there
 *     status = log_runs_choose(&runs, path, source->run, &chosen);
 *     log_runs_free(&runs);
 */
#ifndef RAVINE_LOGS_LOG_RUNS_H
#define RAVINE_LOGS_LOG_RUNS_H

#include <stdbool.h>
#include <stddef.h>

enum { LOG_RUNS_MAX = 100000 };

typedef struct log_run {
    char *id;   /* what the store knows it by; of a folder, its path from there */
    char *name; /* what people call it; "": nothing */
} log_run;

typedef struct log_runs {
    log_run *run; /* [count] */
    size_t count, room;
} log_runs;

/* Fails when memory ends and beyond LOG_RUNS_MAX, for the store at `path`. */
int log_runs_add(log_runs *runs, const char *path, const char *id, const char *name);

/* The only one where `wanted` is NULL, else that of this id, name, or beginning of an id. Fails
 * where that is none or several, and lists them. There must be a run. */
int log_runs_choose(const log_runs *runs, const char *path, const char *wanted, size_t *chosen);

void log_runs_free(log_runs *runs);

#endif
