/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_torch.c - the optimizers of PyTorch by what the library tells of its rules: class,
 * entries of a parameter group, keys of the state. */
#include "commands/checkpoint/checkpoint_torch.h"

#include "io/failure.h"

#include <math.h>
#include <string.h>

/* One setting in a group: alone, or number `place` of a list. */
typedef struct torch_entry {
    char name[48];
    int place; /* -1: it stands alone */
    int setting;
    bool has_none; /* 0 is None in PyTorch */
} torch_entry;

/* The next word of *text, which moves past it; bytes, 0 at the end. */
static int next_word(const char **text, char word[48], const char *ends) {
    *text += strspn(*text, ends);
    const int length = (int)strcspn(*text, ends);
    snprintf(word, 48, "%.*s", length, *text);
    *text += length;
    return length;
}

typedef struct entry_list {
    int count;
    torch_entry of[24];
} entry_list;

/* The words of ravine_rule_info.torch_settings. */
static entry_list entries_of(int rule) {
    entry_list list = {0};
    char word[48], name[48], setting[48];
    for (const char *text = ravine_rule_describe(rule)->torch_settings;
         next_word(&text, word, " ");) {
        const char *rest = word;
        next_word(&rest, name, "=");
        const char *settings = *rest ? rest : name;
        const bool listed = strchr(settings, ',') != NULL;
        for (int place = 0; next_word(&settings, setting, "=,"); place++) {
            torch_entry *e = &list.of[list.count++];
            char *mark = strchr(setting, '?');
            if (mark) *mark = '\0';
            *e = (torch_entry){.place = listed ? place : -1,
                               .setting = ravine_setting_find(setting),
                               .has_none = mark != NULL};
            memcpy(e->name, name, sizeof name);
        }
    }
    return list;
}

const char *torch_class(int rule) {
    return ravine_rule_describe(rule)->torch;
}

int torch_rule(const char *name) {
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++)
        if (torch_class(rule) && !strcmp(torch_class(rule), name)) return rule;
    return -1;
}

/* What the rule keeps under that key; NULL: nothing. */
static const ravine_state_info *find_state(int rule, const char *key) {
    const ravine_rule_info *info = ravine_rule_describe(rule);
    for (int32_t k = 0; k < info->nstates; k++) {
        const ravine_state_info *state = ravine_state_describe(info->state[k]);
        if (!strcmp(state->key, key)) return state;
    }
    return NULL;
}

bool torch_has_state(int rule, const char *key) {
    if (!strcmp(key, "step")) return ravine_rule_describe(rule)->torch_steps != 0;
    return find_state(rule, key) != NULL;
}

bool torch_is_number(int rule, const char *key) {
    const ravine_state_info *state = find_state(rule, key);
    return state && !strcmp(state->extent, "scalar");
}

static bool has_entry(const entry_list *list, int setting) {
    for (int k = 0; k < list->count; k++)
        if (list->of[k].setting == setting) return true;
    return false;
}

/* Whether PyTorch decays as the config does: coupled or decoupled, if it has the choice. */
static bool can_decay(const entry_list *list, const ravine_config *c, const ravine_config *usual) {
    if (c->weight_decay == 0 || c->decay_form == usual->decay_form) return true;
    return has_entry(list, RAVINE_DECAY_FORM) && c->decay_form <= RAVINE_DECAY_DECOUPLED;
}

/* What PyTorch has not must be as PyTorch does it. */
static int check(const entry_list *list, const ravine_config *c) {
    ravine_config usual;
    const int status = failure_of(ravine_config_init(&usual, c->rule));
    if (status) return status;
    for (int setting = 0; setting < RAVINE_SETTING_COUNT; setting++) {
        const double value = ravine_config_get(c, setting);
        const bool decay = setting == RAVINE_DECAY_FORM;
        if (decay ? can_decay(list, c, &usual) : has_entry(list, setting)) continue;
        if (value == ravine_config_get(&usual, setting)) continue;
        if (setting == RAVINE_EMA_DECAY) continue; /* training does not depend on the average */
        return failure(FAILURE_NO, "%s is %.15g; PyTorch's %s has no such setting",
                       ravine_setting_describe(setting)->name, value, torch_class(c->rule));
    }
    return 0;
}

/* A flag of PyTorch's; decoupled_weight_decay is one whose values are those of the decay form. */
static bool is_flag(int setting) {
    return setting == RAVINE_DECAY_FORM ||
           ravine_setting_describe(setting)->kind == RAVINE_KIND_FLAG;
}

static json_t *to_json(const torch_entry *e, double number) {
    if (e->has_none && number == 0) return json_null();
    return is_flag(e->setting) ? json_boolean(number == 1) : json_real(number);
}

int torch_group_from_config(json_t *group, const ravine_config *c, double lr) {
    const entry_list list = entries_of(c->rule);
    const int status = check(&list, c);
    for (int k = 0; !status && k < list.count; k++) {
        const torch_entry *e = &list.of[k];
        const double number = e->setting == RAVINE_LR ? lr : ravine_config_get(c, e->setting);
        json_t *value = to_json(e, number);
        if (e->place < 0) {
            json_object_set_new(group, e->name, value);
            continue;
        }
        if (e->place == 0) json_object_set_new(group, e->name, json_array());
        json_array_append_new(json_object_get(group, e->name), value);
    }
    return status;
}

/* A setting's place in the group; NULL: it is not given. */
static const json_t *entry_of(const json_t *group, const torch_entry *e) {
    const json_t *value = json_object_get(group, e->name);
    return e->place < 0 ? value : json_array_get(value, (size_t)e->place);
}

int torch_config_from_group(ravine_config *c, int rule, const json_t *group) {
    const entry_list list = entries_of(rule);
    const int status = failure_of(ravine_config_init(c, rule));
    if (status) return status;
    for (int k = 0; k < list.count; k++) {
        const torch_entry *e = &list.of[k];
        const json_t *value = entry_of(group, e);
        char text[64];
        if (!value || json_is_null(value)) continue;
        if (e->setting == RAVINE_DECAY_FORM) {
            if (json_is_boolean(value)) c->decay_form = json_is_true(value);
            continue;
        }
        if (!json_is_number(value) && !json_is_boolean(value))
            return failure(FAILURE_INPUT, "%s of a group of param_groups is no number", e->name);
        const double number =
            json_is_number(value) ? json_number_value(value) : (double)json_is_true(value);
        snprintf(text, sizeof text, "%.17g", number);
        if (ravine_config_set(c, ravine_setting_describe(e->setting)->name, text) < 0)
            return failure(FAILURE_INPUT, "%s of a group of param_groups: %s", e->name,
                           ravine_errmsg());
    }
    if (ravine_config_check(c) < 0) return failure(FAILURE_INPUT, "%s", ravine_errmsg());
    return 0;
}
