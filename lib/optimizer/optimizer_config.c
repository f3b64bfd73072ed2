/* SPDX-License-Identifier: Apache-2.0 */
/* A rule with its settings: defaults, text form, checks. */
#include "base/sized.h"
#include "base/text_out.h"
#include "optimizer/settings.h"
#include "rules/rules.h"
#include "text/error.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

ravine_status ravine_config_init_sized(ravine_config *c, size_t size, int rule) {
    if (!ravine_rule_describe(rule))
        return ravine_fail(RAVINE_E_RANGE, "rule is %d; it must be in [0, %d]", rule,
                           RAVINE_RULE_COUNT - 1);
    ravine_config usual = ravine_rule_row(rule)->defaults;
    usual.rule = rule;
    return ravine_sized_make(&ravine_sized_config, c, size, &usual);
}

ravine_status ravine_config_read(ravine_config *own, const ravine_config *c) {
    ravine_status status = ravine_sized_check(&ravine_sized_config, c);
    if (!status) status = ravine_config_init(own, c->rule);
    return status ? status : ravine_sized_read(&ravine_sized_config, own, c);
}

/* Whether a config of that size has the setting; those of programs that are older have not. */
static bool is_within(size_t size, int setting) {
    return offsetof(ravine_config, lr) + ((size_t)setting + 1) * sizeof(double) <= size;
}

static ravine_status fail_older(int setting) {
    return ravine_fail(RAVINE_E_UNSUPPORTED,
                       "this config has no place for %s: its program was built with a header that "
                       "has no such setting",
                       ravine_setting_describe(setting)->name);
}

double ravine_config_get(const ravine_config *c, int setting) {
    ravine_config own;
    if (setting < 0 || setting >= RAVINE_SETTING_COUNT || ravine_config_read(&own, c)) return NAN;
    return ravine_config_value(&own, setting);
}

ravine_status ravine_config_set(ravine_config *c, const char *name, const char *text) {
    if (!c || !name || !text) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    ravine_status status = ravine_sized_check(&ravine_sized_config, c);
    if (status) return status;
    const ravine_rule_info *rule = ravine_rule_describe(c->rule);
    if (!rule) return ravine_fail(RAVINE_E_RANGE, "rule is %d; there is no such rule", c->rule);
    int setting;
    double value;
    status = ravine_setting_lookup(name, &setting);
    if (!status && !ravine_rule_uses(c->rule, setting))
        status = ravine_fail(RAVINE_E_ARG, "%s has no setting %s", rule->name, name);
    if (!status) status = ravine_setting_read(setting, text, &value);
    if (!status) status = ravine_setting_check(setting, value, rule->name);
    if (status) return status;
    if (!is_within(c->size, setting)) return fail_older(setting);
    *ravine_config_number(c, setting) = value;
    return RAVINE_OK;
}

#define WORD_MAX 64

/* The next word of *text, which moves past it; false at the end. A word too long is cut: it matches
 * nothing then. */
static bool next_word(const char **text, char word[WORD_MAX]) {
    const char *start = *text + strspn(*text, " \t\n");
    const size_t length = strcspn(start, " \t\n");
    *text = start + length;
    snprintf(word, WORD_MAX, "%.*s", (int)(length < WORD_MAX ? length : WORD_MAX - 1), start);
    return length > 0;
}

ravine_status ravine_config_parse_sized(ravine_config *c, size_t size, const char *text) {
    if (!c || !text) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    char word[WORD_MAX];
    if (!next_word(&text, word))
        return ravine_fail(RAVINE_E_FORMAT, "the rule is empty; it must be NAME setting=value ...");
    int rule;
    ravine_config parsed;
    ravine_status status = ravine_rule_lookup(word, &rule);
    if (!status) status = ravine_config_init(&parsed, rule);
    while (!status && next_word(&text, word)) {
        char *value = strchr(word, '=');
        if (!value)
            return ravine_fail(RAVINE_E_FORMAT, "after %s stands %s; it must be setting=value",
                               ravine_rule_describe(rule)->name, word);
        *value++ = '\0';
        status = ravine_config_set(&parsed, word, value);
    }
    if (!status) status = ravine_config_check(&parsed);
    if (status) return status;
    const ravine_config *usual = &ravine_rule_row(rule)->defaults;
    for (int k = 0; k < RAVINE_SETTING_COUNT; k++)
        if (!is_within(size, k) && ravine_config_value(&parsed, k) != ravine_config_value(usual, k))
            return fail_older(k);
    return ravine_sized_make(&ravine_sized_config, c, size, &parsed);
}

ravine_status ravine_config_check_together(const ravine_config *c, const char *of) {
    const double lr_decayed = c->lr * c->weight_decay;
    if (c->nesterov != 0 && (c->momentum == 0 || c->dampening != 0))
        return ravine_fail(
            RAVINE_E_RANGE,
            "nesterov of %s is 1 with momentum %g and dampening %g; it needs momentum "
            "above 0 and dampening 0",
            of, c->momentum, c->dampening);
    if (c->decay_form == RAVINE_DECAY_PROXIMAL && !ravine_rule_can_shrink(c->rule))
        return ravine_fail(RAVINE_E_RANGE, "decay_form of %s is proximal; only adan has it", of);
    if (c->decay_form == RAVINE_DECAY_DECOUPLED && lr_decayed > 1)
        return ravine_fail(RAVINE_E_RANGE,
                           "lr weight_decay of %s is %g; above 1 the decay turns weights around",
                           of, lr_decayed);
    if (c->decay_form == RAVINE_DECAY_INDEPENDENT && c->weight_decay > 1)
        return ravine_fail(RAVINE_E_RANGE,
                           "weight_decay of %s is %g; an independent decay must be in [0, 1]", of,
                           c->weight_decay);
    if (c->step_min > c->step_max)
        return ravine_fail(RAVINE_E_RANGE, "step_min of %s is %g; step_max, %g, is below it", of,
                           c->step_min, c->step_max);
    return RAVINE_OK;
}

ravine_status ravine_config_check_of(const ravine_config *c, const char *of) {
    ravine_config defaults;
    ravine_status status = ravine_config_init(&defaults, c->rule);
    for (int k = 0; !status && k < RAVINE_SETTING_COUNT; k++) {
        const double value = ravine_config_value(c, k);
        if (ravine_rule_uses(c->rule, k))
            status = ravine_setting_check(k, value, of);
        else if (!(value == ravine_config_value(&defaults, k)))
            status = ravine_fail(RAVINE_E_ARG, "%s of %s is %.15g; %s has no such setting",
                                 ravine_setting_describe(k)->name, of, value,
                                 ravine_rule_describe(c->rule)->name);
    }
    return status ? status : ravine_config_check_together(c, of);
}

ravine_status ravine_config_check(const ravine_config *c) {
    ravine_config own;
    const ravine_status status = ravine_config_read(&own, c);
    return status ? status : ravine_config_check_of(&own, ravine_rule_describe(own.rule)->name);
}

ravine_status ravine_config_format(const ravine_config *c, int32_t all, char *text, size_t capacity,
                                   size_t *length) {
    ravine_config own;
    ravine_status status = ravine_config_read(&own, c);
    if (!status) status = ravine_config_check(&own);
    if (status) return status;
    const rule_row *row = ravine_rule_row(own.rule);
    char written[CONFIG_TEXT_MAX], number[RAVINE_NUMBER_MAX];
    size_t used = (size_t)snprintf(written, sizeof written, "%s", row->info.name);
    for (int k = 0; k < RAVINE_SETTING_COUNT; k++) {
        const double value = ravine_config_value(&own, k);
        const bool told = all || k == RAVINE_LR || value != ravine_config_value(&row->defaults, k);
        if (!told || !ravine_rule_uses(own.rule, k)) continue;
        ravine_setting_write(number, k, value);
        used += (size_t)snprintf(written + used, sizeof written - used, " %s=%s",
                                 ravine_setting_describe(k)->name, number);
    }
    return ravine_text_out(written, used, text, capacity, length);
}
