/* A rule with its settings as text. */
#include "base/number.h"
#include "doctor/doctor.h"

#include <stdio.h>
#include <string.h>

static bool append(char *text, size_t capacity, const char *name, const char *value) {
    const size_t length = strlen(text);
    const int more = snprintf(text + length, capacity - length, " %s=%s", name, value);
    return more > 0 && (size_t)more < capacity - length;
}

static bool append_setting(char *text, size_t capacity, int setting, double value) {
    const ravine_setting_info *info = ravine_setting_describe(setting);
    if (info->kind == RAVINE_KIND_FLAG)
        return append(text, capacity, info->name, value != 0 ? "true" : "false");
    if (info->kind == RAVINE_KIND_CHOICE)
        return append(text, capacity, info->name, info->choice[(int)value]);
    char number[RAVINE_NUMBER_MAX] = "inf";
    if (value < info->greatest) ravine_number_write(number, value);
    return append(text, capacity, info->name, number);
}

bool doctor_config_text(const ravine_config *c, char *text, size_t capacity) {
    const ravine_rule_info *rule = ravine_rule_describe(c->rule);
    ravine_config usual;
    if (!rule || ravine_config_init(&usual, c->rule) < 0) return false;
    if ((size_t)snprintf(text, capacity, "%s", rule->name) >= capacity) return false;
    for (int32_t k = 0; k < rule->nsettings; k++) {
        const int setting = rule->setting[k];
        const double value = ravine_config_get(c, setting);
        if (setting != RAVINE_LR && value == ravine_config_get(&usual, setting)) continue;
        if (!append_setting(text, capacity, setting, value)) return false;
    }
    return true;
}
