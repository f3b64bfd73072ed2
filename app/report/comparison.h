/* SPDX-License-Identifier: Apache-2.0 */
/* comparison.h - which of several runs did best, and whether that is more than their seeds make.
 *
 * Runs are compared by the lowest validation loss of each, or where none has one by its training
 * loss at the end; never by the test, which has nothing to choose. Runs of the same settings under
 * different seeds are a group; it is as good as its mean.
 */
#ifndef RAVINE_REPORT_COMPARISON_H
#define RAVINE_REPORT_COMPARISON_H

#include "math/spread.h"
#include "report/report_settings.h"

/* Runs that differ in nothing but the seed; a log of another program is alone. A run whose seed is
 * in the group already says nothing new and does not count. */
typedef struct report_group {
    size_t first;       /* of its runs; of those that count, if any does */
    ravine_spread loss; /* of those that count and have one */
} report_group;

typedef struct report_comparison {
    bool comparable;               /* the losses are of one kind */
    bool validated;                /* they are of the validation, else of the training */
    double loss[REPORT_RUNS_MAX];  /* NaN: the run has none */
    size_t group[REPORT_RUNS_MAX]; /* of each run */
    report_group groups[REPORT_RUNS_MAX];
    size_t ngroups;
    size_t best, next; /* groups; == ngroups: there is none */
    double lead;       /* of the best over the next */
    double spread;     /* standard deviation of the seeds, of all groups together; NaN: unknown */
    double chance;     /* the lead that seeds alone reach once in twenty times; NaN: unknown */
} report_comparison;

void report_compare(report_comparison *c, const report_settings *s);
/* Where a run lies and what it is called: differs in any two runs, and changes nothing. */
bool report_is_place(const char *key);

/* ---- report_compare.c: the same in words, a sentence at a time, and as a part of the page ---- */
void report_compare_words(const report_comparison *c, const report_settings *s,
                          const phrase_receiver *to);
void report_compare_page(const report_settings *s, page *p);

#endif
