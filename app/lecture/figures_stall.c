/* SPDX-License-Identifier: Apache-2.0 */
/* figures_stall.c - (a): a real network whose loss is stuck while its gradient is large. */
#include "lecture/figure.h"
#include "lecture/net_run.h"
#include "math/sort.h"

#include <string.h>

enum { STUCK_FROM = 120, CURED = 220, STALL_STEPS = 300, WINDOW = 40 };
#define STALL_SCHEDULE "constant(220, from=4) constant(80, from=0.2)"

static double median(const double *values, int from) {
    double window[WINDOW];
    memcpy(window, values + from, sizeof window);
    return ravine_median(window, WINDOW);
}

static int put(lecture *l, exhibit *e, const net_run *r) {
    const svg_series loss = {.y = r->loss, .n = (size_t)r->steps};
    const svg_series norm = {.y = r->grad_norm, .n = (size_t)r->steps, .color = 1};
    const svg_band stuck = {STUCK_FROM, CURED};
    const svg_note note = {CURED + 4, 2.0, {"η / 20", NULL}, false, false};
    const svg_axis x = {
        .label = {"step", "步数"}, .greatest = STALL_STEPS, .counts = SVG_STEPS_FROM_0};
    const fact facts[] = {
        fact_plain("loss_early",
                   (svg_text){"loss, median of steps 120 ... 159", "loss，第 120–159 步的中位数"},
                   median(r->loss, STUCK_FROM), 2),
        fact_plain("loss_late", (svg_text){"loss, steps 180 ... 219", "loss，第 180–219 步"},
                   median(r->loss, CURED - WINDOW), 2),
        fact_plain("loss_cured", (svg_text){"loss, steps 260 ... 299", "loss，第 260–299 步"},
                   median(r->loss, STALL_STEPS - WINDOW), 2),
        fact_plain("grad_norm_early", (svg_text){"|g|, steps 120 ... 159", "|g|，第 120–159 步"},
                   median(r->grad_norm, STUCK_FROM), 2),
        fact_plain("grad_norm_late", (svg_text){"|g|, steps 180 ... 219", "|g|，第 180–219 步"},
                   median(r->grad_norm, CURED - WINDOW), 2),
        fact_plain("grad_norm_cured", (svg_text){"|g|, steps 260 ... 299", "|g|，第 260–299 步"},
                   median(r->grad_norm, STALL_STEPS - WINDOW), 2),
    };
    e->panel[0] =
        (svg_panel){.x = x,
                    .y = {.label = {"loss", NULL}, .least = 0.2, .greatest = 12, .log = true},
                    .height = 160,
                    .series = &loss,
                    .nseries = 1,
                    .band = &stuck,
                    .nbands = 1,
                    .note = &note,
                    .nnotes = 1};
    e->panel[1] = (svg_panel){.x = x,
                              .y = {.label = {"norm of the gradient |g|", "梯度的范数 |g|"},
                                    .least = 0.02,
                                    .greatest = 5,
                                    .log = true},
                              .height = 160,
                              .series = &norm,
                              .nseries = 1,
                              .band = &stuck,
                              .nbands = 1};
    e->npanels = 2;
    e->fact = facts;
    e->nfacts = sizeof facts / sizeof *facts;
    return figure_put(l, e);
}

int figure_stall(lecture *l) {
    exhibit e = {
        .name = "stall",
        .title = {"Stuck is not a small gradient", "训练卡住，不等于梯度很小"},
        .shows =
            {"A real network: 4,000 images of Fashion-MNIST, all in every step, gradient descent "
             "at η = 4. In the shaded steps the loss falls only slowly, and the gradient has "
             "not become small at all: the weights bounce between the walls of a ravine. "
             "(Where the loss stands quite still: figure o.) The proof is at step 220: η / "
             "20, and the loss falls at once, to half, and only now the gradient too.",
             "一个真实的网络：Fashion-MNIST 的 4,000 张图，每一步都用全部图片，梯度下降，"
             "η = 4。阴影那一段，loss 降得很慢，梯度却一点也没有变小：参数正在峡谷的两壁之间"
             "来回弹（loss 完全不动的例子见图 o）。证据在第 220 步：把 η 除以 20，loss "
             "立刻降到一半左右，这时梯度才真正变小。"},
        .settings = {"The first 4,000 images of Fashion-MNIST; 784-32-10, tanh; seed 1",
                     "Fashion-MNIST 的前 4,000 张图；784-32-10，tanh；种子 1"},
        .code = "sgd, " STALL_SCHEDULE,
    };
    net_run r;
    const net_run_setup setup = {.images = 4000,
                                 .layers = 1,
                                 .units = 32,
                                 .seed = 1,
                                 .optimizer = "sgd",
                                 .schedule = STALL_SCHEDULE,
                                 .steps = STALL_STEPS};
    if (net_runs_make(&r, &setup, 1)) return figure_put_without_images(l, &e);
    const int status = put(l, &e, &r);
    net_runs_free(&r, 1);
    return status;
}
