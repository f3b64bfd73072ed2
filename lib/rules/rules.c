/* SPDX-License-Identifier: Apache-2.0 */
/* The table of rules.def, and how settings change the kernel of a rule. */
#include "rules/rules.h"
#include "rules/numbers.h"
#include "rules/state.h"

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

enum {
#define STATE(NAME, key, extent, dtype, begins, when, late) NAME = STATE_##NAME,
#include "rules/state.def"
#undef STATE
};

#define STATES  SETTINGS
#define STEP    1
#define NO_STEP 0
#define TORCH(class, steps, settings) \
    .torch = (class), .torch_steps = (steps), .torch_settings = (settings)
#define NO_TORCH .torch = NULL

#define RULE(NAME, name, title, m, s, a, numbers, whole, states, gain, sigma, advice, torch, \
             settings, ...)                                                                  \
    static const int32_t settings_of_##name[] = settings, states_of_##name[] = states;
#include "rules/rules.def"

#define ELEMENTWISE NULL
#define WHOLE(name) ravine_settle_##name

static const rule_row rows[RAVINE_RULE_COUNT] = {
#define RULE(NAME, name_, title_, m, s, a, numbers_, whole_, states, gain, sigma_, advice_, \
             torch_, settings, defaults_, formula_, paper_)                                 \
    [RAVINE_##NAME] = {                                                                     \
        .info = {.name = #name_,                                                            \
                 .title = title_,                                                           \
                 .formula = formula_,                                                       \
                 .paper = paper_,                                                           \
                 .nsettings = sizeof settings_of_##name_ / sizeof *settings_of_##name_,     \
                 .setting = settings_of_##name_,                                            \
                 .nstates = sizeof states_of_##name_ / sizeof *states_of_##name_,           \
                 .state = states_of_##name_,                                                \
                 .sigma = RAVINE_SIGMA_##sigma_,                                            \
                 .whole = AFTER_##a == AFTER_WHOLE,                                         \
                 torch_},                                                                   \
        .shape = {MOMENTUM_##m, SCALE_##s, AFTER_##a, COEFFICIENTS_GENERAL},                \
        .numbers = ravine_numbers_##numbers_,                                               \
        .settle = whole_,                                                                   \
        .advice = advice_,                                                                  \
        .defaults = {.size = sizeof(ravine_config),                                         \
                     .rule = RAVINE_##NAME,                                                 \
                     .clip_value = HUGE_VAL,                                                \
                     defaults_},                                                            \
    },
#include "rules/rules.def"
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

bool ravine_rule_is_adaptive(int rule) {
    const int32_t sigma = rows[rule].info.sigma;
    return sigma != RAVINE_SIGMA_ONE && sigma != RAVINE_SIGMA_SIGNS;
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
