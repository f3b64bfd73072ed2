/* SPDX-License-Identifier: Apache-2.0 */
#include "lecture/batch_cost.h"

#include <math.h>

const double batch_sizes[BATCHES] = {16, 64, 256, 1024}, batch_edges[2] = {8, 2048};

/* ---- what they come to ---- */

static double fewest_steps(const json_t *saved, const char *rates, double batch) {
    double rate[SAVED_COLUMNS], least = INFINITY;
    const size_t n = saved_columns(saved, rates, rate);
    for (size_t k = 0; k < n; k++)
        least = fmin(least, saved_mean_steps(saved, rates, batch, rate[k]));
    return least;
}

/* S = a + b / B by the least squares of the relative errors, a = S_min, b / a = the critical batch;
 * the law over the whole axis. */
static void fit(batch_cost *c) {
    double aa = 0, ab = 0, bb = 0, ya = 0, yb = 0;
    for (size_t k = 0; k < BATCHES; k++) {
        const double u = 1 / c->steps[k], v = u / batch_sizes[k];
        aa += u * u, ab += u * v, bb += v * v;
        ya += u, yb += v;
    }
    const double a = ya * bb - yb * ab, b = yb * aa - ya * ab; /* over aa bb - ab^2, both */
    c->critical = b / a;
    const double least = a / (aa * bb - ab * ab);
    for (int k = 0; k < COST_LAW; k++) {
        const double part = (double)k / (COST_LAW - 1);
        const double batch = batch_edges[0] * pow(batch_edges[1] / batch_edges[0], part);
        c->law_batch[k] = batch;
        c->law_steps[k] = least * (1 + c->critical / batch);
        c->law_examples[k] = c->law_steps[k] * batch;
    }
}

/* Between two points along the straight line. */
static double at_step(const noise_course *course, double step) {
    for (size_t k = 1; k < course->n; k++) {
        const double from = course->step[k - 1], to = course->step[k];
        if (step > to) continue;
        const double part = (step - from) / (to - from);
        return course->scale[k - 1] + part * (course->scale[k] - course->scale[k - 1]);
    }
    return NAN;
}

static void find_noise(batch_cost *c, const json_t *saved, double row) {
    for (int s = 0; s < COST_SEEDS; s++) {
        noise_course *course = &c->noise[s];
        saved_noise(course, saved, "noise", row, s + 1);
        const double arrived = saved_steps(saved, "noise", row, row, s + 1);
        c->arrived += arrived / COST_SEEDS;
        c->noise_start += course->scale[0] / COST_SEEDS;
        c->noise_target += at_step(course, arrived) / COST_SEEDS;
        c->noise_end += course->scale[course->n - 1] / COST_SEEDS;
    }
}

void batch_cost_find(batch_cost *c, const json_t *saved, const char *rates, double row) {
    *c = (batch_cost){0};
    for (size_t k = 0; k < BATCHES; k++) {
        c->steps[k] = fewest_steps(saved, rates, batch_sizes[k]);
        c->examples[k] = c->steps[k] * batch_sizes[k];
    }
    fit(c);
    find_noise(c, saved, row);
}

void batch_cost_state(fact out[COST_FACTS], const batch_cost *c, const fact of[COST_FACTS]) {
    const double rest[] = {c->examples[BATCHES - 1] / c->examples[0], c->critical, c->noise_start,
                           c->noise_target, c->noise_end};
    for (size_t k = 0; k < COST_FACTS; k++)
        out[k] = fact_valued(of[k], k < BATCHES ? c->steps[k] : rest[k - BATCHES]);
}

/* ---- how they are shown ---- */

/* Dots for what was measured, a dashed line for the law. */
static void draw_cost(svg_series out[2], const double *measured, const batch_cost *c,
                      const double *law, svg_text name, int color) {
    out[0] = (svg_series){.name = name,
                          .x = batch_sizes,
                          .y = measured,
                          .n = BATCHES,
                          .draw = SVG_DOTS,
                          .color = color};
    out[1] =
        (svg_series){.x = c->law_batch, .y = law, .n = COST_LAW, .color = color, .dashed = true};
}

static svg_panel panel_by_batch(svg_axis y, const svg_series *series, const svg_band *band) {
    return (svg_panel){.x = {.label = {"size of a batch", "批量大小"},
                             .least = batch_edges[0],
                             .greatest = batch_edges[1],
                             .log = true,
                             .tick = batch_sizes,
                             .nticks = BATCHES},
                       .y = y,
                       .height = 170,
                       .columns = 2,
                       .series = series,
                       .nseries = 2 * COST_RULES,
                       .band = band,
                       .nbands = 1};
}

static svg_panel panel_of_noise(const cost_picture *d) {
    return (svg_panel){
        .x = {.label = {"step, with batches of 1,024", "步数（批量 1,024）"}},
        .y = {.label = {"noise scale, in examples", "噪声尺度（样本数）"}, .log = true},
        .height = 150,
        .series = d->noise,
        .nseries = COST_RULES * COST_SEEDS,
        .note = d->arrived,
        .nnotes = COST_RULES};
}

void batch_cost_draw(cost_picture *d, const batch_cost cost[COST_RULES],
                     const svg_text name[COST_RULES], svg_panel out[COST_PANELS]) {
    d->noisy = (svg_band){INFINITY, 0};
    for (int r = 0; r < COST_RULES; r++) {
        const batch_cost *c = &cost[r];
        for (int s = 0; s < COST_SEEDS; s++)
            d->noise[r * COST_SEEDS + s] =
                (svg_series){.name = s ? (svg_text){NULL, NULL} : name[r],
                             .x = c->noise[s].step,
                             .y = c->noise[s].scale,
                             .n = c->noise[s].n,
                             .color = r};
        d->arrived[r] = (svg_note){c->arrived, c->noise_target, {NULL, NULL}, true, false};
        d->noisy.from = fmin(d->noisy.from, c->noise_start);
        d->noisy.to = fmax(d->noisy.to, c->noise_target);
        draw_cost(d->steps + 2 * r, c->steps, c, c->law_steps, name[r], r);
        draw_cost(d->examples + 2 * r, c->examples, c, c->law_examples, name[r], r);
    }
    d->arrived[0].text = (svg_text){"target", "目标 loss"}; /* one text for both */
    out[0] = panel_of_noise(d);
    static const double doublings[] = {10000, 20000, 40000, 80000};
    const svg_axis steps = {.label = {"steps to the target", "到目标 loss 的步数"},
                            .least = 10,
                            .greatest = 3000,
                            .log = true};
    const svg_axis examples = {.label = {"examples to the target", "到目标 loss 的样本数"},
                               .least = 7000,
                               .greatest = 140000,
                               .log = true,
                               .tick = doublings,
                               .nticks = sizeof doublings / sizeof *doublings};
    out[1] = panel_by_batch(steps, d->steps, &d->noisy);
    out[2] = panel_by_batch(examples, d->examples, &d->noisy);
}
