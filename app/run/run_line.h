/* SPDX-License-Identifier: Apache-2.0 */
/* run_line.h - one line of run.jsonl that tells a step, written and read without a tree.
 *
 * A log of a million steps has some 300 MB of them, nearly all of it numbers of 17 digits; a
 * general JSON reader would spend its time on making and freeing objects.
 */
#ifndef RAVINE_RUN_LINE_H
#define RAVINE_RUN_LINE_H

#include "run/run_log.h"
#include "run/run_subject.h"

#include <stdbool.h>
#include <stddef.h>

/* The numbers of a step, by their keys in the log; behind them, each under its
 * own name, those of RAVINE_STATISTIC_LIST. */
#define RUN_COLUMN_LIST(COLUMN)        \
    COLUMN(STEP, "step")               \
    COLUMN(LOSS, "loss")               \
    COLUMN(LR, "lr")                   \
    COLUMN(GRAD_NORM, "grad_norm")     \
    COLUMN(UPDATE_NORM, "update_norm") \
    COLUMN(PARAM_NORM, "param_norm")   \
    COLUMN(CLIP, "clip")               \
    COLUMN(NONFINITE, "nonfinite")     \
    COLUMN(SECONDS, "seconds")         \
    COLUMN(PATH_EFFICIENCY, "path_efficiency")
#define RUN_COLUMN_ENUM(NAME, key) RUN_##NAME,
#define RAVINE_X(name, meaning)    RUN_STATISTIC_##name,
typedef enum run_column {
    RUN_COLUMN_LIST(RUN_COLUMN_ENUM) RAVINE_STATISTIC_LIST(RAVINE_X) RUN_COLUMNS
} run_column;
#undef RAVINE_X

/* And the lists with a number for each group: GROUP(NAME, key, field of ravine_step_stats, digits
 * behind the point that are logged; 0: all). */
#define RUN_GROUP_LIST(GROUP)                                              \
    GROUP(GRAD_NORM, "group_grad_norm", grad_norm, 0)                      \
    GROUP(UPDATE_NORM, "group_update_norm", update_norm, 0)                \
    GROUP(PARAM_NORM, "group_param_norm", param_norm, 0)                   \
    GROUP(SIGN_CHANGE_RATE, "group_sign_change_rate", sign_change_rate, 4) \
    GROUP(ZERO_SHARE, "group_zero_share", zero_share, 4)
#define RUN_GROUP_ENUM(NAME, ...) RUN_GROUP_##NAME,
typedef enum run_group { RUN_GROUP_LIST(RUN_GROUP_ENUM) RUN_GROUP_KEYS } run_group;

enum { RUN_GROUPS_MAX = 4096 };

typedef struct run_line {
    double value[RUN_COLUMNS]; /* NaN: null, or not there */
    double group[RUN_GROUP_KEYS][RUN_GROUPS_MAX];
    size_t ngroups[RUN_GROUP_KEYS]; /* numbers in the list; 0: not there */
} run_line;

/* Writes the line of a step. `group`: room for [RUN_GROUP_KEYS][groups of the optimizer] numbers.
 * Returns 0 or a kind of io/failure.h. */
int run_line_write(run_log *log, const run_step *s, const ravine_optimizer *o, double *group);

/* True if text[0 .. size - 1], followed by a byte that no number has, is one flat object of
 * numbers, nulls and lists of them, with no key of ours twice (RFC 8259). Other keys are passed
 * over. */
bool run_line_read(run_line *line, const char *text, size_t size);

#endif
