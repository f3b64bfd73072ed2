/* SPDX-License-Identifier: Apache-2.0 */
/* config_show.c - a configuration as YAML with origins, and as JSON. */
#include "io/number_json.h"
#include "run/config.h"
#include "text/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const void *field_of(const run_config *c, int key) {
    return (const char *)c + config_rows[key].offset;
}

static json_t *list_json(const config_wholes *wholes, const config_texts *texts) {
    json_t *list = json_array();
    for (int64_t k = 0; wholes && k < wholes->count; k++)
        json_array_append_new(list, json_integer(wholes->item[k]));
    for (int64_t k = 0; texts && k < texts->count; k++)
        json_array_append_new(list, json_string(texts->item[k]));
    return list;
}

static json_t *value_json(const run_config *c, int key) {
    const config_row *row = &config_rows[key];
    const void *field = field_of(c, key);
    size_t length;
    const char *text;
    switch (row->kind) {
    case CONFIG_TEXT: text = *(char *const *)field; return text ? json_string(text) : json_null();
    case CONFIG_WHOLE: return json_integer(*(const int64_t *)field);
    case CONFIG_NUMBER: return setting_number_json(*(const double *)field);
    case CONFIG_TRUTH: return json_boolean(*(const bool *)field);
    case CONFIG_WORD:
        if (*(const int *)field < 0) return json_null();
        text = config_word(row->words, *(const int *)field, &length);
        return json_stringn(text, length);
    case CONFIG_WHOLES: return list_json(field, NULL);
    case CONFIG_TEXTS: return list_json(NULL, field);
    }
    return NULL;
}

json_t *config_json(const run_config *c, bool origins) {
    json_t *all = json_object();
    for (int k = 0; k < CONFIG_KEY_COUNT; k++) {
        if (!c->origin[k]) continue;
        const char *key = config_rows[k].key, *dot = strchr(key, '.');
        json_t *into = all;
        if (dot) {
            into = json_object_getn(all, key, (size_t)(dot - key));
            if (!into) {
                into = json_object();
                json_object_setn_new(all, key, (size_t)(dot - key), into);
            }
            key = dot + 1;
        }
        json_t *value = value_json(c, k);
        if (origins) value = json_pack("{so ss}", "value", value, "origin", c->origin[k]);
        json_object_set_new(into, key, value);
    }
    return all;
}

bool config_is_equal(const run_config *a, const run_config *b, config_key key) {
    json_t *one = value_json(a, (int)key), *other = value_json(b, (int)key);
    const bool equal = one && other && json_equal(one, other);
    json_decref(one);
    json_decref(other);
    return equal;
}

/* True if YAML would read the bare text as this very text. */
static bool is_plain(const char *text) {
    if (!*text || text[strlen(text) - 1] == ' ') return false;
    if (strchr(" -?:,[]{}#&*!|>'\"%@`~", *text)) return false;
    return !strpbrk(text, ",[]{}\"\\\n\t") && !strstr(text, ": ") && !strstr(text, " #") &&
           text[strlen(text) - 1] != ':';
}

static int print_text(char *out, size_t capacity, const char *text) {
    if (is_plain(text)) return snprintf(out, capacity, "%s", text);
    json_t *quoted = json_string(text);
    char *json = quoted ? json_dumps(quoted, JSON_ENCODE_ANY) : NULL;
    int length = snprintf(out, capacity, "%s", json ? json : "");
    free(json);
    json_decref(quoted);
    return length;
}

static void format_list(char *out, size_t capacity, const config_wholes *wholes,
                        const config_texts *texts) {
    size_t used = (size_t)snprintf(out, capacity, "[");
    int64_t count = wholes ? wholes->count : texts->count;
    for (int64_t k = 0; k < count && used + 2 < capacity; k++) {
        if (k) used += (size_t)snprintf(out + used, capacity - used, ", ");
        if (wholes)
            used += (size_t)snprintf(out + used, capacity - used, "%" PRId64, wholes->item[k]);
        else
            used += (size_t)print_text(out + used, capacity - used, texts->item[k]);
    }
    if (used + 1 < capacity) snprintf(out + used, capacity - used, "]");
}

void config_value(const run_config *c, config_key key, char out[CONFIG_VALUE_SIZE]) {
    const size_t capacity = CONFIG_VALUE_SIZE;
    *out = '\0';
    const config_row *row = &config_rows[key];
    const void *field = field_of(c, (int)key);
    size_t length;
    const char *word;
    char number[RAVINE_NUMBER_MAX];
    switch (row->kind) {
    case CONFIG_TEXT:
        if (*(char *const *)field) print_text(out, capacity, *(char *const *)field);
        return;
    case CONFIG_WHOLE: snprintf(out, capacity, "%" PRId64, *(const int64_t *)field); return;
    case CONFIG_NUMBER:
        if (isinf(*(const double *)field))
            strcpy(number, "inf");
        else
            ravine_number_write(number, *(const double *)field);
        snprintf(out, capacity, "%s", number);
        return;
    case CONFIG_TRUTH: snprintf(out, capacity, *(const bool *)field ? "true" : "false"); return;
    case CONFIG_WORD:
        word = config_word(row->words, *(const int *)field, &length);
        snprintf(out, capacity, "%.*s", (int)length, word);
        return;
    case CONFIG_WHOLES: format_list(out, capacity, field, NULL); return;
    case CONFIG_TEXTS: format_list(out, capacity, NULL, field); return;
    }
}

/* Lines "key: value" under their sections; `from`: of the keys whose value comes from there, NULL:
 * of all that are set, each with where it comes from. */
static void print_keys(const run_config *c, const char *from, FILE *out) {
    enum { COMMENT_COLUMN = 40 };
    const char *section = ""; /* the key whose section was begun last */
    for (int k = 0; k < CONFIG_KEY_COUNT; k++) {
        if (!c->origin[k] || (from && strcmp(c->origin[k], from) != 0)) continue;
        const char *key = config_rows[k].key, *dot = strchr(key, '.');
        size_t length = dot ? (size_t)(dot - key) + 1 : 0;
        if (dot && strncmp(section, key, length)) fprintf(out, "%.*s:\n", (int)length - 1, key);
        if (dot) section = key;
        char value[CONFIG_VALUE_SIZE];
        config_value(c, (config_key)k, value);
        int at = fprintf(out, "%s%s: %s", dot ? "  " : "", key + length, value);
        if (!from)
            fprintf(out, "%*s  # %s", at < COMMENT_COLUMN ? COMMENT_COLUMN - at : 0, "",
                    c->origin[k]);
        fputc('\n', out);
    }
}

void config_print(const run_config *c, FILE *out) {
    print_keys(c, NULL, out);
}

void config_print_from(const run_config *c, const char *origin, FILE *out) {
    print_keys(c, origin, out);
}

/* "whole number in [1, 10]", "mlp, cnn, resnet", "true, false", "text", "list of texts" */
static void format_allowed(const config_row *row, char *out, size_t capacity) {
    static const char *const nouns[] = {
        [CONFIG_TEXT] = "text",
        [CONFIG_WHOLE] = "whole number in ",
        [CONFIG_NUMBER] = "number in ",
        [CONFIG_TRUTH] = "true, false",
        [CONFIG_WORD] = "",
        [CONFIG_WHOLES] = "list of whole numbers in ",
        [CONFIG_TEXTS] = "list of texts",
    };
    size_t used = (size_t)snprintf(out, capacity, "%s%s", nouns[row->kind], row->range);
    for (const char *c = row->words; *c && used + 3 < capacity; c++) {
        out[used++] = *c == '|' ? ',' : *c;
        if (*c == '|') out[used++] = ' ';
        out[used] = '\0';
    }
}

void config_print_keys(FILE *out) {
    for (int k = 0; k < CONFIG_KEY_COUNT; k++) {
        const config_row *row = &config_rows[k];
        char allowed[160];
        format_allowed(row, allowed, sizeof allowed);
        fprintf(out, "%-26s %s", row->key, allowed);
        if (row->fallback && *row->fallback) fprintf(out, "; default %s", row->fallback);
        fprintf(out, "\n    %s\n", row->text);
    }
}

json_t *config_keys_json(void) {
    json_t *keys = json_array();
    for (int k = 0; k < CONFIG_KEY_COUNT; k++) {
        const config_row *row = &config_rows[k];
        char allowed[160];
        format_allowed(row, allowed, sizeof allowed);
        json_array_append_new(keys, json_pack("{ss ss ss ss}", "key", row->key, "allowed", allowed,
                                              "default", row->fallback ? row->fallback : "", "text",
                                              row->text));
    }
    return json_pack("{so}", "keys", keys);
}
