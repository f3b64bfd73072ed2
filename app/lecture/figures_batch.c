/* SPDX-License-Identifier: Apache-2.0 */
/* figures_batch.c - (n): the learning rate beside the size of a batch, for SGD and for Adam. */
#include "lecture/batch_cost.h"

#include <math.h>

enum { MAPS = COST_RULES, CELLS = BATCHES * SAVED_COLUMNS, SERIES = 3, MAP_FACTS = BATCHES + 2 };
enum { FACTS = 1 + MAPS * (MAP_FACTS + COST_FACTS) };
#define GUESSING 2.302585 /* ln 10: the loss of a network that knows nothing of ten classes */

#define BEST(NAME, KEY, BATCH)                                                             \
    "best_" KEY "_" BATCH, {                                                               \
        NAME ": best rate, batch of " BATCH, NAME "：批量 " BATCH " 时最好的学习率" \
    }
#define POWER(NAME, KEY)                                                                      \
    "power_" KEY, {                                                                           \
        NAME ": power of the batch that it grows with", NAME "：随批量的几次方增长" \
    }
#define DIVERGED(NAME, KEY)                                                          \
    "diverged_" KEY, {                                                               \
        NAME ": runs that diverged, of 72", NAME "：72 次训练中发散的次数" \
    }
#define STEPS(NAME, KEY, BATCH)                                                                      \
    "steps_" KEY "_" BATCH, {                                                                        \
        NAME ": steps to the target, batch of " BATCH, NAME "：批量 " BATCH " 时到目标的步数" \
    }
#define MORE(NAME, KEY)                                                                                      \
    "more_" KEY, {                                                                                           \
        NAME ": times the examples with 1024 as with 16", NAME "：批量 1024 的样本数是 16 的几倍" \
    }
#define CRITICAL(NAME, KEY)                                                           \
    "critical_" KEY, {                                                                \
        NAME ": critical batch, by the law", NAME "：按公式得出的临界批量" \
    }
#define SCALE(NAME, KEY, WHEN, EN, ZH)                           \
    "noise_" WHEN "_" KEY, {                                     \
        NAME ": noise scale " EN, NAME "：" ZH "的噪声尺度" \
    }
#define MAP(NAME, KEY)                                                                             \
    {                                                                                              \
        "rate_" #KEY, {NAME ": size of a batch", NAME "：批量大小"},                               \
            {{BEST(NAME, #KEY, "16"), .digits = 3},  {BEST(NAME, #KEY, "64"), .digits = 3},        \
             {BEST(NAME, #KEY, "256"), .digits = 3}, {BEST(NAME, #KEY, "1024"), .digits = 3},      \
             {POWER(NAME, #KEY), .digits = 2},       {DIVERGED(NAME, #KEY), .digits = 2}},         \
        {                                                                                          \
            {STEPS(NAME, #KEY, "16"), .digits = 3}, {STEPS(NAME, #KEY, "64"), .digits = 3},        \
                {STEPS(NAME, #KEY, "256"), .digits = 3}, {STEPS(NAME, #KEY, "1024"), .digits = 3}, \
                {MORE(NAME, #KEY), .digits = 2}, {CRITICAL(NAME, #KEY), .digits = 3},              \
                {SCALE(NAME, #KEY, "start", "at the start", "开始时"), .digits = 3},               \
                {SCALE(NAME, #KEY, "target", "at the target", "到目标时"), .digits = 3}, {         \
                SCALE(NAME, #KEY, "end", "at the end", "结束时"), .digits = 3                      \
            }                                                                                      \
        }                                                                                          \
    }
static const struct {
    const char *sweep;
    svg_text label;
    fact facts[MAP_FACTS], costs[COST_FACTS]; /* without their values */
} maps[MAPS] = {MAP("SGD", sgd), MAP("Adam", adam)};

/* What a panel points to. */
typedef struct map {
    double rate[SAVED_COLUMNS];
    size_t columns;
    svg_cell cell[CELLS];
    double best[BATCHES]; /* the rate with the least loss */
    char text[BATCHES][16];
    svg_note note[BATCHES];
    double line[2][2]; /* the rates at both edges, growing with the batch and with its root */
    svg_series series[SERIES];
    double power;
} map;

/* Half a decade to each side of a rate lies the next. */
static svg_cell cell_of(const json_t *saved, const char *sweep, double batch, double rate,
                        double least) {
    const double loss = saved_mean(saved, sweep, batch, rate), half = pow(10, 0.25);
    return (svg_cell){.x = {rate / half, rate * half},
                      .y = {batch / 2, batch * 2},
                      .shade =
                          isnan(loss) ? NAN : fmin(log(loss / least) / log(GUESSING / least), 1)};
}

/* The best rates by their logarithms: a line of the least squares, and lines of the two slopes that
 * are expected, all through their mean. */
static void fit(map *m) {
    double x = 0, y = 0, xy = 0, xx = 0;
    for (size_t k = 0; k < BATCHES; k++)
        x += log(batch_sizes[k]) / BATCHES, y += log(m->best[k]) / BATCHES;
    for (size_t k = 0; k < BATCHES; k++) {
        const double dx = log(batch_sizes[k]) - x;
        xy += dx * (log(m->best[k]) - y);
        xx += dx * dx;
    }
    m->power = xy / xx;
    for (int k = 0; k < 2; k++) {
        m->line[0][k] = exp(y + (log(batch_edges[k]) - x));
        m->line[1][k] = exp(y + (log(batch_edges[k]) - x) / 2);
    }
}

static void fill(map *m, const json_t *saved, const char *sweep) {
    double least = INFINITY;
    m->columns = saved_columns(saved, sweep, m->rate);
    for (size_t r = 0; r < BATCHES; r++) {
        double loss;
        m->best[r] = saved_best(saved, sweep, batch_sizes[r], &loss);
        least = fmin(least, loss);
        snprintf(m->text[r], sizeof m->text[r], "%.3f", loss);
        m->note[r] =
            (svg_note){m->best[r] * 1.12, batch_sizes[r] * 1.1, {m->text[r], NULL}, false, false};
    }
    for (size_t r = 0; r < BATCHES; r++)
        for (size_t k = 0; k < m->columns; k++)
            m->cell[r * m->columns + k] = cell_of(saved, sweep, batch_sizes[r], m->rate[k], least);
    fit(m);
    m->series[0] = (svg_series){
        .name = {"like the batch", "与批量成正比"}, .x = m->line[0], .y = batch_edges, .n = 2};
    m->series[1] = (svg_series){.name = {"like its root", "与批量的平方根成正比"},
                                .x = m->line[1],
                                .y = batch_edges,
                                .n = 2,
                                .color = 1,
                                .dashed = true};
    m->series[2] = (svg_series){.name = {"best rate", "最好的学习率"},
                                .x = m->best,
                                .y = batch_sizes,
                                .n = BATCHES,
                                .draw = SVG_DOTS,
                                .color = 2};
}

static svg_panel panel_of(const map *m, svg_text label) {
    const svg_cell *last = &m->cell[m->columns - 1];
    return (svg_panel){.x = {.label = {"learning rate", "学习率"},
                             .least = m->cell[0].x[0],
                             .greatest = last->x[1],
                             .log = true},
                       .y = {.label = label,
                             .least = batch_edges[0],
                             .greatest = batch_edges[1],
                             .log = true,
                             .tick = batch_sizes,
                             .nticks = BATCHES},
                       .height = 170,
                       .cell = m->cell,
                       .ncells = BATCHES * m->columns,
                       .series = m->series,
                       .nseries = SERIES,
                       .note = m->note,
                       .nnotes = BATCHES};
}

static void state_map(fact *out, const map *m, const json_t *saved, size_t k) {
    for (size_t r = 0; r < BATCHES; r++) out[r] = fact_valued(maps[k].facts[r], m->best[r]);
    out[BATCHES] = fact_valued(maps[k].facts[BATCHES], m->power);
    out[BATCHES + 1] =
        fact_valued(maps[k].facts[BATCHES + 1], saved_diverged(saved, maps[k].sweep));
}

int figure_batch(lecture *l) {
    static const char *const sweeps[] = {"rate_sgd", "rate_adam", "noise"};
    static const svg_text names[MAPS] = {{"SGD", NULL}, {"Adam", NULL}};
    map m[MAPS];
    batch_cost cost[MAPS];
    cost_picture drawn;
    fact facts[FACTS];
    exhibit e = {
        .name = "batch",
        .title = {"The best learning rate grows with the batch", "批量越大，最好的学习率也越大"},
        .shows =
            {"A network with a hidden layer of 64 on Fashion-MNIST, two epochs with each pair, "
             "the mean of two seeds; the paler the cell, the lower the validation loss, a cross: "
             "a run diverged. From batches of 16 to batches of 1,024 the best rate of SGD grows "
             "nearly like the batch, and that of Adam nearly like its root, as far as a grid of "
             "half decades tells. To the right of the best SGD soon diverges. No run of Adam does; "
             "it only learns less. Below, the noise scale tr(Σ)/|G|² of McCandlish et al. (2018): "
             "a batch of about that size is as much noise as signal. It grows as the loss falls. "
             "Dots: the steps and the examples that a batch takes to the target, with the rate "
             "that gets there first; dashed: their law S = S_min (1 + B_crit/B); shaded: the noise "
             "scale from the start to the target. Well below the noise scale at the target a "
             "larger "
             "batch saves steps and costs hardly any examples; well above it, it costs examples "
             "and hardly saves steps. B_crit and that noise scale are of one order (table).",
             "Fashion-MNIST 上的一个网络，隐藏层 64 个单元，每种搭配训练两个 epoch，取两个种子的"
             "平均。格子越淡，验证 loss 越低；打叉：有训练发散。批量从 16 加到 1,024，SGD 最好的"
             "学习率差不多与批量成正比，Adam 的差不多与批量的平方根成正比；格子隔半个数量级，只能"
             "看到这么细。再往右，SGD 很快就发散；Adam 一次也不发散，只是学得更差。下面是 "
             "McCandlish 等人（2018）的噪声尺度 tr(Σ)/|G|²：批量和它差不多大时，梯度里噪声与信号各"
             "占一半；loss 越低，它越大。圆点：每种批量用最快的学习率，到目标 loss 要多少步、多少"
             "样本；虚线：公式 S = S_min (1 + "
             "B_crit/B)；阴影：从开始到目标，噪声尺度的范围。批量远小于"
             "到目标时的噪声尺度，加大批量省步数，几乎不多花样本；远大于它，多花样本，却省不了多少"
             "步。"
             "B_crit 与这个噪声尺度是同一个数量级（见表）。"},
        .npanels = MAPS + COST_PANELS,
        .fact = facts,
        .nfacts = FACTS,
        .settings = {"The noise scale: ravine doctor RUN --probe --full at each checkpoint of the "
                     "runs of the "
                     "third sweep, in batches, times their size.",
                     "噪声尺度：对第三组训练的每个检查点运行 ravine doctor RUN --probe "
                     "--full，得到的是批数，"
                     "再乘以批量大小。"},
        .saved = sweeps,
        .nsaved = sizeof sweeps / sizeof *sweeps,
    };
    facts[0] =
        fact_plain("target", (svg_text){"target: a training loss of", "目标：训练 loss 降到"},
                   saved_target(l->saved, "noise"), 2);
    for (size_t k = 0; k < MAPS; k++) {
        fill(&m[k], l->saved, maps[k].sweep);
        e.panel[k] = panel_of(&m[k], maps[k].label);
        fact *out = facts + 1 + k * (MAP_FACTS + COST_FACTS);
        state_map(out, &m[k], l->saved, k);
        batch_cost_find(&cost[k], l->saved, maps[k].sweep, (double)k);
        batch_cost_state(out + MAP_FACTS, &cost[k], maps[k].costs);
    }
    batch_cost_draw(&drawn, cost, names, e.panel + MAPS);
    return figure_put(l, &e);
}
