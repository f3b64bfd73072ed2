/* SPDX-License-Identifier: Apache-2.0 */
#include "lecture/stall.h"

#include "io/failure.h"
#include "run/config.h"
#include "trainer/trainer.h"

#include <stdlib.h>

typedef struct stall {
    run_config config; /* where the images lie: the defaults and variables of `ravine train` */
    dataset_pair data;
    trainer trainer;
} stall;

static void free_all(stall *s) {
    trainer_free(&s->trainer);
    dataset_pair_free(&s->data);
    config_free(&s->config);
}

static int read_images(stall *s) {
    int status = config_init(&s->config);
    if (!status) status = config_read_variables(&s->config);
    s->config.data_validation_share = 0; /* nothing is chosen here */
    if (!status) status = config_read_data(&s->config, &s->data);
    if (status) return status;
    if (!s->data.train.label || s->data.train.count < STALL_IMAGES)
        return failure(FAILURE_INPUT, "%lld examples in %s; it takes %d with labels",
                       (long long)s->data.train.count, s->config.data_train_images, STALL_IMAGES);
    s->data.train.count = STALL_IMAGES;
    return 0;
}

static int make_net(stall *s) {
    const dataset *train = &s->data.train;
    const net_spec spec = {.model = NET_MLP,
                           .input = {train->shape[0], train->shape[1], train->shape[2]},
                           .outputs = train->outputs,
                           .nwidths = 1,
                           .widths = {STALL_UNITS},
                           .activation = NET_TANH,
                           .loss = NET_CROSS_ENTROPY,
                           .seed = 1};
    return trainer_create(&s->trainer,
                          &(trainer_setup){.spec = &spec, .data = train, .batch = STALL_IMAGES});
}

static int make_optimizer(trainer *t, const char *optimizer, const char *schedule) {
    ravine_config rule;
    ravine_schedule lr;
    ravine_status parsed = ravine_config_parse(&rule, optimizer);
    if (parsed >= 0) parsed = ravine_schedule_parse(&lr, schedule);
    int status = failure_of(parsed);
    if (!status) status = trainer_make_groups(t, &rule, &(trainer_options){0}, &t->optimizer);
    if (!status) status = trainer_add_params(t, t->optimizer, NULL);
    if (!status) status = failure_of(ravine_set_schedule(t->optimizer, -1, RAVINE_LR, &lr));
    return status;
}

static int train(trainer *t, stall_run *r, int64_t steps) {
    r->loss = calloc((size_t)steps, sizeof *r->loss);
    r->grad_norm = calloc((size_t)steps, sizeof *r->grad_norm);
    if (!r->loss || !r->grad_norm) return failure(FAILURE_INPUT, "out of memory");
    for (int64_t k = 0; k < STALL_IMAGES; k++) t->order[k] = k; /* all, in every step */
    ravine_step_stats stats = {.size = sizeof stats};
    for (r->steps = 0; r->steps < steps; r->steps++) {
        r->loss[r->steps] = trainer_gradient(t, 0, STALL_IMAGES, (uint64_t)r->steps, NULL);
        const int status = failure_of(ravine_step(t->optimizer, &stats));
        if (status) return status;
        r->grad_norm[r->steps] = stats.grad_norm;
    }
    return 0;
}

int stall_train(stall_run *r, const char *optimizer, const char *schedule, int64_t steps) {
    stall s = {0};
    *r = (stall_run){0};
    int status = read_images(&s);
    if (!status) status = make_net(&s);
    if (!status) status = make_optimizer(&s.trainer, optimizer, schedule);
    if (!status) status = train(&s.trainer, r, steps);
    free_all(&s);
    if (status) stall_free(r);
    return status;
}

void stall_free(stall_run *r) {
    free(r->loss);
    free(r->grad_norm);
    *r = (stall_run){0};
}
