/* SPDX-License-Identifier: Apache-2.0 */
/* config_sources.c - where values come from: defaults and variables; the file is config_yaml.c,
 * --set config_setting.c. */
#include "run/config.h"
#include "text/nearest.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* In quotes, as in the file: ";" or '\t'. */
static bool is_quoted(const char *text) {
    const size_t length = strlen(text);
    return length >= 2 && strchr("\"'", *text) && text[length - 1] == *text;
}

int config_put(run_config *c, config_key key, const char *text, const char *origin) {
    if (config_is_list(key) || is_quoted(text)) return config_assign_yaml(c, key, text, origin);
    return config_assign(c, key, &text, 1, origin);
}

int config_init(run_config *c) {
    *c = (run_config){0};
    for (int k = 0; k < CONFIG_KEY_COUNT; k++) {
        const config_row *row = &config_rows[k];
        if (!row->fallback && row->kind == CONFIG_WORD) *(int *)((char *)c + row->offset) = -1;
        if (!row->fallback) continue;
        int status = config_put(c, (config_key)k, row->fallback, CONFIG_DEFAULT);
        if (status) {
            config_free(c);
            return status;
        }
    }
    return 0;
}

int config_read_variables(run_config *c) {
    for (int k = 0; k < CONFIG_KEY_COUNT; k++) {
        char variable[RAVINE_NEAREST_MAX] = "RAVINE_";
        size_t used = strlen(variable);
        for (const char *letter = config_rows[k].key; *letter; letter++)
            variable[used++] = *letter == '.' ? '_' : (char)toupper((unsigned char)*letter);
        variable[used] = '\0';
        const char *text = getenv(variable);
        int status = text ? config_put(c, (config_key)k, text, variable) : 0;
        if (status) return status;
    }
    return 0;
}
