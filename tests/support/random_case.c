/* SPDX-License-Identifier: Apache-2.0 */
/* random_case.c - see random_case.h. */
#include "random_case.h"
#include "math/random.h"
#include "numbers.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t field_offset[RAVINE_SETTING_COUNT] = {
#define RAVINE_X(NAME, value, name, kind, interval, text) offsetof(ravine_config, name),
    RAVINE_SETTING_LIST(RAVINE_X)
#undef RAVINE_X
};

void config_put(ravine_config *c, int setting, double value) {
    memcpy((char *)c + field_offset[setting], &value, sizeof value);
}

/* What may be drawn for a setting: one of the values, each as likely as the others. NAN stands for
 * the default of the rule. */
static const struct {
    int count;
    double value[8];
} choices[RAVINE_SETTING_COUNT] = {
    [RAVINE_MOMENTUM] = {7, {0, 0, .5, .9, .9, .95, .99}},
    [RAVINE_DAMPENING] = {5, {0, 0, .1, .5, 1}},
    [RAVINE_BETA1] = {6, {0, .5, .9, .9, .95, .99}},
    [RAVINE_BETA2] = {7, {0, .9, .95, .99, .999, .999, .9999}},
    [RAVINE_BETA3] = {6, {0, .9, .95, .99, .999, .9999}},
    [RAVINE_ALPHA] = {6, {0, .5, .9, .95, .99, .999}},
    [RAVINE_RHO] = {6, {0, .5, .9, .95, .99, .999}},
    [RAVINE_EPS_FORM] = {5, {NAN, NAN, 0, 1, 2}},
    [RAVINE_WEIGHT_DECAY] = {5, {0, 0, 1e-4, 1e-2, .1}},
    [RAVINE_DECAY_FORM] = {6, {NAN, NAN, 0, 1, 2, 3}},
    [RAVINE_LR_DECAY] = {4, {0, 0, 1e-3, .1}},
    [RAVINE_INITIAL] = {4, {NAN, NAN, 1e-3, .1}},
    [RAVINE_INITIAL_FORM] = {2, {0, 1}},
    [RAVINE_MOMENTUM_DECAY] = {4, {NAN, NAN, 0, .1}},
    [RAVINE_LAMBD] = {4, {NAN, 0, 1e-2, .1}},
    [RAVINE_POWER] = {4, {NAN, 0, .5, 1}},
    [RAVINE_AVERAGE_START] = {4, {NAN, 0, 1, 2}},
    [RAVINE_ETA_MINUS] = {3, {NAN, .3, .9}},
    [RAVINE_ETA_PLUS] = {3, {NAN, 1.1, 2}},
    [RAVINE_STEP_MIN] = {4, {NAN, NAN, 0, 1e-3}},
    [RAVINE_STEP_MAX] = {4, {NAN, NAN, 1e-2, 1}},
    [RAVINE_CLIP_VALUE] = {6, {INFINITY, INFINITY, INFINITY, INFINITY, 3e-3, 1}},
    [RAVINE_BETA2_DECAY] = {5, {NAN, -.8, -.5, -1, 0}},
    [RAVINE_EPS1] = {4, {NAN, NAN, 1e-10, 1e-3}},
    [RAVINE_EPS2] = {4, {NAN, NAN, 0, .1}},
    [RAVINE_CLIP_UPDATE] = {4, {NAN, NAN, 2, INFINITY}},
    [RAVINE_EMA_DECAY] = {5, {0, 0, 0, .9, .999}},
};

double random_lr(uint64_t seed) {
    if (ravine_random_below(seed, 1, 0, 20) == 0) return 0;
    return pow(10, -5 + 4 * ravine_random_uniform(seed, 1, 1));
}

static double random_eps(uint64_t seed) {
    if (ravine_random_below(seed, 2, 0, 20) == 0) return 0;
    return pow(10, -12 + 9 * ravine_random_uniform(seed, 2, 1));
}

/* Draws one setting that the rule uses. */
static void draw(ravine_config *c, int setting, uint64_t seed) {
    const ravine_setting_info *const info = ravine_setting_describe(setting);
    const uint64_t stream = 16 + (uint64_t)setting;
    double value = NAN;
    if (setting == RAVINE_LR) {
        value = random_lr(seed);
    } else if (setting == RAVINE_EPS) {
        value = random_eps(seed);
    } else if (choices[setting].count > 0) {
        const uint64_t k = ravine_random_below(seed, stream, 0, (uint64_t)choices[setting].count);
        value = choices[setting].value[k];
    } else if (info->kind == RAVINE_KIND_FLAG) {
        value = (double)ravine_random_below(seed, stream, 0, 2);
    } else {
        (void)fprintf(stderr, "random_case: nothing to draw for %s\n", info->name);
        abort();
    }
    if (isnan(value)) return;
    const double before = ravine_config_get(c, setting);
    config_put(c, setting, value);
    /* Nesterov's form wants momentum without dampening; some rules refuse some decay forms. */
    if (setting == RAVINE_DECAY_FORM && ravine_config_check(c) < 0) config_put(c, setting, before);
}

void random_config(ravine_config *c, int rule, uint64_t seed) {
    const ravine_rule_info *const info = ravine_rule_describe(rule);
    if (ravine_config_init(c, rule) < 0) abort();
    for (int32_t k = 0; k < info->nsettings; k++) draw(c, info->setting[k], seed);
    if (c->nesterov != 0 && (c->momentum == 0 || c->dampening != 0)) c->nesterov = 0;
    if (ravine_config_check(c) < 0) {
        (void)fprintf(stderr, "random_case: %s: %s\n", config_text(c), ravine_errmsg());
        abort();
    }
}

int64_t random_length(uint64_t seed) {
    const uint64_t k = ravine_random_below(seed, 3, 0, 250);
    if (k == 0) return 65537;
    if (k <= 2) return 4097;
    if (k <= 5) return 1003;
    if (k <= 10) return 0;
    if (k <= 20) return 1;
    return 2 + (int64_t)ravine_random_below(seed, 3, 1, 129);
}

/* The gradient of one element; `at` is the element that is special in this step. */
static long double draw_gradient(int32_t dtype, int64_t i, int64_t at, gradient_kind kind,
                                 double scale, uint64_t seed, uint64_t stream) {
    static const double broken[3] = {NAN, INFINITY, -INFINITY};
    const double x = ravine_random_normal(seed, stream, (uint64_t)i);
    switch (kind) {
    case GRADIENT_WIDE:
        return (long double)(x * pow(10, -30 + 60 * ravine_random_uniform(seed, stream + 1,
                                                                          (uint64_t)i)));
    case GRADIENT_HALF_ZERO: return i % 2 == 0 ? (long double)(x * scale) : i % 4 == 1 ? 0 : -0.0L;
    case GRADIENT_CONSTANT: return (long double)scale;
    case GRADIENT_DENORMAL: return (long double)x * (dtype == RAVINE_F32 ? FLT_MIN : DBL_MIN);
    case GRADIENT_OUTLIER: return (long double)(x * scale * (i == at ? 1e6 : 1));
    case GRADIENT_BROKEN: return i == at ? (long double)broken[stream % 3] : x * (long double)scale;
    default: return (long double)(x * scale);
    }
}

void random_gradient(void *gradient, int32_t dtype, int64_t len, gradient_kind kind, uint64_t seed,
                     int64_t step) {
    const uint64_t stream = 1000 + 2 * (uint64_t)step;
    const double scale = pow(10, -6 + 8 * ravine_random_uniform(seed, 4, 0));
    const int64_t at = len > 0 ? (int64_t)ravine_random_below(seed, 5, stream, (uint64_t)len) : 0;
    for (int64_t i = 0; i < len; i++) {
        number_set(gradient, dtype, i, draw_gradient(dtype, i, at, kind, scale, seed, stream));
    }
}

const char *config_text(const ravine_config *c) {
    static char text[1024];
    return ravine_config_format(c, 0, text, sizeof text, NULL) ? ravine_errmsg() : text;
}
