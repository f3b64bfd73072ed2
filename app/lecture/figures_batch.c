/* SPDX-License-Identifier: Apache-2.0 */
/* figures_batch.c - (n): the learning rate beside the size of a batch, for SGD and for Adam. */
#include "lecture/figure.h"

#include <math.h>

enum { MAPS = 2, ROWS = 4, CELLS = ROWS * SAVED_COLUMNS, SERIES = 3, MAP_FACTS = ROWS + 2 };
#define GUESSING 2.302585 /* ln 10: the loss of a network that knows nothing of ten classes */

static const double batches[ROWS] = {16, 64, 256, 1024};
static const double edges[2] = {8, 2048};

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
#define MAP(NAME, KEY)                                                                           \
    {                                                                                            \
        SAVED_rate_##KEY, {NAME ": size of a batch", NAME "：批量大小"}, {                       \
            {BEST(NAME, #KEY, "16"), .digits = 3}, {BEST(NAME, #KEY, "64"), .digits = 3},        \
                {BEST(NAME, #KEY, "256"), .digits = 3}, {BEST(NAME, #KEY, "1024"), .digits = 3}, \
                {POWER(NAME, #KEY), .digits = 2}, {                                              \
                DIVERGED(NAME, #KEY), .digits = 2                                                \
            }                                                                                    \
        }                                                                                        \
    }
static const struct {
    saved_sweep sweep;
    svg_text label;
    fact facts[MAP_FACTS]; /* without their values */
} maps[MAPS] = {MAP("SGD", sgd), MAP("Adam", adam)};

/* What a panel points to. */
typedef struct map {
    double rate[SAVED_COLUMNS];
    size_t columns;
    svg_cell cell[CELLS];
    double best[ROWS]; /* the rate with the least loss */
    char text[ROWS][16];
    svg_note note[ROWS];
    double line[2][2]; /* the rates at both edges, growing with the batch and with its root */
    svg_series series[SERIES];
    double power;
} map;

/* Half a decade to each side of a rate lies the next. */
static svg_cell cell_of(saved_sweep sweep, double batch, double rate, double least) {
    const double loss = saved_mean(sweep, batch, rate), half = pow(10, 0.25);
    return (svg_cell){.x = {rate / half, rate * half},
                      .y = {batch / 2, batch * 2},
                      .shade =
                          isnan(loss) ? NAN : fmin(log(loss / least) / log(GUESSING / least), 1)};
}

static double least_of_row(const map *m, saved_sweep sweep, double batch, double *rate) {
    double least = INFINITY;
    for (size_t k = 0; k < m->columns; k++) {
        const double loss = saved_mean(sweep, batch, m->rate[k]);
        if (!(loss < least)) continue;
        least = loss;
        *rate = m->rate[k];
    }
    return least;
}

/* The best rates by their logarithms: a line of the least squares, and lines of the two slopes that
 * are expected, all through their mean. */
static void fit(map *m) {
    double x = 0, y = 0, xy = 0, xx = 0;
    for (size_t k = 0; k < ROWS; k++) x += log(batches[k]) / ROWS, y += log(m->best[k]) / ROWS;
    for (size_t k = 0; k < ROWS; k++) {
        const double dx = log(batches[k]) - x;
        xy += dx * (log(m->best[k]) - y);
        xx += dx * dx;
    }
    m->power = xy / xx;
    for (int k = 0; k < 2; k++) {
        m->line[0][k] = exp(y + (log(edges[k]) - x));
        m->line[1][k] = exp(y + (log(edges[k]) - x) / 2);
    }
}

static void fill(map *m, saved_sweep sweep) {
    double least = INFINITY;
    m->columns = saved_columns(sweep, m->rate);
    for (size_t r = 0; r < ROWS; r++) {
        const double loss = least_of_row(m, sweep, batches[r], &m->best[r]);
        least = fmin(least, loss);
        snprintf(m->text[r], sizeof m->text[r], "%.3f", loss);
        m->note[r] =
            (svg_note){m->best[r] * 1.12, batches[r] * 1.1, {m->text[r], NULL}, false, false};
    }
    for (size_t r = 0; r < ROWS; r++)
        for (size_t k = 0; k < m->columns; k++)
            m->cell[r * m->columns + k] = cell_of(sweep, batches[r], m->rate[k], least);
    fit(m);
    m->series[0] = (svg_series){
        .name = {"like the batch", "与批量成正比"}, .x = m->line[0], .y = edges, .n = 2};
    m->series[1] = (svg_series){.name = {"like its root", "与批量的平方根成正比"},
                                .x = m->line[1],
                                .y = edges,
                                .n = 2,
                                .color = 1,
                                .dashed = true};
    m->series[2] = (svg_series){.name = {"best rate", "最好的学习率"},
                                .x = m->best,
                                .y = batches,
                                .n = ROWS,
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
                             .least = edges[0],
                             .greatest = edges[1],
                             .log = true,
                             .tick = batches,
                             .nticks = ROWS},
                       .height = 170,
                       .cell = m->cell,
                       .ncells = ROWS * m->columns,
                       .series = m->series,
                       .nseries = SERIES,
                       .note = m->note,
                       .nnotes = ROWS};
}

static void state_map(fact *out, const map *m, size_t k) {
    for (size_t r = 0; r < ROWS; r++) out[r] = fact_valued(maps[k].facts[r], m->best[r]);
    out[ROWS] = fact_valued(maps[k].facts[ROWS], m->power);
    out[ROWS + 1] = fact_valued(maps[k].facts[ROWS + 1], saved_diverged(maps[k].sweep));
}

int figure_batch(lecture *l) {
    static const saved_sweep sweeps[MAPS] = {SAVED_rate_sgd, SAVED_rate_adam};
    map m[MAPS];
    fact facts[MAPS * MAP_FACTS];
    exhibit e = {
        .name = "batch",
        .title = {"The best learning rate grows with the batch", "批量越大，最好的学习率也越大"},
        .shows =
            {"A network with a hidden layer of 64 on Fashion-MNIST, two epochs with each pair, "
             "the mean of two seeds; the paler the cell, the lower the validation loss, a cross: "
             "a run diverged. From batches of 16 to batches of 1,024 the best rate of SGD grows "
             "nearly like the batch, and that of Adam nearly like its root, as far as a grid of "
             "half decades tells. To the right of the best SGD soon diverges. No run of Adam does; "
             "it only learns less.",
             "Fashion-MNIST 上的一个网络，隐藏层 64 个单元，每种搭配训练两个 epoch，取两个种子的"
             "平均。格子越淡，验证 loss 越低；打叉：有训练发散。批量从 16 加到 1,024，SGD 最好的"
             "学习率差不多与批量成正比，Adam 的差不多与批量的平方根成正比；格子隔半个数量级，只能"
             "看到这么细。再往右，SGD 很快就发散；Adam 一次也不发散，只是学得更差。"},
        .npanels = MAPS,
        .fact = facts,
        .nfacts = MAPS * MAP_FACTS,
        .saved = sweeps,
        .nsaved = MAPS,
    };
    for (size_t k = 0; k < MAPS; k++) {
        fill(&m[k], maps[k].sweep);
        e.panel[k] = panel_of(&m[k], maps[k].label);
        state_map(facts + k * MAP_FACTS, &m[k], k);
    }
    return figure_put(l, &e);
}
