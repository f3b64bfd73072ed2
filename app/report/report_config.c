/* SPDX-License-Identifier: Apache-2.0 */
/* report_config.c - the configurations side by side, key by key. */
#include "io/failure.h"
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_SIZE = 128, DEPTH_MAX = 4 };

/* The keys of all runs, flat ("model.widths"), each once, in the order in which they were met; with
 * a value for each run. */
typedef struct table {
    const report *r;
    char (*key)[KEY_SIZE]; /* [nkeys] */
    char **value;          /* [nkeys][nruns] JSON text, or NULL: the run has no such key */
    size_t nkeys, room;
    bool failed;
} table;

static size_t find_key(table *t, const char *key) {
    for (size_t k = 0; k < t->nkeys; k++)
        if (!strcmp(t->key[k], key)) return k;
    if (t->nkeys == t->room) {
        const size_t room = t->room ? t->room * 2 : 64, nruns = t->r->nruns;
        char(*keys)[KEY_SIZE] = realloc(t->key, room * sizeof *keys);
        if (keys) t->key = keys;
        char **values = keys ? realloc(t->value, room * nruns * sizeof *values) : NULL;
        if (values) t->value = values;
        if (!values) return t->failed = true, 0;
        t->room = room;
    }
    snprintf(t->key[t->nkeys], KEY_SIZE, "%s", key);
    memset(t->value + t->nkeys * t->r->nruns, 0, t->r->nruns * sizeof *t->value);
    return t->nkeys++;
}

static void add_value(table *t, size_t run, const char *key, const json_t *value) {
    const size_t k = find_key(t, key);
    if (t->failed) return;
    const char *text = json_string_value(value);
    char *copy = text ? strdup(text) : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    if (!copy) t->failed = true;
    char **cell = &t->value[k * t->r->nruns + run];
    free(*cell); /* two keys that are cut may be the same */
    *cell = copy;
}

static void add_object(table *t, size_t run, const char *prefix, json_t *object, int depth) {
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        if (t->failed || t->nkeys >= 1000) return;
        char key[KEY_SIZE];
        if (snprintf(key, sizeof key, "%s%s%s", prefix, *prefix ? "." : "", name) >= KEY_SIZE)
            strcpy(key + KEY_SIZE - 4, "...");
        if (json_is_object(value) && depth < DEPTH_MAX)
            add_object(t, run, key, value, depth + 1);
        else
            add_value(t, run, key, value);
    }
}

/* What the header tells beside the configuration. */
static void add_header(table *t, size_t run, json_t *header) {
    static const char *const keys[] = {
        "started",       "version",    "train_examples", "validation_examples",
        "test_examples", "parameters", "optimizer_bytes"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const json_t *value = json_object_get(header, keys[k]);
        if (value) add_value(t, run, keys[k], value);
    }
    json_t *machine = json_object_get(header, "machine");
    if (json_is_object(machine)) add_object(t, run, "machine", machine, 0);
}

static bool differs(const table *t, size_t k) {
    char *const *cell = &t->value[k * t->r->nruns];
    for (size_t run = 1; run < t->r->nruns; run++)
        if (!cell[0] != !cell[run] || (cell[0] && strcmp(cell[0], cell[run]) != 0)) return true;
    return false;
}

static void print(const table *t, page *p) {
    page_add(p, "<div class=\"wide\"><table id=\"config\">\n<thead><tr><th>key</th>");
    for (size_t run = 0; run < t->r->nruns; run++) {
        page_add(p, "<th>");
        page_escape(p, t->r->nruns > 1 ? report_label(t->r, run) : "value");
        page_add(p, "</th>");
    }
    page_add(p, "</tr></thead>\n<tbody>\n");
    for (size_t k = 0; k < t->nkeys; k++) {
        page_add(p, differs(t, k) ? "<tr class=\"differs\"><th>" : "<tr><th>");
        page_escape(p, t->key[k]);
        page_add(p, "</th>");
        for (size_t run = 0; run < t->r->nruns; run++) {
            const char *value = t->value[k * t->r->nruns + run];
            page_add(p, "<td>");
            page_escape(p, value ? value : "-");
            page_add(p, "</td>");
        }
        page_add(p, "</tr>\n");
    }
    page_add(p, "</tbody></table></div>\n");
}

int report_config(const report *r, page *p) {
    table t = {.r = r};
    for (size_t run = 0; run < r->nruns; run++)
        add_object(&t, run, "", json_object_get(r->run[run].data.header, "config"), 0);
    for (size_t run = 0; run < r->nruns; run++) add_header(&t, run, r->run[run].data.header);
    if (!t.failed) print(&t, p);
    for (size_t k = 0; k < t.nkeys * r->nruns; k++) free(t.value[k]);
    free(t.value);
    free(t.key);
    return t.failed ? failure(FAILURE_INPUT, "out of memory for the configuration") : 0;
}
