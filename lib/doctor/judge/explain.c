/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a verdict: the numbers that speak for it, what it is not, what nobody knows.
 *
 * Evidence are the numbers of the rows that made the verdict hold (judge_rules.def), each by its
 * sentence of evidence.def; behind them what shows the same picture, and what happened at one step.
 */
#include "doctor/judge/judge.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct witness {
    const ravine_doctor *d;
    const doctor_findings *f;
    const doctor_history *h;
    ravine_diagnosis *x;
} witness;

__attribute__((format(printf, 4, 5))) static void say(const witness *w, const char *name,
                                                      double value, const char *format, ...) {
    ravine_diagnosis *x = w->x;
    if (x->nevidence >= RAVINE_EVIDENCE_MAX || isnan(value)) return;
    for (int32_t k = 0; k < x->nevidence; k++)
        if (!strcmp(x->evidence[k].name, name)) return;
    ravine_evidence *e = &x->evidence[x->nevidence++];
    snprintf(e->name, sizeof e->name, "%s", name);
    e->value = value;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(e->text, sizeof e->text, format, arguments);
    va_end(arguments);
}

static void cannot_tell(ravine_diagnosis *x, const char *text) {
    if (x->ncannot_tell < RAVINE_CANNOT_MAX)
        snprintf(x->cannot_tell[x->ncannot_tell++], sizeof x->cannot_tell[0], "%s", text);
}

/* ---- sentences */

enum { ERRORS_SIZE = 48 };
#define ZETA_OF_A_BOUNCE 1.5

/* "5.2 standard errors" */
static const char *errors(double z, char text[ERRORS_SIZE]) {
    if (isfinite(z))
        snprintf(text, ERRORS_SIZE, "%.3g standard errors", fabs(z));
    else
        snprintf(text, ERRORS_SIZE, "without noise");
    return text;
}

static const char *span(const witness *w) {
    return w->h->blocks < DOCTOR_BLOCKS ? "the run" : "four windows";
}

static const char *loss_input(double code) {
    static const char *const given[] = {
        "what it expects", "what a softmax or sigmoid has squashed before",
        "a softmax over the examples, not over the classes", "what a ReLU has cut at 0",
        "each prediction beside each target: [n, 1] beside [n]"};
    return code >= 1 && code <= 4 ? given[(int)code] : given[0];
}

static double block_length(const witness *w) {
    return (double)w->d->options.window / DOCTOR_BLOCKS_A_WINDOW;
}

static bool is_aside(finding which) {
    switch (which) {
#define SAY(finding, ...)
#define ASIDE(finding, ...) case FIND_##finding:
#include "doctor/judge/evidence.def"
#undef ASIDE
#undef SAY
        return true;
    default: return false;
    }
}

static void say_finding(const witness *w, finding which) {
    const doctor_findings *f = w->f;
    switch (which) {
#define SAY(finding, key, value, ...)    \
    case FIND_##finding:                 \
        say(w, key, value, __VA_ARGS__); \
        return;
#define ASIDE SAY
#include "doctor/judge/evidence.def"
#undef ASIDE
#undef SAY
    default: return;
    }
}

static void say_plain(void *context, finding which) {
    const witness *w = context;
    if (!is_aside(which) && !isnan(w->f->value[which])) say_finding(w, which);
}

static void say_aside(void *context, finding which) {
    const witness *w = context;
    if (is_aside(which)) say_finding(w, which);
}

/* What shows the same picture, whether or not a row asks for it. */
#define BESIDE(...) \
    { (const finding[]){__VA_ARGS__}, sizeof((const finding[]){__VA_ARGS__}) / sizeof(finding) }
static const struct {
    const finding *list;
    size_t count;
} beside[RAVINE_VERDICT_COUNT] = {
    [RAVINE_VERDICT_HEALTHY] =
        BESIDE(FIND_drop, FIND_gradient_share, FIND_sign_change_rate, FIND_efficiency),
    [RAVINE_VERDICT_DEAD] = BESIDE(FIND_zero_share),
    [RAVINE_VERDICT_SADDLE] = BESIDE(FIND_gradient_share),
    [RAVINE_VERDICT_LOCAL_MINIMUM] = BESIDE(FIND_gradient_share),
    [RAVINE_VERDICT_BOUNCING] =
        BESIDE(FIND_sign_change_rate, FIND_sign_change_rate_lag2, FIND_line_position,
               FIND_efficiency, FIND_zeta, FIND_stability, FIND_gradient_share, FIND_drop),
    [RAVINE_VERDICT_VANISHING] = BESIDE(FIND_elasticity, FIND_gradient_share, FIND_drop),
    [RAVINE_VERDICT_NOISE_FLOOR] =
        BESIDE(FIND_drop, FIND_sign_change_rate, FIND_noise, FIND_drift_z, FIND_line_position,
               FIND_efficiency, FIND_zeta, FIND_gradient_share),
    [RAVINE_VERDICT_CRAWLING] =
        BESIDE(FIND_drift_z, FIND_sign_change_rate, FIND_efficiency, FIND_underflow_share,
               FIND_stability, FIND_gradient_share, FIND_drop),
    [RAVINE_VERDICT_UNCLEAR] = BESIDE(FIND_drop, FIND_gradient_share, FIND_sign_change_rate,
                                      FIND_line_position, FIND_efficiency, FIND_noise),
    [RAVINE_VERDICT_NOT_LEARNING] = BESIDE(FIND_drop, FIND_sign_change_rate, FIND_gradient_share),
    [RAVINE_VERDICT_OVERFITTING] = BESIDE(FIND_drop),
    [RAVINE_VERDICT_CLIPPED] = BESIDE(FIND_clip_share, FIND_clip_factor, FIND_drop),
    [RAVINE_VERDICT_LR_ZERO] = BESIDE(FIND_lr, FIND_still, FIND_drop),
    [RAVINE_VERDICT_DECAYED_AWAY] = BESIDE(FIND_gradient_share, FIND_drop),
    [RAVINE_VERDICT_UPDATE_LOST] = BESIDE(FIND_underflow_share, FIND_drop),
    [RAVINE_VERDICT_EXPLODING] = BESIDE(FIND_signal_scale, FIND_start_faint, FIND_gradient_share),
    [RAVINE_VERDICT_UNSCALED_INPUT] = BESIDE(FIND_input_scale, FIND_drop),
};

/* ---- what happened at one step, and what has no finding */

static void say_curvature(const witness *w) {
    if (w->f->probed == 0) return;
    const doctor_history *h = w->h;
    say(w, "lambda_min", h->probe_min, "least curvature found %.4g +- %.1g", h->probe_min,
        h->probe_min_residual);
    say(w, "lambda_max", h->probe_max, "greatest curvature %.4g +- %.1g", h->probe_max,
        h->probe_max_residual);
    say(w, "flat_directions", h->probe_flat, "%.0f of %.0f directions looked at are flat",
        h->probe_flat, h->probe_lanczos);
    say(w, "loss_to_be_had", h->probe_decrease, "%.3g of the loss is still to be had nearby",
        h->probe_decrease);
}

static void explain_nonfinite(const witness *w) {
    const doctor_history *h = w->h;
    say(w, "first_step", h->nonfinite_first, "after step %.0f %s not finite", h->nonfinite_first,
        h->nonfinite_loss != 0 ? "the loss was" : "the gradient was");
    if (h->nonfinite_count > 0) {
        say(w, "elements", h->nonfinite_count, "%.0f elements of the gradient", h->nonfinite_count);
        if (h->nonfinite_param >= 0 && h->nonfinite_index >= 0)
            say(w, "first_param", h->nonfinite_param, "first in parameter %.0f, element %.0f",
                h->nonfinite_param, h->nonfinite_index);
        else if (h->nonfinite_param >= 0)
            say(w, "first_param", h->nonfinite_param, "first in parameter %.0f",
                h->nonfinite_param);
    }
    if (w->f->steps == 0) return;
    const doctor_step *last = ravine_doctor_back(w->d, 0);
    say(w, "last_loss", last->loss, "the last finite loss was %.6g, at step %.0f", last->loss,
        last->step);
    say(w, "last_gradient_norm", last->gradient, "and the gradient's norm %.4g", last->gradient);
}

static void explain_explosion(const witness *w) {
    const doctor_history *h = w->h;
    say(w, "loss", w->f->loss, "and fell to %.6g, where it had begun with %.6g", w->f->loss,
        h->loss_first);
    say(w, "param_norm", h->param_most / h->param_first,
        "the parameters are up to %.3g times as long as after the first step",
        h->param_most / h->param_first);
}

/* The part whose gradient was the longest, by name. */
static void explain_wall(const witness *w) {
    double most = 0;
    int32_t steep = -1;
    say_finding(w, FIND_gradient_wall);
    for (int32_t k = 0; k < w->d->nparts; k++)
        if (w->d->parts[k].gradient_most > most) {
            most = w->d->parts[k].gradient_most;
            steep = k;
        }
    if (w->f->gradient_wall > 0 && w->d->nparts > 1 && steep >= 0)
        say(w, "wall_part", most, "the longest, %.3g, was that of group %d%s%.60s", most,
            (int)steep, w->d->part_name[steep][0] ? ", " : "", w->d->part_name[steep]);
}

static void explain_diverging(const witness *w) {
    const doctor_findings *f = w->f;
    if (f->exploded != 0) {
        explain_explosion(w);
        return;
    }
    explain_wall(w);
    say_finding(w, FIND_growth);
    say_finding(w, FIND_recent_sign_change_rate);
    say_finding(w, FIND_recent_line_position);
    say_finding(w, FIND_curvature);
    say(w, "lr_limit", f->limit / f->curvature,
        "lr must be below %.6g and is %.6g, %.4g times that", f->limit / f->curvature, f->lr,
        f->lr * f->curvature / f->limit);
}

static void explain_dead(const witness *w) {
    const double nearly_all = 0.9;
    for (int32_t k = 0; k < w->d->nparts; k++) {
        const doctor_part *g = &w->d->parts[k];
        const double share = ravine_doctor_part_quiet(g);
        char name[32];
        snprintf(name, sizeof name, "zero_share_%d", (int)k);
        if (g->share_weight > 0 && share > nearly_all)
            say(w, name, share, "%.1f %% in group %d%s%.60s", 100 * share, (int)k,
                w->d->part_name[k][0] ? ", " : "", w->d->part_name[k]);
    }
    say_finding(w, FIND_gradient_share);
}

static void explain_burst(const witness *w) {
    const doctor_history *h = w->h;
    if (h->bursts < 1) return;
    const doctor_burst *last = doctor_burst_back(h, 0);
    say(w, "burst_update", last->update, "its longest step was %.3g times the usual one",
        last->update);
    say(w, "burst_loss", last->loss + 1, "and threw the loss to %.3g times what it was",
        last->loss + 1);
    say(w, "burst_sigma_ratio", last->sigma_ratio, "a gradient %.3g times sigma",
        last->sigma_ratio);
    if (h->bursts > 1) {
        const int64_t counted = h->bursts < DOCTOR_BURSTS ? (int64_t)h->bursts : DOCTOR_BURSTS;
        const doctor_burst *first = doctor_burst_back(h, counted - 1);
        const double period = (last->peak - first->peak) / (double)(counted - 1);
        say(w, "burst_period", period, "one in %.0f steps", period);
    }
    say_finding(w, FIND_stability);
}

static void explain_warmup(const witness *w) {
    const doctor_history *h = w->h;
    say_finding(w, FIND_thrown);
    say(w, "first_move", h->update_first / h->param_first,
        "the first step was %.2g times as long as the parameters are",
        h->update_first / h->param_first);
}

static void explain_critical(const witness *w) {
    const doctor_history *h = w->h;
    say_curvature(w);
    if (w->f->probed != 0 && w->x->verdict == RAVINE_VERDICT_SADDLE) {
        say(w, "escape_loss", h->probe_escape_loss[1],
            "the loss %.3g along that direction is %.6g, here %.6g", h->probe_escape,
            fmin(h->probe_escape_loss[0], h->probe_escape_loss[1]), h->probe_loss);
        const double rate = log1p(w->f->lr * -h->probe_min);
        say(w, "escape_steps", 1 / rate, "gradient descent leaves it by a factor e in %.3g steps",
            1 / rate);
    }
    if (w->f->adaptive != 0 && w->f->probed != 0) say_finding(w, FIND_stability);
}

/* The part with the least gradient, by name. */
static void explain_vanishing(const witness *w) {
    double most = 0, least = INFINITY;
    int32_t faint = -1;
    for (int32_t k = 0; k < w->d->nparts; k++) {
        const doctor_part *g = &w->d->parts[k];
        if (!(g->weight > 0)) continue;
        const double mean = ravine_doctor_part_gradient(g);
        most = fmax(most, mean);
        if (mean < least) {
            least = mean;
            faint = k;
        }
    }
    if (w->d->nparts > 1 && faint >= 0)
        say(w, "group_ratio", least / most,
            "group %d%s%.60s has %.2g of the greatest group's gradient", (int)faint,
            w->d->part_name[faint][0] ? ", " : "", w->d->part_name[faint], least / most);
}

static void explain_noise(const witness *w) {
    if (w->f->probed != 0)
        say(w, "noise_scale", w->h->probe_noise_scale,
            "the noise of a batch is %.3g times the signal", w->h->probe_noise_scale);
}

static void explain_crawling(const witness *w) {
    const double flattens = 1 + w->f->line_position_median;
    /* Noise turns the gradient as curvature does: only a slope that lasts speaks for itself. */
    if (w->f->gone < 1 && flattens > 0)
        say(w, "steps_to_flatten", 1 / flattens, "at this pace the slope flattens in %.3g steps",
            1 / flattens);
}

static void explain_overfitting(const witness *w) {
    say(w, "best_step", w->h->validation_least_step,
        "on other examples the loss was least at step %.0f: %.6g", w->h->validation_least_step,
        w->h->validation_least);
}

/* ---- what it is not, and what nobody knows */

static void say_not(const witness *w) {
    ravine_diagnosis *x = w->x;
    const doctor_findings *f = w->f;
    char *text = x->not_text;
    const size_t room = sizeof x->not_text;
    switch (x->verdict) {
    case RAVINE_VERDICT_BOUNCING:
    case RAVINE_VERDICT_NOISE_FLOOR:
    case RAVINE_VERDICT_CRAWLING:
    case RAVINE_VERDICT_SIGMA_BURST:
        if (isnan(f->gradient_share)) return;
        snprintf(text, room, "a critical point: the gradient is at %.3g %% of its maximum",
                 100 * f->gradient_share);
        break;
    case RAVINE_VERDICT_DIVERGING:
        if (f->exploded == 0 && !(f->growth > 1)) return;
        snprintf(text, room, "%s",
                 f->exploded != 0 ? "a minimum: it was thrown out here, and nothing leads back"
                                  : "a small gradient: it grows from step to step");
        break;
    case RAVINE_VERDICT_LOCAL_MINIMUM:
        if (isnan(f->gradient_share)) return;
        snprintf(text, room, "too small a learning rate: the gradient is at %.2g of its maximum",
                 f->gradient_share);
        break;
    case RAVINE_VERDICT_SADDLE:
        snprintf(text, room, "a minimum: the loss falls along a direction that the gradient lacks");
        break;
    case RAVINE_VERDICT_VANISHING:
        if (isnan(f->gradient_share)) return;
        snprintf(text, room,
                 "a minimum: the gradient was never large, and is at %.3g %% of its maximum",
                 100 * f->gradient_share);
        break;
    case RAVINE_VERDICT_LR_ZERO:
        snprintf(text, room, "a minimum: nothing moves because lr is %.3g", f->lr);
        break;
    case RAVINE_VERDICT_NOT_LEARNING:
        snprintf(text, room, "a noise floor: that is reached by learning");
        break;
    case RAVINE_VERDICT_OVERFITTING:
        snprintf(text, room, "the optimizer: the loss that it works on fell");
        break;
    case RAVINE_VERDICT_DATA_ORDER:
        snprintf(text, room, "too high a learning rate: the loss goes up and down with the data");
        break;
    case RAVINE_VERDICT_ACCUMULATING:
        snprintf(text, room,
                 "too low a learning rate: gradients point the same way because they are sums");
        break;
    case RAVINE_VERDICT_DECAYED_AWAY:
        if (isnan(f->decay_share)) return;
        snprintf(text, room, "a minimum of the loss: weight decay alone is %.3g times a step",
                 f->decay_share);
        break;
    case RAVINE_VERDICT_CLIPPED:
        snprintf(text, room, "too low a learning rate: clipping makes the steps short");
        break;
    default: break;
    }
}

static void say_unknown(const witness *w) {
    ravine_diagnosis *x = w->x;
    enum { STEPS_ENOUGH = 16 };
    const bool unclear = x->verdict == RAVINE_VERDICT_UNCLEAR;
    if (unclear && w->h->observed == 0)
        cannot_tell(x, "anything: no step was seen; tell the doctor the loss of each step "
                       "(ravine_doctor_observe, in Python doctor.tell(loss))");
    else if (unclear && w->h->observed < STEPS_ENOUGH)
        cannot_tell(x, "anything: a diagnosis needs at least 16 steps");
    if (isnan(w->f->sign_change_rate) && w->h->observed > 0)
        cannot_tell(x, "bounces from noise: how often signs change is not known");
    const bool point =
        x->verdict == RAVINE_VERDICT_LOCAL_MINIMUM || x->verdict == RAVINE_VERDICT_SADDLE;
    if (point && w->f->probed == 0)
        cannot_tell(x, "a minimum from a saddle: only a probe of the curvature tells");
    if (x->verdict == RAVINE_VERDICT_LOCAL_MINIMUM && w->f->probed != 0)
        cannot_tell(x, "directions of negative curvature beyond the steps of Lanczos' iteration");
    if (x->verdict == RAVINE_VERDICT_NOISE_FLOOR && w->f->probed == 0)
        cannot_tell(x, "how large a batch would have to be: a probe of the noise tells");
    if (x->verdict == RAVINE_VERDICT_CRAWLING && w->f->probed == 0)
        cannot_tell(x, "how far lr can be raised: a probe of the curvature tells");
    if (x->verdict == RAVINE_VERDICT_VANISHING && w->f->probed == 0)
        cannot_tell(x, "a plateau from a saddle: only a probe of the curvature tells");
}

/* The step from which the loss has been where it is, up to the least fall that counts. */
static int64_t stalled_since(const witness *w) {
    const ravine_doctor *d = w->d;
    const int64_t blocks = (int64_t)w->h->blocks;
    if (blocks == 0) return -1;
    const int64_t block = d->options.window / DOCTOR_BLOCKS_A_WINDOW;
    const double least_drop = 0.02;
    const double now = w->h->block[(blocks - 1) % DOCTOR_BLOCKS];
    const double scale = fmin(fabs(now), w->f->loss_range) * least_drop;
    int64_t back = 1;
    while (back < blocks && back < DOCTOR_BLOCKS &&
           w->h->block[(blocks - 1 - back) % DOCTOR_BLOCKS] - now < scale)
        back++;
    const double since = w->h->step - (double)(back * block);
    return since > 0 ? (int64_t)since : 0;
}

static int64_t since(const witness *w) {
    const doctor_history *h = w->h;
    const int64_t counted = h->bursts < DOCTOR_BURSTS ? (int64_t)h->bursts : DOCTOR_BURSTS;
    switch (w->x->verdict) {
    case RAVINE_VERDICT_HEALTHY: return -1;
    case RAVINE_VERDICT_NONFINITE: return (int64_t)h->nonfinite_first;
    case RAVINE_VERDICT_WARMUP_NEEDED: return (int64_t)h->first_step;
    case RAVINE_VERDICT_SIGMA_BURST:
        return counted > 0 ? (int64_t)doctor_burst_back(h, counted - 1)->start : -1;
    case RAVINE_VERDICT_LR_ZERO: return (int64_t)h->lr_low_since;
    case RAVINE_VERDICT_OVERFITTING: return (int64_t)h->validation_least_step;
    case RAVINE_VERDICT_LABELS_LOST:
        if (w->f->nonfinite_recent > 0) return (int64_t)h->nonfinite_first;
        return (int64_t)(h->step - h->zero_losses);
    case RAVINE_VERDICT_RESUME_JUMP:
        return (int64_t)fmax(h->step - w->f->jump_age * block_length(w), 0);
    case RAVINE_VERDICT_DIVERGING:
        if (h->warning == RAVINE_WARNING_GROWTH) return (int64_t)h->warning_since;
        return w->f->nonfinite_recent > 0 ? (int64_t)h->nonfinite_first : -1;
    default: return stalled_since(w);
    }
}

void ravine_doctor_explain(const ravine_doctor *d, const doctor_findings *f, ravine_diagnosis *x) {
    static void (*const explain[RAVINE_VERDICT_COUNT])(const witness *) = {
        [RAVINE_VERDICT_NONFINITE] = explain_nonfinite,
        [RAVINE_VERDICT_DIVERGING] = explain_diverging,
        [RAVINE_VERDICT_DEAD] = explain_dead,
        [RAVINE_VERDICT_SIGMA_BURST] = explain_burst,
        [RAVINE_VERDICT_WARMUP_NEEDED] = explain_warmup,
        [RAVINE_VERDICT_LOCAL_MINIMUM] = explain_critical,
        [RAVINE_VERDICT_SADDLE] = explain_critical,
        [RAVINE_VERDICT_VANISHING] = explain_vanishing,
        [RAVINE_VERDICT_NOISE_FLOOR] = explain_noise,
        [RAVINE_VERDICT_CRAWLING] = explain_crawling,
        [RAVINE_VERDICT_OVERFITTING] = explain_overfitting,
    };
    witness w = {.d = d, .f = f, .h = &d->h, .x = x};
    ravine_doctor_see_held(f, x->verdict, say_plain, &w);
    for (size_t k = 0; k < beside[x->verdict].count; k++)
        say_finding(&w, beside[x->verdict].list[k]);
    if (explain[x->verdict]) explain[x->verdict](&w);
    ravine_doctor_see_held(f, x->verdict, say_aside, &w);
    say_not(&w);
    say_unknown(&w);
    x->since = since(&w);
}
