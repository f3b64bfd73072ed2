/* SPDX-License-Identifier: Apache-2.0 */
/* figures_networks.c - (m): what a warm-up does for a residual network and for transformers. */
#include "lecture/figure.h"

#include <math.h>

enum { SEEDS = 3, PANELS = 5, NUMBERS = 3, RESNETS = 3, LOSSES = 4 };

#define WITHOUT(KEY, EN, ZH)              \
    "without_" KEY, {                     \
        EN ": without", ZH "：不预热" \
    }
#define WITH(KEY)                \
    "with_" KEY, {               \
        "with warm-up", "预热" \
    }
#define LOWER(KEY)                                                               \
    "lower_" KEY, {                                                              \
        "seeds whose loss is lower with it", "预热后 loss 更低的种子数" \
    }
#define FACTS(KEY, EN, ZH)                                               \
    {                                                                    \
        {WITHOUT(KEY, EN, ZH), .digits = 3}, {WITH(KEY), .digits = 3}, { \
            LOWER(KEY), .digits = 2                                      \
        }                                                                \
    }
static const struct {
    const char *sweep;
    double row;
    svg_text name;
    int columns;
    double least, greatest;
    fact facts[NUMBERS]; /* without their values */
} panels[PANELS] = {
    {"resnet",
     0.3,
     {"lr = 0.3", NULL},
     3,
     0.3,
     3,
     FACTS("resnet_0.3", "ResNet, 0.3", "ResNet，0.3")},
    {"resnet", 1, {"lr = 1", NULL}, 3, 0.3, 3, FACTS("resnet_1", "ResNet, 1", "ResNet，1")},
    {"resnet", 3, {"lr = 3", NULL}, 3, 0.3, 3, FACTS("resnet_3", "ResNet, 3", "ResNet，3")},
    {"transformer", 0, {"post-norm", NULL}, 2, 2.4, 3.3, FACTS("post", "post-norm", "post-norm")},
    {"transformer", 1, {"pre-norm", NULL}, 2, 2.4, 3.3, FACTS("pre", "pre-norm", "pre-norm")},
};

/* What a panel points to: the loss of each seed without a warm-up and with it. */
typedef struct pairs {
    double steps[SAVED_COLUMNS];
    double loss[SEEDS][2];
    svg_series series[2 * SEEDS];
    svg_note name; /* in the upper right corner */
} pairs;

static void fill(pairs *p, const json_t *saved, size_t k) {
    saved_columns(saved, panels[k].sweep, p->steps);
    p->name =
        (svg_note){p->steps[1], panels[k].least + 0.85 * (panels[k].greatest - panels[k].least),
                   panels[k].name, false, true};
    for (int s = 0; s < SEEDS; s++) {
        for (int c = 0; c < 2; c++)
            p->loss[s][c] = saved_loss(saved, panels[k].sweep, panels[k].row, p->steps[c], s + 1);
        const svg_series line = {.x = p->steps, .y = p->loss[s], .n = 2, .color = s};
        p->series[2 * s] = p->series[2 * s + 1] = line;
        p->series[2 * s + 1].draw = SVG_DOTS;
    }
}

static svg_panel panel_of(const pairs *p, size_t k) {
    static const double losses[LOSSES] = {0.4, 0.7, 1, 2};
    const double air = p->steps[1] / 4;
    return (svg_panel){.x = {.label = {"steps of warm-up", "预热步数"},
                             .least = -air,
                             .greatest = p->steps[1] + air,
                             .tick = p->steps,
                             .nticks = 2},
                       .y = {.label = {"validation loss", "验证 loss"},
                             .least = panels[k].least,
                             .greatest = panels[k].greatest,
                             .log = k < RESNETS,
                             .tick = k < RESNETS ? losses : NULL,
                             .nticks = k < RESNETS ? LOSSES : 0},
                       .height = 170,
                       .columns = panels[k].columns,
                       .series = p->series,
                       .nseries = 2 * SEEDS,
                       .note = &p->name,
                       .nnotes = 1};
}

static void state_pairs(fact out[NUMBERS], const pairs *p, const json_t *saved, size_t k) {
    int lower = 0;
    for (int s = 0; s < SEEDS; s++) lower += p->loss[s][1] < p->loss[s][0];
    for (int c = 0; c < 2; c++)
        out[c] = fact_valued(panels[k].facts[c],
                             saved_mean(saved, panels[k].sweep, panels[k].row, p->steps[c]));
    out[2] = fact_valued(panels[k].facts[2], lower);
}

int figure_networks(lecture *l) {
    static const char *const sweeps[] = {"resnet", "transformer"};
    pairs p[PANELS];
    fact facts[PANELS * NUMBERS];
    exhibit e = {
        .name = "networks",
        .title = {"What a warm-up does for real networks", "预热对真实的网络有什么用"},
        .shows = {"Each line is one seed: its validation loss without a warm-up, at the left, and "
                  "with it. A residual network with batch norm (211 steps of SGD with momentum, "
                  "three seeds): at a rate of 0.3 the warm-up changes little; at 1 and at 3 every "
                  "seed ends lower with it, but 3 stays worse than 0.3: a warm-up is no leave to "
                  "take any rate. A transformer of six blocks (300 steps of Adam at "
                  "1.5e-3, three seeds): with the norm after each part the warm-up helps every "
                  "seed, and the seeds differ less; with the norm before each part it gains less. "
                  "No network here fails just for lack of it, as deeper ones are known to.",
                  "每条线是一个种子：左端是不预热的验证 loss，右端是预热的。带 batch"
                  " norm 的残差网络（带动量的 SGD，211 步，三个种子）：学习率 0"
                  ".3 时，预热几乎不起作用；学习率 1 和 3 时，每个种子预热后都更好，但"
                  "学习率 3 始终不如 0.3，可见预热不等于学习率可以随便取。六层的 Tra"
                  "nsformer（Adam，1.5e-3，300 步，三个种子）：norm "
                  "放在每个部分之后，预热对每个种子都有帮助，种子之间的差别也小了；norm 放"
                  "在之前，好处小一些。这里没有一个网络单单因为不预热就训练失败；更深的网络有这"
                  "样的例子。"},
        .npanels = PANELS,
        .fact = facts,
        .nfacts = PANELS * NUMBERS,
        .saved = sweeps,
        .nsaved = sizeof sweeps / sizeof *sweeps,
    };
    for (size_t k = 0; k < PANELS; k++) {
        fill(&p[k], l->saved, k);
        e.panel[k] = panel_of(&p[k], k);
        state_pairs(facts + k * NUMBERS, &p[k], l->saved, k);
    }
    return figure_put(l, &e);
}
