/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/problem_watch.h"

static int evaluate(void *context, int64_t batch, int32_t gradient, double *loss) {
    problem_watch *w = context;
    progress_add(&w->shown, 1);
    return w->problem->evaluate(w->problem->context, batch, gradient, loss);
}

ravine_problem problem_watch_begin(problem_watch *w, const ravine_problem *problem,
                                   const char *what, int64_t expected) {
    *w = (problem_watch){.problem = problem,
                         .shown = progress_begin(what, "evaluations or so", expected)};
    ravine_problem watched = *problem;
    watched.evaluate = evaluate;
    watched.context = w;
    return watched;
}

void problem_watch_end(problem_watch *w) {
    progress_end(&w->shown);
}
