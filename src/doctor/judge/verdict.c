/* The rules, in the order in which they are looked for: each says whether its evidence is there,
 * and how far beyond the threshold. Every threshold is of RAVINE_THRESHOLD_LIST. */
#include "base/error.h"
#include "base/sized.h"
#include "doctor/doctor.h"

#include <math.h>

typedef struct question {
    const ravine_doctor *d;
    const doctor_findings *f;
    const ravine_doctor_options *t; /* thresholds */
    const doctor_history *h;
} question;

/* 0: the evidence is not there; else how far it goes, up to 1. */
typedef double (*rule)(const question *q);

/* 1/2 at the threshold, 1 at `certain` and beyond. */
static double beyond(double value, double threshold, double certain) {
    const double share = (value - threshold) / (certain - threshold);
    return share >= 1 ? 1 : share > 0 ? 0.5 + 0.5 * share : isnan(share) ? 0 : 0.5;
}

static double beyond_log(double value, double threshold, double certain) {
    return beyond(log(fmax(value, 1e-300)), log(threshold), log(certain));
}

static double nonfinite(const question *q) {
    const double horizon = q->t->burst_horizon * (double)q->t->window;
    if (q->h->nonfinite_first < 0 || q->h->nonfinite_growing != 0) return 0;
    return q->h->observed - q->h->nonfinite_last <= horizon;
}

bool doctor_climbs(const ravine_doctor *d, const doctor_findings *f) {
    const ravine_doctor_options *t = &d->options;
    enum { STEPS_LEAST = 4 };
    return f->steps >= STEPS_LEAST && f->growth > t->growth_diverging && f->growth_least > 1 &&
           f->gradient_rise > t->rise_diverging &&
           (f->recent_alpha > t->alpha_diverging || f->recent_flips > t->flips_bouncing ||
            (isnan(f->recent_alpha) && isnan(f->recent_flips)));
}

static double diverging(const question *q) {
    if (q->h->nonfinite_growing != 0 || q->f->exploded) return 1;
    if (q->f->adaptive || !doctor_climbs(q->d, q->f)) return 0;
    return beyond(q->f->growth, q->t->growth_diverging, 2 * q->t->growth_diverging - 1);
}

/* The group with the greatest share of zeros; -1 where no group has a share. */
static double deadest_group(const question *q) {
    double most = 0;
    for (int32_t k = 0; k < q->d->ngroups; k++) {
        const doctor_group *g = &q->d->groups[k];
        if (g->share_weight > 0 && g->param > 0) most = fmax(most, g->zero_share / g->share_weight);
    }
    return most;
}

static double beside_a_slope(const question *q);

static double dead(const question *q) {
    const double share = fmax(q->f->zero_share, q->f->falling ? 0 : deadest_group(q));
    if (!(share > q->t->zero_dead)) return 0;
    /* A minimum reached exactly has zeros as well: there the gradient became small before. */
    const bool faded = q->f->gradient_share < q->t->critical_probed &&
                       q->h->gradient_alive < q->t->critical_probed * q->h->gradient_most;
    const bool curved = q->f->probed && q->f->gradient_share < q->t->critical_probed &&
                        q->h->probe_max > q->h->probe_noise;
    if (faded || curved || beside_a_slope(q) > 0) return 0;
    return beyond(share, q->t->zero_dead, 1);
}

static double oscillating(const question *q);
static bool noisy(const question *q);
static double straight(const question *q);

/* Between bursts the way is calm, or errors shrink and grow again. A sigma that has settled at the
 * limit bounces evenly, for longer than bursts ever waited. */
static double sigma_burst(const question *q) {
    enum { BURSTS_CERTAIN = 3 };
    if (!q->f->adaptive || q->f->bursts == 0) return 0;
    const bool even = q->f->burst_age > 2 * q->f->burst_interval &&
                      q->f->gradient_peak < q->t->burst_update && oscillating(q) > 0;
    return even ? 0 : beyond((double)q->f->bursts, 0, BURSTS_CERTAIN);
}

static double warmup_needed(const question *q) {
    const ravine_config *c = &q->f->config;
    if (!q->f->adaptive || q->h->first_step > 1) return 0;
    const double memory = fmax(c->beta2, c->alpha),
                 first = q->t->warmup_share * (double)q->t->budget;
    if (q->h->step > fmax(1 / (1 - memory), first)) return 0;
    const double rise = (q->h->thrown - q->h->loss_first) / fabs(q->h->loss_first);
    if (!(1 + rise > q->t->warmup_loss)) return 0;
    return beyond(1 + rise, q->t->warmup_loss, 2 * q->t->warmup_loss);
}

/* How far this is a point without slope. */
static double critical(const question *q) {
    const ravine_doctor_options *t = q->t;
    const doctor_findings *f = q->f;
    const double worth = t->critical_decrease * fmin(fabs(f->loss), f->loss_range);
    if (f->probed && q->h->probe_gradient < t->critical_probed * q->h->gradient_most &&
        q->h->probe_decrease < worth)
        return 1;
    if (f->rounded && f->gradient_share < t->critical_gradient) return 0.5;
    if (!noisy(q) && straight(q) > 0) return 0; /* however small against the walls of the start */
    if (f->gradient_share < t->critical_gradient && !noisy(q)) return 0.5;
    if (f->elasticity < t->critical_elasticity && f->gradient_share < t->vanishing_gradient)
        return 0.5;
    const bool flattens = (1 + f->recent_alpha) * (double)t->budget > t->crawling_flattens;
    return !noisy(q) && flattens && f->remaining < t->critical_decrease &&
                   f->recent_flips < t->flips_noise
               ? 0.5
               : 0;
}

static double local_minimum(const question *q) {
    return q->f->negative_curvature ? 0 : critical(q);
}

/* The slope is worth nothing beside what lies along the negative curvature: a plateau on which the
 * gradient never was greater, so that its share of the maximum does not tell. */
static double beside_a_slope(const question *q) {
    const doctor_history *h = q->h;
    const double fall = h->probe_loss - fmin(h->probe_escape_loss[0], h->probe_escape_loss[1]);
    const double worth = q->t->saddle_worth;
    if (!q->f->probed || q->f->falling || !(fall > worth * h->probe_decrease)) return 0;
    return beyond_log(fall / h->probe_decrease, worth, worth * worth);
}

static double saddle(const question *q) {
    return q->f->negative_curvature ? fmax(critical(q), beside_a_slope(q)) : 0;
}

static double oscillating(const question *q) {
    const doctor_findings *f = q->f;
    const ravine_doctor_options *t = q->t;
    const double certain = 1;
    /* Noise alone flips more than half of the signs: gradients of neighbours correlate by -a/2 and
     * alpha is a/2, where a < 2 is lr times curvature. */
    const bool noise = noisy(q) && !(f->alpha > t->alpha_bouncing);
    if (!noise && f->flips > t->flips_bouncing) return beyond(f->flips, t->flips_bouncing, certain);
    const bool half = f->flips > 1 - t->flips_bouncing; /* every other step, and not every */
    if (half && f->flips_two > t->flips_bouncing)
        return beyond(f->flips_two, t->flips_bouncing, certain);
    if ((half || isnan(f->flips)) && f->zeta > t->zeta_bouncing)
        return beyond(f->zeta, t->zeta_bouncing, 2);
    /* A swing of p steps flips 2/p of the signs, and 4/p against two steps before. */
    const bool swings = f->flips_two > t->flips_swinging * f->flips;
    if (f->flips > t->flips_ringing && (swings || (!noise && f->flips < t->flips_noise)) &&
        f->efficiency < t->efficiency_ringing)
        return beyond(-f->efficiency, -t->efficiency_ringing, 0);
    return 0;
}

/* Noise hides the flips, but not that lr is beyond the limit on a fixed batch, nor that a step
 * along the way nearly overshoots: where sigma makes one direction sharp that hardly counts, it
 * does not. A loss that falls a little while every step is a jump is that of a bounce that dies
 * out. */
static double bouncing(const question *q) {
    const doctor_findings *f = q->f;
    const ravine_doctor_options *t = q->t;
    const double limit = noisy(q) ? t->stability_noisy : t->stability_bouncing;
    const bool short_steps = q->h->probe_critical_lr > t->critical_bouncing * f->lr;
    if (f->probed && f->stability > limit && !short_steps)
        return beyond(f->stability, limit, 2 * limit);
    const bool steadily = f->flips > t->flips_steady && f->long_trend.drop < t->crawling_drop;
    return f->falling && !steadily ? 0 : oscillating(q);
}

/* A group whose gradient is a small part of the greatest, and that hardly moves. */
static double faintest_group(const question *q) {
    double most = 0, least = INFINITY;
    for (int32_t k = 0; k < q->d->ngroups; k++)
        if (q->d->groups[k].weight > 0)
            most = fmax(most, q->d->groups[k].gradient / q->d->groups[k].weight);
    for (int32_t k = 0; k < q->d->ngroups; k++) {
        const doctor_group *g = &q->d->groups[k];
        const double move = g->update / g->param * (double)q->t->budget;
        if (g->weight > 0 && move < q->t->vanishing_move)
            least = fmin(least, g->gradient / g->weight / most);
    }
    return least;
}

static double vanishing(const question *q) {
    const doctor_findings *f = q->f;
    const ravine_doctor_options *t = q->t;
    if (f->falling) return 0;
    if (!(f->flips > t->flips_noise) && f->elasticity < t->vanishing_elasticity &&
        f->gradient_share > t->vanishing_gradient)
        return beyond_log(f->elasticity, t->vanishing_elasticity, t->vanishing_elasticity / 100);
    const double faint = faintest_group(q);
    if (!(faint < t->vanishing_ratio)) return 0;
    return beyond_log(faint, t->vanishing_ratio, t->vanishing_ratio / 100);
}

/* The loss does not follow the slope: gradients are those of other examples at every step. */
static bool noisy(const question *q) {
    return q->f->noise > q->t->noise_share;
}

static double noise_floor(const question *q) {
    const doctor_findings *f = q->f;
    const ravine_doctor_options *t = q->t;
    if (f->falling || !noisy(q) || f->drift_z > t->noise_drift) return 0;
    return beyond(-fmax(f->drift_z, 0), -t->noise_drift, 0);
}

/* What turns the gradient from step to step is mostly noise. */
static bool turned_by_noise(const question *q) {
    return noisy(q) || 2 * fabs(q->f->flattens) < 1 + q->f->alpha_median;
}

/* A straight way whose slope will not be gone within the budget. */
static double straight(const question *q) {
    const doctor_findings *f = q->f;
    const ravine_doctor_options *t = q->t;
    const double flattens = (1 + f->alpha_median) * (double)t->budget;
    if (isnan(f->recent_alpha) || f->flips > t->flips_noise) return 0;
    if (!(flattens >= 0) || !(flattens < t->crawling_flattens)) return 0;
    return beyond_log(flattens, t->crawling_flattens, t->crawling_flattens / 10);
}

static double creeping(const question *q) {
    const double drift = q->f->drift_z, least = q->t->noise_drift;
    if (!turned_by_noise(q)) return straight(q);
    return drift > least ? beyond(drift, least, 3 * least) : 0;
}

/* A loss may fall and yet be crawling: there is room for a far greater lr, along the way and across
 * it, and the loss falls by little. */
static double crawling(const question *q) {
    const doctor_findings *f = q->f;
    const double along = q->h->probe_critical_lr / f->lr;
    const double room = f->stability > 0 ? fmin(along, 1 / f->stability) : along;
    const double least = noisy(q) ? q->t->crawling_noisy : q->t->crawling_room;
    if (f->probed && f->trend.drop > 0 && f->long_trend.drop < q->t->crawling_drop && room > least)
        return beyond_log(room, least, 10 * least);
    return f->falling ? 0 : creeping(q);
}

static double unclear(const question *q) {
    return q->f->falling ? 0 : 0.5;
}

static double healthy(const question *q) {
    return beyond(q->f->long_trend.drop, q->t->trend_drop, 5 * q->t->trend_drop);
}

static const struct {
    int verdict;
    rule holds;
    int64_t steps; /* the fewest that it can be said from */
} rules[] = {
    {RAVINE_NONFINITE, nonfinite, 0},
    {RAVINE_DIVERGING, diverging, 4},
    {RAVINE_DEAD, dead, 8},
    {RAVINE_SIGMA_BURST, sigma_burst, 8},
    {RAVINE_WARMUP_NEEDED, warmup_needed, 8},
    {RAVINE_LOCAL_MINIMUM, local_minimum, 8},
    {RAVINE_SADDLE, saddle, 8},
    {RAVINE_BOUNCING, bouncing, 16},
    {RAVINE_VANISHING, vanishing, 16},
    {RAVINE_NOISE_FLOOR, noise_floor, 32},
    {RAVINE_CRAWLING, crawling, 16},
    {RAVINE_UNCLEAR, unclear, 16},
    {RAVINE_HEALTHY, healthy, 16},
};

/* The first rule that holds is the verdict; others that hold are named beside it. */
static void decide(const question *q, ravine_diagnosis *x) {
    bool decided = false, lost = false;
    x->verdict = RAVINE_HEALTHY;
    x->confidence = 0;
    for (size_t k = 0; k < sizeof rules / sizeof rules[0]; k++) {
        if (q->f->steps < rules[k].steps) continue;
        const double confidence = rules[k].holds(q);
        if (!(confidence > 0)) continue;
        if (!decided) {
            x->verdict = rules[k].verdict;
            x->confidence = confidence;
            decided = true;
            lost = x->verdict == RAVINE_DIVERGING || x->verdict == RAVINE_NONFINITE;
        } else if (lost && (rules[k].verdict == RAVINE_LOCAL_MINIMUM ||
                            rules[k].verdict == RAVINE_SADDLE)) {
            continue; /* any gradient is small beside the greatest of a run that is lost */
        } else if (rules[k].verdict != RAVINE_UNCLEAR && rules[k].verdict != RAVINE_HEALTHY &&
                   x->nalso < RAVINE_ALSO_MAX) {
            x->also[x->nalso++] = rules[k].verdict;
        }
    }
}

ravine_status ravine_doctor_diagnose(const ravine_doctor *d, ravine_diagnosis *diagnosis) {
    if (!d || !diagnosis) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    const ravine_status status = ravine_sized_check(&ravine_sized_diagnosis, diagnosis);
    if (status) return status;
    ravine_diagnosis own = {.step = (int64_t)d->h.step, .since = -1}, *x = &own;
    doctor_findings f;
    doctor_find(d, &f);
    decide(&(question){.d = d, .f = &f, .t = &d->options, .h = &d->h}, x);
    doctor_explain(d, &f, x);
    doctor_prescribe(d, &f, x);
    ravine_sized_write(&ravine_sized_diagnosis, diagnosis, x);
    return RAVINE_OK;
}
