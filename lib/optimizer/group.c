/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of groups: numbers, schedules, and the options of all. */
#include "base/sized.h"
#include "optimizer/optimizer.h"
#include "optimizer/settings.h"
#include "text/error.h"

#include <math.h>
#include <string.h>

/* The groups that `index` means: one, or all for -1. */
static ravine_status find_groups(const ravine_optimizer *o, int32_t index, int32_t *first,
                                 int32_t *end) {
    if (!o) return ravine_fail(RAVINE_E_ARG, "the optimizer is NULL");
    if (index < -1 || index >= o->ngroups)
        return ravine_fail(RAVINE_E_RANGE, "group is %d; it must be in [-1, %d]", index,
                           o->ngroups - 1);
    *first = index < 0 ? 0 : index;
    *end = index < 0 ? o->ngroups : index + 1;
    return RAVINE_OK;
}

static ravine_status check_setting(const group *g, int setting, const char *of) {
    const ravine_setting_info *info = ravine_setting_describe(setting);
    if (!info)
        return ravine_fail(RAVINE_E_RANGE, "setting is %d; it must be in [0, %d]", setting,
                           RAVINE_SETTING_COUNT - 1);
    if (ravine_rule_uses(g->config.rule, setting)) return RAVINE_OK;
    return ravine_fail(RAVINE_E_ARG, "%s is %s, which has no setting %s", of,
                       ravine_rule_describe(g->config.rule)->name, info->name);
}

/* ---- what a group may be -----------------------------------------------------------------------
 */

void ravine_group_at(const group *g, int64_t step, ravine_config *settings) {
    *settings = g->config;
    for (int setting = 0; setting < RAVINE_SETTING_COUNT; setting++)
        if (g->schedule[setting])
            *ravine_config_number(settings, setting) =
                ravine_schedule_at(g->schedule[setting], step);
}

/* Which state there is follows from the config alone: a schedule may not ask for more. */
static ravine_status check_state(const group *g, const ravine_config *now, const char *of) {
    const state_kind lacks = ravine_states_lack(&g->config, now);
    if (lacks == STATE_COUNT) return RAVINE_OK;
    const int setting = ravine_state_row(lacks)->when;
    return ravine_fail(
        RAVINE_E_STATE, "%s of %s is %.15g; the group's config has 0, so it has no state for it",
        ravine_setting_describe(setting)->name, of, ravine_config_value(now, setting));
}

static ravine_status check_at(const group *g, int32_t index, int64_t step) {
    ravine_config now;
    const group_name of = ravine_group_name_at(index, step);
    ravine_group_at(g, step, &now);
    const ravine_status status = ravine_config_check_of(&now, of.text);
    return status ? status : check_state(g, &now, of.text);
}

/* Every shape is monotonic in its segment, or goes between `from` and `to` from half a cycle on:
 * the schedule is in bounds if it is at these steps. */
static ravine_status check_steps(const group *g, int32_t index, const ravine_schedule *s) {
    int64_t start = 0;
    for (int32_t k = 0; k < s->nsegments; k++) {
        const ravine_segment *segment = &s->segment[k];
        const bool endless = segment->steps > INT64_MAX - 1 - start;
        const int64_t end = endless ? INT64_MAX - 1 : start + segment->steps;
        const double half = segment->shape == RAVINE_SHAPE_CYCLIC ? segment->parameter[0] : 0;
        const int64_t turn = half < (double)(end - start) ? start + (int64_t)half : start;
        const int64_t step[] = {start, turn, end - 1, end};
        for (int i = 0; i < 4; i++) {
            const ravine_status status = check_at(g, index, step[i]);
            if (status) return status;
        }
        start = end;
    }
    return RAVINE_OK;
}

ravine_status ravine_group_check(const group *g, int32_t index) {
    ravine_status status = ravine_config_check_of(&g->config, ravine_group_name(index).text);
    for (int setting = 0; !status && setting < RAVINE_SETTING_COUNT; setting++)
        if (g->schedule[setting]) status = check_steps(g, index, g->schedule[setting]);
    return status;
}

/* ---- changing it -------------------------------------------------------------------------------
 */

/* A group with one number changed, checked as a whole. */
static ravine_status check_number(const group *g, int32_t index, int setting, double value) {
    const group_name of = ravine_group_name(index);
    ravine_status status = check_setting(g, setting, of.text);
    if (status) return status;
    group changed = *g;
    *ravine_config_number(&changed.config, setting) = value;
    changed.schedule[setting] = NULL;
    status = ravine_group_check(&changed, index);
    if (status || g->nparams == 0) return status;
    const bool same_state = ravine_states_lack(&g->config, &changed.config) == STATE_COUNT &&
                            ravine_states_lack(&changed.config, &g->config) == STATE_COUNT &&
                            changed.config.initial == g->config.initial;
    if (same_state) return RAVINE_OK;
    return ravine_fail(
        RAVINE_E_STATE,
        "%s of %s is %.15g; it needs other state than the group's %lld parameters have",
        ravine_setting_describe(setting)->name, of.text, value, (long long)g->nparams);
}

static void drop_schedule(ravine_optimizer *o, group *g, int setting) {
    ravine_memory_give(o, g->schedule[setting], sizeof(ravine_schedule));
    g->schedule[setting] = NULL;
}

ravine_status ravine_set(ravine_optimizer *o, int32_t index, int setting, double value) {
    int32_t first = 0, end = 0;
    ravine_status status = find_groups(o, index, &first, &end);
    for (int32_t k = first; !status && k < end; k++)
        status = check_number(&o->groups[k], k, setting, value);
    if (status) return status;
    for (int32_t k = first; k < end; k++) {
        group *g = &o->groups[k];
        *ravine_config_number(&g->config, setting) = value;
        drop_schedule(o, g, setting);
        g->shape = ravine_rule_shape(&g->config);
    }
    return RAVINE_OK;
}

/* A group with one schedule changed, checked as a whole. */
static ravine_status check_schedule(const group *g, int32_t index, int setting,
                                    ravine_schedule *s) {
    const group_name of = ravine_group_name(index);
    const ravine_status status = check_setting(g, setting, of.text);
    if (status) return status;
    const ravine_setting_info *info = ravine_setting_describe(setting);
    if (info->kind != RAVINE_KIND_NUMBER)
        return ravine_fail(RAVINE_E_ARG, "%s of %s is not a number: it cannot be scheduled",
                           info->name, of.text);
    if (setting == RAVINE_INITIAL)
        return ravine_fail(RAVINE_E_ARG,
                           "%s of %s counts before the first step alone: it cannot be scheduled",
                           info->name, of.text);
    group changed = *g;
    changed.schedule[setting] = s;
    return ravine_group_check(&changed, index);
}

ravine_status ravine_set_schedule(ravine_optimizer *o, int32_t index, int setting,
                                  const ravine_schedule *s) {
    int32_t first = 0, end = 0;
    ravine_status status = find_groups(o, index, &first, &end);
    if (!status) status = ravine_schedule_check(s);
    if (status) return status;
    ravine_schedule own = {0};
    status = ravine_sized_read(&ravine_sized_schedule, &own, s);
    for (int32_t k = first; !status && k < end; k++)
        status = check_schedule(&o->groups[k], k, setting, &own);
    if (status) return status;
    for (int32_t k = first; !status && k < end; k++) {
        group *g = &o->groups[k];
        if (!g->schedule[setting]) g->schedule[setting] = ravine_memory_take(o, sizeof *s);
        if (!g->schedule[setting]) status = RAVINE_E_NOMEM;
    }
    for (int32_t k = first; k < end; k++) {
        ravine_schedule *place = o->groups[k].schedule[setting];
        if (!status)
            *place = own;
        else if (place && place->nsegments == 0)
            drop_schedule(o, &o->groups[k], setting);
    }
    return status;
}

ravine_status ravine_get(const ravine_optimizer *o, int32_t index, int setting, double *value) {
    int32_t first = 0, end = 0;
    ravine_status status = find_groups(o, index, &first, &end);
    if (status) return status;
    if (!value) return ravine_fail(RAVINE_E_ARG, "value of ravine_get is NULL");
    group *g = &o->groups[first];
    status = check_setting(g, setting, ravine_group_name(first).text);
    if (status) return status;
    const ravine_schedule *s = g->schedule[setting];
    *value = s ? ravine_schedule_at(s, o->steps) : ravine_config_value(&g->config, setting);
    return RAVINE_OK;
}
