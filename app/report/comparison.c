/* SPDX-License-Identifier: Apache-2.0 */
#include "report/comparison.h"

#include <math.h>
#include <string.h>

bool report_is_place(const char *key) {
    return !strcmp(key, "name") || !strcmp(key, "runs_dir");
}

/* ---- what is compared ---- */

static double validation_loss(const report_run *run) {
    return run->data.tests_epochs ? (double)NAN : run->facts.best_loss.value;
}

/* Losses of what is learned in different ways are of different kinds. */
static bool are_comparable(const report *r) {
    for (size_t run = 1; run < r->nruns; run++)
        if (r->run[run].data.score_kind != r->run[0].data.score_kind) return false;
    return true;
}

static void take_losses(report_comparison *c, const report *r) {
    for (size_t run = 0; run < r->nruns; run++)
        if (isfinite(validation_loss(&r->run[run]))) c->validated = true;
    for (size_t run = 0; run < r->nruns; run++) {
        const double loss =
            c->validated ? validation_loss(&r->run[run]) : r->run[run].facts.train_loss;
        c->loss[run] = isfinite(loss) ? loss : (double)NAN;
    }
}

/* ---- groups ---- */

static bool differ_by_seed_alone(const report_settings *s, size_t run, size_t other) {
    if (report_is_log(&s->r->run[run]) || report_is_log(&s->r->run[other])) return false;
    for (size_t k = 0; k < s->nconfig; k++)
        if (strcmp(s->key[k], "seed") != 0 && !report_is_place(s->key[k]) &&
            !report_settings_agree(s, k, run, other))
            return false;
    return true;
}

static bool have_same_seed(const report_settings *s, size_t run, size_t other) {
    for (size_t k = 0; k < s->nconfig; k++)
        if (!strcmp(s->key[k], "seed")) return report_settings_agree(s, k, run, other);
    return true;
}

static void sort_into_groups(report_comparison *c, const report_settings *s) {
    for (size_t run = 0; run < s->r->nruns; run++) {
        size_t g = 0;
        while (g < c->ngroups && !differ_by_seed_alone(s, c->groups[g].first, run)) g++;
        if (g == c->ngroups) c->groups[c->ngroups++] = (report_group){.first = run};
        c->group[run] = g;
    }
}

/* The first of its group with its seed, and with a loss. */
static bool counts(const report_comparison *c, const report_settings *s, size_t run) {
    if (isnan(c->loss[run])) return false;
    for (size_t before = 0; before < run; before++)
        if (c->group[before] == c->group[run] && !isnan(c->loss[before]) &&
            have_same_seed(s, before, run))
            return false;
    return true;
}

static void summarize(report_group *g, const report_comparison *c, const report_settings *s) {
    double loss[REPORT_RUNS_MAX];
    int64_t n = 0;
    for (size_t run = 0; run < s->r->nruns; run++) {
        if (&c->groups[c->group[run]] != g || !counts(c, s, run)) continue;
        if (n == 0) g->first = run;
        loss[n++] = c->loss[run];
    }
    g->loss = ravine_spread_of(loss, n);
}

/* ---- the best, and chance ---- */

/* The group of the least mean beside `but`; ngroups: none has one. */
static size_t least_group(const report_comparison *c, size_t but) {
    size_t least = c->ngroups;
    for (size_t g = 0; g < c->ngroups; g++) {
        if (g == but || c->groups[g].loss.count == 0) continue;
        if (least == c->ngroups || c->groups[g].loss.mean < c->groups[least].loss.mean) least = g;
    }
    return least;
}

/* Student's t that is passed once in twenty times, to either side, by `freedom` degrees. */
static double student(size_t freedom) {
    static const double t[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                               2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                               2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                               2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
    enum { KNOWN = sizeof t / sizeof *t };
    return t[freedom < KNOWN ? freedom - 1 : KNOWN - 1];
}

/* The groups are taken to have one spread: a group of one run has none to go by. */
static void weigh(report_comparison *c) {
    double squares = 0, freedom = 0;
    for (size_t g = 0; g < c->ngroups; g++) {
        const ravine_spread *loss = &c->groups[g].loss;
        if (loss->count < 2) continue;
        freedom += (double)(loss->count - 1);
        squares += loss->deviation * loss->deviation * (double)(loss->count - 1);
    }
    if (freedom == 0) return;
    c->spread = sqrt(squares / freedom);
    if (c->next == c->ngroups) return;
    const double best = (double)c->groups[c->best].loss.count;
    const double next = (double)c->groups[c->next].loss.count;
    c->chance = student((size_t)freedom) * c->spread * sqrt(1 / best + 1 / next);
}

void report_compare(report_comparison *c, const report_settings *s) {
    *c = (report_comparison){
        .comparable = are_comparable(s->r), .lead = NAN, .spread = NAN, .chance = NAN};
    take_losses(c, s->r);
    sort_into_groups(c, s);
    for (size_t g = 0; g < c->ngroups; g++) summarize(&c->groups[g], c, s);
    c->best = least_group(c, c->ngroups);
    c->next = least_group(c, c->best);
    if (c->next < c->ngroups) c->lead = c->groups[c->next].loss.mean - c->groups[c->best].loss.mean;
    weigh(c);
}
