/* SPDX-License-Identifier: Apache-2.0 */
/* log_doctor.c - the verdicts that a log can give, in the order in which they are looked for, each
 * with what is said and advised. */
#include "logs/log_doctor.h"

#include "cli/progress.h"
#include "logs/log_findings.h"
#include "logs/log_words.h"
#include "run/diagnosis.h"

#include <math.h>

/* ---- what is no number ---- */

static bool is_lost(const log_findings *f) {
    return !isnan(f->lost_at) || f->gradient_lost > 2 || f->scale_floor > 0.8;
}

static bool has_climbed(const log_findings *f) {
    return !isnan(f->lost_at) && f->lost_rise > 2;
}

/* ---- what is exactly 0 ---- */

static bool is_zero(const log_findings *f) {
    return f->losses > 2 && f->zeros > 0.99;
}

/* Where a loss of 0 has a gradient it is no measure of anything: so is that of GRPO. */
static bool is_without_labels(const log_findings *f) {
    return is_zero(f) && (isnan(f->gradient_zeros) || f->gradient_zeros > 0.9);
}

/* A schedule ends with next to nothing, and that is well; of a tenth of the run nothing comes. */
static bool is_lr_zero(const log_findings *f) {
    return f->lr_low_points > 2 && (f->lr_most == 0 || f->lr_low_share > 0.1);
}

/* ---- the loss goes up ---- */

/* It goes up and down and up: the order of the data, a schedule in cycles. */
static bool has_rhythm(const log_findings *f) {
    return f->swings > 2;
}

static bool has_risen(const log_findings *f) {
    return f->losses > 3 && f->fallen < -0.2 && f->fallen_z < -5 && !has_rhythm(f);
}

static bool rises_late(const log_findings *f) {
    return f->losses > 15 && f->late < -0.05 && f->late < -3 * f->late_error &&
           f->above_least > 0.3 && f->least_z > 5 && !has_rhythm(f);
}

/* A rise between neighbours that is no part of a slow one, and has not been made good. */
static bool is_up_by_a_leap(const log_findings *f) {
    return f->leap > 0.1 && f->leap_z > 8 && f->leap_usual > 8 && f->leap_height > 0.2 &&
           f->above_least > 0.05;
}

static bool has_leapt(const log_findings *f) {
    return is_up_by_a_leap(f) && !has_rhythm(f);
}

/* No loss has that size; float32 ends at 3e38. */
static bool is_absurd(const log_findings *f) {
    return f->now > 1e15 && f->fallen < 0.5;
}

static bool is_diverging(const log_findings *f) {
    const bool up = has_risen(f) || is_absurd(f) || (rises_late(f) && !has_leapt(f));
    return up && f->rewarded < 1;
}

/* It leapt where the training went on after a checkpoint. */
static bool is_resume_jump(const log_findings *f) {
    return has_leapt(f) && fabs(f->leap_at - f->resumed) <= (f->last - f->first) / 10;
}

/* The first steps threw it to several times what it began with, and it has not come far below. */
static bool was_thrown(const log_findings *f) {
    return f->losses > 15 && f->thrown > 3 && f->thrown_z > 10 && f->now > f->begin / 2 &&
           !has_rhythm(f);
}

/* ---- the held-out loss ---- */

static bool is_overfitting(const log_findings *f) {
    return f->validations > 3 && f->validation_rise > 0.1 && f->validation_z > 3 &&
           f->train_since > 0.05;
}

/* ---- the loss stands still ---- */

static bool is_flat(const log_findings *f) {
    return fabs(f->late) + 2 * f->late_error < 0.01;
}

/* It came to the loss of one answer for all examples from elsewhere, and stays there: where it
 * began there, short steps would look the same. */
static bool is_constant(const log_findings *f) {
    return f->losses > 15 && !isnan(f->classes) && is_flat(f) && fabs(f->fallen) > 0.05 &&
           fabs(f->fallen) < 0.5 && fabs(f->fallen_z) > 4 && f->above_least < 0.01;
}

/* ---- the loss goes down ---- */

static bool has_fallen(const log_findings *f) {
    const bool beyond_noise = f->losses > 4 && (f->fallen_z > 3 || f->halves_z > 3);
    const bool few_in_a_row = f->losses > 3 && f->steady > 0 && f->fallen > 0.05;
    return f->fallen > 0.02 && (beyond_noise || few_in_a_row);
}

static bool is_sound(const log_findings *f) {
    return !(f->validations > 3 && f->validation_rise > 0.1 && f->validation_z > 3) &&
           !is_up_by_a_leap(f) && !rises_late(f);
}

static bool is_falling(const log_findings *f) {
    return has_fallen(f) && is_sound(f) && f->late > 0.005 && f->late > 2 * f->late_error;
}

/* The held-out loss has fallen beyond its noise and is not above its least by more. */
static bool is_falling_held_out(const log_findings *f) {
    return f->validations > 3 && f->validation_least_step > (f->first + f->last) / 2 &&
           f->validation_fallen > 0.02 && f->validation_fallen_z > 5 && f->validation_rise < 0.05 &&
           f->late > -2 * f->late_error && f->late + 2 * f->late_error > 0.025 && !has_leapt(f) &&
           !rises_late(f);
}

/* A schedule has brought it to rest, or its noise hides whether it still falls. */
static bool has_gone_well(const log_findings *f) {
    const bool brought_to_rest = f->lr_share < 0.3 && f->late > -2 * f->late_error;
    const bool may_fall = f->late > 0 && f->late + 2 * f->late_error > 0.025;
    return has_fallen(f) && is_sound(f) && (brought_to_rest || may_fall);
}

static bool always(const log_findings *f) {
    (void)f;
    return true;
}

/* ---- evidence ---- */

static double percent(double share) {
    return 100 * share;
}

/* A reward is better the greater it is, and its sign was turned. */
static const char *verb(const log_findings *f, double fall) {
    return (fall < 0) == (f->rewarded > 0) ? "fell" : "rose";
}

static void say_loss(ravine_diagnosis *d, const log_findings *f) {
    const double sign = f->rewarded > 0 ? -1 : 1;
    if (!(f->losses > 1)) return;
    log_say(d, f->rewarded > 0 ? "reward" : "loss", sign * f->now,
            "the %s went from %.4g to %.4g over %.0f points", f->rewarded > 0 ? "reward" : "loss",
            sign * f->start, sign * f->now, f->losses);
    /* Where it was blown up, shares and errors tell no more than that. */
    const bool blown_up = f->fallen < -0.99;
    if (isnan(f->fallen_z) || blown_up) return;
    const bool by_halves = fabs(f->halves_z) > fabs(f->fallen_z) && f->halves_z * f->fallen > 0;
    log_say(d, "fallen", f->fallen, "it %s by %.3g %%, %.3g standard errors", verb(f, f->fallen),
            percent(fabs(f->fallen)), fmin(fabs(by_halves ? f->halves_z : f->fallen_z), 999));
    if (!isnan(f->late))
        log_say(d, "late_drop", f->late,
                "from the third to the last quarter it %s by %.3g %%, give or take %.2g %%",
                verb(f, f->late), percent(fabs(f->late)), percent(2 * f->late_error));
}

static void say_lost(ravine_diagnosis *d, const log_findings *f) {
    if (!isnan(f->lost_at)) {
        d->since = (int64_t)f->lost_at;
        log_say(d, "lost_at", f->lost_at, "from step %.0f on no loss is a finite number",
                f->lost_at);
    }
    if (f->gradient_lost > 0) {
        log_say(d, "gradient_lost", f->gradient_lost,
                "the gradient's norm is not finite from step %.0f on", f->gradient_lost_at);
        if (isnan(f->lost_at)) d->since = (int64_t)f->gradient_lost_at;
    }
    if (f->zeros > 0 && f->gradient_lost > 0)
        log_say(d, "zeros", f->zeros,
                "%.0f %% of the losses are exactly 0: NaN was left out of the means",
                percent(f->zeros));
    if (f->scale_floor > 0.8)
        log_say(d, "scale_floor", f->scale_floor,
                "the loss scale is at most 1: every step overflows");
    if (f->losses > 3 && !isnan(f->lost_rise))
        log_say(d, "lost_rise", f->lost_rise,
                "the last finite losses are %.3g times the first ones", f->lost_rise);
}

static void say_zeros(ravine_diagnosis *d, const log_findings *f) {
    log_say(d, "zeros", f->zeros, "%.3g %% of %.0f losses are exactly 0", percent(f->zeros),
            f->losses);
    if (!isnan(f->gradient_zeros))
        log_say(d, "gradient_zeros", f->gradient_zeros,
                "%.3g %% of the gradient's norms are exactly 0", percent(f->gradient_zeros));
}

static void say_lr(ravine_diagnosis *d, const log_findings *f) {
    if (f->lr_most == 0)
        log_say(d, "lr", 0, "the learning rate is 0 at each of its points");
    else if (f->lr_low_points > 2 && f->lr_low_share > 0.1) {
        d->since = (int64_t)f->lr_low_since;
        log_say(d, "lr_low_share", f->lr_low_share,
                "lr is below a thousandth of its maximum from step %.0f on: %.0f %% of the run",
                f->lr_low_since, percent(f->lr_low_share));
    } else if (!isnan(f->lr))
        log_say(d, "lr_share", f->lr_share, "lr is %.3g, %.3g %% of its maximum", f->lr,
                percent(f->lr_share));
    if (f->lr_before > 0)
        log_say(d, "lr_before", f->lr_before, "lr leapt from %.3g to %.3g at step %.0f",
                f->lr_before, f->lr_leapt, f->lr_leapt_at);
}

static void say_validation(ravine_diagnosis *d, const log_findings *f) {
    if (f->validations < 2 || isnan(f->validations)) return;
    log_say(d, "validation_rise", f->validation_rise,
            "the held-out loss is %.4g now; its least was %.4g at step %.0f", f->validation_now,
            f->validation_least, f->validation_least_step);
    if (isfinite(f->validation_z))
        log_say(d, "validation_z", f->validation_z, "that is %.3g times what neighbours differ by",
                fmin(f->validation_z, 999));
    log_say(d, "train_since", f->train_since, "the training loss %s by %.3g %% since then",
            f->train_since < 0 ? "rose" : "fell", percent(fabs(f->train_since)));
}

static void say_leap(ravine_diagnosis *d, const log_findings *f) {
    if (!has_leapt(f)) return;
    d->since = (int64_t)f->leap_at;
    log_say(d, "leap", f->leap, "the loss leapt up by %.3g %% at about step %.0f", percent(f->leap),
            f->leap_at);
    log_say(d, "leap_usual", f->leap_usual, "that is %.3g times what neighbours usually differ by",
            f->leap_usual);
}

static void say_rhythm(ravine_diagnosis *d, const log_findings *f) {
    if (has_rhythm(f) && fabs(f->fallen_z) > 3)
        log_say(d, "swings", f->swings,
                "it went up or down through most of its range %.0f times, as sorted data make it",
                f->swings);
}

static void say_classes(ravine_diagnosis *d, const log_findings *f) {
    if (!isnan(f->classes) && is_flat(f))
        log_say(d, "classes", f->classes,
                "%.4g is ln(%.0f): the loss of the same answer for each of %.0f classes",
                log(f->classes), f->classes, f->classes);
}

static void say_gradient(ravine_diagnosis *d, const log_findings *f) {
    if (!isnan(f->gradient))
        log_say(d, "gradient", f->gradient, "the gradient's norm is %.3g; its median was %.3g",
                f->gradient, f->gradient_most);
    if (f->gradient_holes > f->gradient_lost)
        log_say(d, "gradient_holes", f->gradient_holes,
                "%.0f gradient norms are not finite: in float16 now and then the scaler at work",
                f->gradient_holes);
    if (f->lost_losses > 0 && isnan(f->lost_at))
        log_say(d, "lost_losses", f->lost_losses,
                "%.0f losses are not finite, and finite ones follow", f->lost_losses);
}

/* ---- verdicts ---- */

/* Where its value is not in the log. */
static void advise_lower_rate(ravine_diagnosis *d) {
    log_advise_as(d, "begin_anew",
                  "start again, or go back to a checkpoint, with a tenth of the learning rate, and "
                  "let it rise over the first steps");
}

/* Back to the rate before it leapt, or to a tenth. */
static void advise_rate(ravine_diagnosis *d, const log_findings *f) {
    if (f->lr_before > 0)
        log_advise(d, "begin_anew", f->lr_most, f->lr_before);
    else if (f->lr_most > 0)
        log_advise(d, "begin_anew", f->lr_most, f->lr_most / 10);
}

static void explain_lost(ravine_diagnosis *d, const log_findings *f) {
    say_lost(d, f);
    if (!(f->zeros > 0.5)) say_loss(d, f); /* zeros stand for NaN here */
    say_lr(d, f);
    if (f->scale_floor > 0.8)
        log_advise_as(d, "full_precision",
                      "train in bfloat16, or find the layer that overflows in float16");
    if (f->lr_before > 0) advise_rate(d, f);
    log_advise(d, "look_at_domain", NAN, NAN);
    if (!(f->lr_before > 0)) advise_rate(d, f);
}

static void explain_diverging(ravine_diagnosis *d, const log_findings *f) {
    say_loss(d, f);
    say_lost(d, f);
    if (f->above_least > 0)
        log_say(d, "above_least", f->above_least,
                "it is %.3g %% above the least that it was, at step %.0f", percent(f->above_least),
                f->least_step);
    say_lr(d, f);
    say_gradient(d, f);
    advise_rate(d, f);
    log_advise(d, "clip", NAN, NAN);
    if (!(f->lr_most > 0)) advise_lower_rate(d);
}

static void explain_throw(ravine_diagnosis *d, const log_findings *f) {
    log_say(d, "thrown", f->thrown, "the first steps threw the loss from %.4g to %.3g times that",
            f->begin, f->thrown);
    say_loss(d, f);
    say_lr(d, f);
    if (f->lr_most > 0) {
        log_advise(d, "warm_up", fmax(f->last / 20, 100), f->lr_most);
        log_advise(d, "begin_anew", f->lr_most, f->lr_most / 10);
    } else {
        log_advise(d, "clip", NAN, NAN);
        advise_lower_rate(d);
    }
}

static void explain_labels(ravine_diagnosis *d, const log_findings *f) {
    say_zeros(d, f);
    log_advise(d, "look_at_mask", NAN, NAN);
}

static void explain_lr(ravine_diagnosis *d, const log_findings *f) {
    say_lr(d, f);
    say_loss(d, f);
    if (f->lr_most == 0)
        log_advise(d, "set_lr", NAN, NAN);
    else
        log_advise(d, "longer_schedule", f->lr_most, f->lr);
    if (f->lr_most > 0) log_advise(d, "schedule_is_over", NAN, NAN);
}

static void explain_resume(ravine_diagnosis *d, const log_findings *f) {
    say_leap(d, f);
    say_loss(d, f);
    say_lr(d, f);
    log_advise(d, "restore", NAN, NAN);
}

static void explain_overfitting(ravine_diagnosis *d, const log_findings *f) {
    say_validation(d, f);
    say_loss(d, f);
    log_advise(d, "best_step", f->validation_least_step, NAN);
    log_advise(d, "more_data", NAN, NAN);
}

static void explain_constant(ravine_diagnosis *d, const log_findings *f) {
    say_classes(d, f);
    say_loss(d, f);
    say_lr(d, f);
    say_gradient(d, f);
    if (f->lr_most > 0) log_advise(d, "begin_anew", f->lr_most, f->lr_most / 10);
    log_advise(d, "look_at_labels", NAN, NAN);
    log_advise(d, "one_batch", NAN, NAN);
}

static void explain_health(ravine_diagnosis *d, const log_findings *f) {
    if (f->lost_losses > 0) d->also[d->nalso++] = RAVINE_VERDICT_NONFINITE;
    say_loss(d, f);
    say_lr(d, f);
    say_validation(d, f);
    say_gradient(d, f);
    log_advise(d, "nothing", NAN, NAN);
}

static void explain_held_out(ravine_diagnosis *d, const log_findings *f) {
    log_say(d, "validation_fallen", f->validation_fallen,
            "the held-out loss fell by %.3g %%, %.4g times what neighbours differ by",
            percent(f->validation_fallen), fmin(f->validation_fallen_z, 999));
    explain_health(d, f);
}

/* What looks the same in a log. */
static void say_undecided(ravine_diagnosis *d, const log_findings *f) {
    if (is_zero(f))
        diagnosis_cannot_tell(d, "how training goes: this loss is 0 and has a gradient, as that of "
                                 "GRPO or PPO; log the reward");
    else if (f->gradient_zeros > 0.99)
        diagnosis_cannot_tell(d, "dead units from a loss that is cut off from the parameters: no "
                                 "log shows which; ravine.watch(optimizer, model) does");
    else if (has_leapt(f))
        diagnosis_cannot_tell(d, "a bad batch, too long a step or a resume without its state from "
                                 "each other: no log shows; ravine.watch(optimizer, model) does");
    else if (f->losses > 7 && has_fallen(f))
        diagnosis_cannot_tell(d, "a noise floor from a minimum or a bounce: no log shows the "
                                 "gradients; ravine.watch(optimizer, model) does");
    else if (f->losses > 7)
        diagnosis_cannot_tell(d, "steps that are too short from nothing to learn: no log shows the "
                                 "steps; ravine.watch(optimizer, model) does");
}

/* Why nothing stands out, and what would be looked at first. */
static void explain_nothing(ravine_diagnosis *d, const log_findings *f) {
    if (f->losses < 16)
        log_say(d, "losses", f->losses, "there are %.0f points: few to tell a trend from noise",
                f->losses);
    say_leap(d, f);
    if (f->zeros > 0.99 || f->gradient_zeros > 0.99) say_zeros(d, f);
    say_loss(d, f);
    say_rhythm(d, f);
    say_classes(d, f);
    say_lr(d, f);
    say_validation(d, f);
    say_gradient(d, f);
    say_undecided(d, f);
    if (f->gradient_zeros > 0.99) {
        d->also[d->nalso++] = RAVINE_VERDICT_NOT_CONNECTED;
        d->also[d->nalso++] = RAVINE_VERDICT_DEAD;
        log_advise(d, "connect", NAN, NAN);
        log_advise(d, "initialize", NAN, NAN);
    } else if (has_leapt(f)) {
        log_advise(d, "before_the_burst", f->leap_at, NAN);
        log_advise(d, "look_at_batch", NAN, NAN);
        log_advise(d, "restore", NAN, NAN);
    } else if (has_fallen(f)) {
        if (f->lr > 0) log_advise(d, "decay_lr", f->lr, f->lr / 100);
        log_advise_as(d, "watch_steps",
                      "log more often, or go on: the loss stands within its noise");
    } else if (f->losses < 5) {
        log_advise_as(d, "watch_steps",
                      "log more often: some dozens of points tell a trend from noise");
    } else {
        log_advise(d, "one_batch", NAN, NAN);
        log_advise(d, "look_at_labels", NAN, NAN);
    }
}

typedef struct judgement {
    int verdict;
    bool (*holds)(const log_findings *f);
    void (*explain)(ravine_diagnosis *d, const log_findings *f);
    double confidence;
} judgement;

/* The first that holds is the answer. How sure: about how often it was right or near
 * (docs/logs.md); of what was hardly said four in five times or less. */
static const judgement judgements[] = {
    {RAVINE_VERDICT_DIVERGING, has_climbed, explain_diverging, 0.8},
    {RAVINE_VERDICT_NONFINITE, is_lost, explain_lost, 0.85},
    {RAVINE_VERDICT_LABELS_LOST, is_without_labels, explain_labels, 0.9},
    {RAVINE_VERDICT_LR_ZERO, is_lr_zero, explain_lr, 0.95},
    {RAVINE_VERDICT_RESUME_JUMP, is_resume_jump, explain_resume, 0.8},
    {RAVINE_VERDICT_DIVERGING, is_diverging, explain_diverging, 0.8},
    {RAVINE_VERDICT_WARMUP_NEEDED, was_thrown, explain_throw, 0.7},
    {RAVINE_VERDICT_OVERFITTING, is_overfitting, explain_overfitting, 0.7},
    {RAVINE_VERDICT_NOT_LEARNING, is_constant, explain_constant, 0.7},
    {RAVINE_VERDICT_HEALTHY, is_falling, explain_health, 0.7},
    {RAVINE_VERDICT_HEALTHY, has_gone_well, explain_health, 0.6},
    {RAVINE_VERDICT_HEALTHY, is_falling_held_out, explain_held_out, 0.6},
    {RAVINE_VERDICT_UNCLEAR, always, explain_nothing, 0.5},
};

int log_diagnose(const log_data *log, int64_t until, ravine_diagnosis *d) {
    enum { POINTS_OF_A_SECOND = 300000 };
    log_findings f;
    live_line shown =
        live_line_show("looking at", (int64_t)log->npoints, "points", POINTS_OF_A_SECOND);
    const int status = log_find(&f, log, (double)until);
    live_line_erase(&shown);
    if (status) return status;
    const judgement *j = judgements;
    while (!j->holds(&f)) j++;
    *d = (ravine_diagnosis){.size = sizeof *d,
                            .verdict = j->verdict,
                            .confidence = j->confidence,
                            .step = (int64_t)f.last,
                            .since = -1};
    j->explain(d, &f);
    log_say_gaps(d, log, f.gradient_most);
    return 0;
}
