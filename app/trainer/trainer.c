/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/trainer.h"

#include "io/failure.h"

#include <stdlib.h>
#include <string.h>

static int create(trainer *t, const trainer_setup *setup) {
    enum { SLICE = 256 };
    const int64_t count = setup->data->count;
    t->data = setup->data;
    t->augment = setup->augment;
    t->batch = setup->batch < count ? setup->batch : count;
    t->slice = t->batch > SLICE || t->data->text ? t->batch : SLICE;
    int status = failure_of(ravine_pool_create(&t->pool, setup->threads));
    if (!status) status = net_create(&t->net, setup->spec, t->slice, ravine_pool_run, t->pool);
    if (!status) status = data_batch_create(&t->examples, t->data, t->batch);
    if (status) return status;
    t->ngroups = (int32_t)net_param_count(t->net);
    t->order = calloc((size_t)count, sizeof *t->order);
    return t->order ? 0
                    : failure(FAILURE_INPUT, "out of memory for %lld examples", (long long)count);
}

int trainer_create(trainer *t, const trainer_setup *setup) {
    *t = (trainer){0};
    const int status = create(t, setup);
    if (status) trainer_free(t);
    return status;
}

void trainer_free(trainer *t) {
    ravine_destroy(t->optimizer);
    net_destroy(t->net);
    ravine_pool_destroy(t->pool);
    data_batch_free(&t->examples);
    free(t->order);
    *t = (trainer){0};
}

/* ---- the optimizer ---- */

ravine_env trainer_env(const trainer *t) {
    ravine_env env;
    ravine_env_init(&env);
    env.parallel = ravine_pool_run;
    env.parallel_context = t->pool;
    return env;
}

bool trainer_decays(const trainer *t, const trainer_options *how, int32_t group) {
    return net_param(t->net, group).decays || !how->no_decay_on_vectors;
}

int trainer_make_groups(const trainer *t, const ravine_config *rule, const trainer_options *how,
                        ravine_optimizer **out) {
    ravine_env env = trainer_env(t);
    env.statistics = how->watch;
    *out = NULL;
    ravine_status status = RAVINE_OK;
    for (int32_t g = 0; g < t->ngroups && status >= 0; g++) {
        ravine_config group = *rule;
        if (!trainer_decays(t, how, g)) group.weight_decay = 0;
        status = g ? ravine_add_group(*out, &group, NULL) : ravine_create(out, &group, &env);
    }
    return failure_of(status);
}

/* The library copies shapes, but only in ravine_add: `tensors` keeps them until then. */
static void list_params(const trainer *t, net_tensor *tensors, ravine_param *params) {
    for (int32_t g = 0; g < t->ngroups; g++) {
        const net_tensor *tensor = &tensors[g];
        tensors[g] = net_param(t->net, g);
        params[g] = (ravine_param){.size = sizeof *params,
                                   .dtype = RAVINE_F32,
                                   .group = g,
                                   .name = tensor->name,
                                   .data = tensor->data,
                                   .grad = tensor->grad,
                                   .len = tensor->len,
                                   .shape = tensor->shape,
                                   .ndim = tensor->ndim};
    }
}

int trainer_add_params(const trainer *t, ravine_optimizer *o, int64_t *bytes) {
    int64_t state = 0;
    ravine_param *params = calloc((size_t)t->ngroups, sizeof *params);
    net_tensor *tensors = calloc((size_t)t->ngroups, sizeof *tensors);
    int status = params && tensors ? 0 : failure(FAILURE_INPUT, "out of memory");
    if (!status) {
        list_params(t, tensors, params);
        status = failure_of(ravine_state_bytes(o, params, t->ngroups, &state));
    }
    if (bytes) *bytes = ravine_memory_bytes(o) + state;
    if (!status) status = failure_of(ravine_add(o, params, t->ngroups));
    free(params);
    free(tensors);
    return status;
}

/* ---- a step ---- */

double trainer_gradient(trainer *t, int64_t first, int64_t count, uint64_t step, int64_t *correct) {
    const data_batch *b = &t->examples;
    data_batch_gather_moved(&t->examples, t->data, t->order + first, count, &t->augment, step);
    return net_train(t->net, b->x, b->label, b->y, count, step, correct);
}

void trainer_copy_params(const trainer *t, float *to) {
    for (int64_t k = 0; k < net_param_count(t->net); k++) {
        const net_tensor tensor = net_param(t->net, k);
        memcpy(to, tensor.data, (size_t)tensor.len * sizeof *to);
        to += tensor.len;
    }
}

void trainer_put_params(const trainer *t, const float *from) {
    for (int64_t k = 0; k < net_param_count(t->net); k++) {
        const net_tensor tensor = net_param(t->net, k);
        memcpy(tensor.data, from, (size_t)tensor.len * sizeof *from);
        from += tensor.len;
    }
}
