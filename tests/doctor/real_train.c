/* SPDX-License-Identifier: Apache-2.0 */
/* real_train.c - a net of real.h in training, its copies, and going on from a copy. */
#include "real_train.h"

#include "io/failure.h"
#include "math/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int library_failure(void) {
    return failure(EXIT_INPUT, "%s", ravine_errmsg());
}

/* Fisher-Yates; a pure function of seed and epoch. */
static void shuffle(trainee *t, int64_t epoch) {
    if (epoch == t->epoch) return;
    t->epoch = epoch;
    const uint64_t stream = (uint64_t)1 << 48 | (uint64_t)epoch;
    for (int64_t k = 0; k < t->train.count; k++) {
        const uint64_t j = ravine_random_below(t->seed, stream, (uint64_t)k, (uint64_t)k + 1);
        t->order[k] = t->order[j];
        t->order[j] = k;
    }
}

double trainee_step(trainee *t, ravine_optimizer *o, ravine_report *report) {
    const int64_t batch = t->scenario->batch, per_epoch = t->train.count / batch;
    const size_t size = (size_t)t->train.size;
    shuffle(t, t->step / per_epoch);
    for (int64_t k = 0; k < batch; k++) {
        const int64_t from = t->order[t->step % per_epoch * batch + k];
        memcpy(t->x + (size_t)k * size, t->train.x + (size_t)from * size, size * sizeof *t->x);
        t->label[k] = t->train.label[from];
    }
    const double loss = net_train(t->net, t->x, t->label, NULL, batch, (uint64_t)t->step, NULL);
    t->step++;
    if (report) *report = (ravine_report){.size = sizeof *report};
    return ravine_step(o, report) < 0 ? NAN : loss;
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
    ravine_env env;
    ravine_env_init(&env);
    env.watch = 1;
    env.parallel = ravine_pool_run;
    env.parallel_context = t->pool;
    *out = NULL;
    if (ravine_create(out, c, &env) < 0) return library_failure();
    for (int32_t k = 0; k < net_param_count(t->net); k++) {
        if (k && ravine_add_group(*out, c, NULL) < 0) return library_failure();
        const net_tensor tensor = net_param(t->net, k);
        const ravine_param param = {.size = sizeof param,
                                    .dtype = RAVINE_F32,
                                    .group = k,
                                    .name = tensor.name,
                                    .data = tensor.data,
                                    .grad = tensor.grad,
                                    .len = tensor.len};
        if (ravine_add(*out, &param, 1) < 0) return library_failure();
    }
    return 0;
}

static int create_data(trainee *t, const dataset *train) {
    const real_scenario *s = t->scenario;
    const size_t batch = (size_t)s->batch;
    t->train = *train;
    if (s->examples < t->train.count) t->train.count = s->examples;
    t->order = calloc((size_t)t->train.count, sizeof *t->order);
    t->x = calloc(batch, (size_t)train->size * sizeof *t->x);
    t->label = calloc(batch, sizeof *t->label);
    if (!t->order || !t->x || !t->label) return failure(EXIT_INPUT, "out of memory");
    return 0;
}

static int create(trainee *t, const dataset *train) {
    const real_scenario *s = t->scenario;
    int status = create_data(t, train);
    if (status) return status;
    if (ravine_pool_create(&t->pool, 1) < 0) return library_failure();
    const int64_t slice = s->batch > REAL_SLICE ? s->batch : REAL_SLICE;
    status = real_net_create(&t->net, s, t->seed, slice, t->pool);
    if (status) return status;
    real_damage_net(s, t->net, train->label, t->train.count);
    t->start = trainee_copy(t);
    if (!t->start) return failure(EXIT_INPUT, "out of memory");
    status = trainee_restart(t);
    net_problem_setup setup = {t->net, &t->train, s->batch, REAL_FIXED, slice, t->seed};
    if (!status) status = net_problem_create(&t->problem, &setup);
    setup.fixed = REAL_JUDGED;
    setup.seed = t->seed + 1000000;
    if (!status) status = net_problem_create(&t->judge, &setup);
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
    if (ravine_config_parse(&c, t->scenario->optimizer) < 0) return library_failure();
    trainee_put(t, t->start);
    t->step = 0;
    ravine_destroy(t->optimizer);
    return trainee_optimizer(t, &c, &t->optimizer);
}

void trainee_free(trainee *t) {
    net_problem_destroy(t->judge);
    net_problem_destroy(t->problem);
    ravine_destroy(t->optimizer);
    net_destroy(t->net);
    ravine_pool_destroy(t->pool);
    free(t->start);
    free(t->order);
    free(t->x);
    free(t->label);
    *t = (trainee){0};
}

float *trainee_copy(const trainee *t) {
    float *copy = malloc((size_t)net_size(t->net) * sizeof *copy), *to = copy;
    for (int64_t k = 0; copy && k < net_param_count(t->net); k++) {
        const net_tensor tensor = net_param(t->net, k);
        memcpy(to, tensor.data, (size_t)tensor.len * sizeof *to);
        to += tensor.len;
    }
    return copy;
}

void trainee_put(trainee *t, const float *copy) {
    for (int64_t k = 0; k < net_param_count(t->net); k++) {
        const net_tensor tensor = net_param(t->net, k);
        memcpy(tensor.data, copy, (size_t)tensor.len * sizeof *copy);
        copy += tensor.len;
    }
}

/* State by name where both have it, and the clocks. */
static int take_state(trainee *t, ravine_optimizer *o) {
    for (int64_t k = 0; k < net_param_count(t->net); k++) {
        const char *name = net_param(t->net, k).name, *key;
        for (int32_t i = 0; (key = ravine_state_key(o, k, i)); i++) {
            ravine_param from = {.size = sizeof from}, to = {.size = sizeof to};
            if (ravine_state_view(t->optimizer, name, key, &from) < 0) continue;
            if (ravine_state_view(o, name, key, &to) < 0) return library_failure();
            const size_t bytes = (size_t)ravine_dtype_bits(to.dtype) / 8 * (size_t)to.len;
            if (from.len == to.len && from.dtype == to.dtype) memcpy(to.data, from.data, bytes);
        }
        if (ravine_set_clock(o, k, ravine_clock(t->optimizer, k)) < 0) return library_failure();
    }
    return 0;
}

static int prepare(trainee *t, const continuation *c, ravine_optimizer **o) {
    ravine_config old;
    int status = trainee_optimizer(t, &c->config, o);
    if (status) return status;
    if (ravine_config_parse(&old, t->scenario->optimizer) < 0) return library_failure();
    if (old.rule == c->config.rule) status = take_state(t, *o);
    if (status) return status;
    if (c->schedule.size && ravine_set_schedule(*o, -1, RAVINE_LR, &c->schedule) < 0)
        return library_failure();
    const ravine_problem problem = net_problem_view(t->problem);
    const bool escapes = c->escape < 0 || c->escape > 0;
    if (escapes && ravine_escape(*o, &problem, NULL, c->escape) < 0) return library_failure();
    return 0;
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
    if (copy) trainee_put(t, copy);
    t->step = step;
    ravine_destroy(o);
    free(copy);
    return result;
}
