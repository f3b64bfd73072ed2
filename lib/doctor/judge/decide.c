/* SPDX-License-Identifier: Apache-2.0 */
/* One evaluator for all rules: judge_rules.def says what a verdict is made of. */
#include "doctor/judge/judge.h"

#include <math.h>

typedef enum row_kind {
    ROW_CONCEPT,
    ROW_CASE,
    ROW_ABOVE,
    ROW_BELOW,
    ROW_NOT_ABOVE,
    ROW_NOT_BELOW,
    ROW_UNKNOWN,
    ROW_HOLDS,
    ROW_FAILS
} row_kind;

typedef struct row {
    row_kind kind;
    int what; /* a concept or a finding */
    double threshold, sure;
} row;

/* clang-format off */
#define VERDICT(NAME, steps)    {CONCEPT_##NAME, RAVINE_VERDICT_##NAME, steps},
#define SAYS(NAME, word, steps) {CONCEPT_##NAME, RAVINE_VERDICT_##word, steps},
static const struct {
    int concept, verdict, steps;
} verdicts[] = {
#include "doctor/judge/judge_rules.def"
};
#define ANY                             NAN
#define CONCEPT(NAME)                   {ROW_CONCEPT, CONCEPT_##NAME, 0, ANY},
#define VERDICT(NAME, steps)            {ROW_CONCEPT, CONCEPT_##NAME, 0, ANY},
#define SAYS(NAME, word, steps)         {ROW_CONCEPT, CONCEPT_##NAME, 0, ANY},
#define CASE(most)                      {ROW_CASE, 0, most, ANY},
#define ABOVE(finding, threshold, sure) {ROW_ABOVE, FIND_##finding, threshold, sure},
#define BELOW(finding, threshold, sure) {ROW_BELOW, FIND_##finding, threshold, sure},
#define YES(finding)                    {ROW_ABOVE, FIND_##finding, 0, ANY},
#define NO(finding)                     {ROW_NOT_ABOVE, FIND_##finding, 0, ANY},
#define NOT_ABOVE(finding, threshold)   {ROW_NOT_ABOVE, FIND_##finding, threshold, ANY},
#define NOT_BELOW(finding, threshold)   {ROW_NOT_BELOW, FIND_##finding, threshold, ANY},
#define UNKNOWN(finding)                {ROW_UNKNOWN, FIND_##finding, 0, ANY},
#define HOLDS(NAME)                     {ROW_HOLDS, CONCEPT_##NAME, 0, ANY},
#define FAILS(NAME)                     {ROW_FAILS, CONCEPT_##NAME, 0, ANY},
static const row rows[] = {
#include "doctor/judge/judge_rules.def"
};
/* clang-format on */

/* How often a word was right at the end of a training, of the outside battery's development seeds;
 * of a word that was hardly said four in five times. */
static double frequency_of(int verdict) {
    static const struct {
        double right, said;
    } asked[RAVINE_VERDICT_COUNT] = {
#define SAID(NAME, right, said) [RAVINE_VERDICT_##NAME] = {right, said},
#include "doctor/judge/frequencies.def"
#undef SAID
    };
    const double usual = 0.8, weight = 5;
    if (verdict == RAVINE_VERDICT_UNCLEAR) return 1;
    return (asked[verdict].right + usual * weight) / (asked[verdict].said + weight);
}

/* 1/2 at the threshold, 1 at `sure` and beyond; on a scale of factors where they lie far apart. */
static double certainty(double value, const row *r) {
    if (isnan(r->sure)) return 1;
    const double from = r->threshold, to = r->sure;
    const bool factors = from > 0 && to > 0 && (to / from > 4 || from / to > 4);
    const double share =
        factors ? log(fmax(value, 1e-300) / from) / log(to / from) : (value - from) / (to - from);
    return fmin(1, 0.5 + 0.5 * fmax(share, 0));
}

/* 0: the row does not hold; else how sure it is. */
static double weigh(const row *r, const doctor_findings *f, const double *holds) {
    const double value = f->value[r->kind == ROW_HOLDS || r->kind == ROW_FAILS ? 0 : r->what];
    switch (r->kind) {
    case ROW_ABOVE: return value > r->threshold ? certainty(value, r) : 0;
    case ROW_BELOW: return value < r->threshold ? certainty(value, r) : 0;
    case ROW_NOT_ABOVE: return value > r->threshold ? 0 : 1;
    case ROW_NOT_BELOW: return value < r->threshold ? 0 : 1;
    case ROW_UNKNOWN: return isnan(value) ? 1 : 0;
    case ROW_HOLDS: return holds[r->what];
    case ROW_FAILS: return holds[r->what] > 0 ? 0 : 1;
    case ROW_CONCEPT:
    case ROW_CASE: break;
    }
    return 0;
}

enum { ROWS = sizeof rows / sizeof *rows };

static size_t end_of_case(size_t first) {
    size_t k = first + 1;
    while (k < ROWS && rows[k].kind > ROW_CASE) k++;
    return k;
}

/* As sure as its least sure row. */
static double weigh_case(size_t first, const doctor_findings *f, const double *holds) {
    double sure = rows[first].threshold;
    for (size_t k = first + 1; k < end_of_case(first); k++)
        sure = fmin(sure, weigh(&rows[k], f, holds));
    return sure;
}

/* As sure as its surest case, whose rows all hold. */
void ravine_doctor_weigh(const doctor_findings *f, double holds[CONCEPT_COUNT]) {
    int concept = 0;
    for (size_t k = 0; k < ROWS; k++) {
        if (rows[k].kind == ROW_CONCEPT)
            holds[concept = rows[k].what] = 0;
        else if (rows[k].kind == ROW_CASE)
            holds[concept] = fmax(holds[concept], weigh_case(k, f, holds));
    }
}

void ravine_doctor_decide(const doctor_findings *f, ravine_diagnosis *x) {
    double holds[CONCEPT_COUNT];
    bool decided = false, lost = false;
    ravine_doctor_weigh(f, holds);
    x->verdict = RAVINE_VERDICT_UNCLEAR;
    x->confidence = 0;
    for (size_t k = 0; k < sizeof verdicts / sizeof *verdicts; k++) {
        const double sure = holds[verdicts[k].concept];
        const int verdict = verdicts[k].verdict;
        if (f->steps < verdicts[k].steps || !(sure > 0)) continue;
        if (!decided) {
            x->verdict = verdict;
            x->confidence = sure * frequency_of(verdict);
            decided = true;
            lost = verdict == RAVINE_VERDICT_DIVERGING || verdict == RAVINE_VERDICT_NONFINITE;
        } else if (lost &&
                   (verdict == RAVINE_VERDICT_LOCAL_MINIMUM || verdict == RAVINE_VERDICT_SADDLE)) {
            continue; /* any gradient is small beside the greatest of a run that is lost */
        } else if (verdict != x->verdict && verdict != RAVINE_VERDICT_UNCLEAR &&
                   verdict != RAVINE_VERDICT_HEALTHY && x->nalso < RAVINE_ALSO_MAX) {
            x->also[x->nalso++] = verdict;
        }
    }
}

/* ---- which numbers made a verdict hold */

/* The first of a concept's surest cases; ROWS where none holds. */
static size_t surest_case(int concept, const doctor_findings *f, const double *holds) {
    size_t k = 0, surest = ROWS;
    double most = 0;
    while (rows[k].kind != ROW_CONCEPT || rows[k].what != concept) k++;
    for (k++; k < ROWS && rows[k].kind != ROW_CONCEPT; k++) {
        if (rows[k].kind != ROW_CASE) continue;
        const double sure = weigh_case(k, f, holds);
        if (sure > most) surest = k;
        most = fmax(most, sure);
    }
    return surest;
}

static void see_concept(int concept, const doctor_findings *f, const double *holds, doctor_see *see,
                        void *context) {
    const size_t first = surest_case(concept, f, holds);
    if (first == ROWS) return;
    for (size_t k = first + 1; k < end_of_case(first); k++) {
        const row *r = &rows[k];
        if (r->kind == ROW_HOLDS)
            see_concept(r->what, f, holds, see, context);
        else if (r->kind != ROW_FAILS && r->kind != ROW_UNKNOWN)
            see(context, (finding)r->what);
    }
}

void ravine_doctor_see_held(const doctor_findings *f, int verdict, doctor_see *see, void *context) {
    double holds[CONCEPT_COUNT];
    ravine_doctor_weigh(f, holds);
    for (size_t k = 0; k < sizeof verdicts / sizeof *verdicts; k++) {
        const int concept = verdicts[k].concept;
        if (verdicts[k].verdict != verdict || f->steps < verdicts[k].steps) continue;
        if (!(holds[concept] > 0)) continue;
        see_concept(concept, f, holds, see, context);
        return;
    }
}
