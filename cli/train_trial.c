/* train_trial.c - is a lower learning rate better? The one that is and some lower ones are trained
 * with for some steps, from copies of parameters and state on the same batches, as ravine_try_cures
 * does for any cure. Meanwhile the rate is 0, so that the unchanged run stands still. */
#include "io/failure.h"
#include "net/problem.h"
#include "train.h"

#include <inttypes.h>
#include <math.h>

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

/* As shares of the learning rate that is, which comes first. */
static const double rates[] = {1, 0.5, 0.125, 0x1p-6, 0x1p-10};
enum { RATES = sizeof rates / sizeof *rates };
_Static_assert(RATES <= (int)RAVINE_CURES_MAX, "each is a cure");

/* Each is known by its share, which a cure that escapes nothing has no use for. */
static int list_rates(const training *t, int64_t steps, ravine_diagnosis *trial) {
    int status = 0;
    *trial = (ravine_diagnosis){.size = sizeof *trial, .ncures = RATES};
    for (int k = 0; k < RATES && !status; k++) {
        trial->cure[k].escape = rates[k];
        status = write_rate(t, rates[k], steps, &trial->cure[k]);
    }
    return status;
}

static double loss_with(const ravine_diagnosis *trial, double share) {
    for (int k = 0; k < RATES; k++)
        if (trial->cure[k].escape == share && trial->cure[k].tried)
            return trial->cure[k].loss_ratio;
    return INFINITY;
}

/* The greatest rate that is nearly as good as the best one. */
static trial_result result_of(const ravine_diagnosis *trial) {
    static const double NEARLY = 1.25;
    double best = INFINITY;
    for (int k = 1; k < RATES; k++) best = fmin(best, loss_with(trial, rates[k]));
    trial_result r = {.share = rates[RATES - 1], .as_is = loss_with(trial, 1), .lower = best};
    for (int k = RATES - 1; k > 0; k--)
        if (loss_with(trial, rates[k]) <= NEARLY * best) r.share = rates[k];
    r.lower = loss_with(trial, r.share);
    return r;
}

static int try_rates(training *t, int64_t steps, ravine_diagnosis *trial) {
    enum { FIXED = 1024 }; /* examples by whose loss it is judged */
    const net_problem_setup setup = {.net = t->net,
                                     .data = &t->data.train,
                                     .batch = t->batch,
                                     .fixed = FIXED,
                                     .slice = t->slice,
                                     .seed = (uint64_t)t->config->seed};
    net_problem *examples;
    const int status = net_problem_create(&examples, &setup);
    if (status) return status;
    const ravine_problem problem = net_problem_view(examples);
    const ravine_status tried = ravine_try_cures(t->optimizer, &problem, steps, trial);
    net_problem_destroy(examples);
    return failure_of(tried);
}

int train_trial(training *t, int64_t steps, trial_result *result) {
    ravine_diagnosis trial;
    const double factor = t->lr_factor;
    int status = list_rates(t, steps, &trial);
    if (!status) status = training_scale_lr(t, 0);
    if (status) return status;
    status = try_rates(t, steps, &trial);
    const int restored = training_scale_lr(t, factor);
    *result = result_of(&trial);
    return status ? status : restored;
}
