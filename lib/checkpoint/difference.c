/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/difference.h"

#include "optimizer/settings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ravine_difference_add(difference_list *d, const char *format, ...) {
    char line[DIFFERENCE_MAX];
    va_list values;
    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    if (d->count++ == 0) memcpy(d->first, line, sizeof line);
    if (d->tell) d->tell(d->context, line);
}

void ravine_difference_tell(const difference_list *d, const char *format, ...) {
    char line[DIFFERENCE_MAX];
    if (!d->tell) return;
    va_list values;
    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    d->tell(d->context, line);
}

/* ---- tensors ----------------------------------------------------------------------------------
 */

typedef struct shape_name {
    char text[96];
} shape_name;

/* "[3, 4]" */
static shape_name name_shape(const ravine_tensor *t) {
    shape_name name;
    size_t used = (size_t)snprintf(name.text, sizeof name.text, "[");
    for (int32_t k = 0; k < t->ndim && used < sizeof name.text; k++)
        used += (size_t)snprintf(name.text + used, sizeof name.text - used, "%s%" PRId64,
                                 k ? ", " : "", t->shape[k]);
    if (used < sizeof name.text) snprintf(name.text + used, sizeof name.text - used, "]");
    return name;
}

static bool same_shape(const ravine_tensor *a, const ravine_tensor *b) {
    return a->ndim == b->ndim &&
           (a->ndim == 0 || !memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape));
}

bool ravine_difference_tensor(difference_list *d, const ravine_tensor *theirs,
                              const ravine_tensor *ours) {
    if (!theirs) {
        ravine_difference_add(d, "%s: is not in the file", ours->name);
        return false;
    }
    const bool same_dtype = theirs->dtype == ours->dtype;
    if (!same_dtype)
        ravine_difference_add(d, "%s: %s in the file, %s here", ours->name,
                              ravine_dtype_name(theirs->dtype), ravine_dtype_name(ours->dtype));
    if (!same_shape(theirs, ours))
        ravine_difference_add(d, "%s: shape %s in the file, %s here", ours->name,
                              name_shape(theirs).text, name_shape(ours).text);
    return same_dtype && same_shape(theirs, ours);
}

/* ---- texts ------------------------------------------------------------------------------------
 */

static bool begins(const char *text, const char *with) {
    return !strncmp(text, with, strlen(with));
}

/* Words for a key: "lr of group 1 follows" of ravine.group.1.schedule.lr. */
static void add_text(difference_list *d, const char *key, const char *theirs, const char *ours) {
    const char *schedule = strstr(key, RAVINE_KEY_SCHEDULE);
    const char *none = schedule ? "no schedule" : "nothing";
    char what[128];
    if (begins(key, RAVINE_KEY_GROUP_OF))
        snprintf(what, sizeof what, "%s: group", key + strlen(RAVINE_KEY_GROUP_OF));
    else if (begins(key, RAVINE_KEY_GROUP) && schedule)
        snprintf(what, sizeof what,
                 "schedule of %s of group %.*s:", schedule + strlen(RAVINE_KEY_SCHEDULE),
                 (int)(schedule - key - (int)strlen(RAVINE_KEY_GROUP)),
                 key + strlen(RAVINE_KEY_GROUP));
    else
        snprintf(what, sizeof what, "%s:", key + strlen(RAVINE_KEYS));
    ravine_difference_add(d, "%s %s in the file, %s here", what, theirs ? theirs : none,
                          ours ? ours : none);
}

/* Two texts of a config: the settings in which they differ. */
static void add_group(difference_list *d, const char *group, const char *theirs, const char *ours) {
    const char *const text[] = {theirs, ours};
    ravine_config config[2];
    for (int k = 0; k < 2; k++)
        if (ravine_config_parse(&config[k], text[k])) {
            ravine_difference_add(d, "group %s: the file has what is not known here: %s", group,
                                  ravine_errmsg());
            return;
        }
    if (config[0].rule != config[1].rule) {
        ravine_difference_add(d, "group %s: %s in the file, %s here", group,
                              ravine_rule_describe(config[0].rule)->name,
                              ravine_rule_describe(config[1].rule)->name);
        return;
    }
    for (int setting = 0; setting < RAVINE_SETTING_COUNT; setting++) {
        const double value[] = {ravine_config_value(&config[0], setting),
                                ravine_config_value(&config[1], setting)};
        char number[2][RAVINE_NUMBER_MAX];
        if (value[0] == value[1]) continue;
        for (int k = 0; k < 2; k++) ravine_setting_write(number[k], setting, value[k]);
        ravine_difference_add(d, "%s of group %s: %s in the file, %s here",
                              ravine_setting_describe(setting)->name, group, number[0], number[1]);
    }
}

static const char *find_here(const snapshot *here, const char *key) {
    for (int64_t k = 0; k < here->ntexts; k++)
        if (!strcmp(here->texts[k].key, key)) return here->texts[k].value;
    return NULL;
}

static bool is_compared(const char *key) {
    return begins(key, RAVINE_KEY_GROUP) || begins(key, RAVINE_KEY_GROUP_OF) ||
           !strcmp(key, RAVINE_KEY_GROUPS) || !strcmp(key, RAVINE_KEY_OPTIONS);
}

void ravine_difference_texts(difference_list *d, const ravine_checkpoint *file,
                             const snapshot *here) {
    for (int64_t k = 0; k < here->ntexts; k++) {
        const char *key = here->texts[k].key, *ours = here->texts[k].value;
        if (!is_compared(key)) continue;
        const char *theirs = ravine_checkpoint_find_text(file, key);
        if (theirs && !strcmp(theirs, ours)) continue;
        if (theirs && begins(key, RAVINE_KEY_GROUP) && !strstr(key, RAVINE_KEY_SCHEDULE))
            add_group(d, key + strlen(RAVINE_KEY_GROUP), theirs, ours);
        else
            add_text(d, key, theirs, ours);
    }
    ravine_text text;
    for (int64_t k = 0; ravine_checkpoint_text(file, k, &text); k++)
        if (begins(text.key, RAVINE_KEY_GROUP) && !find_here(here, text.key))
            add_text(d, text.key, text.value, NULL);
}
