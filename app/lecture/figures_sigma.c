/* SPDX-License-Identifier: Apache-2.0 */
/* figures_sigma.c - (c) and (d): a learning rate of its own for each parameter, and for each
 * moment.
 */
#include "lecture/plane.h"

#include <math.h>

/* ---- (c) ---- */

/* The first step of Adagrad, and one of gradient descent that goes as far in w. */
typedef struct first_steps {
    double gd[2][2], adagrad[2][2]; /* [b, w][from, to] */
} first_steps;

static first_steps find_steps(const traces *t) {
    const double *from = t->race[0].trace.theta, *to = from + 2;
    const double *g = t->race[0].trace.gradient;
    const double along = g[0] / g[1] * (to[1] - from[1]);
    return (first_steps){.gd = {{from[0], from[0] + along}, {from[1], to[1]}},
                         .adagrad = {{from[0], to[0]}, {from[1], to[1]}}};
}

static svg_series arrow(const double step[2][2], svg_text name, int color) {
    return (svg_series){
        .name = name, .x = step[0], .y = step[1], .n = 2, .draw = SVG_ARROW, .color = color};
}

/* Around the start, b and w in the same measure. */
static svg_panel plane_of_steps(const lecture *l, const svg_series *arrows) {
    static const double level[] = {2.2e7, 2.4e7, 2.6e7, 2.8e7, 3e7,  3.2e7,
                                   3.4e7, 3.6e7, 3.8e7, 4e7,   4.2e7};
    svg_panel plane = plane_convex(l, arrows, 2);
    plane.x.least = -120.8, plane.x.greatest = -117.4;
    plane.y.least = -4.2, plane.y.greatest = -2.8;
    plane.height = 210;
    plane.contours.level = level;
    plane.contours.nlevels = sizeof level / sizeof *level;
    return plane;
}

static int put_sigma(lecture *l, traces *t) {
    const double *b = column_axis(t, 0, t->race[0].trace.sigma, 0);
    const double *w = column_axis(t, 0, t->race[0].trace.sigma, 1);
    const svg_series sigma[2] = {
        traces_curve(t, 0, (svg_text){"σ of b, the flat direction", "b 的 σ（平缓方向）"}, b, 0),
        traces_curve(t, 0, (svg_text){"σ of w, the steep direction", "w 的 σ（陡峭方向）"}, w, 1)};
    const int status = traces_status(t);
    if (status) return status;
    const first_steps steps = find_steps(t);
    const svg_series arrows[2] = {
        arrow(steps.gd, (svg_text){"a step of gradient descent", "梯度下降的一步"}, 2),
        arrow(steps.adagrad, (svg_text){"a step of Adagrad", "Adagrad 的一步"}, 0)};
    const fact facts[] = {
        fact_plain("along_gd",
                   (svg_text){"along b, of GD, per 1 in w", "w 走 1 时，梯度下降的 b 走"},
                   fabs((steps.gd[0][1] - steps.gd[0][0]) / (steps.gd[1][1] - steps.gd[1][0])), 2),
        fact_plain("along_adagrad", (svg_text){"of Adagrad", "Adagrad 的 b 走"},
                   fabs((steps.adagrad[0][1] - steps.adagrad[0][0]) /
                        (steps.adagrad[1][1] - steps.adagrad[1][0])),
                   2),
        fact_plain("sigma_b_0", (svg_text){"σ of b at t = 0", "t = 0 时 b 的 σ"}, b[0], 4),
        fact_plain("sigma_w_0", (svg_text){"σ of w at t = 0", "t = 0 时 w 的 σ"}, w[0], 4),
        fact_plain("ratio_0",
                   (svg_text){"so w's rate is smaller by", "于是 w 的学习率小到几分之一"},
                   w[0] / b[0], 4),
        fact_plain("sigma_b_500", (svg_text){"σ of b at t = 500", "t = 500 时 b 的 σ"}, b[500], 4),
        fact_plain("sigma_w_500", (svg_text){"σ of w at t = 500", "t = 500 时 w 的 σ"}, w[500], 4),
        fact_plain("ratio_500", (svg_text){"ratio", "比值"}, w[500] / b[500], 4),
    };
    return figure_put(
        l,
        &(exhibit){
            .name = "adagrad_sigma",
            .title = {"Adagrad: a rate of its own for each parameter",
                      "Adagrad：不同参数用不同的学习率"},
            .shows =
                {"σ is the root mean square of a parameter's past gradients. The steep w has a "
                 "σ hundreds of times that of the flat b, so both move by about η at first: of two "
                 "first steps that go as far in w, that of gradient descent hardly moves b, "
                 "and Adagrad's moves b as far as w. "
                 "But a mean over everything forgets slowly: on the flat floor both σ fall "
                 "like 1/√t, and jump when the iterate is thrown out of the valley (e).",
                 "σ 是一个参数过去所有梯度的均方根。陡峭的 w，σ 是平缓的 b "
                 "的几百倍，所以起初两者每步都走约 η "
                 "那么远：图中两个箭头是在 w 上走得一样远的第一步，梯度下降几乎不动 b，Adagrad 的 "
                 "b "
                 "和 w 走得一样远。但对全部历史取平均，忘得很慢：到了平坦的谷底，两个 σ 都按 1/√t "
                 "变小，直到参数被甩出谷底时才猛地跳上去（见图 e）。"},
            .panel = {plane_of_steps(l, arrows),
                      {.x = steps_log(),
                       .y = {.label = {"σ", NULL}, .log = true},
                       .height = 260,
                       .series = sigma,
                       .nseries = 2}},
            .npanels = 2,
            .traces = t,
            .fact = facts,
            .nfacts = sizeof facts / sizeof *facts,
        });
}

int figure_sigma(lecture *l) {
    static const lecture_run id = LECTURE_MEAN;
    traces t;
    int status = traces_make(&t, l, &id, 1, LECTURE_STEPS);
    if (status) return status;
    status = put_sigma(l, &t);
    traces_free(&t);
    return status;
}

/* ---- (d) ---- */

enum { CRESCENT_STEPS = 3000, LATE = 100, LATER = 800 };

/* The root mean square of all gradients of the first coordinate so far. */
static double *mean_form(traces *t) {
    const race_trace *trace = &t->race[0].trace;
    double *sigma = column_new(t, 0), sum = 0;
    for (int64_t k = 0; sigma && k + 1 < trace->count; k++) {
        sum += trace->gradient[2 * k] * trace->gradient[2 * k];
        sigma[k] = sqrt(sum / (double)(k + 1));
    }
    return sigma;
}

static int put_crescent(lecture *l, traces *t) {
    const double *rmsprop = column_axis(t, 0, t->race[0].trace.sigma, 0);
    const double *mean = mean_form(t);
    const svg_series way = traces_way(t, 0, (svg_text){"RMSProp(.9) 0.002", NULL}, 0);
    const svg_series sigma[2] = {
        traces_curve(t, 0, (svg_text){"RMSProp's σ", "RMSProp 的 σ"}, rmsprop, 0),
        traces_curve(
            t, 0, (svg_text){"mean over all gradients, same path", "同一条路径，对全部梯度取平均"},
            mean, 1)};
    const int status = traces_status(t);
    if (status) return status;
    const fact facts[] = {
        fact_wanted(fact_plain("rmsprop_0",
                               (svg_text){"RMSProp's σ of w₁, t = 0", "RMSProp 的 σ（w₁），t = 0"},
                               rmsprop[0], 3),
                    "155", 154.5, 155.5),
        fact_wanted(fact_plain("rmsprop_100", (svg_text){"t = 100", NULL}, rmsprop[LATE], 2), "2.6",
                    2.55, 2.65),
        fact_wanted(fact_plain("rmsprop_800", (svg_text){"t = 800", NULL}, rmsprop[LATER], 2),
                    "0.55", 0.545, 0.555),
        fact_wanted(fact_plain("mean_100", (svg_text){"mean form, t = 100", "均方根形式，t = 100"},
                               mean[LATE], 2),
                    "57", 56.5, 57.5),
        fact_wanted(fact_plain("mean_800", (svg_text){"mean form, t = 800", "均方根形式，t = 800"},
                               mean[LATER], 2),
                    "20", 19.5, 20.5),
    };
    return figure_put(
        l, &(exhibit){
               .name = "crescent",
               .title = {"RMSProp: the same parameter, another rate at another time",
                         "RMSProp：同一个参数，不同时刻用不同的学习率"},
               .shows =
                   {"On the crescent the wall is steep and the bed flat in the same direction. "
                    "RMSProp "
                    "weights new gradients most: its σ can halve every 13 steps. The mean over all "
                    "gradients still remembers the wall and would take steps 20 to 40 times too "
                    "short.",
                    "在月牙形的损失面上，同一个方向，谷壁很陡，谷底却很平。RMSProp "
                    "最看重新的梯度，σ 每 13 步就能减半；而对全部历史取平均的 σ "
                    "还记着谷壁上的大梯度，步子会被压到二十分之一甚至四十分之一。"},
               .panel = {plane_crescent(l, &way, 1),
                         {.x = steps_between(0, 1500),
                          .y = {.label = {"σ of w₁", "w₁ 的 σ"}, .log = true},
                          .height = 180,
                          .series = sigma,
                          .nseries = 2}},
               .npanels = 2,
               .traces = t,
               .fact = facts,
               .nfacts = sizeof facts / sizeof *facts,
           });
}

int figure_crescent(lecture *l) {
    traces t;
    const race_setup setup = {.surface = l->crescent,
                              .optimizer = "rmsprop alpha=0.9 initial_form=gradient eps=0 lr=0.002",
                              .steps = CRESCENT_STEPS,
                              .dtype = RAVINE_F64,
                              .record_every = 1};
    int status = traces_race(&t, &setup, 1);
    if (status) return status;
    status = put_crescent(l, &t);
    traces_free(&t);
    return status;
}
