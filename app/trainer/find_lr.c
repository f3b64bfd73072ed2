/* SPDX-License-Identifier: Apache-2.0 */
/* The range test, the warm-up, two probes, and what they come to. */
#include "trainer/find_lr.h"

#include "io/failure.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DECADES = 4,  /* of the range on either side of the rule's default rate */
    POINTS = 100, /* at which the fixed batch is looked at */
    FIRST_STEPS =
        8 /* that tell how long one is at a rate: later gradients are not what they were */
};
#define BLOW_UP    4    /* times the least loss: the test ends */
#define LEAST_FALL 0.05 /* of the loss: less is nothing */
#define CALM       0.1  /* of a step over the length of the parameters */

typedef struct search {
    const find_lr_setup *setup;
    find_lr_result *result;
    ravine_optimizer *optimizer; /* the one that makes steps now */
    char *home;                  /* the parameters as they were */
} search;

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
    if (!s->home) return failure(FAILURE_INPUT, "out of memory for a copy of the parameters");
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
#define RAVINE_X(NAME, number, name, kind, interval, text) \
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
    return failure_of(status);
}

/* One step on batch number k of those for trials, at the rate; *loss: before it; lengths of step
 * and parameters are in the statistics. */
static int step(search *s, int64_t k, double lr, double *loss, ravine_step_stats *stats) {
    const ravine_problem *problem = s->setup->problem;
    const int64_t number =
        problem->nbatches > 0 ? problem->batch + 1 + k % problem->nbatches : problem->batch;
    const ravine_status set = ravine_set(s->optimizer, -1, RAVINE_LR, lr);
    if (set) return failure_of(set);
    s->result->gradients++;
    if (problem->evaluate(problem->context, number, 1, loss))
        return failure(FAILURE_INPUT, "batch %lld cannot be evaluated", (long long)number);
    *stats = (ravine_step_stats){.size = sizeof *stats};
    const ravine_status made = ravine_step(s->optimizer, stats);
    return failure_of(made);
}

/* ---- the range test ---- */

/* A decoupled decay takes no rate above 1 / weight_decay. */
static int choose_range(const search *s, double *least, double *most) {
    ravine_config c;
    const ravine_status status = ravine_config_init(&c, s->setup->rule);
    if (status) return failure_of(status);
    *least = s->setup->least > 0 ? s->setup->least : c.lr * pow(10, -DECADES);
    *most = s->setup->most > 0 ? s->setup->most : c.lr * pow(10, DECADES);
    for (int32_t g = 0; g < ravine_group_count(s->setup->optimizer); g++) {
        if (group_config(s, g, &c)) return failure_of(RAVINE_E_ARG);
        if (c.decay_form == RAVINE_DECAY_DECOUPLED && c.weight_decay > 0)
            *most = fmin(*most, 1 / c.weight_decay);
    }
    if (*least < *most) return 0;
    return failure(FAILURE_USAGE, "the range of rates is %g to %g; it must rise", *least, *most);
}

static int look(search *s, double *loss) {
    const ravine_problem *problem = s->setup->problem;
    s->result->losses++;
    if (problem->evaluate(problem->context, problem->batch, 0, loss))
        return failure(FAILURE_INPUT, "the fixed batch cannot be evaluated");
    return 0;
}

static int range_test(search *s) {
    find_lr_result *r = s->result;
    const int64_t steps = s->setup->steps, stride = (steps + POINTS - 1) / POINTS;
    double least = 0, most = 0;
    int status = choose_range(s, &least, &most);
    if (!status) status = begin_anew(s);
    if (!status) status = look(s, &r->first);
    double lowest = r->first;
    r->calm = NAN;
    while (!status && r->count < steps) {
        double loss;
        ravine_step_stats stats;
        const double lr = least * pow(most / least, (double)r->count / (double)(steps - 1));
        status = step(s, r->count++, lr, &loss, &stats);
        if (r->count <= FIRST_STEPS)
            r->calm = fmin(r->calm, CALM * stats.param_norm / (stats.update_norm / lr));
        if (status || (r->count % stride != 0 && r->count != steps)) continue;
        status = look(s, &loss);
        r->lr[r->npoints] = lr;
        r->loss[r->npoints++] = loss;
        lowest = fmin(lowest, loss);
        if (!isfinite(loss) || loss > BLOW_UP * fabs(lowest)) break;
    }
    return status;
}

/* Rates where the loss falls fastest in log lr, over four points, where it is least, and where it
 * has risen back by a quarter of its fall. */
static int read_range(find_lr_result *r) {
    int64_t lowest = 0, steepest = 0;
    double fastest = HUGE_VAL;
    for (int64_t k = 0; k < r->npoints; k++)
        if (r->loss[k] < r->loss[lowest]) lowest = k;
    const double fall = r->first - r->loss[lowest];
    if (!(fall > LEAST_FALL * fabs(r->first)))
        return failure(FAILURE_NO, "no learning rate from %.3g to %.3g lowers the loss", r->lr[0],
                       r->lr[r->npoints - 1]);
    for (int64_t k = 0; k <= lowest; k++) {
        const int64_t before = k > 2 ? k - 2 : 0, after = k + 2 < lowest ? k + 2 : lowest;
        const double slope = r->loss[after] - r->loss[before];
        if (!(slope < fastest)) continue;
        fastest = slope;
        steepest = k;
    }
    r->steepest = r->lr[steepest];
    r->lowest = r->lr[lowest];
    r->blow_up = NAN;
    for (int64_t k = lowest; k < r->npoints && isnan(r->blow_up); k++)
        if (!(r->loss[k] < r->loss[lowest] + fall / 4)) r->blow_up = r->lr[k];
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
    if (status) return failure_of(status);
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
        ravine_step_stats stats;
        status = step(s, k, lr * (double)(k + 1) / (double)s->setup->warmup, &loss, &stats);
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

/* rprop, whose lr is that of the first step alone. */
static bool finds_own_steps(int rule) {
    const ravine_rule_info *info = ravine_rule_describe(rule);
    for (int32_t k = 0; k < info->nsettings; k++)
        if (info->setting[k] == RAVINE_STEP_MAX) return true;
    return false;
}

/* Steps that throw the parameters about may lower the loss of a few hundred steps, and learn
 * nothing that holds of other examples. */
static bool is_thrown(const find_lr_result *r) {
    return !finds_own_steps(r->rule) && r->lowest / 3 > r->calm;
}

/* What the range test recommends: a third of the rate where the loss is least, since that one is
 * met only in passing. */
static double range_rate(const find_lr_result *r) {
    return is_thrown(r) ? r->calm : r->lowest / 3;
}

static svg_text reason_of(const find_lr_result *r, bool holds) {
    if (finds_own_steps(r->rule))
        return (svg_text){"{rule} finds its own steps, lr is only the first one: a third of where "
                          "the loss of the range test is least ({lowest})",
                          "{rule} 自己决定步长，lr 只是第一步的：取范围测试中损失最低处（{lowest}）"
                          "的三分之一"};
    if (holds && is_thrown(r))
        return (svg_text){
            "the rate at which the first steps are a tenth as long as the parameters; "
            "the loss of the range test is least at {lowest}, which would throw them "
            "about",
            "在这个学习率下，最初几步的长度是参数的十分之一；范围测试的损失在 {lowest} "
            "处最低，但那会把参数甩来甩去"};
    if (holds && isnan(r->stable[1]))
        return (svg_text){
            "a third of the rate where the loss of the range test is least ({lowest}); "
            "there is no limit of stability to hold it against",
            "范围测试中损失最低处的学习率（{lowest}）的三分之一；没有稳定极限可以对照"};
    if (holds)
        return (svg_text){
            "a third of the rate where the loss of the range test is least ({lowest}); "
            "after a warm-up it is stable there",
            "范围测试中损失最低处的学习率（{lowest}）的三分之一；预热之后，在那里是稳定的"};
    return (svg_text){
        "0.8 of the greatest stable rate ({stable}) after a warm-up to {wanted}, which "
        "the range test alone would take",
        "预热到 {wanted}（只凭范围测试就会取它）之后，最大的稳定学习率（{stable}）的 0.8 "
        "倍"};
}

/* The loss of a net bends itself to the rate, as long as that is not too high (Cohen et al. 2021,
 * Gradient descent on neural networks typically occurs at the edge of stability): so the limit that
 * counts is the one after the warm-up to the rate in question. */
static void decide(find_lr_result *r) {
    char lowest[PHRASE_NUMBER], stable[PHRASE_NUMBER], taken[PHRASE_NUMBER];
    const double wanted = range_rate(r), most = 0.8 * r->stable[1];
    const bool holds = !(wanted > most);
    r->suggested = rounded(holds ? wanted : most);
    phrase_fill(&r->reason, reason_of(r, holds),
                (phrase_hole[]){{"rule", .text = ravine_rule_describe(r->rule)->name},
                                {"lowest", .text = phrase_number(lowest, "%.2g", r->lowest)},
                                {"stable", .text = phrase_number(stable, "%.2g", r->stable[1])},
                                {"wanted", .text = phrase_number(taken, "%.2g", wanted)},
                                {0}});
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
    r->lr = calloc(2 * (POINTS + 1), sizeof *r->lr);
    if (!r->lr) return failure(FAILURE_INPUT, "out of memory");
    r->loss = r->lr + POINTS + 1;
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
