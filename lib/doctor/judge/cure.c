/* SPDX-License-Identifier: Apache-2.0 */
/* What to change, with the very values.
 *
 * Each verdict has its list, the most promising first. What is never said, whatever the verdict: a
 * change to the same value or from 0, a rate that the numbers speak against, a rate that the
 * schedule has left. A setting that explains the trouble by itself goes before all else.
 */
#include "doctor/judge/cures.h"
#include "doctor/judge/judge.h"
#include "rules/rules.h"
#include "text/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct prescription {
    const ravine_doctor *d;
    const doctor_findings *f;
    const doctor_history *h;
    ravine_config config;        /* as it is now; rule -1: unknown */
    double lr;                   /* as it is now; NaN: unknown */
    double holds[CONCEPT_COUNT]; /* of judge_rules.def, as ravine_doctor_weigh has them */
    ravine_diagnosis *x;
    ravine_cure *spare; /* for what there is no room for */
} prescription;

static bool holds(const prescription *p, doctor_concept what) {
    return p->holds[what] > 0;
}

/* ---- a cure */

static ravine_cure *add(const prescription *p, cure_kind kind, double from, double to,
                        const char *why) {
    ravine_diagnosis *x = p->x;
    ravine_cure *cure = x->ncures < RAVINE_CURES_MAX ? &x->cure[x->ncures++] : p->spare;
    const cure_words *words = ravine_doctor_cure_words((int)kind);
    *cure = (ravine_cure){.action = (int32_t)words->action,
                          .kind = (int32_t)kind,
                          .old_value = from,
                          .new_value = to,
                          .loss_ratio = NAN};
    const size_t used =
        ravine_doctor_fill(cure->text, sizeof cure->text, words->text[ENGLISH], from, to);
    if (used < sizeof cure->text) snprintf(cure->text + used, sizeof cure->text - used, "%s", why);
    return cure;
}

static void advise(const prescription *p, cure_kind kind, const char *why) {
    add(p, kind, NAN, NAN, why);
}

/* The settings as a text. Without a known rule the words of the cure must do; settings that may not
 * be, together, cannot be tried. */
static void set(ravine_cure *cure, const ravine_config *c) {
    if (!ravine_config_format(c, 0, cure->optimizer, sizeof cure->optimizer, NULL)) return;
    cure->optimizer[0] = 0;
    if (c->rule >= 0) cure->action = RAVINE_CURE_ADVICE;
}

static void use(const prescription *p, cure_kind kind, const char *optimizer) {
    ravine_cure *cure = add(p, kind, NAN, NAN, "");
    snprintf(cure->optimizer, sizeof cure->optimizer, "%s", optimizer);
}

/* To two digits; NaN if it is not above 0. The locale's point may be anything. */
static double rounded(double value) {
    char text[RAVINE_NUMBER_MAX], plain[RAVINE_NUMBER_MAX];
    if (!isfinite(value) || !(value > 0)) return NAN;
    snprintf(text, sizeof text, "%.1e", value);
    const char *exponent = strchr(text, 'e');
    snprintf(plain, sizeof plain, "%c.%c%.8s", text[0], exponent[-1], exponent);
    return ravine_number_read(plain);
}

/* Has the cure been named already? */
static bool has(const prescription *p, cure_kind kind) {
    for (int32_t k = 0; k < p->x->ncures; k++)
        if (p->x->cure[k].kind == (int32_t)kind) return true;
    return false;
}

/* ---- the learning rate, and what the numbers say of it */

static bool is_clipped(const prescription *p) {
    return holds(p, CONCEPT_CLIPPED_HARD) && p->f->clip_factor > 0;
}

/* The schedule has brought lr down already. */
static bool is_decayed(const prescription *p) {
    return !holds(p, CONCEPT_LR_IS_UP);
}

/* Less than a quarter is no change worth the words. */
#define WORTH 1.25

/* The greatest rate was another one than now's. */
static bool has_left(const prescription *p) {
    const double most = p->h->lr_most;
    return p->lr >= 0 && most > 0 && WORTH * p->lr <= most && isfinite(most);
}

static bool may_lower(const prescription *p, double lr) {
    return lr > 0 && WORTH * lr <= p->lr && !holds(p, CONCEPT_SLOW) && !is_clipped(p);
}

static bool may_raise(const prescription *p, double lr) {
    const bool left = p->f->lr_share < 0.999 && !(lr > p->h->lr_most);
    return p->lr > 0 && lr >= WORTH * p->lr && isfinite(lr) && !holds(p, CONCEPT_FAST) && !left;
}

/* What was too fast was so at the rate of then. */
static bool has_come_down(const prescription *p) {
    return is_decayed(p) && has_left(p);
}

static double lr_of_start(const prescription *p) {
    return has_come_down(p) ? p->h->lr_most : p->lr;
}

/* NULL: it is not worth the words, or the numbers speak against it. */
static ravine_cure *begin_anew(const prescription *p, double wanted, const char *why) {
    const double from = lr_of_start(p), lr = rounded(wanted);
    const bool now = !has_come_down(p); /* else the steps of now tell nothing of those of then */
    if (now ? !may_lower(p, lr) : !(lr > 0 && WORTH * lr <= from)) return NULL;
    ravine_cure *cure = add(p, CURE_BEGIN_ANEW, from, lr, why);
    ravine_config c = p->config;
    c.lr = lr;
    if (now)
        set(cure, &c);
    else
        cure->action = RAVINE_CURE_ADVICE;
    return cure;
}

/* No trial from here tells what it is worth. */
static void begin_anew_untried(const prescription *p, const char *why) {
    ravine_cure *cure = begin_anew(p, lr_of_start(p) / 10, why);
    if (!cure) return;
    cure->action = RAVINE_CURE_ADVICE;
    cure->optimizer[0] = 0;
}

static void change_lr(const prescription *p, double wanted, const char *why) {
    ravine_config c = p->config;
    c.lr = rounded(wanted);
    if (may_lower(p, c.lr))
        set(add(p, CURE_LOWER_LR, p->lr, c.lr, why), &c);
    else if (may_raise(p, c.lr))
        set(add(p, CURE_RAISE_LR, p->lr, c.lr, why), &c);
}

/* lr falls to a hundredth over the rest of the budget. */
static void decay_lr(const prescription *p, double lr, const char *why) {
    char from[RAVINE_NUMBER_MAX], to[RAVINE_NUMBER_MAX];
    const int64_t steps = (int64_t)fmin(p->f->budget, 9e15);
    if (!may_lower(p, lr / 100) || !isfinite(lr) || is_decayed(p) || steps < 1) return;
    ravine_number_write(from, lr);
    ravine_number_write(to, lr / 100);
    ravine_cure *cure = add(p, CURE_DECAY_LR, lr, lr / 100, why);
    set(cure, &p->config);
    snprintf(cure->schedule, sizeof cure->schedule, "cosine(%lld, to=%s) lr=%s", (long long)steps,
             to, from);
}

/* The learning rate at half the rule's limit; NaN: the curvature is not known. */
static double half_limit(const prescription *p) {
    const doctor_findings *f = p->f;
    if (f->probed != 0 && f->stability > 0) return 0.5 * p->lr / f->stability;
    const bool here = p->x->verdict == RAVINE_VERDICT_DIVERGING && f->exploded == 0;
    return here && f->curvature > 0 ? 0.5 * f->limit / f->curvature : NAN;
}

/* ---- settings that explain it */

static bool has_setting(const prescription *p, int setting) {
    return p->config.rule >= 0 && ravine_rule_uses(p->config.rule, setting);
}

static void blame_eps(const prescription *p) {
    const double usual = 1e-8;
    ravine_config c = p->config;
    if (!has_setting(p, RAVINE_EPS) || !(c.eps > 100 * usual) || !(p->f->eps_share > 0.5)) return;
    c.eps = usual;
    set(add(p, CURE_LOWER_EPS, p->config.eps, c.eps,
            ": it is most of sigma, and makes steps short"),
        &c);
}

static void blame_beta2(const prescription *p) {
    const double usual = 0.999, low = 0.9;
    ravine_config c = p->config;
    if (!has_setting(p, RAVINE_BETA2) || p->f->adaptive == 0 || !(c.beta2 < low)) return;
    c.beta2 = usual;
    set(add(p, CURE_RAISE_BETA2, p->config.beta2, c.beta2,
            ": sigma is a mean of too few gradients"),
        &c);
}

/* Steps go on for 1/(1 - momentum) steps: what is thrown comes from far away, and a lesser lr makes
 * it slow as well. */
static void blame_momentum(const prescription *p) {
    const double usual = 0.9, high = 0.98;
    ravine_config c = p->config;
    if (!has_setting(p, RAVINE_MOMENTUM) || !(c.momentum > high)) return;
    c.momentum = usual;
    set(add(p, CURE_LOWER_MOMENTUM, p->config.momentum, c.momentum, ""), &c);
}

/* Where somebody else clips, all gradients are as long as the bound. */
static void blame_clipping(const prescription *p) {
    const doctor_findings *f = p->f;
    const bool same = p->x->verdict == RAVINE_VERDICT_CLIPPED;
    const bool seen = is_clipped(p);
    if (!seen && !same) return;
    const double told = p->h->fact[RAVINE_FACT_CLIP_NORM];
    const double bound = told > 0 ? told : f->gradient * (seen ? f->clip_factor : 1);
    const double free = seen && f->gradient > 2 * bound ? f->gradient : 100 * bound;
    if (bound > 0 && isfinite(free))
        add(p, CURE_RAISE_CLIP, bound, rounded(free), seen ? ", the gradient's usual norm" : "");
}

/* Units that a long step has switched off: their gradient is 0. */
static bool killed_by_a_step(const prescription *p) {
    const double far = 0.1;
    return p->x->verdict == RAVINE_VERDICT_DEAD && p->f->move_most > far;
}

static void blame_decay(const prescription *p) {
    ravine_config c = p->config;
    const bool heavy = p->f->decay_share > 0.3 || p->x->verdict == RAVINE_VERDICT_DECAYED_AWAY;
    if (!has_setting(p, RAVINE_WEIGHT_DECAY) || !(c.weight_decay > 0) || !heavy) return;
    /* Decay is as heavy as lr is high, and lr alone has thrown it. */
    if (p->x->verdict == RAVINE_VERDICT_WARMUP_NEEDED && holds(p, CONCEPT_FIRST_STEP_FAR)) return;
    if (killed_by_a_step(p)) return; /* decay is all that is left of a step, whatever it is */
    c.weight_decay = rounded(fmin(c.weight_decay / 100, 0.01));
    set(add(p, CURE_LOWER_DECAY, p->config.weight_decay, c.weight_decay, ""), &c);
}

static void blame_dropout(const prescription *p) {
    const double most = 0.6, usual = 0.2, dropout = p->f->dropout;
    if (dropout > most) add(p, CURE_LOWER_DROPOUT, dropout, usual, "");
}

static void blame_settings(const prescription *p) {
    blame_clipping(p);
    blame_decay(p);
    blame_eps(p);
    blame_beta2(p);
    blame_momentum(p);
    blame_dropout(p);
}

/* What was told of net, loss and data. */
static void blame_facts(const prescription *p) {
    const double input = p->f->loss_input;
    if (input == 1) advise(p, CURE_RAW_OUTPUTS, "");
    if (input == 2) advise(p, CURE_SOFTMAX_OVER_CLASSES, "");
    if (input == 3) advise(p, CURE_NO_RELU_AT_THE_END, "");
    if (input == 4) advise(p, CURE_ONE_SHAPE, "");
    if (holds(p, CONCEPT_NORMS_UNTRAINED)) advise(p, CURE_TRAIN_NORMS, "");
}

/* ---- of each verdict */

static void cure_nothing(const prescription *p) {
    advise(p, CURE_NOTHING, "");
}

static void advise_clipping(const prescription *p) {
    advise(p, CURE_CLIP, ", or warm lr up, if only the start is steep");
}

/* A way with walls across it is even but for them: a bound on the norm makes the step on one as
 * harmless as others, where a lesser lr makes all of them short (Pascanu, Mikolov, Bengio 2013: On
 * the difficulty of training recurrent neural networks). What is usual while a run is thrown about
 * is long already, so the bound is a quarter of it. */
static void clip_walls(const prescription *p) {
    const bool clips = p->h->fact[RAVINE_FACT_CLIP_NORM] > 0 || p->f->clip_share > 0;
    const double bound = rounded(p->f->gradient_usual / 4);
    if (p->f->gradient_wall > 0 && bound > 0 && !clips)
        add(p, CURE_CLIP_NORM, NAN, bound,
            holds(p, CONCEPT_THROWN_FAR) ? ", and begin anew: it was thrown far away" : "");
}

/* From where it was thrown nothing leads back: all that helps is for a place before. */
static void cure_explosion(const prescription *p) {
    begin_anew_untried(p, "");
    advise_clipping(p);
}

/* Where the parameters are no numbers any more a lower lr is for a new start. */
static void restart_at(const prescription *p, double lr, const char *why) {
    if (p->f->nonfinite_now > 0)
        begin_anew(p, lr, why);
    else
        change_lr(p, lr, why);
}

static void cure_diverging(const prescription *p) {
    const doctor_findings *f = p->f;
    const bool from_before = p->h->probe_step >= 0 && p->h->probe_step < p->h->step;
    if (f->ascent > 0 || holds(p, CONCEPT_AGAINST_THE_SLOPE)) {
        advise(p, CURE_WRONG_SIGN, "");
        return;
    }
    if (f->exploded > 0 && !from_before) {
        cure_explosion(p);
        return;
    }
    blame_beta2(p);
    blame_momentum(p);
    const bool recurrent = ravine_doctor_is_recurrent(p->d);
    if (recurrent) clip_walls(p); /* elsewhere such a gradient is mostly a rate that is too high */
    if (has_come_down(p)) {
        begin_anew(p, lr_of_start(p) / 10, "");
        advise_clipping(p);
        return;
    }
    const double lr = half_limit(p);
    /* Where one starts anew the limit is not that of the walls on which the run was lost. */
    if (lr < p->lr) {
        restart_at(p, lr,
                   f->probed != 0 ? ", half the limit where it was probed"
                                  : ", half the limit of stability");
    } else {
        restart_at(p, p->lr / 10, "");
        restart_at(p, p->lr / 100, "");
    }
    if (f->adaptive == 0) use(p, CURE_ADAM, "adam");
    if (!recurrent) clip_walls(p);
    if (!has(p, CURE_CLIP_NORM)) advise_clipping(p);
}

/* What was finite again afterwards came with a batch; else the weights are where no number is. */
static void cure_nonfinite(const prescription *p) {
    const doctor_history *h = p->h;
    if (h->nonfinite_last < h->observed - 1) {
        const char *sound = ": other batches are finite, so the weights are sound";
        if (h->nonfinite_example >= 0)
            add(p, CURE_LOOK_AT_EXAMPLE, h->nonfinite_example, NAN, sound);
        else
            advise(p, CURE_LOOK_AT_BATCH, sound);
        return;
    }
    advise(p, CURE_LOOK_AT_DOMAIN, "");
    change_lr(p, p->lr / 10, ", if it comes back");
}

static void cure_dead(const prescription *p) {
    if (killed_by_a_step(p)) begin_anew_untried(p, ": a long step killed the units");
    advise(p, CURE_INITIALIZE, "");
}

static bool may_advise(const prescription *p, rule_advice what) {
    return p->config.rule >= 0 && ravine_rule_row(p->config.rule)->advice & what;
}

static void cure_burst(const prescription *p) {
    ravine_config c = p->config;
    char from[RAVINE_NUMBER_MAX];
    /* Below the limit, where that is known: a sigma that is too small already bursts again. */
    const double safe = rounded(half_limit(p)), first = safe > 0 && safe < p->lr ? safe : p->lr;
    if (may_lower(p, first / 10) && !is_decayed(p)) {
        ravine_number_write(from, first);
        ravine_cure *cure = add(p, CURE_INVERSE_SQRT, NAN, first, ": sigma may shrink as fast");
        set(cure, &c);
        snprintf(cure->schedule, sizeof cure->schedule, "inverse_sqrt(timescale=100) lr=%s", from);
    }
    decay_lr(p, first, "");
    if (c.rule >= 0 && ravine_rule_uses(c.rule, RAVINE_AMSGRAD)) {
        c.amsgrad = 1;
        if (p->config.amsgrad == 0) set(add(p, CURE_AMSGRAD, NAN, NAN, ""), &c);
        c.amsgrad = p->config.amsgrad;
        c.beta2 = 1 - fmin(0.1, 10 * (1 - c.beta2));
        if (c.beta2 < p->config.beta2)
            set(add(p, CURE_LOWER_BETA2, p->config.beta2, c.beta2, ": a sigma that forgets sooner"),
                &c);
    }
    change_lr(p, p->lr / 10, ": bursts become rarer and smaller");
    if (p->h->bursts > 0)
        add(p, CURE_BEFORE_THE_BURST, doctor_burst_back(p->h, 0)->start, NAN,
            " first, if the loss does not come back: a burst can kill units for good");
}

static void rise_slowly(const prescription *p, double peak) {
    const ravine_config *c = &p->config;
    char lr[RAVINE_NUMBER_MAX];
    const double memory = fmax(c->beta2, c->alpha);
    const double settled = memory < 1 ? 2 / (1 - memory) : 0;
    const double steps = floor(fmax(fmax(settled, 0.05 * p->f->budget), 1));
    if (!(p->lr > 0) || !(peak > 0) || !isfinite(peak) || !(steps < 9e15) || is_decayed(p)) return;
    ravine_number_write(lr, peak);
    ravine_cure *cure = add(p, CURE_WARM_UP, steps, peak, "");
    set(cure, c);
    snprintf(cure->schedule, sizeof cure->schedule, "warmup(%.0f) lr=%s", steps, lr);
    if (!may_advise(p, ADVISE_RADAM)) return;
    ravine_config r = *c;
    if (ravine_config_init(&r, RAVINE_RADAM)) return;
    r.lr = peak;
    set(add(p, CURE_RADAM, NAN, NAN, ""), &r);
}

/* Where the first step was nearly as long as the parameters it is lr itself that is too high, and a
 * warm-up to it only leads there more slowly. */
static void cure_warmup(const prescription *p) {
    const double right = 0.02, move = p->f->first_move;
    if (holds(p, CONCEPT_FIRST_STEP_FAR)) {
        const double lr = rounded(lr_of_start(p) * fmax(0.01, right / move));
        begin_anew(p, lr, "");
        rise_slowly(p, lr);
        return;
    }
    rise_slowly(p, p->lr);
    if (has_come_down(p))
        begin_anew(p, lr_of_start(p) / 10, "");
    else
        change_lr(p, p->lr / 10, "");
}

static void cure_minimum(const prescription *p) {
    advise(p, CURE_STOP,
           "; if the loss is too high, the model or the data are the limit, not the optimizer");
}

static void cure_saddle(const prescription *p) {
    if (holds(p, CONCEPT_UNITS_ARE_TWINS)) advise(p, CURE_INITIALIZE_APART, "");
    ravine_cure *cure = add(p, CURE_ESCAPE, NAN, NAN, "");
    cure->escape = p->f->probed != 0 && p->h->probe_escape > 0 ? p->h->probe_escape : 0;
    set(cure, &p->config);
    if (may_advise(p, ADVISE_MOMENTUM) && p->config.momentum == 0) {
        ravine_config c = p->config;
        c.momentum = 0.9;
        set(add(p, CURE_MOMENTUM, NAN, c.momentum, ": it leaves a saddle sooner"), &c);
    }
}

static void cure_bouncing(const prescription *p) {
    const double lr = half_limit(p);
    if (isfinite(lr) && lr < p->lr)
        change_lr(p, lr, ", half the limit of stability");
    else
        change_lr(p, p->lr / 4, "");
    decay_lr(p, p->lr, "");
    if (p->f->adaptive == 0) use(p, CURE_ADAM, "adam");
}

static void cure_vanishing(const prescription *p) {
    use(p, CURE_ADAM_WITHOUT_EPS, "adam eps=0");
    advise(p, CURE_INITIALIZE_FOR_DEPTH, "");
}

static void cure_noise(const prescription *p) {
    decay_lr(p, p->lr, ": the floor falls with it");
    change_lr(p, p->lr / 10, "");
    ravine_config c = p->config;
    if (c.rule >= 0 && c.ema_decay == 0) {
        c.ema_decay = 0.999;
        set(add(p, CURE_AVERAGE, NAN, c.ema_decay, ""), &c);
    }
    const double scale = rounded(p->h->probe_noise_scale);
    if (p->f->probed != 0 && scale > 1)
        add(p, CURE_BATCH_TIMES, NAN, scale, "");
    else
        advise(p, CURE_LARGER_BATCH, "");
}

/* The gradient was far steeper before: on the floor of a ravine its walls limit lr, and not the
 * slope along it. A sigma takes care of that. */
static bool is_floor(const doctor_findings *f) {
    return f->adaptive == 0 && f->gradient_share < 0.01;
}

/* By how much lr may be raised where no curvature tells: to steps of a usual length, if there is a
 * yardstick for them. */
static double room_to_grow(const doctor_findings *f) {
    const double usual = 2e-3, most = 100;
    return f->move > 0 ? fmax(5, fmin(usual / f->move, most)) : most;
}

static void cure_crawling(const prescription *p) {
    const double lr = half_limit(p);
    if (holds(p, CONCEPT_ROUNDED_AWAY)) advise(p, CURE_FULL_PRECISION, "");
    if (isfinite(lr) && lr > 2 * p->lr) {
        change_lr(p, lr, ", half the limit of stability");
        /* Curvature is that of here, and may be greater on the way. */
        if (lr > 200 * p->lr) change_lr(p, 100 * p->lr, "");
    } else if (!isfinite(lr) && !is_floor(p->f)) {
        const double much = room_to_grow(p->f);
        change_lr(p, much * p->lr, "");
        if (much != 10) change_lr(p, 10 * p->lr, "");
    }
    if (may_advise(p, ADVISE_MOMENTUM) && p->config.momentum == 0) {
        ravine_config c = p->config;
        c.momentum = 0.9;
        set(add(p, CURE_MOMENTUM, NAN, c.momentum, ": ten times as fast along the floor"), &c);
    }
    if (p->f->adaptive == 0) use(p, CURE_ADAM, "adam");
    if (!has(p, CURE_RAISE_LR) && is_decayed(p) && has_left(p))
        add(p, CURE_LONGER_SCHEDULE, p->h->lr_most, p->lr, "");
}

static void cure_unclear(const prescription *p) {
    enum { ENOUGH = 16 };
    if (p->h->observed == 0) {
        advise(p, CURE_WATCH_STEPS, "");
        return;
    }
    if (p->h->observed < ENOUGH) {
        add(p, CURE_TRAIN_LONGER, (double)p->h->observed, ENOUGH, "");
        return;
    }
    blame_facts(p);
    advise(p, CURE_ONE_BATCH,
           ": if it cannot, the cause is in model, loss or labels, and not in the optimizer");
    change_lr(p, p->lr / 10, "");
}

static void cure_not_learning(const prescription *p) {
    blame_facts(p);
    if (holds(p, CONCEPT_UNEVEN)) advise(p, CURE_WEIGH_CLASSES, "");
    if (holds(p, CONCEPT_INPUTS_FAINT)) advise(p, CURE_SCALE_UP_INPUTS, "");
    if (p->x->ncures > 0) return; /* the cause is known */
    advise(p, CURE_LOOK_AT_LABELS, "");
    advise(p, CURE_ONE_BATCH, ": what it cannot learn there it cannot learn at all");
}

static void cure_not_connected(const prescription *p) {
    if (holds(p, CONCEPT_FOREIGN)) advise(p, CURE_ALL_PARAMETERS, "");
    if (holds(p, CONCEPT_FROZEN)) advise(p, CURE_UNFREEZE, "");
    if (p->x->ncures == 0 || holds(p, CONCEPT_UNREACHED)) advise(p, CURE_CONNECT, "");
}

static void cure_overfitting(const prescription *p) {
    if (p->h->validations > 0) add(p, CURE_BEST_STEP, p->h->validation_least_step, NAN, "");
    advise(p, CURE_MORE_DATA, "");
}

static void cure_clipped(const prescription *p) {
    if (!has(p, CURE_RAISE_CLIP)) advise(p, CURE_ONE_BATCH, "");
}

static void cure_lr_zero(const prescription *p) {
    if (!has_left(p)) {
        advise(p, CURE_SET_LR, "");
        return;
    }
    add(p, CURE_LONGER_SCHEDULE, p->h->lr_most, p->lr, "");
    advise(p, CURE_SCHEDULE_IS_OVER, "");
}

static void cure_accumulating(const prescription *p) {
    advise(p, CURE_ZERO_GRADIENTS, "");
}

static void cure_data_order(const prescription *p) {
    advise(p, CURE_SHUFFLE, "");
}

static void cure_lost(const prescription *p) {
    advise(p, CURE_FULL_PRECISION, "");
    change_lr(p, 10 * p->lr, "");
}

static void cure_exploding(const prescription *p) {
    advise(p, CURE_INITIALIZE_FOR_DEPTH, "");
    advise(p, CURE_CLIP, "");
}

static void cure_unscaled(const prescription *p) {
    const bool alone = holds(p, CONCEPT_INPUT_ALONE) || holds(p, CONCEPT_TARGET_ALONE);
    if (holds(p, CONCEPT_TARGETS_LARGE)) advise(p, CURE_SCALE_TARGETS, "");
    if (alone) advise(p, CURE_LOOK_AT_EXAMPLES, "");
    if (p->x->ncures == 0 || holds(p, CONCEPT_INPUTS_LARGE)) advise(p, CURE_SCALE_INPUTS, "");
    if (p->f->adaptive == 0) use(p, CURE_ADAM, "adam");
}

static void cure_labels(const prescription *p) {
    advise(p, CURE_LOOK_AT_MASK, "");
}

static void cure_resume(const prescription *p) {
    advise(p, CURE_RESTORE, "");
}

/* Those to which a setting may be all there is to it. */
static bool may_be_settings(int verdict) {
    switch (verdict) {
    case RAVINE_VERDICT_NONFINITE:
    case RAVINE_VERDICT_DIVERGING:
    case RAVINE_VERDICT_NOT_CONNECTED:
    case RAVINE_VERDICT_ACCUMULATING:
    case RAVINE_VERDICT_LABELS_LOST:
    case RAVINE_VERDICT_LR_ZERO:
    case RAVINE_VERDICT_RESUME_JUMP:
    case RAVINE_VERDICT_DATA_ORDER:
    case RAVINE_VERDICT_OVERFITTING: return false;
    default: return ravine_verdict_severity(verdict) > RAVINE_SEVERITY_NOTE;
    }
}

void ravine_doctor_prescribe(const ravine_doctor *d, const doctor_findings *f,
                             ravine_diagnosis *x) {
    static void (*const prescribe[RAVINE_VERDICT_COUNT])(const prescription *) = {
        [RAVINE_VERDICT_HEALTHY] = cure_nothing,
        [RAVINE_VERDICT_NONFINITE] = cure_nonfinite,
        [RAVINE_VERDICT_DIVERGING] = cure_diverging,
        [RAVINE_VERDICT_DEAD] = cure_dead,
        [RAVINE_VERDICT_SIGMA_BURST] = cure_burst,
        [RAVINE_VERDICT_WARMUP_NEEDED] = cure_warmup,
        [RAVINE_VERDICT_LOCAL_MINIMUM] = cure_minimum,
        [RAVINE_VERDICT_SADDLE] = cure_saddle,
        [RAVINE_VERDICT_BOUNCING] = cure_bouncing,
        [RAVINE_VERDICT_VANISHING] = cure_vanishing,
        [RAVINE_VERDICT_NOISE_FLOOR] = cure_noise,
        [RAVINE_VERDICT_CRAWLING] = cure_crawling,
        [RAVINE_VERDICT_UNCLEAR] = cure_unclear,
        [RAVINE_VERDICT_NOT_LEARNING] = cure_not_learning,
        [RAVINE_VERDICT_NOT_CONNECTED] = cure_not_connected,
        [RAVINE_VERDICT_OVERFITTING] = cure_overfitting,
        [RAVINE_VERDICT_CLIPPED] = cure_clipped,
        [RAVINE_VERDICT_LR_ZERO] = cure_lr_zero,
        [RAVINE_VERDICT_ACCUMULATING] = cure_accumulating,
        [RAVINE_VERDICT_DECAYED_AWAY] = NULL, /* its setting is all */
        [RAVINE_VERDICT_DATA_ORDER] = cure_data_order,
        [RAVINE_VERDICT_UPDATE_LOST] = cure_lost,
        [RAVINE_VERDICT_EXPLODING] = cure_exploding,
        [RAVINE_VERDICT_UNSCALED_INPUT] = cure_unscaled,
        [RAVINE_VERDICT_LABELS_LOST] = cure_labels,
        [RAVINE_VERDICT_RESUME_JUMP] = cure_resume,
    };
    ravine_cure spare;
    prescription p = {
        .d = d, .f = f, .h = &d->h, .config = ravine_doctor_config(d), .x = x, .spare = &spare};
    ravine_doctor_weigh(f, p.holds);
    p.lr = p.config.rule >= 0 ? p.config.lr : d->h.kept > 0 ? ravine_doctor_back(d, 0)->lr : NAN;
    if (may_be_settings(x->verdict)) blame_settings(&p);
    if (prescribe[x->verdict]) prescribe[x->verdict](&p);
    if (x->ncures == 0) advise(&p, CURE_ONE_BATCH, "");
}
