/* train_resume.c - `ravine train --resume RUN_DIR`: what a run was, from the first line of its
 * log, and its newest checkpoint. */
#include "io/failure.h"
#include "ravine_checkpoint.h"
#include "train.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first line of run.jsonl and its length. */
static int read_header(const char *folder, json_t **header, int64_t *bytes) {
    char path[PATH_MAX + 16], *line = NULL;
    size_t capacity = 0;
    snprintf(path, sizeof path, "%s/run.jsonl", folder);
    FILE *file = fopen(path, "rbe");
    if (!file)
        return failure(EXIT_INPUT, "%s is no run: cannot open %s: %s", folder, path,
                       strerror(errno));
    const ssize_t length = getline(&line, &capacity, file);
    fclose(file);
    const bool ended = length > 0 && line[length - 1] == '\n';
    *header = ended ? json_loadb(line, (size_t)length, JSON_REJECT_DUPLICATES, NULL) : NULL;
    free(line);
    *bytes = length;
    if (json_is_object(json_object_get(*header, "config"))) return 0;
    json_decref(*header);
    return failure(EXIT_INPUT, "%s: its first line is no header with a config; start the run again",
                   path);
}

int resume_read_config(config *c, const char *folder) {
    json_t *header;
    int64_t bytes;
    int status = read_header(folder, &header, &bytes);
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
    config_free(&run);
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
    *point = (resume_point){.nepochs = 0};
    json_t *header;
    int failed = read_header(folder, &header, &point->position.log);
    if (!failed) json_decref(header);
    return failed;
}
