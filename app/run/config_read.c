/* SPDX-License-Identifier: Apache-2.0 */
/* config_read.c - a configuration that a run has written into its log, read back. */
#include "io/failure.h"
#include "run/config.h"

#include <stdlib.h>
#include <string.h>

/* A single value as the text that config_put() takes; NULL: none, or no memory. For free(). */
static char *text_of(const json_t *value) {
    if (json_is_string(value)) return strdup(json_string_value(value));
    return json_dumps(value, JSON_ENCODE_ANY);
}

static int assign_list(run_config *c, config_key key, const json_t *list, const char *origin) {
    const size_t count = json_array_size(list);
    char **item = calloc(count + 1, sizeof *item);
    bool whole = item != NULL;
    for (size_t k = 0; whole && k < count; k++)
        whole = (item[k] = text_of(json_array_get(list, k))) != NULL;
    int status = whole ? config_assign(c, key, (const char *const *)item, (int64_t)count, origin)
                       : failure(FAILURE_INPUT, "out of memory");
    for (size_t k = 0; item && k < count; k++) free(item[k]);
    free(item);
    return status;
}

static int assign_value(run_config *c, const char *name, const json_t *value, const char *origin) {
    const config_key key = config_look_up(name);
    if (key == CONFIG_KEY_COUNT) return config_fail_unknown(name, origin, true);
    if (json_is_null(value)) return 0;
    if (config_is_list(key)) return assign_list(c, key, value, origin);
    char *text = text_of(value);
    if (!text) return failure(FAILURE_INPUT, "out of memory");
    const char *one = text;
    const int status = config_assign(c, key, &one, 1, origin);
    free(text);
    return status;
}

int config_read_json(run_config *c, const json_t *object, const char *origin) {
    enum { NAME_SIZE = 128 };
    json_t *all = (json_t *)(uintptr_t)object; /* jansson's iterators take no const */
    const char *name, *member;
    json_t *value, *inner;
    json_object_foreach(all, name, value) {
        int status = 0;
        if (!json_is_object(value)) status = assign_value(c, name, value, origin);
        json_object_foreach(value, member, inner) {
            char full[NAME_SIZE];
            snprintf(full, sizeof full, "%s.%s", name, member);
            if (!status) status = assign_value(c, full, inner, origin);
        }
        if (status) return status;
    }
    return 0;
}
