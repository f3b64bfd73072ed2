/* SPDX-License-Identifier: Apache-2.0 */
/* runs.h - the lecture's runs on its convex surface, measured beside the reference. */
#ifndef RAVINE_LECTURE_RUNS_H
#define RAVINE_LECTURE_RUNS_H

#include "page/page.h"
#include "page/svg_chart.h"
#include "surface/race.h"

#include <jansson.h>
#include <stdbool.h>

enum { LECTURE_STEPS = 100000 };

#define RUN(NAME, ...) RUN_##NAME,
typedef enum run_id {
#include "lecture/runs.def"
    RUN_COUNT
} run_id;

/* X(COLUMN, json key, digits, English, Chinese). */
#define RUN_COLUMN_LIST(X)                                                        \
    X(OVERFLOW, "nonfinite_step", 6, "overflow at step", "第几步溢出")            \
    X(GROWTH, "growth_per_step", 5, "growth per step", "每步放大倍数")            \
    X(END_B, "end_b", 6, "b at the end", "终点 b")                                \
    X(END_W, "end_w", 5, "w at the end", "终点 w")                                \
    X(DISTANCE, "distance", 4, "distance to the minimum", "到最低点的距离")       \
    X(WORST, "worst_excess_loss_last_tenth", 3, "worst excess loss, last 10 %",   \
      "最后 10% 中超出最低 loss 的最大值")                                        \
    X(LIMIT, "stability_limit", 3, "stability limit", "稳定极限")                 \
    X(UNSTABLE, "first_unstable_step", 6, "first step above the stability limit", \
      "首次超过稳定极限的步数")                                                   \
    X(BURSTS, "bursts", 6, "bursts", "爆发次数")                                  \
    X(FIRST_BURST, "first_burst_step", 6, "first burst at step", "首次爆发的步数")

#define RAVINE_X(COLUMN, ...) RUN_##COLUMN,
typedef enum run_column { RUN_COLUMN_LIST(RAVINE_X) RUN_COLUMNS } run_column;
#undef RAVINE_X

typedef struct run_want {
    double least, greatest;
    const char *text; /* of the reference, as it is shown; NULL: it has none */
} run_want;

typedef struct run_row {
    const char *key;
    svg_text name;
    const char *optimizer, *schedule; /* schedule NULL: constant */
    run_want want[RUN_COLUMNS];
} run_row;
extern const run_row run_rows[RUN_COUNT];

/* What was measured; NaN where it does not apply, RACE_NEVER for a step that did not come. */
typedef struct run_measured {
    double value[RUN_COLUMNS];
} run_measured;

/* All runs. Functions that return int return 0 or an exit code of io/failure.h. */
int runs_measure(run_measured measured[RUN_COUNT], const surface *convex);
/* One run with its trace, every step of the first `steps`. */
int run_trace(race_result *r, run_id id, const surface *convex, int64_t steps);

bool run_is_in_lecture(run_id id);                                    /* the reference has it */
bool run_agrees(run_id id, run_column column, const run_measured *m); /* true: nothing to compare */

/* A table of some runs. */
void runs_put_table(page *p, const run_id *id, size_t n, const run_measured measured[RUN_COUNT]);
/* [{"key":, "optimizer":, ...}]: docs/lecture.md. NULL: no memory. */
json_t *runs_json(const run_measured measured[RUN_COUNT]);

#endif
