/* What to change, with the very values. */
#include "base/number.h"
#include "doctor/judge/judge.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct prescription {
    const ravine_doctor *d;
    const doctor_findings *f;
    const doctor_history *h;
    ravine_config config; /* as it is now; rule -1: unknown */
    ravine_diagnosis *x;
} prescription;

__attribute__((format(printf, 3, 4))) static ravine_cure *
add(const prescription *p, ravine_cure_action action, const char *format, ...) {
    ravine_diagnosis *x = p->x;
    ravine_cure *cure = &x->cure[x->ncures < RAVINE_CURES_MAX ? x->ncures++ : x->ncures - 1];
    *cure = (ravine_cure){.action = (int32_t)action, .loss_ratio = NAN};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cure->text, sizeof cure->text, format, arguments);
    va_end(arguments);
    return cure;
}

/* The settings as a text. Without a known rule the words of the cure must do; settings that may not
 * be, together, cannot be tried. */
static void set(ravine_cure *cure, const ravine_config *c) {
    if (!ravine_config_format(c, 0, cure->optimizer, sizeof cure->optimizer, NULL)) return;
    cure->optimizer[0] = 0;
    if (c->rule >= 0) cure->action = RAVINE_CURE_ADVICE;
}

static double rounded(double value) {
    char text[RAVINE_NUMBER_MAX];
    snprintf(text, sizeof text, "%.2g", value);
    return ravine_number_read(text);
}

static void change_lr(const prescription *p, double lr, const char *why) {
    ravine_config c = p->config;
    c.lr = rounded(lr);
    set(add(p, RAVINE_CURE_SETTINGS, "%s lr from %.3g to %.3g%s",
            c.lr < p->config.lr ? "lower" : "raise", p->config.lr, c.lr, why),
        &c);
}

/* lr falls to a hundredth over the rest of the budget. */
static void decay_lr(const prescription *p, double lr, const char *why) {
    char from[RAVINE_NUMBER_MAX], to[RAVINE_NUMBER_MAX];
    ravine_number_write(from, lr);
    ravine_number_write(to, lr / 100);
    ravine_cure *cure =
        add(p, RAVINE_CURE_SETTINGS, "let lr fall from %.3g to %.3g%s", lr, lr / 100, why);
    set(cure, &p->config);
    snprintf(cure->schedule, sizeof cure->schedule, "cosine(%lld, to=%s) lr=%s",
             (long long)p->f->budget, to, from);
}

static void use(const prescription *p, const char *text, const char *optimizer) {
    ravine_cure *cure = add(p, RAVINE_CURE_SETTINGS, "%s", text);
    snprintf(cure->optimizer, sizeof cure->optimizer, "%s", optimizer);
}

/* The learning rate at half the rule's limit; NaN: the curvature is not known. */
static double half_limit(const prescription *p) {
    const doctor_findings *f = p->f;
    if (f->probed != 0 && f->stability > 0) return 0.5 * p->config.lr / f->stability;
    const bool here = p->x->verdict == RAVINE_VERDICT_DIVERGING && f->exploded == 0;
    return here && f->curvature > 0 ? 0.5 * f->limit / f->curvature : NAN;
}

static void advise_clipping(const prescription *p) {
    add(p, RAVINE_CURE_ADVICE,
        "clip the gradient's norm, or warm lr up, if only the start is steep");
}

/* From where it was thrown nothing leads back: all that helps is for a place before. */
static void cure_explosion(const prescription *p) {
    const double lr = p->config.lr;
    add(p, RAVINE_CURE_ADVICE,
        "go back to a checkpoint from before, or begin anew, with lr at %.3g instead of %.3g",
        rounded(lr / 10), lr);
    advise_clipping(p);
}

static void cure_diverging(const prescription *p) {
    const bool from_before = p->h->probe_step >= 0 && p->h->probe_step < p->h->step;
    if (p->f->exploded != 0 && !from_before) {
        cure_explosion(p);
        return;
    }
    const double lr = half_limit(p);
    /* Where one starts anew the limit is not that of the walls on which the run was lost. */
    if (isfinite(lr))
        change_lr(p, lr,
                  p->f->probed != 0 ? ", half the limit where it was probed"
                                    : ", half the limit of stability");
    else
        change_lr(p, p->config.lr / 10, "");
    use(p, "a step of its own for each parameter: adam", "adam");
    advise_clipping(p);
}

/* What was finite again afterwards came with a batch; else the weights are where no number is. */
static void cure_nonfinite(const prescription *p) {
    if (p->h->nonfinite_last < p->h->observed - 1) {
        add(p, RAVINE_CURE_ADVICE,
            "look for it in the data of that batch: other batches are finite, so the weights are "
            "sound");
        return;
    }
    add(p, RAVINE_CURE_ADVICE,
        "go back to a checkpoint; look at the data of that batch and for log, / and sqrt out of "
        "their domain");
    change_lr(p, p->config.lr / 10, ", if it comes back");
}

static void cure_dead(const prescription *p) {
    add(p, RAVINE_CURE_ADVICE,
        "begin anew with another initialization and a smaller lr; leaky "
        "units; look for parameters that nothing depends on");
}

static void cure_burst(const prescription *p) {
    ravine_config c = p->config;
    char from[RAVINE_NUMBER_MAX];
    /* Below the limit, where that is known: a sigma that is too small already bursts again. */
    const double safe = rounded(half_limit(p)), first = safe < c.lr ? safe : c.lr;
    ravine_number_write(from, first);
    ravine_cure *cure = add(p, RAVINE_CURE_SETTINGS,
                            "let lr fall as 1/sqrt(t) from %.3g: sigma may shrink as fast", first);
    set(cure, &c);
    snprintf(cure->schedule, sizeof cure->schedule, "inverse_sqrt(timescale=100) lr=%s", from);
    decay_lr(p, first, " over the rest of the run");
    if (c.rule == RAVINE_ADAM || c.rule == RAVINE_ADAMW) {
        c.amsgrad = 1;
        set(add(p, RAVINE_CURE_SETTINGS, "amsgrad=true: a sigma that never shrinks"), &c);
        c.amsgrad = 0;
        c.beta2 = 1 - fmin(0.1, 10 * (1 - c.beta2));
        set(add(p, RAVINE_CURE_SETTINGS, "beta2=%.4g: a sigma that forgets sooner", c.beta2), &c);
    }
    change_lr(p, p->config.lr / 10, ": bursts become rarer and smaller");
    add(p, RAVINE_CURE_ADVICE,
        "go back to a checkpoint from before step %.0f first, if the loss does not come back: a "
        "burst can kill units for good",
        doctor_burst_back(p->h, 0)->start);
}

static void cure_warmup(const prescription *p) {
    const ravine_config *c = &p->config;
    char lr[RAVINE_NUMBER_MAX];
    const double memory = fmax(c->beta2, c->alpha);
    const long long steps = (long long)fmax(2 / (1 - memory), 0.05 * (double)p->f->budget);
    ravine_number_write(lr, c->lr);
    ravine_cure *cure =
        add(p, RAVINE_CURE_SETTINGS, "let lr rise to %.3g over %lld steps", c->lr, steps);
    set(cure, c);
    snprintf(cure->schedule, sizeof cure->schedule, "warmup(%lld) lr=%s", steps, lr);
    if (c->rule == RAVINE_ADAM) {
        ravine_config r = *c;
        if (ravine_config_init(&r, RAVINE_RADAM) == RAVINE_OK) {
            r.lr = c->lr;
            set(add(p, RAVINE_CURE_SETTINGS, "radam: it waits until sigma can be trusted"), &r);
        }
    }
    change_lr(p, c->lr / 10, "");
}

static void cure_minimum(const prescription *p) {
    add(p, RAVINE_CURE_ADVICE,
        "stop; if the loss is too high, the model or the data are the limit, "
        "not the optimizer");
}

static void cure_saddle(const prescription *p) {
    ravine_cure *cure =
        add(p, RAVINE_CURE_ESCAPE, "move along the direction of negative curvature");
    cure->escape = p->f->probed != 0 && p->h->probe_escape > 0 ? p->h->probe_escape : 0;
    set(cure, &p->config);
    if (p->config.rule == RAVINE_SGD && p->config.momentum == 0) {
        ravine_config c = p->config;
        c.momentum = 0.9;
        set(add(p, RAVINE_CURE_SETTINGS, "momentum=0.9: it leaves a saddle sooner"), &c);
    }
}

static void cure_bouncing(const prescription *p) {
    const double lr = half_limit(p);
    if (isfinite(lr) && lr < p->config.lr)
        change_lr(p, lr, ", half the limit of stability");
    else
        change_lr(p, p->config.lr / 4, "");
    decay_lr(p, p->config.lr, " over the rest of the run");
    if (p->f->adaptive == 0) use(p, "a step of its own for each parameter: adam", "adam");
}

static void cure_vanishing(const prescription *p) {
    use(p, "steps that do not depend on the gradient's size", "adam eps=0");
    add(p, RAVINE_CURE_ADVICE,
        "initialize for the depth (Glorot, He), normalize, or add residual "
        "connections");
}

static void cure_noise(const prescription *p) {
    decay_lr(p, p->config.lr, " over the rest of the run: the floor falls with it");
    change_lr(p, p->config.lr / 10, "");
    ravine_config c = p->config;
    c.ema_decay = 0.999;
    set(add(p, RAVINE_CURE_SETTINGS, "ema_decay=0.999: use the average of the weights"), &c);
    if (p->f->probed != 0 && p->h->probe_noise_scale > 0 && isfinite(p->h->probe_noise_scale))
        add(p, RAVINE_CURE_ADVICE, "batches %.2g times as large", p->h->probe_noise_scale);
    else
        add(p, RAVINE_CURE_ADVICE, "larger batches");
}

static void cure_crawling(const prescription *p) {
    const double lr = half_limit(p);
    enum { WORTH = 2 };
    if (isfinite(lr) && lr > WORTH * p->config.lr) {
        change_lr(p, lr, ", half the limit of stability");
    } else if (!isfinite(lr)) {
        change_lr(p, 100 * p->config.lr, "");
        change_lr(p, 10 * p->config.lr, "");
    }
    if (p->config.rule == RAVINE_SGD && p->config.momentum == 0) {
        ravine_config c = p->config;
        c.momentum = 0.9;
        set(add(p, RAVINE_CURE_SETTINGS, "momentum=0.9: ten times as fast along the floor"), &c);
    }
    if (p->f->adaptive == 0) use(p, "a step of its own for each parameter: adam", "adam");
}

void doctor_prescribe(const ravine_doctor *d, const doctor_findings *f, ravine_diagnosis *x) {
    static void (*const prescribe[RAVINE_VERDICT_COUNT])(const prescription *) = {
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
    };
    if (!prescribe[x->verdict]) return;
    prescribe[x->verdict](
        &(prescription){.d = d, .f = f, .h = &d->h, .config = doctor_config(d), .x = x});
}
