/* SPDX-License-Identifier: Apache-2.0 */
/* log_store.h - several runs in one store or folder: which of them is wanted.
 *
 *     log_store runs = {0};
 *     log_store_add(&runs, id, name) ... for each that is there
 *     status = log_store_choose(&runs, log, source->run, &chosen);
 *     log_store_free(&runs);
 */
#ifndef RAVINE_LOGS_LOG_STORE_H
#define RAVINE_LOGS_LOG_STORE_H

#include "logs/log.h"

enum { LOG_RUNS_MAX = 100000 };

typedef struct log_stored {
    char *id;   /* what the store knows it by; of a folder, its path from there */
    char *name; /* what people call it; "": nothing */
} log_stored;

typedef struct log_store {
    log_stored *run; /* [count] */
    size_t count, room;
} log_store;

/* Fails when memory ends and beyond LOG_RUNS_MAX, for the store at `path`. */
int log_store_add(log_store *runs, const char *path, const char *id, const char *name);

/* The only one where `wanted` is NULL, else that of this id, name, or beginning of an id; which of
 * several it is becomes a note of the log. Fails where that is none or several, and lists them.
 * There must be a run. */
int log_store_choose(const log_store *runs, log_data *log, const char *wanted, size_t *chosen);

void log_store_free(log_store *runs);

#endif
