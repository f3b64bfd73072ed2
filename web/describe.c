/* SPDX-License-Identifier: Apache-2.0 */
/* The library's tables for the page: what it can choose from, and within which bounds. */
#include "playground.h"
#include "ravine.h"
#include "surface/surface.h"
#include "text.h"

static void put_pair(text *t, const char *name, const double pair[2]) {
    text_open(t, name, "[");
    text_value(t, NULL, pair[0]);
    text_value(t, NULL, pair[1]);
    text_add(t, "]");
}

static void put_surface(text *t, const surface_row *row) {
    text_open(t, NULL, "{");
    text_words(t, "name", row->name);
    text_open(t, "title", "[");
    for (int k = 0; k < SURFACE_LANGUAGES; k++) text_words(t, NULL, row->title[k]);
    text_add(t, "]");
    text_words(t, "formula", row->formula);
    text_open(t, "coordinates", "[");
    text_words(t, NULL, row->coordinate[0]);
    text_words(t, NULL, row->coordinate[1]);
    text_add(t, "]");
    put_pair(t, "x", row->axes[0]);
    put_pair(t, "y", row->axes[1]);
    put_pair(t, "start", row->start);
    text_open(t, "minima", "[");
    for (int k = 0; k < row->minima; k++) put_pair(t, NULL, row->minimum[k]);
    text_add(t, "]}");
}

static void put_setting(text *t, int setting) {
    const ravine_setting_info *info = ravine_setting_describe(setting);
    text_open(t, info->name, "{");
    text_words(t, "text", info->text);
    text_words(t, "interval", info->interval);
    text_value(t, "kind", info->kind);
    text_value(t, "least", info->least);
    text_value(t, "greatest", info->greatest);
    text_value(t, "least_open", info->least_open);
    text_value(t, "greatest_open", info->greatest_open);
    text_open(t, "choices", "[");
    for (int32_t k = 0; k < info->nchoices; k++) text_words(t, NULL, info->choice[k]);
    text_add(t, "]}");
}

/* A rule with its settings at their defaults. */
static void put_rule(text *t, int rule) {
    const ravine_rule_info *info = ravine_rule_describe(rule);
    ravine_config defaults;
    if (ravine_config_init(&defaults, rule) < 0) return;
    text_open(t, info->name, "{");
    text_words(t, "title", info->title);
    text_words(t, "formula", info->formula);
    text_words(t, "paper", info->paper);
    text_open(t, "settings", "{");
    for (int32_t k = 0; k < info->nsettings; k++)
        text_value(t, ravine_setting_describe(info->setting[k])->name,
                   ravine_config_get(&defaults, info->setting[k]));
    text_add(t, "}}");
}

const char *playground_describe(void) {
    static text t;
    text_clear(&t);
    text_open(&t, NULL, "{");
    text_words(&t, "version", ravine_version());
    text_open(&t, "surfaces", "[");
    for (int k = 0; surface_table(k); k++) put_surface(&t, surface_table(k));
    text_add(&t, "]");
    text_open(&t, "rules", "{");
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++) put_rule(&t, rule);
    text_add(&t, "}");
    text_open(&t, "settings", "{");
    for (int setting = 0; setting < RAVINE_SETTING_COUNT; setting++) put_setting(&t, setting);
    text_add(&t, "}}");
    return t.failed ? NULL : t.bytes;
}
