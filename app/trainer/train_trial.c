/* SPDX-License-Identifier: Apache-2.0 */
/* train_trial.c - is a lower learning rate better? The one that is and some lower ones are trained
 * with for some steps, from copies of parameters and state on the same batches, as ravine_try_cures
 * does for any cure: the unchanged run, then each cure, each judged by its last losses of the fixed
 * batch. These are what is compared here; what is worth telling of cures is another question. */
#include "io/failure.h"
#include "trainer/problem.h"
#include "trainer/train.h"

#include <inttypes.h>
#include <math.h>

/* The learning rate of the steps to come, `factor` times: a line from where its schedule is now to
 * where it will be. */
static int write_rate(const training *t, double factor, int64_t steps, ravine_cure *cure) {
    ravine_schedule lr;
    ravine_config rule;
    bool given;
    const int status = training_lr(t, &rule, &lr, &given);
    if (status) return status;
    const int64_t now = ravine_steps(t->trainer.optimizer);
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
enum { RATES = sizeof rates / sizeof *rates, LOWER = RATES - 1 };
_Static_assert(LOWER <= (int)RAVINE_CURES_MAX, "each lower one is a cure");

/* The problem, and the sums of the losses by which each run is judged. */
typedef struct jury {
    ravine_problem problem;
    int64_t judged; /* losses of a run */
    int64_t heard;  /* so far */
    double sum[RATES];
} jury;

static int evaluate(void *context, int64_t batch, int32_t gradient, double *loss) {
    jury *j = context;
    const int failed = j->problem.evaluate(j->problem.context, batch, gradient, loss);
    if (gradient || j->heard >= RATES * j->judged) return failed;
    j->sum[j->heard++ / j->judged] += *loss;
    return failed;
}

/* The loss now into *before, then those sums. */
static int judge(const training *t, int64_t steps, ravine_diagnosis *trial, jury *j,
                 double *before) {
    enum { JUDGED_MOST = 8 };
    *j = (jury){.problem = j->problem, .judged = steps < JUDGED_MOST ? steps : JUDGED_MOST};
    if (j->problem.evaluate(j->problem.context, j->problem.batch, 0, before))
        return failure(FAILURE_INPUT, "the examples of a trial cannot be evaluated");
    ravine_problem heard = j->problem;
    heard.evaluate = evaluate;
    heard.context = j;
    return failure_of(ravine_try_cures(t->trainer.optimizer, &heard, steps, trial));
}

/* Of a run that was judged, over the loss before. */
static double loss_with(const jury *j, int run, double before) {
    const double loss = j->sum[run] / (double)j->judged / before;
    return j->heard == RATES * j->judged && isfinite(loss) ? loss : INFINITY;
}

/* The greatest rate that is nearly as good as the best one. */
static train_trial_result result_of(const jury *j, double before) {
    static const double NEARLY = 1.25;
    double loss[RATES], best = INFINITY;
    for (int k = 0; k < RATES; k++) loss[k] = loss_with(j, k, before);
    for (int k = 1; k < RATES; k++) best = fmin(best, loss[k]);
    int chosen = 1;
    while (chosen < LOWER && !(loss[chosen] <= NEARLY * best)) chosen++;
    return (train_trial_result){
        .share = rates[chosen], .lower = loss[chosen], .gradient_unchanged = loss[0]};
}

int train_trial(const training *t, int64_t steps, train_trial_result *result) {
    enum { FIXED = 1024 }; /* examples by whose loss it is judged */
    ravine_diagnosis trial = {.size = sizeof trial, .ncures = LOWER};
    int status = 0;
    for (int k = 0; k < LOWER && !status; k++)
        status = write_rate(t, rates[k + 1], steps, &trial.cure[k]);
    if (status) return status;
    net_problem *examples;
    status = net_problem_of(&examples, &t->trainer, FIXED, (uint64_t)t->config->seed);
    if (status) return status;
    jury j = {.problem = net_problem_view(examples)};
    double before = NAN;
    status = judge(t, steps, &trial, &j, &before);
    net_problem_destroy(examples);
    *result = result_of(&j, before);
    return status;
}
