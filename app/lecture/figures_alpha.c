/* SPDX-License-Identifier: Apache-2.0 */
/* figures_alpha.c - (k): how much of the past RMSProp weighs, and when it brakes. */
#include "lecture/plane.h"

#include <math.h>

enum { ALPHAS = 3, NUMBERS = 3, ALPHA_STEPS = 4000, END = ALPHA_STEPS / 10 };
#define ETA     0.02
#define TEXT(x) #x
#define LR(x)   "lr=" TEXT(x)

/* What the reference says, and the range that counts as the same. */
#define WANT(text, low, high) .want = (text), .least = (low), .greatest = (high), .digits = 3
#define LONGEST(A, ...) \
    "longest_" A, {"α = " A ": longest step / η", "α = " A "：最长的一步 / η"}, WANT(__VA_ARGS__)
#define LOSS(A, ...) "loss_" A, {"greatest loss", "最大的 loss"}, WANT(__VA_ARGS__)
#define DISTANCE(A, ...)                                                                         \
    "distance_" A, {"distance to the minimum, last 400 steps", "到最低点的距离（最后 400 步）"}, \
        WANT(__VA_ARGS__)
#define RMSPROP(A) "rmsprop alpha=" A " initial_form=gradient eps=0 " LR(ETA)
static const struct {
    const char *optimizer;
    svg_text name;
    fact longest, loss, distance; /* without their values */
} alphas[ALPHAS] = {
    {RMSPROP("0.1"),
     {"α = 0.1", NULL},
     {LONGEST("0.1", "1.49", 1.48, 1.491)},
     {LOSS("0.1", "4.33", 4.32, 4.35)},
     {DISTANCE("0.1", "0.39", 0.36, 0.42)}},
    {RMSPROP("0.9"),
     {"α = 0.9", NULL},
     {LONGEST("0.9", "4.17", 4.15, 4.19)},
     {LOSS("0.9", "5.49", 5.47, 5.51)},
     {DISTANCE("0.9", "0.137", 0.13, 0.145)}},
    {RMSPROP("0.999"),
     {"α = 0.999", NULL},
     {LONGEST("0.999", "43.2", 43.1, 43.3)},
     {LOSS("0.999", "90.2", 90, 90.4)},
     {DISTANCE("0.999", "0.149", 0.14, 0.16)}},
};

static double *step_lengths(traces *t, size_t k) {
    const race_trace *trace = &t->race[k].trace;
    double *length = column_new(t, k);
    for (int64_t i = 0; length && i + 1 < trace->count; i++) {
        const double *from = trace->theta + 2 * i;
        length[i] = hypot(from[2] - from[0], from[3] - from[1]) / ETA;
    }
    return length;
}

static double greatest(const double *values, int64_t from, int64_t to) {
    double most = 0;
    for (int64_t i = from; i < to; i++) most = fmax(most, values[i]);
    return most;
}

static void state_alphas(fact out[ALPHAS * NUMBERS], const traces *t, double *const length[ALPHAS],
                         double *const distance[ALPHAS]) {
    const int64_t n = ALPHA_STEPS;
    for (size_t k = 0; k < ALPHAS; k++) {
        *out++ = fact_valued(alphas[k].longest, greatest(length[k], 0, n));
        *out++ = fact_valued(alphas[k].loss, greatest(t->race[k].trace.loss, 0, n));
        *out++ = fact_valued(alphas[k].distance, greatest(distance[k], n - END, n));
    }
}

static int put_alpha(lecture *l, traces *t) {
    svg_series way[ALPHAS], step[ALPHAS], far[ALPHAS];
    double *length[ALPHAS], *distance[ALPHAS];
    for (size_t k = 0; k < ALPHAS; k++) {
        length[k] = step_lengths(t, k);
        distance[k] = column_distance(t, k, l->crescent);
        way[k] = traces_way(t, k, alphas[k].name, (int)k);
        step[k] = traces_curve(t, k, (svg_text){NULL, NULL}, length[k], (int)k);
        far[k] = traces_curve(t, k, (svg_text){NULL, NULL}, distance[k], (int)k);
    }
    const int status = traces_status(t);
    if (status) return status;
    fact facts[ALPHAS * NUMBERS];
    state_alphas(facts, t, length, distance);
    svg_note note[PLANE_NOTES] = {crescent_notes[0], crescent_notes[1]};
    note[1].x = t->race[0].start[0];
    note[1].y = t->race[0].start[1];
    svg_panel plane = plane_crescent(l, way, ALPHAS);
    plane.note = note;
    return figure_put(
        l,
        &(exhibit){
            .name = "alpha",
            .title = {"RMSProp's α: the brake at once, or too late",
                      "RMSProp 的 α：刹车踩得及时，还是太晚"},
            .shows =
                {"The start is on the flat bed, where σ is small; the walls are steep. With "
                 "α = 0.1 the newest gradient is nearly all of σ: no step is longer than 1.5 η, "
                 "but every step is about that long, so it bounces along and stays farthest from "
                 "the minimum. With α = 0.999 a new gradient hardly counts: the third step is 43 "
                 "η long, right through the wall, and the brake comes when it has happened. Then "
                 "σ remembers that for 800 steps, forgets it, and it is thrown again, and again. "
                 "α = 0.9 brakes within a step or two.",
                 "起点在平坦的谷底，σ 很小，两边的谷壁却很陡。α = 0.1 时，σ 几乎只看最新的"
                 "梯度：没有一步超过 1.5 η，可是每一步也都差不多这么长，于是一路弹来弹去，停在离"
                 "最低点最远的地方。α = 0.999 时，新梯度几乎不算数：第三步就有 43 η 长，一头撞上"
                 "谷壁，等刹车踩下去，已经晚了；接着 σ 把这件事记了 800 步，一忘掉，又被甩出去，"
                 "一次接一次。α = 0.9 只要一两步就刹住。"},
            .panel = {plane,
                      {.x = steps_log(),
                       .y = {.label = {"length of the step / η", "步长 / η"},
                             .least = 0.01,
                             .greatest = 100,
                             .log = true},
                       .height = 170,
                       .series = step,
                       .nseries = ALPHAS},
                      {.x = steps_log(),
                       .y = {.label = {"distance to the minimum", "到最低点的距离"},
                             .least = 0.05,
                             .greatest = 5,
                             .log = true},
                       .height = 150,
                       .series = far,
                       .nseries = ALPHAS}},
            .npanels = 3,
            .traces = t,
            .fact = facts,
            .nfacts = sizeof facts / sizeof *facts,
        });
}

int figure_alpha(lecture *l) {
    static const double start[2] = {-1, 1.01}; /* beside the bed, where it is flat */
    race_setup setup[ALPHAS];
    for (size_t k = 0; k < ALPHAS; k++)
        setup[k] = (race_setup){.surface = l->crescent,
                                .start = start,
                                .optimizer = alphas[k].optimizer,
                                .steps = ALPHA_STEPS,
                                .dtype = RAVINE_F64,
                                .record_every = 1};
    traces t;
    int status = traces_race(&t, setup, ALPHAS);
    if (status) return status;
    status = put_alpha(l, &t);
    traces_free(&t);
    return status;
}
