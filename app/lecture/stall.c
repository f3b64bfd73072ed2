/* SPDX-License-Identifier: Apache-2.0 */
#include "lecture/stall.h"

#include "io/failure.h"
#include "run/config.h"

#include <stdlib.h>

typedef struct trainer {
    config config; /* where the images lie: the trainer's defaults and variables */
    dataset_pair data;
    ravine_pool *pool;
    net *net;
    ravine_optimizer *optimizer;
} trainer;

static void trainer_free(trainer *t) {
    ravine_destroy(t->optimizer);
    net_destroy(t->net);
    ravine_pool_destroy(t->pool);
    dataset_pair_free(&t->data);
    config_free(&t->config);
}

static int read_images(trainer *t) {
    int status = config_init(&t->config);
    if (!status) status = config_read_variables(&t->config);
    if (!status) status = config_read_data(&t->config, &t->data);
    if (status) return status;
    if (!t->data.train.label || t->data.train.count < STALL_IMAGES)
        return failure(EXIT_INPUT, "%lld examples in %s; it takes %d with labels",
                       (long long)t->data.train.count, t->config.data_train_images, STALL_IMAGES);
    return 0;
}

static int make_net(trainer *t) {
    const dataset *train = &t->data.train;
    const net_spec spec = {.model = NET_MLP,
                           .input = {train->shape[0], train->shape[1], train->shape[2]},
                           .outputs = train->outputs,
                           .nwidths = 1,
                           .widths = {STALL_UNITS},
                           .activation = NET_TANH,
                           .loss = NET_CROSS_ENTROPY,
                           .seed = 1};
    const int status = failure_of(ravine_pool_create(&t->pool, 0));
    if (status) return status;
    return net_create(&t->net, &spec, STALL_IMAGES, ravine_pool_run, t->pool);
}

static int make_optimizer(trainer *t, const char *optimizer, const char *schedule) {
    ravine_config rule;
    ravine_schedule lr;
    ravine_status status = ravine_config_parse(&rule, optimizer);
    if (status >= 0) status = ravine_schedule_parse(&lr, schedule);
    if (status >= 0) status = ravine_create(&t->optimizer, &rule, NULL);
    for (int64_t k = 0; k < net_param_count(t->net) && status >= 0; k++) {
        const net_tensor tensor = net_param(t->net, k);
        const ravine_param param = {.size = sizeof param,
                                    .dtype = RAVINE_F32,
                                    .name = tensor.name,
                                    .data = tensor.data,
                                    .grad = tensor.grad,
                                    .len = tensor.len};
        status = ravine_add(t->optimizer, &param, 1);
    }
    if (status >= 0) status = ravine_set_schedule(t->optimizer, -1, RAVINE_LR, &lr);
    return failure_of(status);
}

static int train(trainer *t, stall_run *r, int64_t steps) {
    r->loss = calloc((size_t)steps, sizeof *r->loss);
    r->grad_norm = calloc((size_t)steps, sizeof *r->grad_norm);
    if (!r->loss || !r->grad_norm) return failure(EXIT_INPUT, "out of memory");
    ravine_report report = {.size = sizeof report};
    for (r->steps = 0; r->steps < steps; r->steps++) {
        r->loss[r->steps] = net_train(t->net, t->data.train.x, t->data.train.label, NULL,
                                      STALL_IMAGES, (uint64_t)r->steps, NULL);
        const int status = failure_of(ravine_step(t->optimizer, &report));
        if (status) return status;
        r->grad_norm[r->steps] = report.grad_norm;
    }
    return 0;
}

int stall_train(stall_run *r, const char *optimizer, const char *schedule, int64_t steps) {
    trainer t = {0};
    *r = (stall_run){0};
    int status = read_images(&t);
    if (!status) status = make_net(&t);
    if (!status) status = make_optimizer(&t, optimizer, schedule);
    if (!status) status = train(&t, r, steps);
    trainer_free(&t);
    if (status) stall_free(r);
    return status;
}

void stall_free(stall_run *r) {
    free(r->loss);
    free(r->grad_norm);
    *r = (stall_run){0};
}
