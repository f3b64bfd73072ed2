/* SPDX-License-Identifier: Apache-2.0 */
/* train_resume.c - `ravine train --resume RUN_DIR`: what a run was, from the first line of its
 * log, its data, and its newest checkpoint. */
#include "io/failure.h"
#include "ravine_checkpoint.h"
#include "run/run_reader.h"
#include "trainer/train.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

int resume_read_config(config *c, const char *folder) {
    json_t *header;
    int64_t bytes;
    int status = run_read_header(&header, &bytes, folder);
    if (status) return status;
    char origin[PATH_MAX + 16];
    snprintf(origin, sizeof origin, "%s/run.jsonl", folder);
    status = config_read_json(c, json_object_get(header, "config"), origin);
    json_decref(header);
    return status;
}

/* Keys that may be others than the run had. */
static bool may_change(int key) {
    static const config_key keys[] = {CONFIG_KEY_epochs,           CONFIG_KEY_threads,
                                      CONFIG_KEY_log_every,        CONFIG_KEY_checkpoint_epochs,
                                      CONFIG_KEY_checkpoint_steps, CONFIG_KEY_checkpoint_keep,
                                      CONFIG_KEY_checkpoint_best,  CONFIG_KEY_doctor_on_warning};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (keys[k] == (config_key)key) return true;
    return false;
}

int resume_check_config(const config *c, const char *folder) {
    config run;
    int status = config_init(&run);
    if (status) return status;
    status = resume_read_config(&run, folder);
    for (int k = 0; k < CONFIG_KEY_COUNT && !status; k++)
        if (!may_change(k) && !config_is_equal(c, &run, (config_key)k))
            status =
                failure(EXIT_USAGE, "%s: %s is another than the run in %s has; it cannot change",
                        c->origin[k] ? c->origin[k] : "default", config_rows[k].key, folder);
    const char *shares = config_key_in_shares(c);
    if (!status && shares && c->epochs != run.epochs)
        status = failure(EXIT_USAGE,
                         "%s: epochs is %" PRId64 ", and %" PRId64 " in the run in %s: %s is in "
                         "percent of all steps, so it would change on the way",
                         c->origin[CONFIG_KEY_epochs], c->epochs, run.epochs, folder, shares);
    config_free(&run);
    return status;
}

/* ---- where ---- */

/* A run without checkpoints starts over, unless there is an end that would be lost. */
static int start_over(resume_point *point, const char *folder) {
    run_data run;
    int status = run_read(&run, folder, NULL);
    if (!status && strcmp(run.state, "unfinished") != 0)
        status =
            failure(EXIT_INPUT, "%s is %s and kept no checkpoint; there is nothing to go on from",
                    folder, run.state);
    run_free(&run);
    *point = (resume_point){.nepochs = 0};
    json_t *header = NULL;
    if (!status) status = run_read_header(&header, &point->position.log, folder);
    json_decref(header);
    return status;
}

int resume_find(resume_point *point, const char *folder) {
    char saved[PATH_MAX + 16], path[PATH_MAX];
    int64_t skipped = 0;
    snprintf(saved, sizeof saved, "%s/checkpoints", folder);
    ravine_status status = RAVINE_E_STATE;
    if (access(saved, F_OK) == 0)
        status = ravine_checkpoint_latest(saved, path, sizeof path, &skipped);
    if (skipped)
        fprintf(stderr, "ravine: %" PRId64 " damaged checkpoints in %s are passed over\n", skipped,
                saved);
    if (status == RAVINE_OK) return resume_point_read(point, path);
    if (status != RAVINE_E_STATE || skipped) return failure(EXIT_INPUT, "%s", ravine_errmsg());
    return start_over(point, folder);
}

bool resume_is_finished(const resume_point *point, const config *c, const char *folder) {
    char weights[PATH_MAX + 24];
    snprintf(weights, sizeof weights, "%s/weights.safetensors", folder);
    if (point->nepochs < c->epochs || access(weights, F_OK) != 0) return false;
    run_data run;
    const bool read = run_read(&run, folder, NULL) == 0;
    const bool finished = read && !strcmp(run.state, "finished");
    run_free(&run);
    return finished;
}

/* ---- the data ---- */

int data_check(const dataset_pair *data, const json_t *header, const char *folder) {
    const json_t *files = json_object_get(header, "data_files");
    for (int k = 0; files && k < data->nfiles; k++) {
        const json_t *file = json_array_get(files, (size_t)k);
        const char *then = json_string_value(json_object_get(file, "crc32c"));
        char now[9];
        snprintf(now, sizeof now, "%08" PRIx32, data->file[k].crc32c);
        if (!then || strcmp(now, then) != 0)
            return failure(EXIT_INPUT,
                           "%s is not what the run in %s was trained on: CRC32C %s now, %s then",
                           data->file[k].path, folder, now, then ? then : "unknown");
    }
    return 0;
}

int resume_check_data(const resume_point *point, const dataset_pair *data, const char *folder) {
    json_t *header;
    int64_t bytes;
    int status = run_read_header(&header, &bytes, folder);
    if (status) return status;
    status = data_check(data, header, folder);
    json_decref(header);
    char now[DATA_CHECKSUMS_SIZE];
    data_checksums(data, now);
    if (!status && *point->data && strcmp(now, point->data) != 0)
        status = failure(EXIT_INPUT, "%s was trained on other data: CRC32C %s there, %s here",
                         point->path, point->data, now);
    return status;
}
