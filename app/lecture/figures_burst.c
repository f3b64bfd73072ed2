/* SPDX-License-Identifier: Apache-2.0 */
/* figures_burst.c - (e), (f), (g): the mean form explodes, and what cures it. */
#include "lecture/plane.h"

#include <math.h>

enum { EXPLODE_STEPS = 3000, BANDS_MAX = 64 };

/* Where eta_t S is above the limit. */
static size_t unstable_bands(const race_result *r, svg_band band[BANDS_MAX]) {
    size_t n = 0;
    bool inside = false;
    for (int64_t k = 6; k + 1 < r->trace.count; k++) { /* sigma knows too little before */
        const bool above = r->trace.sharpness[k] > r->limit;
        if (above && !inside && n == BANDS_MAX) break;
        if (above && !inside) band[n++].from = (double)k + 1;
        if (above) band[n - 1].to = (double)k + 1;
        inside = above;
    }
    return n;
}

/* ---- (e) ---- */

static int put_explode(lecture *l, traces *t) {
    const race_result *r = &t->race[0];
    const svg_series way = traces_way(t, 0, lecture_run_rows[LECTURE_MEAN].name, 0);
    const svg_series across =
        traces_curve(t, 0, (svg_text){NULL, NULL}, column_across(t, 0, l->convex), 0);
    const svg_series ratio = traces_curve(t, 0, (svg_text){NULL, NULL}, r->trace.sharpness, 1);
    const svg_level limit = {r->limit, {"stability limit 2", "稳定极限 2"}, true};
    const svg_level burst = {0.5, {"a burst: above 0.5", "超过 0.5 算一次爆发"}, true};
    const lecture_run id[] = {LECTURE_MEAN};
    svg_band band[BANDS_MAX];
    const size_t nbands = unstable_bands(r, band);
    const int status = traces_status(t);
    if (status) return status;
    const svg_axis x = steps_between(0, EXPLODE_STEPS);
    return figure_put(
        l,
        &(exhibit){
            .name = "adagrad_explodes",
            .title = {"Adagrad with the root mean square explodes", "用均方根的 Adagrad 会爆发"},
            .shows =
                {"On the valley floor the gradient of w is tiny for so long that its σ shrinks and "
                 "its step η/σ grows. When η/σ times the curvature crosses 2 (shaded) the floor "
                 "is no longer stable; 200 steps later the iterate is thrown sideways. The "
                 "large gradients raise σ, it calms down, and later it happens again.",
                 "在谷底，w 的梯度一直很小，σ 越来越小，步长 η/σ 就越来越大。一旦 η/σ "
                 "乘以曲率超过 2（阴影处），谷底就不再稳定；大约 200 "
                 "步之后，参数被猛地往两边甩出去。大梯度又让 σ "
                 "变大，于是平静下来；过一阵子，再来一次。"},
            .panel = {plane_convex(l, &way, 1),
                      {.x = x,
                       .y = {.label = {"distance across the valley", "离谷底的横向距离"},
                             .least = 1e-9,
                             .greatest = 20,
                             .log = true},
                       .height = 170,
                       .series = &across,
                       .nseries = 1,
                       .level = &burst,
                       .nlevels = 1,
                       .band = band,
                       .nbands = nbands},
                      {.x = x,
                       .y = {.label = {"step size times curvature, η S", "步长乘以曲率，η S"},
                             .greatest = 3},
                       .height = 120,
                       .series = &ratio,
                       .nseries = 1,
                       .level = &limit,
                       .nlevels = 1,
                       .band = band,
                       .nbands = nbands}},
            .npanels = 3,
            .traces = t,
            .run = id,
            .nruns = 1,
        });
}

int figure_explode(lecture *l) {
    static const lecture_run id = LECTURE_MEAN;
    traces t;
    int status = traces_make(&t, l, &id, 1, EXPLODE_STEPS);
    if (status) return status;
    status = put_explode(l, &t);
    traces_free(&t);
    return status;
}

/* ---- (f) ---- */

enum { CONSTANT, LINEAR, SQRT, DECAYS };
static const lecture_run decays[DECAYS] = {LECTURE_MEAN, LECTURE_LINEAR, LECTURE_SQRT};
static const int decay_color[DECAYS] = {1, 2, 0};

/* Two in a panel, so that the bursts of one do not hide those of the other. */
static svg_panel excess_panel(const svg_series pair[2]) {
    return (svg_panel){.x = steps_between(0, LECTURE_STEPS),
                       .y = {.label = {"excess loss", "loss 超出最低值的部分"},
                             .least = 1e-4,
                             .greatest = 1e8,
                             .log = true},
                       .height = 150,
                       .series = pair,
                       .nseries = 2};
}

static int put_decay(lecture *l, traces *t) {
    svg_series excess[DECAYS];
    for (size_t k = 0; k < DECAYS; k++)
        excess[k] = traces_curve(t, k, lecture_run_rows[decays[k]].name,
                                 column_excess(t, k, l->convex), decay_color[k]);
    const svg_series bursting[2] = {excess[CONSTANT], excess[SQRT]};
    const svg_series ending[2] = {excess[LINEAR], excess[SQRT]};
    const svg_series way = traces_way(t, SQRT, lecture_run_rows[LECTURE_SQRT].name, 0);
    const int status = traces_status(t);
    if (status) return status;
    return figure_put(
        l,
        &(exhibit){
            .name = "decay",
            .title = {"The same with a learning rate that decays", "加上学习率衰减"},
            .shows =
                {"Falling like 1/√t cancels the shrinking of σ exactly: the product never "
                 "crosses the limit, nothing bursts, and the way to the minimum is smooth. A "
                 "straight line down to 0 comes too late for the early bursts (about twenty), "
                 "but ends them all before the end.",
                 "按 1/√t 衰减，正好抵消 σ 的缩小：η/σ 乘以曲率始终不超过极限，一次爆发也没有，"
                 "平顺地走到最低点。线性降到 0 来不及挡住前期的二十来次爆发，但到最后也都平息了。"},
            .panel = {plane_convex(l, &way, 1), excess_panel(bursting), excess_panel(ending)},
            .npanels = 3,
            .traces = t,
            .run = decays,
            .nruns = DECAYS,
        });
}

int figure_decay(lecture *l) {
    traces t;
    int status = traces_make(&t, l, decays, DECAYS, LECTURE_STEPS);
    if (status) return status;
    status = put_decay(l, &t);
    traces_free(&t);
    return status;
}

/* ---- (g) ---- */

enum { WARMS = 3 };
static const lecture_run warms[WARMS] = {LECTURE_MEAN, LECTURE_WARM, LECTURE_WARM_SQRT};
static const int warm_color[WARMS] = {1, 2, 0};

static int put_warmup(lecture *l, traces *t) {
    svg_series eta[WARMS], ratio[WARMS], across[WARMS];
    for (size_t k = 0; k < WARMS; k++) {
        const race_trace *trace = &t->race[k].trace;
        const svg_text name = lecture_run_rows[warms[k]].name;
        eta[k] = traces_curve(t, k, name, trace->eta, warm_color[k]);
        ratio[k] = traces_curve(t, k, (svg_text){NULL, NULL}, trace->sharpness, warm_color[k]);
        across[k] = traces_curve(t, k, (svg_text){NULL, NULL}, column_across(t, k, l->convex),
                                 warm_color[k]);
    }
    const svg_level limit = {2, {"stability limit 2", "稳定极限 2"}, true};
    const svg_level burst = {0.5, {"a burst: above 0.5", "超过 0.5 算一次爆发"}, true};
    const int status = traces_status(t);
    if (status) return status;
    return figure_put(
        l,
        &(exhibit){
            .name = "warmup",
            .title = {"Warm-up alone only delays; warm-up and then decay cures",
                      "只预热，是把爆发推迟；先预热再衰减，才治得好"},
            .shows =
                {"With small first steps, more large gradients enter the mean, so σ takes longer "
                 "to fall: the limit is crossed after some 11,000 steps instead of 512. Then it "
                 "bursts all "
                 "the same, and harder. Only when η falls again, like 1/√t, does the limit "
                 "stay out of reach.",
                 "开头步子小，更多大梯度被计入平均，σ 降得更慢：超过极限的时刻从第 512 步推迟到 "
                 "11,000 步以后。可之后照样爆发，而且更猛。只有让 η 再按 1/√t "
                 "降下来，才始终碰不到极限。"},
            .panel = {{.x = steps_log(),
                       .y = {.label = {"learning rate η", "学习率 η"}, .log = true},
                       .height = 110,
                       .series = eta,
                       .nseries = WARMS},
                      {.x = steps_log(),
                       .y = {.label = {"step size times curvature, η S", "步长乘以曲率，η S"},
                             .least = 1e-4,
                             .greatest = 20,
                             .log = true},
                       .height = 130,
                       .series = ratio,
                       .nseries = WARMS,
                       .level = &limit,
                       .nlevels = 1},
                      {.x = steps_log(),
                       .y = {.label = {"distance across the valley", "离谷底的横向距离"},
                             .least = 1e-9,
                             .greatest = 20,
                             .log = true},
                       .height = 170,
                       .series = across,
                       .nseries = WARMS,
                       .level = &burst,
                       .nlevels = 1}},
            .npanels = 3,
            .traces = t,
            .run = warms,
            .nruns = WARMS,
        });
}

int figure_warmup(lecture *l) {
    traces t;
    int status = traces_make(&t, l, warms, WARMS, LECTURE_STEPS);
    if (status) return status;
    status = put_warmup(l, &t);
    traces_free(&t);
    return status;
}
