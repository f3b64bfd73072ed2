/* SPDX-License-Identifier: Apache-2.0 */
/* real_train.c - a net of real.h in training, its copies, and going on from a copy. */
#include "real_train.h"

#include "io/failure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A pure function of seed and epoch. */
static void shuffle(trainee *t, int64_t epoch) {
    if (epoch == t->epoch) return;
    t->epoch = epoch;
    const uint64_t stream = (uint64_t)1 << 48 | (uint64_t)epoch;
    data_order_draw(t->trainer.order, t->train.count, t->seed, stream);
}

double trainee_step(trainee *t, ravine_optimizer *o, ravine_step_stats *stats) {
    const int64_t batch = t->trainer.batch, per_epoch = t->train.count / batch;
    shuffle(t, t->step / per_epoch);
    const double loss =
        trainer_gradient(&t->trainer, t->step % per_epoch * batch, batch, (uint64_t)t->step, NULL);
    t->step++;
    if (stats) *stats = (ravine_step_stats){.size = sizeof *stats};
    return ravine_step(o, stats) < 0 ? NAN : loss;
}

double trainee_judge(trainee *t) {
    const ravine_problem judge = net_problem_view(t->judge);
    double loss;
    real_restore_data(&t->train); /* a NaN in the judge's batch would hide what was learnt */
    const int failed = judge.evaluate(judge.context, 0, 0, &loss);
    real_damage_data(t->scenario, &t->train, t->seed);
    return failed ? NAN : loss;
}

int trainee_optimizer(const trainee *t, const ravine_config *c, ravine_optimizer **out) {
    const trainer_options how = {.watch = true};
    const int status = trainer_make_groups(&t->trainer, c, &how, out);
    return status ? status : trainer_add_params(&t->trainer, *out, NULL);
}

static int create(trainee *t, const dataset *train) {
    const real_scenario *s = t->scenario;
    const net_spec spec = real_net_spec(s, t->seed);
    t->train = *train;
    if (s->examples < t->train.count) t->train.count = s->examples;
    int status = trainer_create(
        &t->trainer,
        &(trainer_setup){.spec = &spec, .data = &t->train, .batch = s->batch, .threads = 1});
    if (status) return status;
    real_damage_net(s, t->trainer.net, train->label, t->train.count);
    t->start = trainee_copy(t);
    if (!t->start) return failure(FAILURE_INPUT, "out of memory");
    status = trainee_restart(t);
    if (!status) status = net_problem_of(&t->problem, &t->trainer, REAL_FIXED, t->seed);
    if (!status) status = net_problem_of(&t->judge, &t->trainer, REAL_JUDGED, t->seed + 1000000);
    return status;
}

int trainee_create(trainee *t, const real_scenario *s, const dataset *train, uint64_t seed) {
    *t = (trainee){.scenario = s, .seed = seed, .epoch = -1};
    const int status = create(t, train);
    if (status) trainee_free(t);
    return status;
}

int trainee_restart(trainee *t) {
    ravine_config c;
    const int status = failure_of(ravine_config_parse(&c, t->scenario->optimizer));
    if (status) return status;
    trainer_put_params(&t->trainer, t->start);
    t->step = 0;
    ravine_destroy(t->trainer.optimizer);
    return trainee_optimizer(t, &c, &t->trainer.optimizer);
}

void trainee_free(trainee *t) {
    net_problem_destroy(t->judge);
    net_problem_destroy(t->problem);
    trainer_free(&t->trainer);
    free(t->start);
    *t = (trainee){0};
}

float *trainee_copy(const trainee *t) {
    float *copy = malloc((size_t)net_size(t->trainer.net) * sizeof *copy);
    if (copy) trainer_copy_params(&t->trainer, copy);
    return copy;
}

/* State by name where both have it, and the step_counts. */
static ravine_status take_state(const trainee *t, ravine_optimizer *o) {
    ravine_optimizer *old = t->trainer.optimizer;
    ravine_status status = RAVINE_OK;
    for (int64_t k = 0; k < net_param_count(t->trainer.net) && status >= 0; k++) {
        const char *name = net_param(t->trainer.net, k).name, *key;
        for (int32_t i = 0; (key = ravine_state_key(o, k, i)) && status >= 0; i++) {
            ravine_param from = {.size = sizeof from}, to = {.size = sizeof to};
            if (ravine_state_view(old, name, key, &from) < 0) continue;
            status = ravine_state_view(o, name, key, &to);
            const size_t bytes = (size_t)ravine_dtype_bits(to.dtype) / 8 * (size_t)to.len;
            if (from.len == to.len && from.dtype == to.dtype) memcpy(to.data, from.data, bytes);
        }
        if (status >= 0) status = ravine_set_step_count(o, k, ravine_step_count(old, k));
    }
    return status;
}

static int prepare(trainee *t, const continuation *c, ravine_optimizer **o) {
    ravine_config old;
    const int made = trainee_optimizer(t, &c->config, o);
    if (made) return made;
    const ravine_problem problem = net_problem_view(t->problem);
    const bool escapes = c->escape < 0 || c->escape > 0;
    ravine_status status = ravine_config_parse(&old, t->scenario->optimizer);
    if (status >= 0 && old.rule == c->config.rule) status = take_state(t, *o);
    if (status >= 0 && c->schedule.size)
        status = ravine_set_schedule(*o, -1, RAVINE_LR, &c->schedule);
    if (status >= 0 && escapes) status = ravine_escape(*o, &problem, NULL, c->escape);
    return failure_of(status);
}

static continued go_on(trainee *t, const continuation *c, ravine_optimizer *o) {
    const ravine_problem fixed = net_problem_view(t->problem);
    double before = NAN, loss;
    int64_t rises = 0;
    for (int64_t k = 0; k < c->steps; k++, before = loss) {
        if (!c->noiseless)
            loss = trainee_step(t, o, NULL);
        else if (fixed.evaluate(fixed.context, 0, 1, &loss) || ravine_step(o, NULL) < 0)
            return (continued){NAN, NAN};
        rises += loss > before;
    }
    return (continued){trainee_judge(t), (double)rises / (double)c->steps};
}

continued trainee_continue(trainee *t, const continuation *c) {
    const int64_t step = t->step;
    float *copy = trainee_copy(t);
    ravine_optimizer *o = NULL;
    continued result = {NAN, NAN};
    if (copy && !prepare(t, c, &o)) result = go_on(t, c, o);
    if (copy) trainer_put_params(&t->trainer, copy);
    t->step = step;
    ravine_destroy(o);
    free(copy);
    return result;
}
