/* SPDX-License-Identifier: Apache-2.0 */
/* train_setup.c - from a configuration to everything that a step needs. */
#include "data/dataset_facts.h"
#include "io/failure.h"
#include "network/product.h"
#include "trainer/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int make_net(training *t) {
    const dataset *train = &t->data.train;
    if (train->count < 1 || t->data.test.count < 1)
        return failure(FAILURE_INPUT,
                       "%lld examples to train and %lld to test; it takes one of each",
                       (long long)train->count, (long long)t->data.test.count);
    int status = config_net_spec(t->config, &t->data.encoding, &t->spec);
    if (status) return status;
    status =
        trainer_create(&t->trainer, &(trainer_setup){.spec = &t->spec,
                                                     .data = train,
                                                     .batch = t->config->batch_size,
                                                     .threads = (int32_t)t->config->threads,
                                                     .augment = config_augmentation(t->config)});
    if (status) return status;
    net_weigh_classes(t->trainer.net, t->class_weight);
    const int64_t batch = t->trainer.batch;
    t->steps_per_epoch = (train->count + batch - 1) / batch;
    t->total_steps = t->steps_per_epoch * t->config->epochs;
    if (t->config->ema <= 0) return 0;
    t->aside = calloc((size_t)net_size(t->trainer.net), sizeof *t->aside);
    return t->aside ? 0 : failure(FAILURE_INPUT, "out of memory for the averaged weights");
}

static int set_schedules(training *t, const trainer_options *how) {
    for (int setting = 0; setting < RAVINE_SETTING_COUNT; setting++) {
        ravine_schedule schedule;
        bool given;
        int status = config_schedule(t->config, setting, t->total_steps, &schedule, &given);
        if (status) return status;
        if (!given) continue;
        ravine_status set = RAVINE_OK;
        for (int32_t g = 0; g < t->trainer.ngroups && set >= 0; g++)
            if (setting != RAVINE_WEIGHT_DECAY || trainer_decays(&t->trainer, how, g))
                set = ravine_set_schedule(t->trainer.optimizer, g, setting, &schedule);
        if (set < 0)
            return failure(FAILURE_USAGE, "schedule.%s: %s", ravine_setting_describe(setting)->name,
                           ravine_errmsg());
    }
    return 0;
}

static int make_optimizer(training *t) {
    const trainer_options how = {.watch = t->config->doctor_watch,
                                 .no_decay_on_vectors = t->config->no_decay_on_vectors};
    ravine_config rule;
    int status = config_rule(t->config, &rule);
    if (!status) status = trainer_make_groups(&t->trainer, &rule, &how, &t->trainer.optimizer);
    if (!status) status = set_schedules(t, &how);
    if (!status)
        status = trainer_add_params(&t->trainer, t->trainer.optimizer, &t->announced_bytes);
    if (status) return status;
    ravine_options options;
    ravine_options_init(&options);
    options.nonfinite = t->config->nonfinite;
    options.clip_norm = t->config->clip_norm;
    ravine_status set = ravine_set_options(t->trainer.optimizer, &options);
    return failure_of(set);
}

int training_lr(const training *t, ravine_config *rule, ravine_schedule *lr, bool *given) {
    const int status = config_schedule(t->config, RAVINE_LR, t->total_steps, lr, given);
    return status ? status : config_rule(t->config, rule);
}

static int find_lr_end(training *t) {
    ravine_schedule lr;
    ravine_config rule;
    bool given;
    const int status = training_lr(t, &rule, &lr, &given);
    if (status) return status;
    t->fact[RAVINE_FACT_LR_END] = given ? ravine_schedule_at(&lr, t->total_steps) : rule.lr;
    return 0;
}

/* All of the net is trained, with the running means of its batch norms, and its loss is given what
 * it expects: logits, or a prediction. */
static int find_facts(training *t) {
    dataset_facts data;
    const int status = dataset_facts_of(&data, &t->data.train, t->class_weight);
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
    /* A transformer has the norms of each position, an lstm none: none can stay as it was. */
    if (net_buffer_count(t->trainer.net) > 0 || training_is_of_text(t))
        t->fact[RAVINE_FACT_NORMS_UNTRAINED] = 0;
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
    const int status = training_lr(t, &rule, &lr, &given);
    if (status) return status;
    ravine_status set = RAVINE_OK;
    if (!given) set = ravine_set(t->trainer.optimizer, -1, RAVINE_LR, rule.lr * factor);
    for (int32_t k = 0; given && k < lr.nsegments; k++) { /* shapes are linear in from and to */
        lr.segment[k].from *= factor;
        lr.segment[k].to *= factor;
    }
    for (int32_t g = 0; given && g < t->trainer.ngroups && set >= 0; g++)
        set = ravine_set_schedule(t->trainer.optimizer, g, RAVINE_LR, &lr);
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

int training_is_told(const run_config *c, const char *command) {
    for (int k = 0; k < CONFIG_KEY_COUNT; k++)
        if (is_about((config_key)k) && config_is_given(c, (config_key)k)) return 0;
    return failure(
        FAILURE_USAGE,
        "%s needs a CONFIG.yaml, for example examples/fashion_mlp.yaml, or --set KEY=VALUE "
        "for what differs from the defaults; ravine train --keys lists them",
        command);
}

run_subject training_subject(const training *t) {
    return (run_subject){.config = t->config,
                         .data = &t->data,
                         .net = t->trainer.net,
                         .pool = t->trainer.pool,
                         .optimizer = t->trainer.optimizer,
                         .optimizer_bytes = t->announced_bytes,
                         .total_steps = t->total_steps,
                         .fact = t->fact,
                         .averaged = t->aside != NULL};
}

int training_create(training *t, const run_config *c) {
    *t = (training){.config = c, .lr_factor = 1};
    int status = config_read_data(c, &t->data);
    if (!status) status = config_class_weights(c, &t->data.train, &t->class_weight);
    if (!status) status = make_net(t);
    if (!status) status = make_optimizer(t);
    if (!status) status = train_best_create(t);
    if (!status) status = find_facts(t);
    if (!status) status = make_doctor(t);
    if (!status) status = product_check_room((int)ravine_pool_threads(t->trainer.pool));
    if (status) training_free(t);
    return status;
}

void training_free(training *t) {
    ravine_doctor_destroy(t->doctor);
    trainer_free(&t->trainer);
    dataset_pair_free(&t->data);
    free(t->aside);
    free(t->best);
    free(t->class_weight);
    *t = (training){0};
}
