/* SPDX-License-Identifier: Apache-2.0 */
/* presets.c - what every word of the text form expands to; docs/schedules.md has them as a table.
 */
#include "schedule/text.h"

#include "math/elementary.h"
#include "text/error.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- what the presets are made of ---- */

static double value_or(const schedule_call *call, int k, double otherwise) {
    return call->argument[k].column ? call->argument[k].value : otherwise;
}

/* `a` is an argument under key k. */
static ravine_status bad_value(const schedule_call *call, int k, schedule_argument a,
                               const char *must_be) {
    char key[RAVINE_KEY_MAX];
    ravine_schedule_key(&call->word, k, key);
    return ravine_fail(RAVINE_E_RANGE, "column %d: %s of %s is %g; it must be %s", a.column, key,
                       call->word.name, a.value, must_be);
}

static ravine_status as_steps(const schedule_call *call, int k, schedule_argument a,
                              int64_t *steps) {
    if (!(a.value >= 1 && a.value <= (double)RAVINE_SEGMENT_STEPS_MAX && a.value == floor(a.value)))
        return bad_value(call, k, a, "a whole number in [1, 2^53]");
    *steps = (int64_t)a.value;
    return RAVINE_OK;
}

static ravine_status read_steps(const schedule_call *call, int k, int64_t *steps) {
    return as_steps(call, k, call->argument[k], steps);
}

static ravine_status read_positive(const schedule_call *call, int k, double otherwise, double *x) {
    *x = value_or(call, k, otherwise);
    return *x > 0 ? RAVINE_OK : bad_value(call, k, call->argument[k], "above 0");
}

static ravine_status use_lr(schedule_builder *b, const schedule_call *call, double *lr) {
    if (!b->lr_column)
        return ravine_fail(RAVINE_E_FORMAT, "column %d: %s needs lr=NUMBER, anywhere in the text",
                           call->column, call->word.name);
    b->lr_used = true;
    *lr = b->lr;
    return RAVINE_OK;
}

/* Where a segment starts that does not say so: where the one before it ends, else at lr. */
static ravine_status read_start(schedule_builder *b, const schedule_call *call, double *from) {
    *from = b->next;
    return b->schedule.nsegments == 0 ? use_lr(b, call, from) : RAVINE_OK;
}

static ravine_status append(schedule_builder *b, const schedule_call *call, ravine_segment g) {
    char where[64];
    snprintf(where, sizeof where, "column %d: %s", call->column, call->word.name);
    const ravine_status status = ravine_segment_check(&g, true, where);
    if (status) return status;
    if (b->schedule.nsegments == RAVINE_SEGMENTS_MAX)
        return ravine_fail(RAVINE_E_RANGE, "%s is too much; a schedule has at most %d segments",
                           where, RAVINE_SEGMENTS_MAX);
    b->schedule.segment[b->schedule.nsegments++] = g;
    b->next = g.steps == RAVINE_FOREVER ? 0 : ravine_segment_end(&g);
    return RAVINE_OK;
}

/* ---- the presets, each beside its keys in the table below ---- */

/* keys: steps from? */
static ravine_status warm_up(schedule_builder *b, const schedule_call *call, int32_t shape) {
    ravine_segment g = {.shape = shape};
    double lr = 0;
    ravine_status status = use_lr(b, call, &lr);
    if (!status) status = read_steps(call, 0, &g.steps);
    if (status) return status;
    g.from = value_or(call, 1, lr / (double)g.steps);
    g.to = ravine_shape_has_to(shape) ? lr : 0;
    status = append(b, call, g);
    b->next = lr;
    return status;
}

static ravine_status warmup(schedule_builder *b, const schedule_call *call) {
    return warm_up(b, call, RAVINE_SHAPE_LINEAR);
}

static ravine_status warmup_exponential(schedule_builder *b, const schedule_call *call) {
    return warm_up(b, call, RAVINE_SHAPE_EXPONENTIAL);
}

static ravine_status warmup_constant(schedule_builder *b, const schedule_call *call) {
    return warm_up(b, call, RAVINE_SHAPE_CONSTANT);
}

/* keys: milestone* gamma? */
static ravine_status multistep(schedule_builder *b, const schedule_call *call) {
    const double gamma = value_or(call, 1, 0.1);
    double from;
    int64_t before = 0, milestone = 0;
    ravine_status status = read_start(b, call, &from);
    for (int k = 0; k < call->listed && !status; k++, before = milestone) {
        status = as_steps(call, 0, call->list[k], &milestone);
        if (status) return status;
        if (milestone <= before) return bad_value(call, 0, call->list[k], "above the one before");
        status = append(b, call,
                        (ravine_segment){.shape = RAVINE_SHAPE_CONSTANT,
                                         .steps = milestone - before,
                                         .from = from * ravine_power_int(gamma, k)});
    }
    if (status) return status;
    return append(b, call,
                  (ravine_segment){.shape = RAVINE_SHAPE_CONSTANT,
                                   .steps = RAVINE_FOREVER,
                                   .from = from * ravine_power_int(gamma, call->listed)});
}

/* keys: half_cycle from steps? */
static ravine_status cycles(schedule_builder *b, const schedule_call *call, double gamma) {
    ravine_segment g = {.shape = RAVINE_SHAPE_CYCLIC,
                        .steps = RAVINE_FOREVER,
                        .from = call->argument[1].value,
                        .parameter = {call->argument[0].value, gamma}};
    ravine_status status = use_lr(b, call, &g.to);
    if (!status && call->argument[2].column) status = read_steps(call, 2, &g.steps);
    return status ? status : append(b, call, g);
}

static ravine_status triangular(schedule_builder *b, const schedule_call *call) {
    return cycles(b, call, 1);
}

static ravine_status triangular2(schedule_builder *b, const schedule_call *call) {
    return cycles(b, call, 0.5);
}

/* keys: steps pct? div? final_div?; as torch.optim.lr_scheduler.OneCycleLR, two phases of cosines:
 * the peak is at step pct steps - 1 and the end at step steps - 1. */
static ravine_status onecycle(schedule_builder *b, const schedule_call *call) {
    const double pct = value_or(call, 1, 0.3);
    double lr = 0, div, final_div;
    int64_t steps = 0;
    ravine_status status = use_lr(b, call, &lr);
    if (!status) status = read_steps(call, 0, &steps);
    if (!status) status = read_positive(call, 2, 25, &div);
    if (!status) status = read_positive(call, 3, 1e4, &final_div);
    if (status) return status;
    if (steps < 3) return bad_value(call, 0, call->argument[0], "at least 3");
    if (pct > 1) return bad_value(call, 1, call->argument[1], "in [0, 1]");
    const double peak = floor(pct * (double)steps + 0.5) - 1;
    const int64_t rise = (int64_t)fmin(fmax(peak, 1), (double)(steps - 2));
    status = append(
        b, call,
        (ravine_segment){.shape = RAVINE_SHAPE_COSINE, .steps = rise, .from = lr / div, .to = lr});
    if (status) return status;
    return append(b, call,
                  (ravine_segment){.shape = RAVINE_SHAPE_COSINE,
                                   .steps = steps - 1 - rise,
                                   .from = lr,
                                   .to = lr / div / final_div});
}

/* keys: steps warmup decay to? */
static ravine_status wsd(schedule_builder *b, const schedule_call *call) {
    double lr = 0;
    int64_t steps = 0, rise = 0, fall = 0;
    ravine_status status = use_lr(b, call, &lr);
    if (!status) status = read_steps(call, 0, &steps);
    if (!status) status = read_steps(call, 1, &rise);
    if (!status) status = read_steps(call, 2, &fall);
    if (status) return status;
    if (steps < rise + fall)
        return bad_value(call, 0, call->argument[0], "at least warmup + decay");
    const ravine_segment segment[] = {
        {.shape = RAVINE_SHAPE_LINEAR, .steps = rise, .from = lr / (double)rise, .to = lr},
        {.shape = RAVINE_SHAPE_CONSTANT, .steps = steps - rise - fall, .from = lr},
        {.shape = RAVINE_SHAPE_LINEAR, .steps = fall, .from = lr, .to = value_or(call, 3, 0)},
    };
    for (int k = 0; k < 3 && !status; k++)
        if (segment[k].steps > 0) status = append(b, call, segment[k]);
    return status;
}

/* keys: warmup width factor?; Vaswani et al. 2017, equation 3, with its step 1 as step 0:
 * factor width^(-1/2) min(s^(-1/2), s warmup^(-3/2)), s = step + 1. */
static ravine_status noam(schedule_builder *b, const schedule_call *call) {
    double width;
    int64_t steps = 0;
    ravine_status status = read_steps(call, 0, &steps);
    if (!status) status = read_positive(call, 1, 0, &width);
    if (status) return status;
    const double peak = value_or(call, 2, 1) / sqrt(width * (double)steps);
    if (steps > 1)
        status = append(b, call,
                        (ravine_segment){.shape = RAVINE_SHAPE_LINEAR,
                                         .steps = steps - 1,
                                         .from = peak / (double)steps,
                                         .to = peak});
    if (status) return status;
    return append(b, call,
                  (ravine_segment){.shape = RAVINE_SHAPE_INVERSE_SQRT,
                                   .steps = RAVINE_FOREVER,
                                   .from = peak,
                                   .parameter = {(double)steps}});
}

static const struct {
    const char *name, *keys;
    ravine_status (*expand)(schedule_builder *b, const schedule_call *call);
} presets[] = {
    {"warmup", "steps from?", warmup},
    {"warmup_exponential", "steps from?", warmup_exponential},
    {"warmup_constant", "steps from?", warmup_constant},
    {"multistep", "milestone* gamma?", multistep},
    {"triangular", "half_cycle from steps?", triangular},
    {"triangular2", "half_cycle from steps?", triangular2},
    {"onecycle", "steps pct? div? final_div?", onecycle},
    {"wsd", "steps warmup decay to?", wsd},
    {"noam", "warmup width factor?", noam},
};

/* ---- the shapes, whose keys are: steps? from? [to?] and the parameters of ravine.h ---- */

static const struct {
    const char *name;
    double value;
} parameter_defaults[] = {{"power", 1}, {"growth", 1}};

/* The default of a parameter, or 0: it must be given. */
static double parameter_default(const char *name, int length) {
    for (size_t i = 0; i < sizeof parameter_defaults / sizeof *parameter_defaults; i++)
        if (strncmp(parameter_defaults[i].name, name, (size_t)length) == 0)
            return parameter_defaults[i].value;
    return 0;
}

static void shape_keys(int shape, char keys[64]) {
    int length,
        used = snprintf(keys, 64, "steps? from?%s", ravine_shape_has_to(shape) ? " to?" : "");
    const char *name;
    for (int k = 0; (name = ravine_list_word(ravine_shape_parameters[shape], k, &length)); k++)
        used += snprintf(keys + used, 64 - (size_t)used, " %.*s%s", length, name,
                         parameter_default(name, length) > 0 ? "?" : "");
}

static ravine_status expand_shape(schedule_builder *b, const schedule_call *call) {
    ravine_segment g = {
        .shape = call->word.index, .steps = RAVINE_FOREVER, .from = call->argument[1].value};
    ravine_status status = call->argument[1].column ? RAVINE_OK : read_start(b, call, &g.from);
    if (!status && call->argument[0].column) status = read_steps(call, 0, &g.steps);
    if (status) return status;
    int argument = 2, length;
    if (ravine_shape_has_to(g.shape)) g.to = value_or(call, argument++, 0);
    const char *name;
    for (int k = 0; (name = ravine_list_word(ravine_shape_parameters[g.shape], k, &length)); k++)
        g.parameter[k] = value_or(call, argument++, parameter_default(name, length));
    return append(b, call, g);
}

/* ---- all words ---- */

const char *ravine_schedule_key(const schedule_word *word, int k, char key[RAVINE_KEY_MAX]) {
    int length;
    const char *name = ravine_list_word(word->keys, k, &length);
    if (!name) return NULL;
    const int letters = (int)strcspn(name, "?* ");
    snprintf(key, RAVINE_KEY_MAX, "%.*s", letters, name);
    return name + letters;
}

bool ravine_schedule_word(int k, schedule_word *word) {
    const int preset = k - RAVINE_SHAPE_COUNT;
    if (preset >= (int)(sizeof presets / sizeof *presets)) return false;
    word->index = k;
    if (preset < 0) {
        word->name = ravine_shape_name[k];
        shape_keys(k, word->keys);
    } else {
        word->name = presets[preset].name;
        snprintf(word->keys, sizeof word->keys, "%s", presets[preset].keys);
    }
    return true;
}

ravine_status ravine_schedule_expand(schedule_builder *b, const schedule_call *call) {
    const int n = b->schedule.nsegments, k = call->word.index;
    if (n > 0 && b->schedule.segment[n - 1].steps == RAVINE_FOREVER)
        return ravine_fail(RAVINE_E_FORMAT,
                           "column %d: %s is never reached; what stands before it has no end",
                           call->column, call->word.name);
    if (k < RAVINE_SHAPE_COUNT) return expand_shape(b, call);
    return presets[k - RAVINE_SHAPE_COUNT].expand(b, call);
}
