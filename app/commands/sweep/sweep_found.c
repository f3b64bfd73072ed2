/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_found.c - the runs that are there already. */
#include "commands/sweep/sweep.h"
#include "run/run_encoding.h"
#include "run/run_header.h"
#include "run/run_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The process ended while it made the folder: the log has no whole line. */
static bool never_began(const char *log) {
    FILE *file = fopen(log, "r");
    if (!file) return errno == ENOENT;
    int c;
    while ((c = getc(file)) != EOF && c != '\n') continue;
    fclose(file);
    return c == EOF;
}

/* A folder in which no run began gives way to one. */
static int clear(const char *folder, const char *log) {
    unlink(log);
    run_encoding_remove(folder);
    if (rmdir(folder) == 0) return 0;
    return failure(FAILURE_INPUT,
                   "%s is in the way of a run: it is none, and cannot be removed: %s", folder,
                   strerror(errno));
}

/* Where it lies and on how many threads it ran changes no number. */
static bool may_differ(int key) {
    return key == CONFIG_KEY_runs_dir || key == CONFIG_KEY_threads;
}

static int refuse(const run_config *now, const run_config *then, config_key key,
                  const char *folder) {
    char wanted[CONFIG_VALUE_SIZE], has[CONFIG_VALUE_SIZE];
    config_value(now, key, wanted);
    config_value(then, key, has);
    return failure(
        FAILURE_USAGE,
        "%s is \"%.200s\", and \"%.200s\" in the run in %s, which is kept: runs of a sweep "
        "must have the same configuration; another -o DIR begins anew",
        config_rows[key].key, wanted, has, folder);
}

static int check_config(const run_config *now, const json_t *header, const char *folder) {
    run_config then;
    int status = config_init(&then);
    if (!status) status = run_header_config_of(&then, header, folder);
    for (int k = 0; k < CONFIG_KEY_COUNT && !status; k++)
        if (!may_differ(k) && !config_is_equal(now, &then, (config_key)k))
            status = refuse(now, &then, (config_key)k, folder);
    config_free(&then);
    return status;
}

static int check_found(const sweep_run *run, const dataset_pair *data) {
    json_t *header;
    int64_t bytes;
    int status = run_read_header(&header, &bytes, run->folder);
    if (status) return status;
    status = check_config(&run->config, header, run->folder);
    if (!status && data) status = run_header_check_data(header, data, run->folder);
    json_decref(header);
    return status;
}

static int find_one(sweep *s, sweep_run *run, const dataset_pair *data) {
    char log[PATH_MAX + 16];
    snprintf(log, sizeof log, "%s/run.jsonl", run->folder);
    run->state = SWEEP_NEW;
    if (access(run->folder, F_OK) != 0) return 0;
    if (never_began(log)) return clear(run->folder, log);
    const int status = check_found(run, data);
    return status ? status : sweep_result_read(s, run);
}

int sweep_find(sweep *s, const dataset_pair *data) {
    int status = 0;
    for (int64_t k = 0; k < s->nruns && !status; k++) status = find_one(s, &s->run[k], data);
    return status;
}
