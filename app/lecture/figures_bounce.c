/* SPDX-License-Identifier: Apache-2.0 */
/* figures_bounce.c - (o): the bounce that neither dies nor explodes. */
#include "lecture/plane.h"

enum { BOUNCE, CALM, PARABOLA, RUNS, SHOWN = 2 };
enum { SETTLED = 60, FREED = 200, BOUNCE_STEPS = 300, PARABOLA_STEPS = 40 };

/* What can be worked out of the bounce, x = -(x - 5 x/sqrt(1 + x^2)), and what of the run. */
static void state_bounce(fact out[8], const traces *t, const double *across, const double *thrown) {
    const race_trace *trace = &t->race[BOUNCE].trace;
    const fact facts[8] = {
        fact_wanted(fact_plain("loss_60", (svg_text){"loss at t = 60", "t = 60 时的 loss"},
                               trace->loss[SETTLED], 5),
                    "1.5", 1.4999, 1.5001),
        fact_wanted(fact_plain("loss_199", (svg_text){"at t = 199: η/2 - 1", "t = 199：η/2 - 1"},
                               trace->loss[FREED - 1], 5),
                    "1.5", 1.4999, 1.5001),
        fact_wanted(fact_plain("grad_norm_0", (svg_text){"|g| at the start", "起点的 |g|"},
                               trace->grad_norm[0], 4),
                    "0.9905", 0.9904, 0.9906),
        fact_wanted(fact_plain("grad_norm_199",
                               (svg_text){"|g| at t = 199: √(1 - 4/η²)", "t = 199：√(1 - 4/η²)"},
                               trace->grad_norm[FREED - 1], 4),
                    "0.9165", 0.9164, 0.9166),
        fact_wanted(
            fact_plain("across_199",
                       (svg_text){"|x| at t = 199: √(η²/4 - 1)", "t = 199 的 |x|：√(η²/4 - 1)"},
                       across[FREED - 1], 4),
            "2.291", 2.2912, 2.2914),
        fact_wanted(fact_plain("eta_s_199",
                               (svg_text){"η S there: 8/η² (on the floor it is 5)",
                                          "那里的 η S：8/η²（谷底是 5）"},
                               trace->sharpness[FREED - 1], 3),
                    "0.32", 0.3199, 0.3201),
        fact_wanted(fact_plain("loss_204",
                               (svg_text){"loss at t = 204, after four steps at η = 1",
                                          "t = 204 时的 loss：η = 1 只走了四步"},
                               trace->loss[FREED + 4], 3),
                    "1.9e-8", 1.9e-8, 2e-8),
        fact_wanted(fact_plain("growth",
                               (svg_text){"on the parabola |x| grows in a step by",
                                          "抛物线上 |x| 每步放大的倍数"},
                               thrown[1] / thrown[0], 4),
                    "4", 3.999, 4.001),
    };
    for (size_t k = 0; k < 8; k++) out[k] = facts[k];
}

static int put_bounce(lecture *l, traces *t, surface *walls, const surface *parabola) {
    static const svg_text name[RUNS] = {
        [BOUNCE] = {"η = 5, then 1", "η = 5，之后 1"},
        [CALM] = {"η = 1.5", NULL},
        [PARABOLA] = {"η = 5 on a parabola", "抛物线上，η = 5"},
    };
    svg_series way[SHOWN], loss[RUNS], norm[RUNS];
    for (size_t k = 0; k < RUNS; k++) {
        loss[k] = traces_curve(t, k, name[k], t->race[k].trace.loss, (int)k);
        norm[k] = traces_curve(t, k, (svg_text){NULL, NULL}, t->race[k].trace.grad_norm, (int)k);
    }
    for (size_t k = 0; k < SHOWN; k++) way[k] = traces_way(t, k, name[k], (int)k);
    const double *across = column_across(t, BOUNCE, walls);
    const double *thrown = column_across(t, PARABOLA, parabola);
    const int status = traces_status(t);
    if (status) return status;
    fact facts[8];
    state_bounce(facts, t, across, thrown);
    const svg_band stuck = {SETTLED + 1, FREED + 1};
    return figure_put(
        l,
        &(exhibit){
            .name = "bounce",
            .title = {"The bounce that neither dies nor explodes", "既不停下、也不爆发的来回弹跳"},
            .shows =
                {"A ravine whose walls are steep, but not ever steeper. At η = 5, far above the "
                 "limit of its floor, the iterate bounces from wall to wall for ever (shaded): "
                 "the loss stands still at 1.5, and |g| keeps 93 % of what it was at the start. "
                 "So this is no critical point, and η = 1 from step 200 on frees it within four "
                 "steps. The bounce does not die, since on the floor η S is 5; it does not "
                 "explode, since up on the walls η S is 0.32. Between the walls of a parabola the "
                 "same η explodes; and at η = 1.5, below the limit of 2, the swings die at once.",
                 "峡谷的两壁很陡，但不会越来越陡。η = 5 远远超过谷底的极限，参数就在两壁之间一直"
                 "弹下去（阴影处）：loss 停在 1.5 不动，|g| 却还有起点时的 93%。所以这不是驻点；"
                 "从第 200 步起把 η 改成 1，四步之内就脱困了。它停不下来，因为谷底的 η S 等于 5；"
                 "它也不会爆发，因为到了壁上 η S 只有 0.32。换成抛物线那样的谷壁，同样的 η "
                 "就会爆发；而 η = 1.5 低于极限 2，摆动马上就停了。"},
            .panel = {plane_ravine(walls, way, SHOWN),
                      {.x = steps_log(),
                       .y = {.label = {"loss", NULL}, .least = 1e-5, .greatest = 1e3, .log = true},
                       .height = 170,
                       .series = loss,
                       .nseries = RUNS,
                       .band = &stuck,
                       .nbands = 1},
                      {.x = steps_log(),
                       .y = {.label = {"norm of the gradient |g|", "梯度的范数 |g|"},
                             .least = 1e-5,
                             .greatest = 1e2,
                             .log = true},
                       .height = 170,
                       .series = norm,
                       .nseries = RUNS,
                       .band = &stuck,
                       .nbands = 1}},
            .npanels = 3,
            .traces = t,
            .fact = facts,
            .nfacts = sizeof facts / sizeof *facts,
        });
}

int figure_bounce(lecture *l) {
    static const double start[2] = {4, 4};
    surface *walls = NULL, *parabola = NULL;
    int status = surface_create(&walls, "ravine flat=0.05");
    if (!status)
        status = surface_create(&parabola, "quadratic condition=20"); /* with the same floor */
    const race_setup bounce = {.surface = walls,
                               .optimizer = "sgd lr=5",
                               .schedule = "constant(200, from=5) constant(100, from=1)",
                               .steps = BOUNCE_STEPS,
                               .dtype = RAVINE_F64,
                               .record_every = 1};
    race_setup setup[RUNS] = {bounce, bounce, bounce};
    setup[CALM].optimizer = "sgd lr=1.5";
    setup[CALM].schedule = setup[PARABOLA].schedule = NULL;
    setup[PARABOLA].surface = parabola;
    setup[PARABOLA].start = start;
    setup[PARABOLA].steps = PARABOLA_STEPS;
    traces t;
    if (!status) status = traces_race(&t, setup, RUNS);
    if (!status) {
        status = put_bounce(l, &t, walls, parabola);
        traces_free(&t);
    }
    surface_destroy(walls);
    surface_destroy(parabola);
    return status;
}
