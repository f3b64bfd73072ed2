/* SPDX-License-Identifier: Apache-2.0 */
/* The table of rules.def, and how settings change the kernel of a rule. */
#include "rules/rules.h"

#include <math.h>
#include <string.h>

#define SETTINGS(...) \
    { __VA_ARGS__ }
#define DEFAULTS(...) __VA_ARGS__

/* rules.def names settings without their prefix. */
enum {
#define RAVINE_X(NAME, value, name, kind, interval, text) NAME = value,
    RAVINE_SETTING_LIST(RAVINE_X)
#undef RAVINE_X
};

#define RULE(NAME, name, title, m, s, a, m_key, s_key, settings, defaults, formula, paper) \
    static const int32_t settings_of_##name[] = settings;
#include "rules.def"
#undef RULE

static const rule_row rows[RAVINE_RULE_COUNT] = {
#define RULE(NAME, name_, title_, m, s, a, m_key, s_key, settings, defaults_, formula_, paper_) \
    [RAVINE_##NAME] = {                                                                         \
        .info = {.name = #name_,                                                                \
                 .title = title_,                                                               \
                 .formula = formula_,                                                           \
                 .paper = paper_,                                                               \
                 .nsettings = sizeof settings_of_##name_ / sizeof *settings_of_##name_,         \
                 .setting = settings_of_##name_},                                               \
        .shape = {MOMENTUM_##m, SCALE_##s, AFTER_##a, COEFFICIENTS_GENERAL},                    \
        .momentum_key = m_key,                                                                  \
        .scale_key = s_key,                                                                     \
        .defaults = {.clip_value = HUGE_VAL, defaults_},                                        \
    },
#include "rules.def"
#undef RULE
};

const rule_row *ravine_rule_row(int rule) {
    return &rows[rule];
}

const ravine_rule_info *ravine_rule_describe(int rule) {
    return rule >= 0 && rule < RAVINE_RULE_COUNT ? &rows[rule].info : NULL;
}

int ravine_rule_find(const char *name) {
    for (int rule = 0; name && rule < RAVINE_RULE_COUNT; rule++)
        if (!strcmp(name, rows[rule].info.name)) return rule;
    return -1;
}

bool ravine_rule_uses(int rule, int setting) {
    for (int32_t k = 0; k < rows[rule].info.nsettings; k++)
        if (rows[rule].info.setting[k] == setting) return true;
    return false;
}

bool ravine_rule_can_shrink(int rule) {
    return rows[rule].shape.after == AFTER_SHRINK;
}

kernel_shape ravine_rule_shape(const ravine_config *c) {
    kernel_shape shape = rows[c->rule].shape;
    if (c->rule == RAVINE_SGD && c->momentum != 0) shape.momentum = MOMENTUM_BUFFER;
    if (c->rule == RAVINE_RMSPROP && c->momentum != 0) shape.momentum = MOMENTUM_NORMALIZED;
    if (c->centered != 0) shape.scale = SCALE_CENTERED;
    if (c->amsgrad != 0) shape.scale = SCALE_GREATEST;
    return shape;
}

const char *ravine_rule_array_key(const ravine_config *c, int k) {
    const rule_row *row = &rows[c->rule];
    const kernel_shape shape = ravine_rule_shape(c);
    const char *key[STATE_ARRAYS_MAX + 1] = {NULL};
    int n = 0;
    if (momentum_arrays(shape)) key[n++] = row->momentum_key;
    if (shape.momentum == MOMENTUM_DIFFERENCE) {
        key[n++] = "exp_avg_diff";
        key[n++] = "prev_grad";
    }
    if (shape.scale == SCALE_RPROP) {
        key[n++] = "prev";
        key[n++] = "step_size";
    } else if (scale_arrays(shape)) {
        key[n++] = row->scale_key;
    }
    if (shape.scale == SCALE_CENTERED) key[n++] = "grad_avg";
    if (shape.scale == SCALE_GREATEST) key[n++] = "max_exp_avg_sq";
    if (shape.scale == SCALE_DELTA) key[n++] = "acc_delta";
    if (shape.after == AFTER_AVERAGE) key[n++] = "ax";
    return k < n ? key[k] : NULL;
}

const char *ravine_rule_scalar_key(const ravine_config *c, int k) {
    static const char *const nadam[] = {"mu_product"}, *const asgd[] = {"eta", "mu"};
    if (c->rule == RAVINE_NADAM && k < 1) return nadam[k];
    if (c->rule == RAVINE_ASGD && k < 2) return asgd[k];
    return NULL;
}

void ravine_rule_start_scalars(const ravine_config *c, double scalar[RULE_SCALARS_MAX]) {
    if (c->rule == RAVINE_NADAM) scalar[0] = 1; /* the empty product */
    if (c->rule == RAVINE_ASGD) {
        scalar[0] = c->lr;
        scalar[1] = 1;
    }
}
