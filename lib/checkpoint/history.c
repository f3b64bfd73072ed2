/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/history.h"

#include "checkpoint/snapshot.h"
#include "file/folder.h"
#include "text/error.h"
#include "text/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAME_BEFORE "step-"
#define NAME_BEHIND ".safetensors"

typedef struct step_name {
    char text[48];
} step_name;

static step_name name_of(int64_t step) {
    step_name name;
    snprintf(name.text, sizeof name.text, NAME_BEFORE "%08" PRId64 NAME_BEHIND, step);
    return name;
}

/* The step of a name; -1: it is none of ours. */
static int64_t step_of(const char *name) {
    int64_t step = 0;
    if (strncmp(name, NAME_BEFORE, strlen(NAME_BEFORE)) != 0) return -1;
    for (const char *c = name + strlen(NAME_BEFORE); *c >= '0' && *c <= '9'; c++)
        if (__builtin_mul_overflow(step, 10, &step) ||
            __builtin_add_overflow(step, *c - '0', &step))
            return -1;
    return strcmp(name, name_of(step).text) ? -1 : step;
}

ravine_status ravine_history_path(const char *folder, int64_t step, history_path *path) {
    const int length = snprintf(path->text, sizeof path->text, "%s/%s", folder, name_of(step).text);
    if (length < (int)sizeof path->text) return RAVINE_OK;
    return ravine_fail(RAVINE_E_RANGE, "the path of a checkpoint has %d bytes; the limit is %d",
                       length, PATH_MAX - 1);
}

typedef struct search {
    int64_t limit, newest;
} search;

static ravine_status look(void *context, const char *name) {
    search *s = context;
    const int64_t step = step_of(name);
    if (step < s->limit && step > s->newest) s->newest = step;
    return RAVINE_OK;
}

/* The greatest step below `limit` that has a checkpoint; -1: there is none. */
static ravine_status find_newest(const char *folder, int64_t limit, int64_t *step) {
    search s = {.limit = limit, .newest = -1};
    const ravine_status status = ravine_folder_each(folder, look, &s);
    if (!status) *step = s.newest;
    return status;
}

/* NaN: it has none, or cannot be read. */
static double metric_of(const char *path, const ravine_env *env) {
    ravine_checkpoint *file;
    double metric = NAN;
    if (ravine_checkpoint_open(&file, path, env)) return NAN;
    const char *text = ravine_checkpoint_find_text(file, RAVINE_KEY_METRIC);
    const char *end = text ? ravine_number_end(text) : NULL;
    if (end && end != text && !*end) metric = ravine_number_read(text);
    ravine_checkpoint_close(file);
    return metric;
}

ravine_status ravine_history_best(const char *folder, const ravine_env *env, int64_t *step,
                                  double *metric) {
    *step = -1;
    *metric = HUGE_VAL;
    for (int64_t at = INT64_MAX;;) {
        const ravine_status status = find_newest(folder, at, &at);
        if (status || at < 0) return status;
        history_path path;
        (void)ravine_history_path(folder, at, &path);
        const double value = metric_of(path.text, env);
        if (!(value < *metric)) continue;
        *step = at;
        *metric = value;
    }
}

ravine_status ravine_history_prune(const char *folder, int32_t keep, int64_t best,
                                   int64_t written) {
    ravine_status status = RAVINE_OK;
    int64_t step = INT64_MAX;
    for (int32_t rank = 0; !status; rank++) {
        status = find_newest(folder, step, &step);
        if (status || step < 0) break;
        if (rank >= keep && step != best && step != written)
            status = ravine_folder_remove(folder, name_of(step).text);
    }
    return status;
}

ravine_status ravine_checkpoint_latest(const char *folder, char *path, size_t capacity,
                                       int64_t *skipped) {
    if (!folder || !path) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    int64_t step = INT64_MAX;
    for (int64_t damaged = 0;; damaged++) {
        history_path found;
        ravine_checkpoint *file = NULL;
        ravine_status status = find_newest(folder, step, &step);
        if (status) return status;
        if (skipped) *skipped = damaged;
        if (step < 0)
            return ravine_fail(RAVINE_E_STATE, "%s has no checkpoint that is whole", folder);
        status = ravine_history_path(folder, step, &found);
        if (status) return status;
        status = ravine_checkpoint_open(&file, found.text, NULL);
        if (!status) status = ravine_checkpoint_verify(file);
        ravine_checkpoint_close(file);
        if (status == RAVINE_E_NOMEM) return status;
        if (status) continue;
        const size_t length = strlen(found.text);
        if (length >= capacity)
            return ravine_fail(RAVINE_E_RANGE, "capacity is %zu bytes; the path takes %zu",
                               capacity, length + 1);
        memcpy(path, found.text, length + 1);
        return RAVINE_OK;
    }
}
