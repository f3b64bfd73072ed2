/* SPDX-License-Identifier: Apache-2.0 */
/* history.h - the checkpoints of a folder: "step-00001200.safetensors", by their steps. */
#ifndef RAVINE_CHECKPOINT_HISTORY_H
#define RAVINE_CHECKPOINT_HISTORY_H

#include "ravine_checkpoint.h"

#include <limits.h>

typedef struct history_path {
    char text[PATH_MAX];
} history_path;

/* E_RANGE: the folder's name is too long. Where it is not for the greatest step, it is for none. */
ravine_status ravine_history_path(const char *folder, int64_t step, history_path *path);

/* The checkpoint with the least metric, the newest of them; *metric is infinite and *step -1 where
 * none has one. What cannot be read is passed over. The folder's name is not too long. */
ravine_status ravine_history_best(const char *folder, const ravine_env *env, int64_t *step,
                                  double *metric);

/* Removes all but the `keep` newest, `best` and `written` (-1: there is none such). */
ravine_status ravine_history_prune(const char *folder, int32_t keep, int64_t best, int64_t written);

#endif
