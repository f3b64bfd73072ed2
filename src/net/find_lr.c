/* The range test, the warm-up, two probes, and what they come to. */
#include "net/find_lr.h"

#include "io/failure.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DECADES = 4,        /* of the range on either side of the rule's default rate */
    SETTLING_STEPS = 5, /* before a mean counts */
    SMOOTHING = 20      /* steps that the running mean is worth */
};
#define BLOW_UP 4 /* times the least mean: the test ends */

typedef struct search {
    const find_lr_setup *setup;
    find_lr_result *result;
    ravine_optimizer *optimizer; /* the one that makes steps now */
    char *home;                  /* the parameters as they were */
} search;

static int library_failure(ravine_status status) {
    return failure(status == RAVINE_E_NOMEM ? EXIT_INPUT : EXIT_USAGE, "%s", ravine_errmsg());
}

/* ---- parameters and optimizers ---- */

static size_t view_bytes(const ravine_param *view) {
    return (size_t)view->len * ((size_t)ravine_dtype_bits(view->dtype) / 8);
}

static ravine_param param_at(const search *s, int64_t i) {
    ravine_param view = {.size = sizeof view};
    if (ravine_param_view(s->setup->optimizer, i, &view)) view.len = 0; /* i is in range */
    return view;
}

/* Parameters to the copy, or back from it. */
static void copy_params(const search *s, bool back) {
    char *at = s->home;
    for (int64_t i = 0; i < ravine_param_count(s->setup->optimizer); i++) {
        const ravine_param view = param_at(s, i);
        if (!view.len) continue;
        if (back)
            memcpy(view.data, at, view_bytes(&view));
        else
            memcpy(at, view.data, view_bytes(&view));
        at += view_bytes(&view);
    }
}

static int keep_home(search *s) {
    size_t bytes = 1;
    for (int64_t i = 0; i < ravine_param_count(s->setup->optimizer); i++) {
        const ravine_param view = param_at(s, i);
        bytes += view_bytes(&view);
    }
    s->home = malloc(bytes);
    if (!s->home) return failure(EXIT_INPUT, "out of memory for a copy of the parameters");
    copy_params(s, false);
    return 0;
}

/* The settings of a group at step 0, as a rule with numbers. */
static ravine_status group_config(const search *s, int32_t group, ravine_config *c) {
    const ravine_rule_info *info = ravine_rule_describe(s->setup->rule);
    ravine_status status = ravine_config_init(c, s->setup->rule);
    for (int32_t k = 0; !status && k < info->nsettings; k++) {
        double value = 0;
        status = ravine_get(s->setup->optimizer, group, info->setting[k], &value);
        switch (info->setting[k]) {
#define RAVINE_X(NAME, name, kind, interval, text) \
    case RAVINE_##NAME: c->name = value; break;
            RAVINE_SETTING_LIST(RAVINE_X)
#undef RAVINE_X
        default: break;
        }
    }
    return status;
}

static ravine_status add_params(const search *s, ravine_optimizer *o) {
    const int64_t count = ravine_param_count(s->setup->optimizer);
    ravine_param *views = calloc((size_t)count + 1, sizeof *views);
    if (!views) return RAVINE_E_NOMEM;
    for (int64_t i = 0; i < count; i++) views[i] = param_at(s, i);
    const ravine_status status = ravine_add(o, views, count);
    free(views);
    return status;
}

/* Parameters at home and an optimizer that has made no step. */
static int begin_anew(search *s) {
    copy_params(s, true);
    ravine_destroy(s->optimizer);
    s->optimizer = NULL;
    ravine_status status = RAVINE_OK;
    for (int32_t g = 0; !status && g < ravine_group_count(s->setup->optimizer); g++) {
        ravine_config c;
        status = group_config(s, g, &c);
        if (!status)
            status = g ? ravine_add_group(s->optimizer, &c, NULL)
                       : ravine_create(&s->optimizer, &c, s->setup->env);
    }
    if (!status) status = add_params(s, s->optimizer);
    return status ? library_failure(status) : 0;
}

/* One step on batch number k of those for trials, at the rate; *loss: before it. */
static int step(search *s, int64_t k, double lr, double *loss) {
    const ravine_problem *problem = s->setup->problem;
    const int64_t number =
        problem->nbatches > 0 ? problem->batch + 1 + k % problem->nbatches : problem->batch;
    const ravine_status set = ravine_set(s->optimizer, -1, RAVINE_LR, lr);
    if (set) return library_failure(set);
    s->result->gradients++;
    if (problem->evaluate(problem->context, number, 1, loss))
        return failure(EXIT_INPUT, "batch %lld cannot be evaluated", (long long)number);
    const ravine_status made = ravine_step(s->optimizer, NULL);
    return made < 0 ? library_failure(made) : 0;
}

/* ---- the range test ---- */

/* A decoupled decay takes no rate above 1 / weight_decay. */
static int choose_range(const search *s, double *least, double *most) {
    ravine_config c;
    const ravine_status status = ravine_config_init(&c, s->setup->rule);
    if (status) return library_failure(status);
    *least = s->setup->least > 0 ? s->setup->least : c.lr * pow(10, -DECADES);
    *most = s->setup->most > 0 ? s->setup->most : c.lr * pow(10, DECADES);
    for (int32_t g = 0; g < ravine_group_count(s->setup->optimizer); g++) {
        if (group_config(s, g, &c)) return library_failure(RAVINE_E_ARG);
        if (c.decay_form == RAVINE_DECAY_DECOUPLED && c.weight_decay > 0)
            *most = fmin(*most, 1 / c.weight_decay);
    }
    if (*least < *most) return 0;
    return failure(EXIT_USAGE, "the range of rates is %g to %g; it must rise", *least, *most);
}

static int range_test(search *s) {
    find_lr_result *r = s->result;
    const double keep = 1 - 1.0 / SMOOTHING;
    double least = 0, most = 0, mean = 0, weight = 0, lowest = HUGE_VAL;
    int status = choose_range(s, &least, &most);
    if (!status) status = begin_anew(s);
    for (int64_t k = 0; !status && k < s->setup->steps; k++) {
        const double share = (double)k / (double)(s->setup->steps - 1);
        const double lr = least * pow(most / least, share);
        double loss = NAN;
        status = step(s, k, lr, &loss);
        if (status) break;
        mean = keep * mean + (1 - keep) * loss;
        weight = keep * weight + (1 - keep);
        r->lr[r->count] = lr;
        r->loss[r->count] = loss;
        r->smooth[r->count++] = mean / weight;
        if (!isfinite(loss)) break;
        if (k >= SETTLING_STEPS) lowest = fmin(lowest, mean / weight);
        if (mean / weight > BLOW_UP * fabs(lowest)) break;
    }
    return status;
}

/* Rates where the mean falls fastest in log lr, where it is least, and where it has risen back by a
 * quarter of its fall. */
static int read_range(find_lr_result *r) {
    enum { REACH = SMOOTHING / 4 }; /* a slope is taken over twice as many steps */
    int64_t lowest = SETTLING_STEPS, steepest = -1;
    double fastest = 0;
    for (int64_t k = SETTLING_STEPS; k < r->count; k++)
        if (r->smooth[k] < r->smooth[lowest]) lowest = k;
    for (int64_t k = SETTLING_STEPS + REACH; k + REACH < r->count && k <= lowest; k++) {
        const double slope = r->smooth[k + REACH] - r->smooth[k - REACH];
        if (slope >= fastest) continue;
        fastest = slope;
        steepest = k;
    }
    const double fall = r->smooth[SETTLING_STEPS] - r->smooth[lowest];
    if (steepest < 0 || !(fall > 0))
        return failure(EXIT_NO, "no learning rate from %.3g to %.3g lowers the loss", r->lr[0],
                       r->lr[r->count - 1]);
    r->steepest = r->lr[steepest];
    r->lowest = r->lr[lowest];
    r->blow_up = NAN;
    for (int64_t k = lowest; k < r->count && isnan(r->blow_up); k++)
        if (!(r->smooth[k] < r->smooth[lowest] + fall / 4)) r->blow_up = r->lr[k];
    return 0;
}

/* ---- the stability limit ---- */

static int probe(search *s, int which) {
    find_lr_result *r = s->result;
    ravine_probe_options options;
    ravine_probe_options_init(&options);
    options.lanczos = 0; /* the spectrum under sigma is what bounds the rate */
    r->probe[which].size = sizeof r->probe[which];
    const ravine_status status =
        ravine_probe_run(s->optimizer, s->setup->problem, &options, &r->probe[which]);
    if (status) return library_failure(status);
    r->gradients += r->probe[which].gradients;
    r->losses += r->probe[which].losses;
    const ravine_probe *p = &r->probe[which];
    r->stable[which] = p->sharpness > 0 ? p->limit / p->sharpness : NAN;
    return 0;
}

/* Up to the rate, linearly. */
static int warm_up(search *s, double lr) {
    int status = 0;
    for (int64_t k = 0; !status && k < s->setup->warmup; k++) {
        double loss;
        status = step(s, k, lr * (double)(k + 1) / (double)s->setup->warmup, &loss);
    }
    return status;
}

/* ---- the answer ---- */

/* A rate in two digits, as one would write it. */
static double rounded(double lr) {
    char text[32];
    snprintf(text, sizeof text, "%.1e", lr);
    return strtod(text, NULL);
}

/* What the range test recommends: a third of the rate where the loss is least, since that one is
 * met only in passing. */
static double range_rate(const find_lr_result *r) {
    return r->lowest / 3;
}

/* The loss of a net bends itself to the rate, as long as that is not too high (Cohen et al. 2021,
 * Gradient descent on neural networks typically occurs at the edge of stability): so the limit that
 * counts is the one after the warm-up to the rate in question. */
static void decide(find_lr_result *r) {
    const double wanted = range_rate(r), stable = 0.8 * r->stable[1];
    const bool holds = !(wanted > stable);
    r->suggested = rounded(holds ? wanted : stable);
    if (r->rule == RAVINE_RPROP)
        snprintf(
            r->reason, sizeof r->reason,
            "rprop finds its own steps, lr is only the first one: a third of where the loss of "
            "the range test is least (%.2g)",
            r->lowest);
    else if (holds)
        snprintf(r->reason, sizeof r->reason,
                 "a third of the rate where the loss of the range test is least (%.2g)%s",
                 r->lowest,
                 isnan(stable) ? "; there is no limit of stability to hold it against"
                               : "; after a warm-up it is stable there");
    else
        snprintf(r->reason, sizeof r->reason,
                 "0.8 of the greatest stable rate (%.2g) after a warm-up to %.2g, which the range "
                 "test alone would take",
                 r->stable[1], wanted);
}

static int search_all(search *s) {
    find_lr_result *r = s->result;
    int status = range_test(s);
    if (!status) status = read_range(r);
    if (!status) status = begin_anew(s);
    if (!status) status = probe(s, 0);
    if (status) return status;
    r->warmup_lr = range_rate(r);
    status = warm_up(s, r->warmup_lr);
    if (!status) status = probe(s, 1);
    if (!status) decide(r);
    return status;
}

int find_lr(find_lr_result *r, const find_lr_setup *setup) {
    *r = (find_lr_result){.rule = setup->rule};
    search s = {.setup = setup, .result = r};
    r->lr = calloc(3 * (size_t)setup->steps, sizeof *r->lr);
    if (!r->lr) return failure(EXIT_INPUT, "out of memory for %lld steps", (long long)setup->steps);
    r->loss = r->lr + setup->steps;
    r->smooth = r->loss + setup->steps;
    int status = keep_home(&s);
    if (!status) {
        status = search_all(&s);
        copy_params(&s, true);
    }
    ravine_destroy(s.optimizer);
    free(s.home);
    if (status) find_lr_free(r);
    return status;
}

void find_lr_free(find_lr_result *r) {
    free(r->lr);
    *r = (find_lr_result){0};
}
