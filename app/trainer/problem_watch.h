/* SPDX-License-Identifier: Apache-2.0 */
/* problem_watch.h - a problem whose evaluations are counted, and on a terminal shown. */
#ifndef RAVINE_TRAINER_PROBLEM_WATCH_H
#define RAVINE_TRAINER_PROBLEM_WATCH_H

#include "cli/progress.h"
#include "ravine_doctor.h"

typedef struct problem_watch {
    const ravine_problem *problem;
    progress shown;
} problem_watch;
/* The problem to use; both live until the end. `expected`: evaluations, about. */
ravine_problem problem_watch_begin(problem_watch *w, const ravine_problem *problem,
                                   const char *what, int64_t expected);
void problem_watch_end(problem_watch *w);

#endif
