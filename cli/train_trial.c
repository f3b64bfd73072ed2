/* train_trial.c - is a lower learning rate better? Both are trained with for some steps, from
 * copies of parameters and state on the same batches, as ravine_try_cures does for any cure. */
#include "io/failure.h"
#include "net/problem.h"
#include "train.h"

#include <inttypes.h>

/* The learning rate of the steps to come, `factor` times: a line from where its schedule is now to
 * where it will be. */
static int write_rate(const training *t, double factor, int64_t steps, ravine_cure *cure) {
    ravine_schedule lr;
    ravine_config rule;
    bool given;
    int status = config_schedule(t->config, RAVINE_LR, t->total_steps, &lr, &given);
    if (!status) status = config_rule(t->config, &rule);
    if (status) return status;
    const int64_t now = ravine_steps(t->optimizer);
    const double all = t->lr_factor * factor;
    if (given)
        snprintf(cure->schedule, sizeof cure->schedule, "linear(%" PRId64 ", to=%.17g) lr=%.17g",
                 steps, all * ravine_schedule_at(&lr, now + steps),
                 all * ravine_schedule_at(&lr, now));
    rule.lr *= all;
    return failure_of(
        ravine_config_format(&rule, 0, cure->optimizer, sizeof cure->optimizer, NULL));
}

int train_trial(const training *t, double factor, int64_t steps, double *ratio) {
    enum { FIXED = 1024 }; /* examples by whose loss it is judged */
    ravine_diagnosis trial = {.size = sizeof trial, .ncures = 1};
    int status = write_rate(t, factor, steps, &trial.cure[0]);
    if (status) return status;
    const net_problem_setup setup = {.net = t->net,
                                     .data = &t->data.train,
                                     .batch = t->batch,
                                     .fixed = FIXED,
                                     .slice = t->slice,
                                     .seed = (uint64_t)t->config->seed};
    net_problem *examples;
    status = net_problem_create(&examples, &setup);
    if (status) return status;
    const ravine_problem problem = net_problem_view(examples);
    status = failure_of(ravine_try_cures(t->optimizer, &problem, steps, &trial));
    net_problem_destroy(examples);
    *ratio = trial.cure[0].tried ? trial.cure[0].loss_ratio : 1;
    return status;
}
