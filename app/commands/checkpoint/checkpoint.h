/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.h - the actions of `ravine checkpoint`, a file each. */
#ifndef RAVINE_COMMANDS_CHECKPOINT_H
#define RAVINE_COMMANDS_CHECKPOINT_H

#include "cli/cli.h"
#include "cli/progress.h"
#include "ravine_checkpoint.h"

/* FAILURE_NO where the file is damaged. */
int checkpoint_open(ravine_checkpoint **out, const char *path);

/* Of a file's tensors, one after the other. */
progress checkpoint_progress(const char *what, const ravine_checkpoint *file);

/* What the numbers of a tensor are. */
typedef struct tensor_facts {
    bool known; /* the dtype is one that is read here */
    double norm, least, greatest;
    int64_t nonfinite; /* not counted in the others */
} tensor_facts;
/* Bytes of tensor i in memory, for free(); its checksum is verified. */
int checkpoint_numbers(const ravine_checkpoint *file, int64_t i, ravine_tensor *tensor,
                       int64_t *bytes);
tensor_facts tensor_facts_of(const ravine_tensor *tensor, int64_t count);
int64_t tensor_count(const ravine_tensor *tensor);
/* Number i as a double; NaN where the dtype is not known. */
double tensor_number(const ravine_tensor *tensor, int64_t i);
bool tensor_is_known(const ravine_tensor *tensor);
/* "F32 [3, 4]", cut where it is too long. */
typedef struct tensor_kind {
    char text[64];
} tensor_kind;
tensor_kind tensor_kind_of(const ravine_tensor *tensor);
json_t *tensor_shape_json(const ravine_tensor *tensor);
/* A text that is there because of the file's bytes, not of what it says. */
bool text_is_checksum(const char *key);

int checkpoint_inspect(const cli_args *args);
int checkpoint_verify(const cli_args *args);
int checkpoint_diff(const cli_args *args);
int checkpoint_convert(const cli_args *args);

#endif
