/* SPDX-License-Identifier: Apache-2.0 */
/* real_scenario.c - which networks, which causes, and how each is put in. */
#include "real.h"

#include "math/random.h"

#include <math.h>
#include <string.h>

/* clang-format off */
#define MLP .model = NET_MLP, .nwidths = 2, .widths = {64, 32}
#define CNN .model = NET_CNN, .nwidths = 2, .widths = {4, 8}, .dense = 32
#define DEEP_MLP .model = NET_MLP, .nwidths = 8, .widths = {32, 32, 32, 32, 32, 32, 32, 32}
#define DEEP_CNN .model = NET_CNN, .nwidths = 4, .widths = {4, 4, 8, 8}, .dense = 32
#define FLAT_MLP .model = NET_MLP, .nwidths = 1, .widths = {32}
#define FLAT_CNN .model = NET_CNN, .nwidths = 1, .widths = {4}, .dense = 0
#define USUAL .examples = 20000, .batch = 64, .steps = 1280
#define USUAL_CNN .examples = 20000, .batch = 32, .steps = 1280
#define WHOLE .examples = 256, .batch = 256, .steps = 768 /* no noise: one batch is all data */
#define WHOLE_CNN .examples = 64, .batch = 64, .steps = 768

/* Both networks train well with sgd lr=0.1 (see healthy_sgd), the CNN of tanh with 0.05 too: 30 and
 * 1/1000 are of that. */
const real_scenario real_scenarios[] = {
    {"lr_too_high_mlp", "bouncing diverging", "sgd lr=3", MLP, .activation = NET_TANH, USUAL},
    {"lr_too_high_cnn", "bouncing diverging", "sgd lr=1.5", CNN, .activation = NET_TANH, USUAL_CNN},
    {"lr_explodes_mlp", "diverging", "sgd lr=3", MLP, USUAL},
    {"lr_too_low_mlp", "crawling", "sgd lr=1e-4", MLP, USUAL},
    {"lr_too_low_cnn", "crawling", "sgd lr=1e-4", CNN, USUAL_CNN},
    {"noise_floor_mlp", "noise_floor", "sgd lr=0.1", MLP, .activation = NET_TANH, .examples = 20000, .batch = 2, .steps = 4096},
    {"noise_floor_cnn", "noise_floor", "sgd lr=0.1", CNN, .activation = NET_TANH, .examples = 20000, .batch = 2, .steps = 4096},
    {"dead_relu_mlp", "dead", "adam lr=1e-3", MLP, USUAL, .defect = REAL_DEAD},
    {"dead_relu_cnn", "dead", "adam lr=1e-3", CNN, USUAL_CNN, .defect = REAL_DEAD},
    {"vanishing_mlp", "vanishing", "sgd lr=0.1", DEEP_MLP, .activation = NET_TANH, USUAL, .defect = REAL_SMALL},
    {"vanishing_cnn", "vanishing", "sgd lr=0.1", DEEP_CNN, .activation = NET_TANH, USUAL_CNN, .defect = REAL_SMALL},
    {"burst_mlp", "sigma_burst", "adagrad_mean lr=0.03", MLP, .examples = 256, .batch = 256, .steps = 1000, .until_burst = true},
    {"burst_cnn", "sigma_burst", "adagrad_mean lr=0.1", CNN, .examples = 256, .batch = 256, .steps = 400, .until_burst = true},
    {"nan_image_mlp", "nonfinite", "adam lr=1e-3", MLP, .activation = NET_TANH, USUAL, .defect = REAL_NAN_IMAGE},
    {"nan_image_cnn", "nonfinite", "adam lr=1e-3", CNN, .activation = NET_TANH, USUAL_CNN, .defect = REAL_NAN_IMAGE},
    {"saddle_mlp", "saddle", "sgd lr=0.005", FLAT_MLP, .activation = NET_TANH, WHOLE, .defect = REAL_SYMMETRIC},
    {"saddle_cnn", "saddle", "sgd lr=0.002", FLAT_CNN, .activation = NET_TANH, WHOLE_CNN, .defect = REAL_SYMMETRIC},
    {"healthy_sgd_mlp", "healthy", "sgd lr=0.1", MLP, USUAL},
    {"healthy_sgd_cnn", "healthy", "sgd lr=0.1", CNN, USUAL_CNN},
    {"healthy_momentum_mlp", "healthy", "sgd lr=0.01 momentum=0.9", MLP, USUAL},
    {"healthy_momentum_cnn", "healthy", "sgd lr=0.005 momentum=0.9", CNN, USUAL_CNN},
    {"healthy_nesterov_cnn", "healthy", "sgd lr=0.01 momentum=0.9 nesterov=1", CNN, USUAL_CNN},
    {"healthy_adam_mlp", "healthy", "adam lr=1e-3", MLP, USUAL},
    {"healthy_adam_cnn", "healthy", "adam lr=1e-3", CNN, USUAL_CNN},
    {"healthy_adam_slow_mlp", "healthy", "adam lr=2e-4", MLP, USUAL},
    {"healthy_adamw_cnn", "healthy", "adamw lr=1e-3 weight_decay=0.1", CNN, USUAL_CNN},
    {"healthy_adamw_tanh_mlp", "healthy", "adamw lr=5e-4", MLP, .activation = NET_TANH, USUAL},
    {"healthy_rmsprop_mlp", "healthy", "rmsprop lr=2e-4", MLP, USUAL},
    {"healthy_rmsprop_cnn", "healthy", "rmsprop lr=5e-4", CNN, USUAL_CNN},
    {"healthy_adagrad_mlp", "healthy", "adagrad lr=0.01", MLP, USUAL},
    {"healthy_adagrad_mean_cnn", "healthy", "adagrad_mean lr=1e-3", CNN, USUAL_CNN},
    {"healthy_nadam_cnn", "healthy", "nadam lr=1e-3", CNN, USUAL_CNN},
    {"healthy_radam_mlp", "healthy", "radam lr=1e-3", MLP, USUAL},
    {"healthy_lion_cnn", "healthy", "lion lr=1e-4", CNN, USUAL_CNN},
    {"healthy_adabelief_mlp", "healthy", "adabelief lr=1e-3", MLP, USUAL},
    {"healthy_yogi_cnn", "healthy", "yogi lr=5e-4", CNN, USUAL_CNN},
    {"healthy_adan_mlp", "healthy", "adan lr=1e-3", MLP, USUAL},
};
/* clang-format on */
const int32_t real_scenario_count = sizeof real_scenarios / sizeof *real_scenarios;

int real_net_create(net **out, const real_scenario *s, uint64_t seed, int64_t slice,
                    ravine_pool *pool) {
    net_spec spec = {.model = s->model,
                     .input = {1, 28, 28},
                     .outputs = 10,
                     .nwidths = s->nwidths,
                     .dense = s->dense,
                     .kernel = 3,
                     .blocks = 1,
                     .activation = s->activation,
                     .seed = seed};
    memcpy(spec.widths, s->widths, sizeof spec.widths);
    return net_create(out, &spec, slice, ravine_pool_run, pool);
}

/* The bias with which a net that sees nothing is right as often as it can be. */
static void bias_of_classes(const net_tensor *bias, const int32_t *label, int64_t examples) {
    for (int64_t c = 0; c < bias->len; c++) {
        int64_t count = 0;
        for (int64_t k = 0; k < examples; k++) count += label[k] == c;
        bias->data[c] = (float)log((double)count / (double)examples);
    }
}

void real_damage_net(const real_scenario *s, net *n, const int32_t *label, int64_t examples) {
    const int64_t count = net_param_count(n);
    for (int64_t k = 0; k < count; k++) {
        const net_tensor t = net_param(n, k);
        const bool bias = t.ndim == 1, output = k >= count - 2;
        for (int64_t i = 0; i < t.len; i++) {
            if (s->defect == REAL_DEAD && bias && !output) t.data[i] = -100;
            if (s->defect == REAL_SMALL && !bias) t.data[i] *= 0.05f;
            if (s->defect == REAL_SYMMETRIC) t.data[i] = bias ? 0 : 1e-12f;
        }
        if (s->defect == REAL_SYMMETRIC && bias && output) bias_of_classes(&t, label, examples);
    }
}

static float *pixel(const dataset *train, uint64_t seed) {
    const uint64_t image = ravine_random_below(seed, 0, 0, 1000), middle = 14 * 28 + 14;
    return train->x + image * (uint64_t)train->size + middle;
}

void real_damage_data(const real_scenario *s, const dataset *train, uint64_t seed) {
    if (s->defect == REAL_NAN_IMAGE) *pixel(train, seed) = NAN;
}

/* The pixel in the middle of the images' first thousand that is NaN, if there is one. */
void real_restore_data(const dataset *train) {
    for (int64_t k = 0; k < 1000 && k < train->count; k++) {
        float *p = train->x + k * train->size + 14 * 28 + 14;
        if (isnan(*p)) *p = 0;
    }
}
