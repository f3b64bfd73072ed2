/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_json.c - the answer for programs; nothing in it depends on when or how it was made. */
#include "commands/sweep/sweep.h"
#include "io/number_json.h"
#include "io/spread_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *axes_json(const sweep *s) {
    json_t *axes = json_array();
    for (int k = 0; k < s->naxes; k++) {
        const sweep_axis *a = &s->axis[k];
        json_t *values = json_array();
        for (int64_t i = 0; i < a->count; i++)
            json_array_append_new(values, json_string(a->value[i]));
        json_array_append_new(axes, json_pack("{ss so ss}", "key", a->target.name, "values", values,
                                              "spacing", a->log ? "log" : "linear"));
    }
    return axes;
}

static json_t *settings_json(const sweep *s, int64_t cell) {
    json_t *settings = json_object();
    for (int k = 0; k < s->naxes; k++)
        json_object_set_new(settings, s->axis[k].target.name,
                            json_string(sweep_text_of(s, cell, k)));
    return settings;
}

static json_t *score_json(const sweep *s, const run_score *score) {
    if (isnan(score->loss)) return json_null();
    return json_pack("{so so}", "loss", number_json(score->loss), s->score,
                     number_json(score->score));
}

static json_t *run_json(const sweep *s, const sweep_run *run) {
    static const char *const states[] = {
        [SWEEP_NEW] = "new", [SWEEP_OPEN] = "interrupted", [SWEEP_ENDED] = "finished"};
    const bool ended = run->state == SWEEP_ENDED;
    const run_score none = {NAN, NAN};
    return json_pack("{ss sI ss sI so so so so}", "run", run->folder, "seed", (json_int_t)run->seed,
                     "state", ended && run->diverged ? "diverged" : states[run->state], "epochs",
                     (json_int_t)run->epochs, "best_epoch",
                     ended && run->best_epoch ? json_integer((json_int_t)run->best_epoch)
                                              : json_null(),
                     "train", score_json(s, ended ? &run->train : &none), "validation",
                     score_json(s, ended ? &run->validation : &none), "verdict",
                     ended && *run->verdict ? json_string(run->verdict) : json_null());
}

static json_t *cell_json(const sweep *s, int64_t cell) {
    json_t *runs = json_array();
    for (int64_t k = 0; k < s->nseeds; k++)
        json_array_append_new(runs, run_json(s, sweep_run_of(s, cell, k)));
    return json_pack("{so so sI so}", "settings", settings_json(s, cell), "loss",
                     spread_json(&s->cell[cell].loss), "diverged",
                     (json_int_t)s->cell[cell].diverged, "runs", runs);
}

static json_t *next_json(const sweep *s, const sweep_lead *lead) {
    if (lead->next < 0) return json_null();
    return json_pack("{sI so so sI so}", "cell", (json_int_t)lead->next, "settings",
                     settings_json(s, lead->next), "lower_by", spread_json(&lead->by), "lower_in",
                     (json_int_t)lead->lower_in, "seed_deviation", number_json(lead->seeds));
}

static json_t *edges_json(const sweep *s, int64_t cell) {
    json_t *edges = json_array();
    for (int k = 0; k < s->naxes; k++)
        if (sweep_edge(s, cell, k))
            json_array_append_new(edges, json_string(s->axis[k].target.name));
    return edges;
}

static json_t *best_json(const sweep *s) {
    const sweep_lead lead = sweep_find_lead(s);
    if (lead.best < 0) return json_null();
    char *lines = sweep_lines(s, lead.best);
    json_t *best = json_pack("{sI so so so so ss?}", "cell", (json_int_t)lead.best, "settings",
                             settings_json(s, lead.best), "loss",
                             spread_json(&s->cell[lead.best].loss), "next", next_json(s, &lead),
                             "at_edge", edges_json(s, lead.best), "config", lines);
    free(lines);
    return best;
}

json_t *sweep_json(const sweep *s) {
    json_t *cells = json_array();
    for (int64_t k = 0; k < s->ncells; k++) json_array_append_new(cells, cell_json(s, k));
    return json_pack("{ss ss so so so}", "folder", s->folder, "decided_by",
                     s->validates ? "validation" : "train", "vary", axes_json(s), "best",
                     best_json(s), "cells", cells);
}
