/* SPDX-License-Identifier: Apache-2.0 */
/* figures_way.c - (p): the whole lecture on one surface, rule by rule. */
#include "lecture/plane.h"

enum { RULES = 6, COLUMNS = 2 };

/* ARRIVED, FARTHEST: what the reference says and the range that counts as the same. */
#define STEP(text, low, high) .want = (text), .least = (low), .greatest = (high), .digits = 6
#define FAR(text, low, high)  .want = (text), .least = (low), .greatest = (high), .digits = 2
#define NEVER                 .want = NULL
#define RULE(RUN, key, en, zh, ARRIVED, FARTHEST)                                        \
    LECTURE_##RUN, {en, zh},                                                             \
        {"arrived_" key,                                                                 \
         {en ": within 1 of the minimum at step", zh "：首次离最低点不到 1 的步数"},     \
         ARRIVED},                                                                       \
        {"farthest_" key,                                                                \
         {en ": farthest away, last 10,000 steps", zh "：最后 10,000 步中离最低点最远"}, \
         FARTHEST},
static const struct {
    lecture_run run;
    svg_text name;
    fact arrived, farthest; /* without their values */
} rules[RULES] = {
    {RULE(GD_6, "gd", "GD", "GD", NEVER, FAR("41", 41.4, 41.5))},
    {RULE(HEAVY_BALL, "momentum", "momentum", "动量", STEP("75,795", 75790, 75800),
          FAR("0.45", 0.45, 0.456))},
    {RULE(MEAN, "adagrad", "Adagrad", "Adagrad", STEP("2,099", 2089, 2109), FAR("2.6", 2.2, 3.2))},
    {RULE(RMSPROP_01, "rmsprop", "RMSProp", "RMSProp", STEP("2,390", 2388, 2392),
          FAR("0.071", 0.0705, 0.0709))},
    {RULE(ADAM, "adam", "Adam", "Adam", STEP("1,486", 1484, 1488), FAR("0.36", 0.3, 0.45))},
    {RULE(COMPLETE, "complete", "Adam + schedule", "Adam + 调度", STEP("3,396", 3394, 3398),
          FAR("4.1e-6", 0, 1e-4))},
};

/* The first step within 1 of the minimum. */
static double arrival(const double *distance) {
    int64_t t = 0;
    while (t < LECTURE_STEPS && distance[t] >= 1) t++;
    return (double)t;
}

static size_t state_way(fact out[2 * RULES], double *const distance[RULES],
                        double *const farthest[RULES]) {
    size_t n = 0;
    for (size_t k = 0; k < RULES; k++) {
        if (rules[k].arrived.want) out[n++] = fact_valued(rules[k].arrived, arrival(distance[k]));
        out[n++] = fact_valued(rules[k].farthest, farthest[k][LECTURE_STEPS - TRACES_TAIL]);
    }
    return n;
}

/* One of the small planes. */
static svg_panel small_plane(const lecture *l, const svg_series *way) {
    svg_panel panel = plane_convex(l, way, 1);
    panel.height = 150;
    panel.columns = COLUMNS;
    return panel;
}

static int put_way(lecture *l, traces *t) {
    svg_series way[RULES], far[RULES];
    double *distance[RULES], *farthest[RULES];
    exhibit e = {
        .name = "way",
        .title = {"The whole way on one surface", "从头到尾，同一个损失面"},
        .shows =
            {"Each rule mends what the one before cannot do: the same start, 100,000 steps each. "
             "GD turns into the valley and crawls. Momentum goes on in the common direction and "
             "arrives, at the very end. Adagrad gives each parameter its own rate and is there "
             "after 2,099 steps, but is thrown out of the valley again and again. RMSProp ends on "
             "an orbit around the minimum. Adam is there first, and its swings never end. With "
             "warm-up and decay it takes twice as long, and is the only one that comes to rest: "
             "closer than the others by four orders of magnitude.",
             "每条规则都补上前一条的短处：起点相同，都走十万步。GD 拐进谷底，就只能慢慢爬。动量顺着"
             "一贯的方向走下去，到最后才走到。Adagrad 给每个参数自己的学习率，2,099 步就到了，可是"
             "一次次被甩出谷底。RMSProp 最后绕着最低点打转。Adam 到得最早，摆动却没完没了。加上先"
             "预热、后衰减的调度，步数多了一倍，却只有它真正停得下来：比其他各条近了四个数量级。"},
        .npanels = RULES + 1,
        .traces = t,
    };
    for (size_t k = 0; k < RULES; k++) {
        distance[k] = column_distance(t, k, l->convex);
        farthest[k] = column_farthest(t, k, l->convex);
        far[k] = traces_farthest(t, k, rules[k].name, farthest[k], (int)k);
        way[k] = traces_way(t, k, rules[k].name, (int)k);
        e.panel[k] = small_plane(l, &way[k]);
    }
    e.panel[RULES] = panel_farthest(far, RULES, 1e-6, 1e2);
    const int status = traces_status(t);
    if (status) return status;
    fact facts[2 * RULES];
    e.nfacts = state_way(facts, distance, farthest);
    e.fact = facts;
    return figure_put(l, &e);
}

int figure_way(lecture *l) {
    lecture_run id[RULES];
    for (size_t k = 0; k < RULES; k++) id[k] = rules[k].run;
    traces t;
    int status = traces_make(&t, l, id, RULES, LECTURE_STEPS);
    if (status) return status;
    status = put_way(l, &t);
    traces_free(&t);
    return status;
}
