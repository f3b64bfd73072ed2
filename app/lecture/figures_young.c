/* SPDX-License-Identifier: Apache-2.0 */
/* figures_young.c - (l): why warm-up works: what chance makes of a young sigma, and how far above
 * the limit of stability the first steps of a deep network are. */
#include "lecture/chance.h"
#include "lecture/net_run.h"
#include "lecture/plane.h"
#include "math/sort.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the networks ---- */

enum { ADAM, WARMED, RADAM, GRADIENT, SLOW, RULES, PROBED = SLOW };
enum { NET_SEEDS = 9, NETS = RULES * NET_SEEDS, NET_STEPS = CHANCE_STEPS, LAST = 20 };
enum { IMAGES = 500, LAYERS = 6, UNITS = 16, WARM_STEPS = 100 };
static const struct {
    svg_text name;
    const char *optimizer, *schedule;
} rules[RULES] = {
    [ADAM] = {{"Adam", NULL}, "adam lr=0.03", "constant lr=0.03"},
    [WARMED] = {{"Adam, warm-up", "Adam，预热"}, "adam lr=0.03", "warmup(100) constant lr=0.03"},
    [RADAM] = {{"RAdam", NULL}, "radam lr=0.03", "constant lr=0.03"},
    /* with Adam's momentum, which is a sum here: ten times as long for the same lr */
    [GRADIENT] = {{"σ₀ = |g₀|", NULL},
                  "rmsprop alpha=0.999 initial_form=gradient momentum=0.9 lr=0.003",
                  "constant lr=0.003"},
    [SLOW] = {{"Adam, η / 3", NULL}, "adam lr=0.01", "constant lr=0.01"},
};

static const int64_t probed[] = {0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 37, 50, 68, 99};
enum { PROBES = sizeof probed / sizeof *probed };
static bool is_probed(int64_t t) {
    for (size_t k = 0; k < PROBES; k++)
        if (probed[k] == t) return true;
    return false;
}

/* Rule k with the seed s + 1 is run k + s RULES. */
static int train_nets(net_run run[NETS]) {
    net_run_setup setup[NETS];
    for (size_t k = 0; k < NETS; k++)
        setup[k] = (net_run_setup){.images = IMAGES,
                                   .layers = LAYERS,
                                   .units = UNITS,
                                   .seed = k / RULES + 1,
                                   .optimizer = rules[k % RULES].optimizer,
                                   .schedule = rules[k % RULES].schedule,
                                   .steps = NET_STEPS,
                                   .is_probed = k < PROBED ? is_probed : NULL};
    return net_runs_make(run, setup, NETS);
}

/* The loss at the end of a rule's runs: the median of their last steps, and of the seeds. One run's
 * is chance: it goes up or down threefold with the last bits of a product. */
static double last_loss(const net_run *run, size_t rule) {
    double of_seed[NET_SEEDS];
    for (size_t s = 0; s < NET_SEEDS; s++) {
        double last[LAST];
        memcpy(last, run[rule + s * RULES].loss + NET_STEPS - LAST, sizeof last);
        of_seed[s] = ravine_median(last, LAST);
    }
    return ravine_median(of_seed, NET_SEEDS);
}

/* ---- the numbers ---- */

static fact sigma_fact(const char *key, svg_text text, double value, const char *want, double least,
                       double greatest) {
    return fact_wanted(fact_plain(key, text, value, 3), want, least, greatest);
}

static fact net_fact(const char *key, const char *en, const char *zh, double value) {
    return fact_plain(key, (svg_text){en, zh}, value, 2);
}

enum { CHANCE_FACTS = 8, NET_FACTS = 8, NFACTS = CHANCE_FACTS + NET_FACTS };

/* The ranges are four standard errors of a share of 10,000. */
static void state_chance(fact out[CHANCE_FACTS], const chance *c) {
    static const svg_text half = {"half are below", "一半低于"},
                          most = {"95 % are below", "95% 低于"};
    static const svg_text young = {"σ at t = 1: 5 % are below", "t = 1 的 σ：5% 低于"};
    static const svg_text later = {"σ at t = 100: 5 % are below", "t = 100 的 σ：5% 低于"};
    static const svg_text r_young = {"r at t = 6", "t = 6 的 r"};
    static const svg_text r_later = {"r at t = 100", "t = 100 的 r"};
    const size_t t = 99;
    const fact facts[CHANCE_FACTS] = {
        sigma_fact("sigma_5_1", young, c->low[0], "0.0627", 0.052, 0.074),
        sigma_fact("sigma_50_1", half, c->middle[0], "0.674", 0.643, 0.706),
        sigma_fact("sigma_95_1", most, c->high[0], "1.96", 1.885, 2.035),
        sigma_fact("sigma_5_100", later, c->low[t], "0.883", 0.877, 0.889),
        sigma_fact("sigma_50_100", half, c->middle[t], "0.997", 0.993, 1.001),
        sigma_fact("sigma_95_100", most, c->high[t], "1.12", 1.109, 1.121),
        sigma_fact("r_6", r_young, c->r[CHANCE_LATE - 1], "0.0258", 0.02582, 0.025822),
        sigma_fact("r_100", r_later, c->r[t], "0.215", 0.21533, 0.21534),
    };
    memcpy(out, facts, sizeof facts);
}

static void state_nets(fact out[NET_FACTS], const net_run *run) {
    const fact facts[NET_FACTS] = {
        net_fact("share_adam", "η S / limit, first step: Adam", "第一步的 η S / 极限：Adam",
                 run[ADAM].share[0]),
        net_fact("share_warmup", "with warm-up", "预热", run[WARMED].share[0]),
        net_fact("share_gradient", "σ₀ = |g₀|", NULL, run[GRADIENT].share[0]),
        net_fact("loss_adam", "loss, last 20 steps, median of nine seeds: Adam",
                 "最后 20 步的 loss，九个种子的中位数：Adam", last_loss(run, ADAM)),
        net_fact("loss_gradient", "σ₀ = |g₀|", NULL, last_loss(run, GRADIENT)),
        net_fact("loss_warmup", "with warm-up", "预热", last_loss(run, WARMED)),
        net_fact("loss_radam", "RAdam", NULL, last_loss(run, RADAM)),
        net_fact("loss_slow", "Adam at η / 3", "Adam，η / 3", last_loss(run, SLOW)),
    };
    memcpy(out, facts, sizeof facts);
}

/* The rules of the networks, with their schedules. */
enum { CODE_SIZE = 512 };
static void write_rules(char text[CODE_SIZE]) {
    int n = 0;
    for (size_t k = 0; k < RULES; k++)
        n += snprintf(text + n, (size_t)(CODE_SIZE - n), "%s%s, %s", k ? "; " : "",
                      rules[k].optimizer, rules[k].schedule);
}

/* ---- the picture ---- */

static svg_series over_steps(svg_text name, const double *step, const double *y, size_t n,
                             int color) {
    return (svg_series){.name = name, .x = step, .y = y, .n = n, .color = color};
}

static svg_panel panel_of(svg_axis y, const svg_series *series, size_t n, double height) {
    svg_axis x = steps_between(1, NET_STEPS);
    x.log = y.log = true;
    return (svg_panel){.x = x, .y = y, .height = height, .series = series, .nseries = n};
}

static int put_young(lecture *l, exhibit *e, const chance *c, const net_run *run) {
    double at[PROBES], share[PROBED][PROBES], linear[CHANCE_STEPS];
    svg_series ratio[PROBED], loss[RULES];
    for (size_t t = 0; t < CHANCE_STEPS; t++) linear[t] = fmin(1, c->step[t] / WARM_STEPS);
    for (size_t k = 0; k < PROBED; k++) {
        for (size_t i = 0; i < PROBES; i++) {
            at[i] = (double)probed[i] + 1;
            share[k][i] = run[k].share[probed[i]];
        }
        ratio[k] = over_steps(rules[k].name, at, share[k], PROBES, (int)k);
    }
    for (size_t k = 0; k < RULES; k++)
        loss[k] = over_steps(k < PROBED ? (svg_text){NULL, NULL} : rules[k].name, c->step,
                             run[k].loss, NET_STEPS, (int)k);
    loss[SLOW].dashed = true;
    const svg_series factor[] = {
        over_steps((svg_text){"RAdam's r", "RAdam 的 r"}, c->step, c->r, CHANCE_STEPS, RADAM),
        over_steps((svg_text){"a warm-up of 100 steps", "预热 100 步"}, c->step, linear,
                   CHANCE_STEPS, WARMED)};
    const svg_series sigma[] = {
        over_steps((svg_text){"95 % are below", "95% 低于"}, c->step, c->high, CHANCE_STEPS, 7),
        over_steps((svg_text){"half", "一半低于"}, c->step, c->middle, CHANCE_STEPS, 5),
        over_steps((svg_text){"5 %", "5% 低于"}, c->step, c->low, CHANCE_STEPS, 6)};
    const svg_note late = {
        CHANCE_LATE, 0.014, {"without σ until step 5", "前 5 步不用 σ"}, false, false};
    const svg_level limit = {1, {"stability limit", "稳定极限"}, false};
    fact facts[NFACTS];
    state_chance(facts, c);
    state_nets(facts + CHANCE_FACTS, run);
    e->panel[0] = panel_of(
        (svg_axis){.label = {"η is multiplied by", "η 乘以"}, .least = 0.01, .greatest = 1}, factor,
        2, 130);
    e->panel[0].note = &late;
    e->panel[0].nnotes = 1;
    e->panel[1] = panel_of((svg_axis){.label = {"σ where all of g is noise of size 1",
                                                "梯度全是大小为 1 的噪声时的 σ"},
                                      .least = 0.03,
                                      .greatest = 3},
                           sigma, 3, 170);
    e->panel[2] =
        panel_of((svg_axis){.label = {"a deep network: η S / limit", "一个深的网络：η S / 极限"},
                            .least = 0.005,
                            .greatest = 10},
                 ratio, PROBED, 180);
    e->panel[2].level = &limit;
    e->panel[2].nlevels = 1;
    e->panel[3] =
        panel_of((svg_axis){.label = {"its loss", "它的 loss"}, .least = 0.005, .greatest = 4},
                 loss, RULES, 180);
    e->npanels = 4;
    e->fact = facts;
    e->nfacts = NFACTS;
    return figure_put(l, e);
}

int figure_young(lecture *l) {
    char code[CODE_SIZE];
    write_rules(code);
    exhibit e = {
        .name = "young",
        .title = {"Why warm-up works: a young σ, and first steps above the limit",
                  "预热为什么有用：σ 还年轻，头几步超过极限"},
        .shows =
            {"Two reasons, and both can be seen. Above, every gradient is noise of size 1, so σ "
             "should be 1. After one step it is chance: of 20 parameters one has a σ below 1/16, "
             "and a rate η/σ 16 times too large; after 100 steps 9 of 10 are within 12 %. RAdam's "
             "r waits for that, and is a warm-up by itself. Below, η S of Adam's first step is 7.7 "
             "times the limit, and its loss gets stuck; with warm-up, or RAdam, η S comes to the "
             "limit from below, after 50 steps and more, and the loss ends far lower. σ₀ = |g₀| "
             "alone does not cure: new gradients hardly count then, see (k). What warm-up gives "
             "is a larger η: at a third of it Adam needs none.",
             "原因有两个，图上都看得见。上面两图里，梯度全是大小为 1 的噪声，σ 本该是 "
             "1。只走一步时，"
             "σ 全凭运气：每 20 个参数就有一个的 σ 不到 1/16，学习率 η/σ 大了 16 倍；100 步之后，"
             "十个里有九个误差不超过 12%。RAdam 的 r 等的就是这个，它本身就是一种预热。下面两图里，"
             "Adam 第一步的 η S 是极限的 7.7 倍，loss 就此卡住；有了预热，或者用 RAdam，η S 是从"
             "下面慢慢接近极限的，50 多步之后才到，loss 最后低得多。只令 σ₀ = |g₀| 治不好：那样新的"
             "梯度几乎不算数，见图 k。预热换来的是更大的 η：只用三分之一的 η，Adam 就不需要预热。"},
        .settings =
            {"Above: the surface noisy_quadratic size=100 noise=1, from its minimum, seeds 1 to "
             "100, Adam and RAdam with lr=0. Below: a network of 6 hidden layers of 16 tanh units, "
             "the first 500 images of Fashion-MNIST, all in every step, η S from Hessian "
             "products; seed 1 in the picture, 1 to 9 in the table.",
             "上面：损失面 noisy_quadratic size=100 noise=1，从最低点出发，种子 1 到 100，Adam 和 "
             "RAdam，lr=0。下面：6 个隐藏层、每层 16 个 tanh 单元的网络，Fashion-MNIST 的前 500 "
             "张图，每一步都用全部图片，η S 由 Hessian 乘积求得；图中是种子 1，表中是 1 到 9。"},
        .code = code,
    };
    static chance c;
    net_run run[NETS];
    int status = chance_take(&c);
    if (status) return status;
    if (train_nets(run)) return figure_put_without_images(l, &e);
    status = put_young(l, &e, &c, run);
    net_runs_free(run, NETS);
    return status;
}
