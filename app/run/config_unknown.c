/* SPDX-License-Identifier: Apache-2.0 */
/* config_unknown.c - what is said of a key that there is not. */
#include "io/failure.h"
#include "run/config.h"
#include "text/called.h"
#include "text/nearest.h"

#include <stdlib.h>
#include <string.h>

/* "widths" of "model.widths" and of "widths". */
static const char *tail_of(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

/* ---- another word for a key ---- */

/* A file has no keys for the settings of a rule: where `name` is one, how it is written there. */
typedef struct file_form {
    char text[128];
} file_form;
static file_form form_of(const char *name, bool in_file, const char *before) {
    file_form form = {""};
    if (in_file && ravine_setting_find(name) >= 0)
        snprintf(form.text, sizeof form.text,
                 "%sin a file it stands in optimizer: \"RULE %s=VALUE\"", before, name);
    return form;
}

/* Names of other libraries; 0: it is none of them. */
static int fail_called(const char *name, const char *origin, bool in_file) {
    size_t length;
    const char *here = ravine_called(tail_of(name), &length);
    if (!here) return 0;
    char key[RAVINE_NEAREST_MAX];
    snprintf(key, sizeof key, "%.*s", (int)length, here);
    return failure(FAILURE_USAGE, "%s: %s is called %s here%s", origin, name, here,
                   form_of(key, in_file, "; ").text);
}

/* ---- in another place ---- */

/* model.widths for widths, epochs for train.epochs; NULL: no key ends so. */
static const char *same_tail(const char *name) {
    for (int k = 0; k < CONFIG_KEY_COUNT; k++)
        if (!strcmp(tail_of(config_rows[k].key), tail_of(name))) return config_rows[k].key;
    return NULL;
}

/* schedule.lr of the section schedule; NULL: it is no section. */
static const char *first_of(const char *section) {
    const size_t length = strlen(section);
    for (int k = 0; k < CONFIG_KEY_COUNT; k++) {
        const char *key = config_rows[k].key;
        if (!strncmp(key, section, length) && key[length] == '.') return key;
    }
    return NULL;
}

/* 0: neither it nor its end is a name that there is. */
static int fail_elsewhere(const char *name, const char *origin, bool in_file) {
    const char *first = first_of(name), *tail = tail_of(name), *key = same_tail(name);
    if (first)
        return failure(FAILURE_USAGE, "%s: %s is a section; its keys are %s and others", origin,
                       name, first);
    const bool setting = ravine_setting_find(tail) >= 0;
    if (setting && in_file)
        return failure(FAILURE_USAGE, "%s: unknown key %s%s", origin, name,
                       form_of(tail, true, "; ").text);
    if (setting) key = tail;
    if (key) return failure(FAILURE_USAGE, "%s: unknown key %s; it is %s", origin, name, key);
    return 0;
}

/* ---- mistyped ---- */

/* Offers the first `length` characters of a key: all of it, or its section. */
static void offer(ravine_nearest *nearest, size_t *shown, const char *key, size_t length) {
    char name[RAVINE_NEAREST_MAX];
    snprintf(name, sizeof name, "%.*s", (int)length, key);
    ravine_nearest_offer(nearest, name);
    if (nearest->name != name) return;
    nearest->name = key; /* `name` ends here; the key stays */
    *shown = length;
}

static int fail_nearest(const char *name, const char *origin, bool in_file) {
    ravine_nearest nearest = ravine_nearest_to(name);
    size_t shown = 0;
    for (int k = 0; k < CONFIG_KEY_COUNT; k++) {
        const char *known = config_rows[k].key, *dot = strchr(known, '.');
        offer(&nearest, &shown, known, strlen(known));
        if (dot) offer(&nearest, &shown, known, (size_t)(dot - known));
    }
    for (int k = 0; k < RAVINE_SETTING_COUNT; k++) {
        const char *setting = ravine_setting_describe(k)->name;
        offer(&nearest, &shown, setting, strlen(setting));
    }
    if (!nearest.name)
        return failure(FAILURE_USAGE, "%s: unknown key %s; ravine train --print-config shows all",
                       origin, name);
    return failure(FAILURE_USAGE, "%s: unknown key %s; nearest is %.*s%s", origin, name, (int)shown,
                   nearest.name, form_of(nearest.name, in_file, ", but ").text);
}

int config_fail_unknown(const char *name, const char *origin, bool in_file) {
    int status = fail_called(name, origin, in_file);
    if (!status) status = fail_elsewhere(name, origin, in_file);
    return status ? status : fail_nearest(name, origin, in_file);
}
