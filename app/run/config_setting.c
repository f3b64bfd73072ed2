/* SPDX-License-Identifier: Apache-2.0 */
/* config_setting.c - a setting of the rule by its own name, as in `--set lr=0.1`: it goes into the
 * text of `optimizer`, or, where the setting follows a schedule, to the lr= of that. */
#include "io/failure.h"
#include "run/config.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"

int config_target_find(config_target *target, const char *assignment, const char *origin) {
    const char *equals = strchr(assignment, '=');
    const size_t length = equals ? (size_t)(equals - assignment) : 0;
    if (length == 0 || length >= sizeof target->name)
        return failure(FAILURE_USAGE, "%s %s: it must be KEY=VALUE", origin, assignment);
    snprintf(target->name, sizeof target->name, "%.*s", (int)length, assignment);
    target->setting = ravine_setting_find(target->name);
    target->key = config_look_up(target->name);
    const bool known = target->setting >= 0 || target->key != CONFIG_KEY_COUNT;
    return known ? 0 : config_fail_unknown(target->name, origin, false);
}

/* Where "NAME=" stands as a word of its own, and [*size] up to the end of its value; NULL: nowhere.
 */
static const char *find_word(const char *text, const char *name, size_t *size) {
    const size_t length = strlen(name);
    for (const char *at = text; (at = strstr(at, name)); at += length) {
        if (at > text && !strchr(BLANKS, at[-1])) continue;
        const char *value = at + length + strspn(at + length, BLANKS);
        if (*value != '=') continue;
        value += 1 + strspn(value + 1, BLANKS);
        *size = (size_t)(value - at) + strcspn(value, BLANKS);
        return at;
    }
    return NULL;
}

/* The text with NAME=VALUE in the place of `old`, [size] bytes of it; for free(). */
static char *replace(const char *text, const char *old, size_t size, const char *name,
                     const char *value) {
    const size_t capacity = strlen(text) + strlen(name) + strlen(value) + 3;
    char *out = malloc(capacity);
    if (!out) return NULL;
    snprintf(out, capacity, "%.*s%s=%s%s", (int)(old - text), text, name, value, old + size);
    return out;
}

static int assign(run_config *c, config_key key, char *text, const char *origin) {
    const char *one = text;
    const int status =
        text ? config_assign(c, key, &one, 1, origin) : failure(FAILURE_INPUT, "out of memory");
    free(text);
    return status;
}

static int put_into_schedule(run_config *c, config_key key, const char *name, const char *value,
                             const char *origin) {
    const char *text = config_text_of(c, key);
    size_t size;
    const char *old = find_word(text, "lr", &size);
    if (!old)
        return failure(FAILURE_USAGE,
                       "%s: %s is %s, but it follows %s, \"%s\", which has no lr= to put it into",
                       origin, name, value, config_rows[key].key, text);
    return assign(c, key, replace(text, old, size, "lr", value), origin);
}

static int put_into_rule(run_config *c, const char *name, const char *value, const char *origin) {
    const char *text = c->optimizer;
    size_t size;
    const char *old = find_word(text, name, &size);
    if (old) return assign(c, CONFIG_KEY_optimizer, replace(text, old, size, name, value), origin);
    const size_t capacity = strlen(text) + strlen(name) + strlen(value) + 3;
    char *longer = malloc(capacity);
    if (longer) snprintf(longer, capacity, "%s %s=%s", text, name, value);
    return assign(c, CONFIG_KEY_optimizer, longer, origin);
}

int config_target_put(run_config *c, const config_target *target, const char *value,
                      const char *origin) {
    if (target->setting < 0) return config_put(c, target->key, value, origin);
    if (!*value || strpbrk(value, BLANKS))
        return failure(FAILURE_USAGE, "%s: %s is \"%s\"; it must be one number or word", origin,
                       target->name, value);
    const config_key schedule = config_schedule_key(target->setting);
    if (schedule != CONFIG_KEY_COUNT && config_text_of(c, schedule))
        return put_into_schedule(c, schedule, target->name, value, origin);
    return put_into_rule(c, target->name, value, origin);
}

int config_set(run_config *c, const char *assignment) {
    config_target target;
    const int status = config_target_find(&target, assignment, "--set");
    return status ? status : config_target_put(c, &target, strchr(assignment, '=') + 1, "--set");
}
