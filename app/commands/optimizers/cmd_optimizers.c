/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_optimizers.c - `ravine optimizers`: what the library itself tells about its rules. */
#include "cli/cli.h"
#include "ravine.h"
#include "text/nearest.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* "0.999", "false", "outside" */
static void format_value(char *text, size_t capacity, const ravine_setting_info *info,
                         double value) {
    if (info->kind == RAVINE_KIND_FLAG)
        snprintf(text, capacity, "%s", value != 0 ? "true" : "false");
    else if (info->kind == RAVINE_KIND_CHOICE)
        snprintf(text, capacity, "%s", info->choice[(int)value]);
    else
        snprintf(text, capacity, "%.15g", value);
}

/* "[0, 1)", "true, false", "outside, hat, inside" */
static void format_bounds(char *text, size_t capacity, const ravine_setting_info *info) {
    if (info->kind == RAVINE_KIND_FLAG) {
        snprintf(text, capacity, "true, false");
    } else if (info->kind == RAVINE_KIND_CHOICE) {
        size_t used = 0;
        for (int32_t k = 0; k < info->nchoices && used < capacity; k++)
            used += (size_t)snprintf(text + used, capacity - used, "%s%s", k ? ", " : "",
                                     info->choice[k]);
    } else {
        snprintf(text, capacity, "%s", info->interval);
    }
}

static json_t *bound_json(double bound) {
    return isfinite(bound) ? json_real(bound) : json_string(bound > 0 ? "inf" : "-inf");
}

static json_t *setting_json(const ravine_config *c, int setting) {
    const ravine_setting_info *info = ravine_setting_describe(setting);
    char value[64];
    format_value(value, sizeof value, info, ravine_config_get(c, setting));
    json_t *out = json_pack("{ss ss}", "name", info->name, "text", info->text);
    if (info->kind == RAVINE_KIND_NUMBER) {
        json_object_set_new(out, "default", bound_json(ravine_config_get(c, setting)));
        json_object_set_new(out, "interval", json_string(info->interval));
        json_object_set_new(out, "least", bound_json(info->least));
        json_object_set_new(out, "greatest", bound_json(info->greatest));
        json_object_set_new(out, "least_open", json_boolean(info->least_open));
        json_object_set_new(out, "greatest_open", json_boolean(info->greatest_open));
    } else if (info->kind == RAVINE_KIND_FLAG) {
        json_object_set_new(out, "default", json_boolean(ravine_config_get(c, setting) != 0));
    } else {
        json_object_set_new(out, "default", json_string(value));
        json_t *choices = json_array();
        for (int32_t k = 0; k < info->nchoices; k++)
            json_array_append_new(choices, json_string(info->choice[k]));
        json_object_set_new(out, "choices", choices);
    }
    return out;
}

static json_t *rule_json(const ravine_rule_info *info, const ravine_config *c) {
    json_t *settings = json_array();
    for (int32_t k = 0; k < info->nsettings; k++)
        json_array_append_new(settings, setting_json(c, info->setting[k]));
    return json_pack("{ss ss ss ss so}", "name", info->name, "title", info->title, "formula",
                     info->formula, "paper", info->paper, "settings", settings);
}

static int init_rule(ravine_config *c, int rule) {
    if (ravine_config_init(c, rule) < 0) return failure(EXIT_USAGE, "%s", ravine_errmsg());
    return 0;
}

static int list_rules(bool json) {
    json_t *rules = json ? json_array() : NULL; /* json_decref(NULL) is fine */
    for (int r = 0; r < RAVINE_RULE_COUNT; r++) {
        const ravine_rule_info *info = ravine_rule_describe(r);
        ravine_config c;
        int status = init_rule(&c, r);
        if (status) {
            json_decref(rules);
            return status;
        }
        if (json)
            json_array_append_new(rules, rule_json(info, &c));
        else
            printf("%-14s %s\n", info->name, info->title);
    }
    return json ? cli_print_json(json_pack("{so}", "optimizers", rules)) : 0;
}

static void print_indented(const char *text) {
    while (*text) {
        int length = (int)strcspn(text, "\n");
        printf("  %.*s\n", length, text);
        text += length + (text[length] == '\n');
    }
}

static int explain_rule(int rule, bool json) {
    const ravine_rule_info *info = ravine_rule_describe(rule);
    ravine_config c;
    int status = init_rule(&c, rule);
    if (status) return status;
    if (json) return cli_print_json(rule_json(info, &c));
    printf("%s: %s\n\n", info->name, info->title);
    print_indented(info->formula);
    printf("\n%-16s %-11s %s\n", "setting", "default", "allowed");
    for (int32_t k = 0; k < info->nsettings; k++) {
        const ravine_setting_info *setting = ravine_setting_describe(info->setting[k]);
        char value[64], bounds[160];
        format_value(value, sizeof value, setting, ravine_config_get(&c, info->setting[k]));
        format_bounds(bounds, sizeof bounds, setting);
        printf("%-16s %-11s %s\n", setting->name, value, bounds);
        printf("    %s\n", setting->text);
    }
    printf("\n%s\n", info->paper);
    return 0;
}

int cmd_optimizers(const cli_args *args) {
    bool json = cli_is_given(args, CLI_JSON);
    const char *name = args->operand[0];
    if (!name) return list_rules(json);
    int rule = ravine_rule_find(name);
    if (rule >= 0) return explain_rule(rule, json);
    ravine_nearest nearest = ravine_nearest_to(name);
    for (int r = 0; r < RAVINE_RULE_COUNT; r++)
        ravine_nearest_offer(&nearest, ravine_rule_describe(r)->name);
    if (nearest.name)
        return failure(EXIT_USAGE, "unknown optimizer %s; nearest is %s", name, nearest.name);
    return failure(EXIT_USAGE, "unknown optimizer %s; `ravine optimizers` lists them", name);
}
