/* SPDX-License-Identifier: Apache-2.0 */
#include "logs/log_store.h"

#include "data/csv.h"
#include "io/failure.h"
#include "logs/log_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED = 12, ID_SHOWN = 8 };

int log_store_add(log_store *runs, const char *path, const char *id, const char *name) {
    if (runs->count == LOG_RUNS_MAX)
        return failure(FAILURE_INPUT, "%s: more than %d runs, the limit", path, LOG_RUNS_MAX);
    if (runs->count == runs->room) {
        const size_t room = runs->room ? 2 * runs->room : 16;
        log_stored *grown = realloc(runs->run, room * sizeof *grown);
        if (!grown) return failure(FAILURE_INPUT, "%s: out of memory", path);
        runs->run = grown;
        runs->room = room;
    }
    const log_stored run = {strdup(id), strdup(name)};
    if (!run.id || !run.name) {
        free(run.id);
        free(run.name);
        return failure(FAILURE_INPUT, "%s: out of memory", path);
    }
    runs->run[runs->count++] = run;
    return 0;
}

/* "healthy" (eaf36150), "flat" (0b1c22d3) and 3 more */
static void list(const log_store *runs, char *text, size_t size) {
    size_t used = 0;
    *text = '\0';
    for (size_t k = 0; k < runs->count && k < LISTED && used < size; k++) {
        const log_stored *run = &runs->run[k];
        const char *comma = k ? ", " : "";
        used += (size_t)(*run->name ? snprintf(text + used, size - used, "%s%s (%.*s)", comma,
                                               csv_quote(run->name).text, ID_SHOWN, run->id)
                                    : snprintf(text + used, size - used, "%s%s", comma,
                                               csv_quote(run->id).text));
    }
    if (runs->count > LISTED && used < size)
        snprintf(text + used, size - used, " and %zu more", runs->count - LISTED);
}

static int ask(const log_store *runs, const char *path, const char *wanted) {
    char text[700];
    list(runs, text, sizeof text);
    if (!wanted)
        return failure(FAILURE_USAGE, "%s: %zu runs in it; choose one with --run: %s", path,
                       runs->count, text);
    return failure(FAILURE_USAGE, "%s: --run %s is no run of it, or not one alone; there are: %s",
                   path, csv_quote(wanted).text, text);
}

/* How well an id or a name fits: 3 the whole id, 2 the whole name, 1 the beginning of an id. */
static int fit(const log_stored *run, const char *wanted) {
    if (!strcmp(run->id, wanted)) return 3;
    if (*wanted && !strcmp(run->name, wanted)) return 2;
    return strlen(wanted) >= 4 && !strncmp(run->id, wanted, strlen(wanted));
}

static void note_choice(log_data *log, const log_store *runs, size_t chosen) {
    const log_stored *run = &runs->run[chosen];
    if (runs->count > 1)
        log_note(log, "%s is one of %zu runs in it",
                 csv_quote(*run->name ? run->name : run->id).text, runs->count);
}

int log_store_choose(const log_store *runs, log_data *log, const char *wanted, size_t *chosen) {
    size_t equals = !wanted && runs->count == 1;
    int best = 0;
    *chosen = 0;
    for (size_t k = 0; wanted && k < runs->count; k++) {
        const int now = fit(&runs->run[k], wanted);
        if (now == 0 || now < best) continue;
        equals = now > best ? 1 : equals + 1;
        best = now;
        *chosen = k;
    }
    if (equals != 1) return ask(runs, log->path, wanted);
    note_choice(log, runs, *chosen);
    return 0;
}

void log_store_free(log_store *runs) {
    for (size_t k = 0; k < runs->count; k++) {
        free(runs->run[k].id);
        free(runs->run[k].name);
    }
    free(runs->run);
    *runs = (log_store){0};
}
