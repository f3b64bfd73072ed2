/* SPDX-License-Identifier: Apache-2.0 */
/* figures_gd.c - (b): one learning rate for all parameters. */
#include "lecture/plane.h"

#include <math.h>

enum { RATES = 6, SHOWN = 3, LINES = 5 };
static const lecture_run rates[RATES] = {LECTURE_GD_2, LECTURE_GD_3, LECTURE_GD_4,
                                         LECTURE_GD_5, LECTURE_GD_6, LECTURE_GD_7};
static const size_t shown[SHOWN] = {5, 4, 0}; /* in the plane; the others leave it like 1e-2 */

/* b where step number `step` of the run crosses the floor of the valley. */
static double crossing(const lecture *l, const race_trace *t, int64_t step) {
    const double *from = t->theta + 2 * step, *to = from + 2;
    const double a = surface_across(l->convex, from), b = surface_across(l->convex, to);
    return from[0] + a / (a - b) * (to[0] - from[0]);
}

static void state_crossings(fact out[LINES], const lecture *l, const race_trace *t) {
    static const struct {
        const char *key;
        svg_text text;
        double want;
        const char *as;
    } line[LINES] = {
        {"crossing_1",
         {"GD 1e-2: line 1 crosses the valley at b", "GD 1e-2：第 1 条线穿过谷底处的 b"},
         -119.98,
         "-119.98"},
        {"crossing_2", {"line 2", "第 2 条线"}, -123.80, "-123.80"},
        {"crossing_3", {"line 3", "第 3 条线"}, -127.40, "-127.40"},
        {"crossing_4", {"line 4", "第 4 条线"}, -130.80, "-130.80"},
        /* b is -1.7e15 there: float64 keeps quarters, and the crossing a little less */
        {"crossing_5",
         {"line 5; at 1e19 float64 can tell no more", "第 5 条线（数值已达 1e19，float64 "
                                                      "只能精确到这里）"},
         -134.01,
         "-134.01"},
    };
    for (int k = 0; k < LINES; k++) {
        const double room = k < 4 ? 0.01 : 1;
        out[k] = fact_wanted(fact_plain(line[k].key, line[k].text, crossing(l, t, k), 5),
                             line[k].as, line[k].want - room, line[k].want + room);
    }
}

/* Each line with its number, where there is room beside it. */
static void number_lines(svg_note note[PLANE_NOTES + LINES], const fact crossings[LINES]) {
    static const char *const number[LINES] = {"1", "2", "3", "4", "5"};
    for (size_t k = 0; k < PLANE_NOTES; k++) note[k] = plane_notes[k];
    for (size_t k = 0; k < LINES; k++)
        note[PLANE_NOTES + k] =
            (svg_note){crossings[k].value + 0.7, 3.4, {number[k], NULL}, false, false};
}

static int put(lecture *l, traces *t) {
    svg_series way[SHOWN], curve[RATES];
    fact line[LINES];
    svg_note note[PLANE_NOTES + LINES];
    for (size_t k = 0; k < RATES; k++)
        curve[k] = traces_curve(t, k, lecture_run_rows[rates[k]].name,
                                column_excess(t, k, l->convex), (int)k);
    for (size_t k = 0; k < SHOWN; k++)
        way[k] = traces_way(t, shown[k], lecture_run_rows[rates[shown[k]]].name, (int)shown[k]);
    way[0].under = way[1].under = true; /* 1e-2 begins on the same line */
    const int status = traces_status(t);
    if (status) return status;
    way[SHOWN - 1].n = LINES + 1;
    state_crossings(line, l, &t->race[0].trace);
    number_lines(note, line);
    svg_panel plane = plane_convex(l, way, SHOWN);
    plane.note = note;
    plane.nnotes = PLANE_NOTES + LINES;
    return figure_put(
        l, &(exhibit){
               .name = "gradient_descent",
               .title = {"One learning rate: too large, or too small",
                         "只有一个学习率：不是太大，就是太小"},
               .shows =
                   {"The loss is convex, yet no constant rate works. What looks like bouncing at "
                    "1e-2 is divergence: each step multiplies the distance across the valley by "
                    "17,467, and the five lines are simply the first five steps. Below the limit "
                    "of 1.145e-6 the iterate turns into the valley and then crawls: after "
                    "100,000 steps it is still 39 (1e-6) or 65 (1e-7) away from the minimum.",
                    "损失面明明是凸的，却没有一个固定的学习率走得通。1e-2 "
                    "看上去像在两壁之间来回震荡，其实是发散：每走一步，离谷底的横向距离就放大 "
                    "17,467 倍，图上那五条线不过是最初的五步。学习率低于极限 1.145e-6 "
                    "时，参数很快拐进谷底，然后就只能慢慢爬：走了十万步，离最低点还有 39（1e-6）或 "
                    "65（1e-7）。"},
               .panel = {plane,
                         {.x = steps_log(),
                          .y = {.label = {"excess loss", "loss 超出最低值的部分"},
                                .least = 1e2,
                                .greatest = 1e12,
                                .log = true},
                          .height = 180,
                          .series = curve,
                          .nseries = RATES}},
               .npanels = 2,
               .traces = t,
               .fact = line,
               .nfacts = LINES,
               .run = rates,
               .nruns = RATES,
           });
}

int figure_gd(lecture *l) {
    traces t;
    int status = traces_make(&t, l, rates, RATES, LECTURE_STEPS);
    if (status) return status;
    status = put(l, &t);
    traces_free(&t);
    return status;
}
