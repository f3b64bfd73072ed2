/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report_settings.h"

#include "io/failure.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 4 };

static size_t find_key(report_settings *s, const char *key) {
    for (size_t k = 0; k < s->nkeys; k++)
        if (!strcmp(s->key[k], key)) return k;
    if (s->nkeys == s->room) {
        const size_t room = s->room ? s->room * 2 : 64, nruns = s->r->nruns;
        char(*keys)[REPORT_KEY_SIZE] = realloc(s->key, room * sizeof *keys);
        if (keys) s->key = keys;
        char **values = keys ? realloc(s->value, room * nruns * sizeof *values) : NULL;
        if (values) s->value = values;
        if (!values) return s->failed = true, 0;
        s->room = room;
    }
    snprintf(s->key[s->nkeys], REPORT_KEY_SIZE, "%s", key);
    memset(s->value + s->nkeys * s->r->nruns, 0, s->r->nruns * sizeof *s->value);
    return s->nkeys++;
}

static void add_value(report_settings *s, size_t run, const char *key, const json_t *value) {
    const size_t k = find_key(s, key);
    if (s->failed) return;
    const char *text = json_string_value(value);
    char *copy = text ? strdup(text) : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    if (!copy) s->failed = true;
    char **cell = &s->value[k * s->r->nruns + run];
    free(*cell); /* two keys that are cut may be the same */
    *cell = copy;
}

static void add_object(report_settings *s, size_t run, const char *prefix, json_t *object,
                       int depth) {
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        if (s->failed || s->nkeys >= 1000) return;
        char key[REPORT_KEY_SIZE];
        if (snprintf(key, sizeof key, "%s%s%s", prefix, *prefix ? "." : "", name) >=
            REPORT_KEY_SIZE)
            strcpy(key + REPORT_KEY_SIZE - 4, "...");
        if (json_is_object(value) && depth < DEPTH_MAX)
            add_object(s, run, key, value, depth + 1);
        else
            add_value(s, run, key, value);
    }
}

/* Files of one name may have been others. */
static void add_checksums(report_settings *s, size_t run, const json_t *header) {
    const json_t *file;
    size_t k;
    json_t *sums = json_array();
    json_array_foreach(json_object_get(header, "data_files"), k, file) {
        json_array_append(sums, json_object_get(file, "crc32c"));
    }
    if (json_array_size(sums)) add_value(s, run, "data_files.crc32c", sums);
    json_decref(sums);
}

/* What the header tells beside the configuration. */
static void add_header(report_settings *s, size_t run, json_t *header) {
    static const char *const keys[] = {
        "started",       "version",    "train_examples", "validation_examples",
        "test_examples", "parameters", "optimizer_bytes"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const json_t *value = json_object_get(header, keys[k]);
        if (value) add_value(s, run, keys[k], value);
    }
    json_t *machine = json_object_get(header, "machine");
    if (json_is_object(machine)) add_object(s, run, "machine", machine, 0);
}

int report_settings_read(report_settings *s, const report *r) {
    *s = (report_settings){.r = r};
    for (size_t run = 0; run < r->nruns; run++)
        add_object(s, run, "", json_object_get(r->run[run].data.header, "config"), 0);
    for (size_t run = 0; run < r->nruns; run++) add_checksums(s, run, r->run[run].data.header);
    s->nconfig = s->nkeys;
    for (size_t run = 0; run < r->nruns; run++) add_header(s, run, r->run[run].data.header);
    return s->failed ? failure(FAILURE_INPUT, "out of memory for the configuration") : 0;
}

void report_settings_free(report_settings *s) {
    for (size_t k = 0; k < s->nkeys * s->r->nruns; k++) free(s->value[k]);
    free(s->value);
    free(s->key);
}

const char *report_setting(const report_settings *s, size_t key, size_t run) {
    return s->value[key * s->r->nruns + run];
}

bool report_settings_agree(const report_settings *s, size_t key, size_t run, size_t other) {
    const char *a = report_setting(s, key, run), *b = report_setting(s, key, other);
    return a && b ? !strcmp(a, b) : a == b;
}

bool report_settings_differ(const report_settings *s, size_t key) {
    for (size_t run = 1; run < s->r->nruns; run++)
        if (!report_settings_agree(s, key, 0, run)) return true;
    return false;
}
