/* SPDX-License-Identifier: Apache-2.0 */
/* figures_rules.c - (h), (i), (j): other scales, sign and size, and the complete rule. */
#include "lecture/plane.h"

#include <math.h>

/* ---- (h) ---- */

enum { RULES = 5, WAYS = 4, ADAM = 2 };
static const lecture_run rules[RULES] = {LECTURE_RMSPROP_01, LECTURE_RMSPROP_1, LECTURE_ADAM,
                                         LECTURE_AMSGRAD, LECTURE_RADAM};

/* How often the distance across the valley rises above 0.1, after it was below 0.01. */
static int count_swings(const double *across, int64_t n) {
    int swings = 0;
    bool low = false;
    for (int64_t k = 0; k < n; k++) {
        if (low && across[k] > 0.1) swings++;
        low = across[k] < 0.01 || (low && across[k] <= 0.1);
    }
    return swings;
}

static int put_rules(lecture *l, traces *t) {
    svg_series excess[RULES], way[WAYS];
    for (size_t k = 0; k < RULES; k++)
        excess[k] = traces_curve(t, k, lecture_run_rows[rules[k]].name,
                                 column_excess(t, k, l->convex), (int)k);
    for (size_t k = 0; k < WAYS; k++) /* without RMSProp 0.1 */
        way[k] = traces_way(t, k + 1, lecture_run_rows[rules[k + 1]].name, (int)k + 1);
    /* RMSProp fills what it bounces through, and AMSGrad's line begins on Adam's */
    way[0].under = way[1].under = excess[ADAM].under = true;
    const double *across = column_across(t, ADAM, l->convex);
    const int status = traces_status(t);
    if (status) return status;
    const fact swings = fact_plain("adam_swings",
                                   (svg_text){"Adam: swings above 0.1, after being below 0.01",
                                              "Adam：横向距离先低于 0.01、再超过 0.1 的次数"},
                                   count_swings(across, t->race[ADAM].trace.count), 4);
    return figure_put(
        l,
        &(exhibit){
            .name = "rules",
            .title = {"RMSProp, Adam, AMSGrad, RAdam on the same surface",
                      "同一个损失面上的 RMSProp、Adam、AMSGrad、RAdam"},
            .shows =
                {"At a constant rate RMSProp ends on an orbit around the minimum at a distance of "
                 "η/√2. Adam gets there and is thrown out again and again, as its σ forgets too, "
                 "though never by the 0.5 that counts as a burst. AMSGrad's σ never shrinks, and "
                 "it alone arrives. RAdam makes its first five steps without σ, as plain "
                 "momentum; η = 1 is far above the limit for those, and it is gone.",
                 "学习率不变时，RMSProp 最终绕着最低点打转，距离正好是 η/√2。Adam 的 σ 同样会忘，"
                 "走到了还是一次次被甩出去，只是都没有远到 0.5，不算爆发。AMSGrad 的 σ 从不变小，"
                 "只有它真正停在最低点。RAdam 的前五步不用 σ，等于普通的动量法；η = 1 对这几步来说"
                 "远远超出极限，于是一去不返。"},
            .panel = {plane_convex(l, way, WAYS),
                      {.x = steps_log(),
                       .y = {.label = {"excess loss", "loss 超出最低值的部分"},
                             .least = 1e-8,
                             .greatest = 1e9,
                             .log = true},
                       .series = excess,
                       .nseries = RULES}},
            .npanels = 2,
            .traces = t,
            .fact = &swings,
            .nfacts = 1,
            .run = rules,
            .nruns = RULES,
        });
}

int figure_rules(lecture *l) {
    traces t;
    int status = traces_make(&t, l, rules, RULES, LECTURE_STEPS);
    if (status) return status;
    status = put_rules(l, &t);
    traces_free(&t);
    return status;
}

/* ---- (i) ---- */

enum { SIGN_STEPS = 1000, TRAVEL = 160, ORBIT = SIGN_STEPS - 1 };

/* m of the gradients on the path: m <- 0.9 m + 0.1 g. */
static double *momentum_of(traces *t, int axis) {
    const race_trace *trace = &t->race[0].trace;
    double *m = column_new(t, 0), last = 0;
    for (int64_t k = 0; m && k + 1 < trace->count; k++)
        m[k] = last = 0.9 * last + 0.1 * trace->gradient[2 * k + axis];
    return m;
}

static double *size_ratio(traces *t, const double *m, int axis) {
    const race_trace *trace = &t->race[0].trace;
    double *ratio = column_new(t, 0);
    for (int64_t k = 0; m && ratio && k + 1 < trace->count; k++)
        ratio[k] = fabs(m[k]) / trace->sigma[2 * k + axis];
    return ratio;
}

static int put_sign(lecture *l, traces *t) {
    const double *g = column_axis(t, 0, t->race[0].trace.gradient, 1);
    const double *m_b = momentum_of(t, 0), *m_w = momentum_of(t, 1);
    const double *b = size_ratio(t, m_b, 0), *w = size_ratio(t, m_w, 1);
    const svg_series sign[2] = {
        traces_curve(t, 0, (svg_text){"gradient of w", "w 的梯度"}, g, 1),
        traces_curve(t, 0, (svg_text){"its momentum m", "它的动量 m"}, m_w, 0)};
    const svg_series ratio[2] = {
        traces_curve(t, 0, (svg_text){"b, along the valley", "b：沿着峡谷"}, b, 2),
        traces_curve(t, 0, (svg_text){"w, from wall to wall", "w：两壁之间"}, w, 0)};
    const svg_level cancelled = {1.0 / 19, {"1/19", NULL}, false};
    const int status = traces_status(t);
    if (status) return status;
    const fact facts[] = {
        fact_plain("along",
                   (svg_text){"|m|/σ of b at t = 160, all gradients of one sign",
                              "t = 160 时 b 的 |m|/σ（梯度同号）"},
                   b[TRAVEL], 3),
        fact_wanted(fact_plain("across",
                               (svg_text){"|m|/σ of w at t = 999, signs alternate: (1 - β)/(1 + β)",
                                          "t = 999 时 w 的 |m|/σ（正负交替）：(1 - β)/(1 + β)"},
                               w[ORBIT], 3),
                    "1/19 = 0.0526", 0.05, 0.0555),
    };
    return figure_put(
        l,
        &(exhibit){
            .name = "sign_and_size",
            .title = {"Momentum keeps the sign, σ only the size", "动量记方向，σ 只记大小"},
            .shows =
                {"Both m and σ use all past gradients, here on the path of RMSProp 0.1, and yet "
                 "they do not cancel. Along the valley the gradients of b have one sign: m is "
                 "about as large as σ. From wall to wall those of w alternate: in m, which "
                 "keeps the sign, all but 1/19 cancels; in σ, which squares, nothing does.",
                 "m 和 σ 用的都是过去全部的梯度（这里取 RMSProp 0.1 "
                 "走过的路径），却不会互相抵消。沿着峡谷走，b 的梯度同号，m 和 σ "
                 "差不多大；在两壁之间弹，w 的梯度一正一负：m 记着正负号，相消之后只剩 1/19；σ "
                 "先平方再平均，一点也不会消掉。"},
            .panel = {{.x = steps_between(120, 240),
                       .y = {.label = {"of w, with its sign", "w 方向，带正负号"},
                             .least = -2e5,
                             .greatest = 2e5},
                       .height = 170,
                       .series = sign,
                       .nseries = 2},
                      {.x = steps_between(100, SIGN_STEPS),
                       .y = {.label = {"|m| / σ", NULL}, .least = 1e-3, .greatest = 2, .log = true},
                       .height = 150,
                       .series = ratio,
                       .nseries = 2,
                       .level = &cancelled,
                       .nlevels = 1}},
            .npanels = 2,
            .traces = t,
            .fact = facts,
            .nfacts = sizeof facts / sizeof *facts,
        });
}

int figure_sign(lecture *l) {
    static const lecture_run id = LECTURE_RMSPROP_01;
    traces t;
    int status = traces_make(&t, l, &id, 1, SIGN_STEPS);
    if (status) return status;
    status = put_sign(l, &t);
    traces_free(&t);
    return status;
}

/* ---- (j) ---- */

enum { LAST = 5 };
static const lecture_run last[LAST] = {LECTURE_GD_6, LECTURE_MEAN, LECTURE_ADAM, LECTURE_ADAM_SQRT,
                                       LECTURE_COMPLETE};
static const int last_color[LAST] = {3, 1, 2, 4, 0};

static int put_complete(lecture *l, traces *t) {
    svg_series farthest[LAST];
    for (size_t k = 0; k < LAST; k++)
        farthest[k] = traces_farthest(t, k, lecture_run_rows[last[k]].name,
                                      column_farthest(t, k, l->convex), last_color[k]);
    const race_trace *trace = &t->race[LAST - 1].trace;
    double *m = column_axis(t, LAST - 1, trace->m, 1);
    const double *sigma = column_axis(t, LAST - 1, trace->sigma, 1);
    for (int64_t k = 0; m && k < trace->count; k++) m[k] = fabs(m[k]);
    const svg_series parts[3] = {
        traces_curve(t, LAST - 1, (svg_text){"|m| of w, the direction", "w 的 |m|：方向"}, m, 2),
        traces_curve(t, LAST - 1, (svg_text){"σ of w, the size", "w 的 σ：大小"}, sigma, 1),
        traces_curve(t, LAST - 1, (svg_text){"η, the schedule", "η：调度"}, trace->eta, 0),
    };
    const int status = traces_status(t);
    if (status) return status;
    return figure_put(
        l,
        &(exhibit){
            .name = "complete",
            .title = {"The complete rule: schedule, momentum, scale",
                      "完整版：调度、动量、尺度三者合一"},
            .shows =
                {"Adam's m and σ with warm-up and then decay. Each of the three does what the "
                 "others cannot: σ evens out steep and flat, m goes on in the common "
                 "direction, and η ends what a constant rate would repeat for ever. Since Adam's σ "
                 "forgets exponentially, a decay like 1/√t is not quite enough here: one burst "
                 "is left.",
                 "Adam 的 m 和 σ，再加上先预热、后衰减的 η。三者各管一件事，谁也替不了谁：σ "
                 "抹平陡与缓的差别，m 沿着一贯的方向走下去，η "
                 "则让固定学习率下没完没了的爆发停下来。Adam 的 σ 忘得是指数级地快，所以在这里 "
                 "1/√t "
                 "的衰减还差一点：仍会爆发一次。"},
            .panel = {panel_farthest(farthest, LAST, 1e-6, 1e3),
                      {.x = steps_log(),
                       .y = {.label = {"the three parts", "三个部分"},
                             .least = 1e-6,
                             .greatest = 1e8,
                             .log = true},
                       .height = 180,
                       .series = parts,
                       .nseries = 3}},
            .npanels = 2,
            .traces = t,
            .run = last,
            .nruns = LAST,
        });
}

int figure_complete(lecture *l) {
    traces t;
    int status = traces_make(&t, l, last, LAST, LECTURE_STEPS);
    if (status) return status;
    status = put_complete(l, &t);
    traces_free(&t);
    return status;
}
