/* SPDX-License-Identifier: Apache-2.0 */
/* read_trainer_state.c - trainer_state.json of the Hugging Face Trainer (transformers,
 * src/transformers/trainer_callback.py, class TrainerState): the file, the folder of a checkpoint,
 * or a folder of checkpoint-N, of which the newest counts.
 *
 * log_history is a list of objects: {loss, grad_norm, learning_rate, epoch, step} every
 * logging_steps, {eval_loss, ...} after an evaluation, and last a summary of the training. A loss
 * is the mean since the one before, grad_norm that of the last step before clipping. With
 * logging_nan_inf_filter, which is on by default, losses that are not finite are left out of the
 * mean. */
#include "io/failure.h"
#include "logs/log_json.h"
#include "logs/log_reader.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_FILE "trainer_state.json"

static bool find_file(const log_source *source, char path[PATH_MAX]) {
    return log_find_file(source, "checkpoint-", STATE_FILE, path);
}

/* A file of any name that begins as an object and soon has a key of its own. */
bool log_trainer_state_recognises(const log_source *source) {
    char path[PATH_MAX];
    if (source->folder) return find_file(source, path);
    const char *slash = strrchr(source->path, '/');
    if (!strcmp(slash ? slash + 1 : source->path, STATE_FILE)) return true;
    const char *head = (const char *)source->head;
    size_t k = 0;
    while (k < source->size && isspace((unsigned char)head[k])) k++;
    return k < source->size && head[k] == '{' &&
           (memmem(head, source->size, "\"log_history\"", 13) ||
            memmem(head, source->size, "\"best_model_checkpoint\"", 23));
}

/* ---- what is in it ---- */

static int wrong_entry(const log_data *log, size_t k, const char *what) {
    return failure(FAILURE_INPUT, "%s: log_history[%zu] %s", log->path, k, what);
}

/* The last entry tells of the whole training, and is no moment of it. */
static bool is_summary(const json_t *entry) {
    return json_object_get(entry, "train_runtime") || json_object_get(entry, "total_flos");
}

static int read_entry(log_data *log, const json_t *entry, size_t k) {
    if (!json_is_object(entry)) return wrong_entry(log, k, "is not an object");
    if (is_summary(entry)) return 0;
    if (!json_is_number(json_object_get(entry, "step")))
        return wrong_entry(log, k, "has no number \"step\"");
    const int status = log_row(log, 0);
    return status ? status : log_json_put(log, entry);
}

static int read_history(log_data *log, const json_t *history) {
    size_t k;
    json_t *entry;
    json_array_foreach((json_t *)history, k, entry) {
        const int status = read_entry(log, entry, k);
        if (status) return status;
    }
    return 0;
}

static double number_of(const json_t *state, const char *key) {
    const json_t *value = json_object_get(state, key);
    return json_is_number(value) && json_number_value(value) > 0 ? json_number_value(value)
                                                                 : (double)NAN;
}

static bool has_loss(const json_t *history) {
    size_t k;
    json_t *entry;
    json_array_foreach((json_t *)history, k, entry) if (json_object_get(entry, "loss")) return true;
    return false;
}

/* Nothing but evaluations and a summary: the training was shorter than logging_steps. */
static int nothing_logged(const log_data *log, const json_t *state) {
    const double every = number_of(state, "logging_steps"), made = number_of(state, "global_step");
    if (!isnan(every) && !isnan(made))
        return failure(FAILURE_INPUT,
                       "%s: log_history has no loss: after %.0f steps, logging_steps is %.0f; set "
                       "logging_steps=10",
                       log->path, made, every);
    return failure(FAILURE_INPUT, "%s: log_history has no loss; set logging_steps=10", log->path);
}

static int read_state(log_data *log, const json_t *state) {
    const json_t *history = json_object_get(state, "log_history");
    if (!json_is_array(history))
        return failure(FAILURE_INPUT, "%s: there is no list \"log_history\"", log->path);
    const int status = read_history(log, history);
    if (status) return status;
    if (!has_loss(history)) return nothing_logged(log, state);
    log->total_steps = number_of(state, "max_steps");
    log->mean_over = number_of(state, "logging_steps");
    log->mean_hidden = true;
    return 0;
}

int log_trainer_state_read(log_data *log, const log_source *source) {
    char path[PATH_MAX];
    unsigned char *bytes;
    size_t size;
    if (!find_file(source, path))
        return failure(FAILURE_INPUT, "%s: there is no " STATE_FILE, source->path);
    int status = log_load(log, path, LOG_TREE_MAX, &bytes, &size);
    if (status) return status;
    json_error_t error = {.line = 0};
    json_t *state = log_json_parse((const char *)bytes, size, &error);
    if (!state)
        status = failure(FAILURE_INPUT, "%s, line %d, column %d: %s", path, error.line,
                         error.column, error.text);
    else
        status = read_state(log, state);
    json_decref(state);
    free(bytes);
    return status;
}
