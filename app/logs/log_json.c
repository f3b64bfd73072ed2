/* SPDX-License-Identifier: Apache-2.0 */
#include "logs/log_json.h"

#include "io/failure.h"
#include "logs/log_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- NaN and Infinity ---- */

static const char *const specials[] = {"NaN", "Infinity", "-Infinity"};

/* The special word that begins at text[0]; NULL: none does. */
static const char *special_at(const char *text, size_t size) {
    if (!strchr("NI-", *text) || !*text) return NULL;
    for (size_t k = 0; k < sizeof specials / sizeof *specials; k++) {
        const size_t length = strlen(specials[k]);
        if (length <= size && !memcmp(text, specials[k], length)) return specials[k];
    }
    return NULL;
}

/* Writes text with the special words in quotes; out has room for 5/3 of it. Returns its length. */
static size_t quote_specials(char *out, const char *text, size_t size) {
    bool within = false; /* a string */
    size_t used = 0;
    for (size_t k = 0; k < size; k++) {
        const char *word = within ? NULL : special_at(text + k, size - k);
        if (word) {
            used += (size_t)sprintf(out + used, "\"%s\"", word);
            k += strlen(word) - 1;
            continue;
        }
        if (text[k] == '"') within = !within;
        out[used++] = text[k];
        if (within && text[k] == '\\' && k + 1 < size) out[used++] = text[++k];
    }
    return used;
}

json_t *log_json_parse(const char *text, size_t size, json_error_t *error) {
    json_t *value = json_loadb(text, size, 0, error);
    if (value) return value;
    char *quoted = malloc(size / 3 * 5 + 16);
    if (!quoted) return NULL;
    json_error_t second;
    value = json_loadb(quoted, quote_specials(quoted, text, size), 0, &second);
    free(quoted);
    return value;
}

/* ---- numbers of an object ---- */

enum { DEPTH_MAX = 3 };

static int put_object(log_data *log, const char *prefix, const json_t *object, int depth);

static int put_value(log_data *log, const char *prefix, const char *key, const json_t *value,
                     int depth) {
    char whole[LOG_KEY_MAX + 2];
    const int length = snprintf(whole, sizeof whole, "%s%s%s", prefix, *prefix ? "/" : "", key);
    if (length > LOG_KEY_MAX)
        return failure(FAILURE_INPUT, "%s: the key %.40s... is longer than %d bytes", log->path,
                       whole, LOG_KEY_MAX);
    if (json_is_number(value)) return log_put(log, whole, json_number_value(value));
    if (json_is_string(value)) return log_put_text(log, whole, json_string_value(value), false);
    return json_is_object(value) && depth < DEPTH_MAX ? put_object(log, whole, value, depth + 1)
                                                      : 0;
}

static int put_object(log_data *log, const char *prefix, const json_t *object, int depth) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        const int status = put_value(log, prefix, key, value, depth);
        if (status) return status;
    }
    return 0;
}

int log_json_put(log_data *log, const json_t *object) {
    return put_object(log, "", object, 1);
}
