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

#define RUN(NAME, ...) LECTURE_##NAME,
typedef enum lecture_run {
#include "lecture/runs.def"
    LECTURE_RUN_COUNT
} lecture_run;

/* X(COLUMN, json key, digits, English, Chinese). */
#define LECTURE_COLUMN_LIST(X)                                                    \
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

#define RAVINE_X(COLUMN, ...) LECTURE_##COLUMN,
typedef enum lecture_column { LECTURE_COLUMN_LIST(RAVINE_X) LECTURE_COLUMNS } lecture_column;
#undef RAVINE_X

typedef struct lecture_want {
    double least, greatest;
    const char *text; /* of the reference, as it is shown; NULL: it has none */
} lecture_want;

typedef struct lecture_run_row {
    const char *key;
    svg_text name;
    const char *optimizer, *schedule; /* schedule NULL: constant */
    lecture_want want[LECTURE_COLUMNS];
} lecture_run_row;
extern const lecture_run_row lecture_run_rows[LECTURE_RUN_COUNT];

/* What was measured; NaN where it does not apply, RACE_NEVER for a step that did not come. */
typedef struct lecture_measured {
    double value[LECTURE_COLUMNS];
} lecture_measured;

/* All runs. Functions that return int return 0 or a kind of io/failure.h. */
int lecture_runs_measure(lecture_measured measured[LECTURE_RUN_COUNT], const surface *convex);
/* One run, every step of the first `steps` recorded. */
race_setup lecture_run_setup(lecture_run id, const surface *convex, int64_t steps);

bool lecture_run_is_shown(lecture_run id); /* the reference has it */
bool lecture_run_agrees(lecture_run id, lecture_column column,
                        const lecture_measured *m); /* true: nothing to compare */

/* A table of some runs. */
void lecture_runs_put_table(page *p, const lecture_run *id, size_t n,
                            const lecture_measured measured[LECTURE_RUN_COUNT]);
/* [{"key":, "optimizer":, ...}]: docs/lecture.md. NULL: no memory. */
json_t *lecture_runs_json(const lecture_measured measured[LECTURE_RUN_COUNT]);

#endif
