/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_choice.c - which combination is best, and how far it is ahead. The test decides nothing. */
#include "commands/sweep/sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double sweep_loss(const sweep *s, const sweep_run *run) {
    if (run->state != SWEEP_ENDED || run->diverged) return NAN;
    return s->validates ? run->validation.loss : run->train.loss;
}

/* Losses of two kinds are not compared: one run without a validation, and the training decides. */
static bool validates(const sweep *s) {
    for (int64_t k = 0; k < s->nruns; k++) {
        const sweep_run *run = &s->run[k];
        if (run->state == SWEEP_ENDED && !run->diverged && isnan(run->validation.loss))
            return false;
    }
    return true;
}

static void sum_up_cell(const sweep *s, int64_t cell) {
    s->cell[cell].diverged = 0;
    for (int64_t k = 0; k < s->nseeds; k++) {
        const sweep_run *run = sweep_run_of(s, cell, k);
        s->room[k] = sweep_loss(s, run);
        s->cell[cell].diverged += run->state == SWEEP_ENDED && run->diverged;
    }
    s->cell[cell].loss = ravine_spread_of(s->room, s->nseeds);
}

void sweep_sum_up(sweep *s) {
    s->validates = validates(s);
    for (int64_t k = 0; k < s->ncells; k++) sum_up_cell(s, k);
}

int64_t sweep_best(const sweep *s, int64_t but) {
    int64_t best = -1;
    for (int64_t k = 0; k < s->ncells; k++) {
        const ravine_spread *loss = &s->cell[k].loss;
        if (k == but || loss->count < s->nseeds) continue;
        if (best < 0 || loss->mean < s->cell[best].loss.mean) best = k;
    }
    return best;
}

/* ---- in order ---- */

static int by_mean(const void *a, const void *b) {
    const sweep_cell *x = *(const sweep_cell *const *)a, *y = *(const sweep_cell *const *)b;
    if (x->diverged != y->diverged) return x->diverged < y->diverged ? -1 : 1;
    if (x->loss.mean < y->loss.mean) return -1;
    if (x->loss.mean > y->loss.mean) return 1;
    return x < y ? -1 : 1;
}

void sweep_rank(const sweep *s, const sweep_cell **order) {
    for (int64_t k = 0; k < s->ncells; k++) order[k] = &s->cell[k];
    qsort(order, (size_t)s->ncells, sizeof *order, by_mean);
}

/* ---- the best ---- */

sweep_lead sweep_find_lead(const sweep *s) {
    sweep_lead lead = {.best = sweep_best(s, -1), .next = -1, .seeds = NAN};
    if (lead.best >= 0) lead.next = sweep_best(s, lead.best);
    if (lead.next < 0) return lead;
    for (int64_t k = 0; k < s->nseeds; k++) {
        s->room[k] = sweep_loss(s, sweep_run_of(s, lead.next, k)) -
                     sweep_loss(s, sweep_run_of(s, lead.best, k));
        lead.lower_in += s->room[k] > 0;
    }
    lead.by = ravine_spread_of(s->room, s->nseeds);
    const double one = s->cell[lead.best].loss.deviation, other = s->cell[lead.next].loss.deviation;
    lead.seeds = sqrt((one * one + other * other) / 2);
    return lead;
}

int sweep_edge(const sweep *s, int64_t cell, int axis) {
    const sweep_axis *a = &s->axis[axis];
    if (!a->number || a->count < 3) return 0;
    const double has = a->number[sweep_value_of(s, cell, axis)];
    bool least = true, greatest = true;
    for (int64_t k = 0; k < a->count; k++) {
        least = least && has <= a->number[k];
        greatest = greatest && has >= a->number[k];
    }
    return least ? -1 : greatest ? 1 : 0;
}

char *sweep_lines(const sweep *s, int64_t cell) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    config_print_from(&sweep_run_of(s, cell, 0)->config, "--vary", out);
    return fclose(out) == 0 ? text : NULL;
}
