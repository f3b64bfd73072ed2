/* SPDX-License-Identifier: Apache-2.0 */
/* train_setup.c - from a configuration to everything that a step needs. */
#include "data/dataset_facts.h"
#include "io/failure.h"
#include "network/blas.h"
#include "trainer/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int make_buffers(training *t) {
    const dataset *train = &t->data.train;
    size_t batch = (size_t)t->batch;
    t->order = calloc((size_t)train->count, sizeof *t->order);
    t->x = calloc(batch * (size_t)train->size, sizeof *t->x);
    if (train->label)
        t->label = calloc(batch, sizeof *t->label);
    else
        t->y = calloc(batch * (size_t)train->outputs, sizeof *t->y);
    if (t->config->ema > 0) t->aside = calloc((size_t)net_size(t->net), sizeof *t->aside);
    bool all = t->order && t->x && (t->label || t->y) && (t->aside || t->config->ema <= 0);
    return all ? 0
               : failure(EXIT_INPUT, "out of memory for a batch of %lld examples",
                         (long long)t->batch);
}

static int make_net(training *t) {
    enum { SLICE = 256 };
    const dataset *train = &t->data.train;
    if (train->count < 1 || t->data.test.count < 1)
        return failure(EXIT_INPUT, "%lld examples to train and %lld to test; it takes one of each",
                       (long long)train->count, (long long)t->data.test.count);
    t->batch = smaller(t->config->batch_size, train->count);
    t->slice = t->batch > SLICE ? t->batch : SLICE;
    t->steps_per_epoch = (train->count + t->batch - 1) / t->batch;
    t->total_steps = t->steps_per_epoch * t->config->epochs;
    int status = config_net_spec(t->config, train, &t->spec);
    if (status) return status;
    status = failure_of(ravine_pool_create(&t->pool, (int32_t)t->config->threads));
    if (status) return status;
    return net_create(&t->net, &t->spec, t->slice, ravine_pool_run, t->pool);
}

/* Biases, scales and shifts of norms need not decay. */
static bool decays(const training *t, int32_t group) {
    return net_param(t->net, group).decays || !t->config->no_decay_on_vectors;
}

/* A group for each tensor, so that the step reports the norms of each. */
static int make_groups(training *t) {
    ravine_config rule;
    int status = config_rule(t->config, &rule);
    if (status) return status;
    ravine_env env;
    ravine_env_init(&env);
    env.parallel = ravine_pool_run;
    env.parallel_context = t->pool;
    env.watch = t->config->doctor_watch;
    const double decay = rule.weight_decay;
    t->ngroups = (int32_t)net_param_count(t->net);
    ravine_status made = RAVINE_OK;
    for (int32_t g = 0; g < t->ngroups && made >= 0; g++) {
        rule.weight_decay = decays(t, g) ? decay : 0;
        made = g ? ravine_add_group(t->optimizer, &rule, NULL)
                 : ravine_create(&t->optimizer, &rule, &env);
    }
    return failure_of(made);
}

static int add_params(training *t) {
    int64_t bytes;
    ravine_param *param = calloc((size_t)t->ngroups, sizeof *param);
    net_tensor *tensors = calloc((size_t)t->ngroups, sizeof *tensors);
    if (!param || !tensors) {
        free(param);
        free(tensors);
        return failure(EXIT_INPUT, "out of memory");
    }
    for (int32_t g = 0; g < t->ngroups; g++) {
        /* The library copies shapes, but only in ravine_add. */
        const net_tensor tensor = tensors[g] = net_param(t->net, g);
        param[g] = (ravine_param){.size = sizeof *param,
                                  .dtype = RAVINE_F32,
                                  .group = g,
                                  .name = tensor.name,
                                  .data = tensor.data,
                                  .grad = tensor.grad,
                                  .len = tensor.len,
                                  .shape = tensors[g].shape,
                                  .ndim = tensor.ndim};
    }
    t->announced_bytes = ravine_memory_bytes(t->optimizer);
    ravine_status status = ravine_state_bytes(t->optimizer, param, t->ngroups, &bytes);
    if (status >= 0) status = ravine_add(t->optimizer, param, t->ngroups);
    if (status >= 0) t->announced_bytes += bytes;
    free(param);
    free(tensors);
    return failure_of(status);
}

static int set_schedules(training *t) {
    for (int setting = 0; setting < RAVINE_SETTING_COUNT; setting++) {
        ravine_schedule schedule;
        bool given;
        int status = config_schedule(t->config, setting, t->total_steps, &schedule, &given);
        if (status) return status;
        if (!given) continue;
        ravine_status set = RAVINE_OK;
        for (int32_t g = 0; g < t->ngroups && set >= 0; g++)
            if (setting != RAVINE_WEIGHT_DECAY || decays(t, g))
                set = ravine_set_schedule(t->optimizer, g, setting, &schedule);
        if (set < 0)
            return failure(EXIT_USAGE, "schedule.%s: %s", ravine_setting_describe(setting)->name,
                           ravine_errmsg());
    }
    return 0;
}

static int make_optimizer(training *t) {
    int status = make_groups(t);
    if (!status) status = set_schedules(t); /* before the bytes are counted: they are kept too */
    if (!status) status = add_params(t);
    if (status) return status;
    ravine_options options;
    ravine_options_init(&options);
    options.nonfinite = t->config->nonfinite;
    options.clip_norm = t->config->clip_norm;
    ravine_status set = ravine_set_options(t->optimizer, &options);
    return failure_of(set);
}

static int find_lr_end(training *t) {
    ravine_schedule lr;
    ravine_config rule;
    bool given;
    int status = config_schedule(t->config, RAVINE_LR, t->total_steps, &lr, &given);
    if (!status) status = config_rule(t->config, &rule);
    if (status) return status;
    t->fact[RAVINE_FACT_LR_END] = given ? ravine_schedule_at(&lr, t->total_steps) : rule.lr;
    return 0;
}

/* All of the net is trained, with the running means of its batch norms, and its loss is given what
 * it expects: logits, or a prediction. */
static int find_facts(training *t) {
    dataset_facts data;
    const int status = dataset_facts_of(&data, &t->data.train);
    if (status) return status;
    for (int k = 0; k < RAVINE_FACT_COUNT; k++) t->fact[k] = NAN;
    t->fact[RAVINE_FACT_TOTAL_STEPS] = (double)t->total_steps;
    t->fact[RAVINE_FACT_CONSTANT_LOSS] = data.constant_loss;
    t->fact[RAVINE_FACT_CLASSES] = data.classes;
    t->fact[RAVINE_FACT_UNREACHED_SHARE] = 0;
    t->fact[RAVINE_FACT_FOREIGN_SHARE] = 0;
    t->fact[RAVINE_FACT_FROZEN_SHARE] = 0;
    if (isfinite(t->config->clip_norm)) t->fact[RAVINE_FACT_CLIP_NORM] = t->config->clip_norm;
    t->fact[RAVINE_FACT_RESUMED] = 0;
    t->fact[RAVINE_FACT_LOSS_INPUT] = 0;
    t->fact[RAVINE_FACT_INPUT_SIZE] = data.input_size;
    t->fact[RAVINE_FACT_INPUT_RATIO] = data.input_ratio;
    t->fact[RAVINE_FACT_INPUT_PEAK] = data.input_peak;
    t->fact[RAVINE_FACT_TARGET_SIZE] = data.target_size;
    t->fact[RAVINE_FACT_TARGET_PEAK] = data.target_peak;
    t->fact[RAVINE_FACT_DROPOUT] = t->config->model_dropout;
    if (net_buffer_count(t->net) > 0) t->fact[RAVINE_FACT_NORMS_UNTRAINED] = 0;
    return find_lr_end(t);
}

static int make_doctor(training *t) {
    if (!t->config->doctor_watch) return 0;
    ravine_doctor_options options;
    ravine_doctor_options_init(&options);
    options.window = (int32_t)t->config->doctor_window;
    ravine_status status = ravine_doctor_create(&t->doctor, &options, NULL);
    for (int k = 0; k < RAVINE_FACT_COUNT && !status; k++)
        if (!isnan(t->fact[k])) status = ravine_doctor_tell(t->doctor, k, t->fact[k]);
    return failure_of(status);
}

int training_scale_lr(training *t, double factor) {
    ravine_schedule lr;
    ravine_config rule;
    bool given;
    int status = config_schedule(t->config, RAVINE_LR, t->total_steps, &lr, &given);
    if (!status) status = config_rule(t->config, &rule);
    if (status) return status;
    ravine_status set = RAVINE_OK;
    if (!given) set = ravine_set(t->optimizer, -1, RAVINE_LR, rule.lr * factor);
    for (int32_t k = 0; given && k < lr.nsegments; k++) { /* shapes are linear in from and to */
        lr.segment[k].from *= factor;
        lr.segment[k].to *= factor;
    }
    for (int32_t g = 0; given && g < t->ngroups && set >= 0; g++)
        set = ravine_set_schedule(t->optimizer, g, RAVINE_LR, &lr);
    if (set < 0) return failure_of(set);
    t->lr_factor = factor;
    return 0;
}

/* Where it goes, on how many threads and who watches says nothing of a training. */
static bool is_about(config_key key) {
    static const config_key around[] = {CONFIG_KEY_name, CONFIG_KEY_runs_dir, CONFIG_KEY_threads,
                                        CONFIG_KEY_doctor_watch, CONFIG_KEY_doctor_on_warning};
    for (size_t k = 0; k < sizeof around / sizeof *around; k++)
        if (around[k] == key) return false;
    return true;
}

int training_is_told(const config *c, const char *command) {
    for (int k = 0; k < CONFIG_KEY_COUNT; k++)
        if (is_about((config_key)k) && c->origin[k] && strcmp(c->origin[k], "default") != 0)
            return 0;
    return failure(
        EXIT_USAGE,
        "%s needs a CONFIG.yaml, for example examples/fashion_mlp.yaml, or --set KEY=VALUE "
        "for what differs from the defaults; ravine train --keys lists them",
        command);
}

int training_create(training *t, const config *c) {
    *t = (training){.config = c, .lr_factor = 1};
    int status = config_read_data(c, &t->data);
    if (!status) status = make_net(t);
    if (!status) status = make_optimizer(t);
    if (!status) status = find_facts(t);
    if (!status) status = make_doctor(t);
    if (!status) status = make_buffers(t);
    if (!status) status = blas_check_room((int)ravine_pool_threads(t->pool));
    if (status) training_free(t);
    return status;
}

void training_free(training *t) {
    ravine_doctor_destroy(t->doctor);
    ravine_destroy(t->optimizer);
    net_destroy(t->net);
    ravine_pool_destroy(t->pool);
    dataset_pair_free(&t->data);
    free(t->order);
    free(t->x);
    free(t->y);
    free(t->label);
    free(t->aside);
    *t = (training){0};
}
