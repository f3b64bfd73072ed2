/* SPDX-License-Identifier: Apache-2.0 */
/* The table of settings, from RAVINE_SETTING_LIST: what each is, its bounds, its words. */
#include "optimizer/settings.h"

#include "base/once.h"
#include "text/called.h"
#include "text/error.h"
#include "text/nearest.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const eps_forms[] = {"outside", "hat", "inside"};
static const char *const decay_forms[] = {"coupled", "decoupled", "independent", "proximal"};
static const char *const initial_forms[] = {"value", "gradient"};

static ravine_setting_info table[RAVINE_SETTING_COUNT] = {
#define RAVINE_X(NAME, value, name_, kind_, interval_, text_) \
    [value] = {.name = #name_, .text = text_, .kind = RAVINE_KIND_##kind_, .interval = interval_},
    RAVINE_SETTING_LIST(RAVINE_X)
#undef RAVINE_X
};

/* A config has the settings in the order of their numbers, so that new ones lie behind all others.
 */
#define RAVINE_X(NAME, value, name, kind, interval, text)                      \
    _Static_assert(offsetof(ravine_config, name) ==                            \
                       offsetof(ravine_config, lr) + (value) * sizeof(double), \
                   #name " is not where its number says");
RAVINE_SETTING_LIST(RAVINE_X)
#undef RAVINE_X

/* "[0, 1)": a bracket, a digit or (-)inf, and the same from the other side. */
static void read_interval(ravine_setting_info *info) {
    const char *least = info->interval + 1, *greatest = strchr(least, ' ') + 1;
    info->least_open = info->interval[0] == '(';
    info->least = least[0] == '-' ? -HUGE_VAL : least[0] - '0';
    info->greatest = greatest[0] == 'i' ? HUGE_VAL : greatest[0] - '0';
    info->greatest_open = strchr(greatest, ')') != NULL;
}

static void set_words(ravine_setting setting, const char *const *words) {
    table[setting].choice = words;
    table[setting].nchoices = (int32_t)table[setting].greatest + 1;
}

static void fill_table(void) {
    for (int k = 0; k < RAVINE_SETTING_COUNT; k++) read_interval(&table[k]);
    set_words(RAVINE_EPS_FORM, eps_forms);
    set_words(RAVINE_DECAY_FORM, decay_forms);
    set_words(RAVINE_INITIAL_FORM, initial_forms);
}

const ravine_setting_info *ravine_setting_describe(int setting) {
    static once filled = ONCE_BEGIN;
    run_once(&filled, fill_table);
    return setting >= 0 && setting < RAVINE_SETTING_COUNT ? &table[setting] : NULL;
}

int ravine_setting_find(const char *name) {
    for (int k = 0; name && k < RAVINE_SETTING_COUNT; k++)
        if (!strcmp(name, table[k].name)) return k;
    return -1;
}

double *ravine_config_number(ravine_config *c, int setting) {
    return (double *)(void *)((char *)c + offsetof(ravine_config, lr)) + setting;
}

double ravine_config_value(const ravine_config *c, int setting) {
    return *ravine_config_number((ravine_config *)(uintptr_t)c, setting);
}

ravine_status ravine_setting_check(int setting, double value, const char *of) {
    const ravine_setting_info *info = ravine_setting_describe(setting);
    const bool above = info->least_open ? value > info->least : value >= info->least;
    const bool below = info->greatest_open ? value < info->greatest : value <= info->greatest;
    if (!above || !below)
        return ravine_fail(RAVINE_E_RANGE, "%s of %s is %.15g; it must be in %s", info->name, of,
                           value, info->interval);
    if (info->kind != RAVINE_KIND_NUMBER && value != floor(value))
        return ravine_fail(RAVINE_E_RANGE, "%s of %s is %.15g; it must be a whole number in %s",
                           info->name, of, value, info->interval);
    return RAVINE_OK;
}

static ravine_status fail_unknown(const char *what, const char *word, const char *nearest) {
    return nearest
               ? ravine_fail(RAVINE_E_ARG, "%s is %s; the nearest known is %s", what, word, nearest)
               : ravine_fail(RAVINE_E_ARG, "%s is %s; there is none like it", what, word);
}

/* What the setting is called that has this name elsewhere; NULL: no setting has. */
static const char *called_here(const char *name) {
    size_t length;
    const char *called = ravine_called(name, &length);
    for (int k = 0; called && k < RAVINE_SETTING_COUNT; k++)
        if (strlen(table[k].name) == length && !memcmp(table[k].name, called, length))
            return called;
    return NULL;
}

ravine_status ravine_setting_lookup(const char *name, int *setting) {
    *setting = ravine_setting_find(name);
    if (*setting >= 0) return RAVINE_OK;
    const char *called = called_here(name);
    if (called)
        return ravine_fail(RAVINE_E_ARG, "the setting is %s; it is called %s here", name, called);
    ravine_nearest near = ravine_nearest_to(name);
    for (int k = 0; k < RAVINE_SETTING_COUNT; k++) ravine_nearest_offer(&near, table[k].name);
    return fail_unknown("the setting", name, near.name);
}

/* "adamw" of "torch.optim.AdamW(lr=0.1)", as a program writes it. */
static void name_called(char called[RAVINE_NEAREST_MAX], const char *text) {
    const size_t length = strcspn(text, "(");
    size_t from = length;
    while (from > 0 && text[from - 1] != '.') from--;
    size_t size = 0;
    for (; from < length && size + 1 < RAVINE_NEAREST_MAX; from++) {
        const bool upper = text[from] >= 'A' && text[from] <= 'Z';
        called[size++] = (char)(upper ? text[from] - 'A' + 'a' : text[from]);
    }
    called[size] = '\0';
}

ravine_status ravine_rule_lookup(const char *name, int *rule) {
    *rule = ravine_rule_find(name);
    if (*rule >= 0) return RAVINE_OK;
    char called[RAVINE_NEAREST_MAX];
    name_called(called, name);
    ravine_nearest near = ravine_nearest_to(called);
    for (int k = 0; k < RAVINE_RULE_COUNT; k++)
        ravine_nearest_offer(&near, ravine_rule_describe(k)->name);
    if (near.name && strchr(name, '('))
        return ravine_fail(RAVINE_E_ARG,
                           "the rule is %s; write %s, with settings behind it: lr=0.1", name,
                           near.name);
    return fail_unknown("the rule", name, near.name);
}

ravine_status ravine_setting_read(int setting, const char *text, double *value) {
    const ravine_setting_info *info = ravine_setting_describe(setting);
    if (info->kind == RAVINE_KIND_FLAG) {
        if (!strcmp(text, "true")) return *value = 1, RAVINE_OK;
        if (!strcmp(text, "false")) return *value = 0, RAVINE_OK;
    }
    for (int32_t k = 0; k < info->nchoices; k++)
        if (!strcmp(text, info->choice[k])) return *value = k, RAVINE_OK;
    if (info->kind == RAVINE_KIND_CHOICE) {
        ravine_nearest near = ravine_nearest_to(text);
        for (int32_t k = 0; k < info->nchoices; k++) ravine_nearest_offer(&near, info->choice[k]);
        if (near.name) return fail_unknown(info->name, text, near.name);
        return ravine_fail(RAVINE_E_ARG, "%s is %s; it must be one of its words, such as %s",
                           info->name, text, info->choice[0]);
    }
    if (!strcmp(text, "inf")) return *value = HUGE_VAL, RAVINE_OK;
    const char *end = ravine_number_end(text);
    if (end == text || *end)
        return ravine_fail(RAVINE_E_ARG, "%s is %s; it must be %s", info->name, text,
                           info->kind == RAVINE_KIND_FLAG ? "true or false" : "a number");
    *value = ravine_number_read(text);
    return RAVINE_OK;
}

void ravine_setting_write(char text[RAVINE_NUMBER_MAX], int setting, double value) {
    const ravine_setting_info *info = ravine_setting_describe(setting);
    if (info->kind == RAVINE_KIND_FLAG)
        strcpy(text, value != 0 ? "true" : "false");
    else if (info->kind == RAVINE_KIND_CHOICE)
        snprintf(text, RAVINE_NUMBER_MAX, "%s", info->choice[(int)value]);
    else if (isinf(value))
        strcpy(text, "inf");
    else
        ravine_number_write(text, value);
}
