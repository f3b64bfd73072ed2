/* SPDX-License-Identifier: Apache-2.0 */
/* Cures beside the unchanged run, from the same place on the same batches. */
#include "base/sized.h"
#include "doctor/judge/cures.h"
#include "doctor/probe/space.h"
#include "doctor/probe/try_copy.h"
#include "text/error.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* The loss after a run is a mean: over a bounce, whose period is 2 or 4, and some of the noise. */
enum { JUDGED_STEPS = 8 };

/* What a run does otherwise than the unchanged one. */
typedef struct change {
    const ravine_config *config; /* NULL: as it is */
    const ravine_schedule *lr;   /* NULL: as it is, or the config's */
    double escape;               /* 0: none */
} change;

/* A cure, and the loss after its run; NaN: it was not made. */
typedef struct trial {
    ravine_cure cure;
    double loss;
} trial;

static ravine_status run_steps(space *s, ravine_optimizer *copy, const change *c, int64_t steps,
                               double *loss) {
    const ravine_problem *problem = &s->problem;
    const int64_t judged = steps < JUDGED_STEPS ? steps : JUDGED_STEPS;
    double sum = 0;
    for (int64_t k = 0; k < steps; k++) {
        const int64_t number =
            problem->nbatches > 0 ? problem->batch + 1 + k % problem->nbatches : problem->batch;
        double step_loss;
        ravine_status status = RAVINE_OK;
        if (c->lr) status = ravine_copy_set_lr(copy, s->o, ravine_schedule_at(c->lr, k));
        if (!status) status = ravine_space_evaluate(s, number, 1, &step_loss);
        if (!status) status = ravine_step(copy, NULL);
        if (status < 0) return status;
        if (k < steps - judged) continue;
        status = ravine_space_evaluate(s, problem->batch, 0, &step_loss);
        if (status) return status;
        sum += step_loss;
    }
    *loss = isfinite(sum) ? sum / (double)judged : HUGE_VAL;
    return RAVINE_OK;
}

/* From home; *possible: 0 if there is nowhere to escape to, or a group may not have such settings.
 */
static ravine_status run(space *s, const change *c, int64_t steps, int *possible, double *loss) {
    ravine_optimizer *copy = NULL;
    *possible = 1;
    ravine_space_home(s);
    ravine_status status = ravine_copy_create(&copy, s->o, c->config);
    if (!status && c->escape != 0) {
        status = ravine_escape(copy, &s->problem, NULL, c->escape);
        *possible = status != RAVINE_E_STATE;
        if (!*possible) status = RAVINE_OK;
    }
    if (!status && *possible) status = run_steps(s, copy, c, steps, loss);
    ravine_destroy(copy);
    if (status != RAVINE_E_RANGE || !(c->config || c->lr)) return status;
    *possible = 0;
    return RAVINE_OK;
}

static double ratio_of(double cured, double unchanged) {
    if (!isfinite(cured)) return HUGE_VAL;
    if (!isfinite(unchanged)) return 0;
    if (cured > 0 && unchanged > 0) return cured / unchanged;
    const double greater = fmax(fabs(cured), fabs(unchanged));
    return greater > 0 ? 1 + (cured - unchanged) / greater : 1;
}

static ravine_status try_cure(space *s, int64_t steps, double unchanged, trial *t) {
    ravine_cure *cure = &t->cure;
    ravine_config config;
    ravine_schedule schedule;
    change c = {0};
    double loss = 0;
    int possible;
    cure->tried = 0;
    cure->loss_ratio = t->loss = NAN;
    if (cure->action == RAVINE_CURE_ADVICE) return RAVINE_OK;
    ravine_status status = RAVINE_OK;
    if (*cure->optimizer) {
        status = ravine_config_parse(&config, cure->optimizer);
        c.config = &config;
    }
    if (!status && *cure->schedule) {
        status = ravine_schedule_parse(&schedule, cure->schedule);
        c.lr = &schedule;
    }
    if (cure->action == RAVINE_CURE_ESCAPE) c.escape = cure->escape;
    if (!status) status = run(s, &c, steps, &possible, &loss);
    if (status || !possible) return status;
    cure->tried = 1;
    cure->loss_ratio = ratio_of(loss, unchanged);
    t->loss = loss;
    return RAVINE_OK;
}

static bool is_lost(const ravine_diagnosis *d) {
    return d->verdict == RAVINE_VERDICT_NONFINITE || d->verdict == RAVINE_VERDICT_DIVERGING;
}

/* A trial in which the unchanged run is not lost says nothing against what is to save it. */
static void forget_losers(trial *tried, int32_t count) {
    for (int32_t k = 0; k < count; k++) {
        ravine_cure *cure = &tried[k].cure;
        if (ravine_doctor_cure_outcome(cure) <= CURE_UNTRIED || !isfinite(cure->loss_ratio))
            continue;
        cure->tried = 0;
        cure->loss_ratio = tried[k].loss = NAN;
    }
}

/* What helped, by how much; then what was not tried, in its order; then what had no effect. */
static int goes_before(const ravine_cure *a, const ravine_cure *b) {
    const cure_outcome first = ravine_doctor_cure_outcome(a),
                       second = ravine_doctor_cure_outcome(b);
    if (first != second) return first < second;
    return first == CURE_HELPED && a->loss_ratio < b->loss_ratio;
}

static void sort(trial *tried, int32_t count) {
    for (int32_t k = 1; k < count; k++) {
        const trial moved = tried[k];
        int32_t to = k;
        for (; to > 0 && goes_before(&moved.cure, &tried[to - 1].cure); to--)
            tried[to] = tried[to - 1];
        tried[to] = moved;
    }
}

/* Without those that did harm; where nothing is left, to know that is what there is to do. */
static int32_t keep_harmless(trial *tried, int32_t count) {
    int32_t kept = 0;
    for (int32_t k = 0; k < count; k++)
        if (ravine_doctor_cure_outcome(&tried[k].cure) != CURE_HARMED) tried[kept++] = tried[k];
    if (kept > 0 || count == 0) return kept;
    ravine_cure *cure = &tried[0].cure;
    *cure = (ravine_cure){.action = RAVINE_CURE_ADVICE,
                          .kind = CURE_NOTHING_HELPS,
                          .old_value = NAN,
                          .new_value = NAN,
                          .loss_ratio = NAN};
    ravine_doctor_fill(cure->text, sizeof cure->text,
                       ravine_doctor_cure_words(CURE_NOTHING_HELPS)->text[ENGLISH], NAN, NAN);
    tried[0].loss = NAN;
    return 1;
}

static ravine_status check(int64_t steps, const ravine_diagnosis *diagnosis) {
    if (steps < 1)
        return ravine_fail(RAVINE_E_RANGE, "steps of a trial are %lld; they must be at least 1",
                           (long long)steps);
    if (diagnosis->ncures < 0 || diagnosis->ncures > RAVINE_CURES_MAX)
        return ravine_fail(RAVINE_E_RANGE, "ncures of the diagnosis is %d; it must be in [0, %d]",
                           diagnosis->ncures, RAVINE_CURES_MAX);
    return RAVINE_OK;
}

ravine_status ravine_try_cures(ravine_optimizer *o, const ravine_problem *problem, int64_t steps,
                               ravine_diagnosis *told) {
    space s;
    ravine_diagnosis own = {0}, *diagnosis = &own;
    trial tried[RAVINE_CURES_MAX];
    ravine_status status = ravine_sized_read(&ravine_sized_diagnosis, diagnosis, told);
    if (!status) status = check(steps, diagnosis);
    if (!status) status = ravine_space_open(&s, o, problem);
    if (status) return status;
    double unchanged = 0;
    int possible;
    status = run(&s, &(change){0}, steps, &possible, &unchanged);
    for (int32_t k = 0; !status && k < diagnosis->ncures; k++) {
        tried[k].cure = diagnosis->cure[k];
        status = try_cure(&s, steps, unchanged, &tried[k]);
    }
    ravine_space_close(&s);
    if (status) return status;
    if (is_lost(diagnosis) && isfinite(unchanged)) forget_losers(tried, diagnosis->ncures);
    sort(tried, diagnosis->ncures);
    diagnosis->ncures = keep_harmless(tried, diagnosis->ncures);
    diagnosis->unchanged_loss = unchanged;
    for (int32_t k = 0; k < RAVINE_CURES_MAX; k++) {
        const bool is_there = k < diagnosis->ncures;
        if (is_there) diagnosis->cure[k] = tried[k].cure;
        diagnosis->cure_loss[k] = is_there ? tried[k].loss : NAN;
    }
    ravine_sized_write(&ravine_sized_diagnosis, told, diagnosis);
    return RAVINE_OK;
}
