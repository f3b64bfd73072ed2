/* SPDX-License-Identifier: Apache-2.0 */
/* report_doctor.c - the verdict on a run, with the curves that prove it, and why. */
#include "io/failure.h"
#include "math/sort.h"
#include "page/svg_chart.h"
#include "report/report.h"
#include "run/diagnosis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- which curves prove which verdict ---- */

enum { LINES_MAX = 2, PANELS_MAX = 2, VERDICTS_MAX = 4 };

typedef struct line {
    run_column column;
    svg_text name; /* none: the only one */
} line;

typedef struct panel {
    svg_text label;
    line lines[LINES_MAX];
    size_t nlines;
    bool log;
    bool share; /* from 0 to 1 */
    bool raw;   /* every step, because one alone may be what matters; else medians */
    bool marks; /* steps far longer than those before are marked */
    double level;
    svg_text level_text; /* none: no level */
} panel;

static const panel loss = {
    .label = {"loss", "损失"}, .lines = {{RUN_LOSS, {NULL, NULL}}}, .nlines = 1};
static const panel sign_changes = {
    .label = {"rate of sign changes", "变号的比例"},
    .lines = {{RUN_STATISTIC_sign_change_rate, {"against the step before", "与前一步相比"}},
              {RUN_STATISTIC_sign_change_rate_lag2, {"against two steps before", "与前两步相比"}}},
    .nlines = 2,
    .share = true,
    .level = 0.5,
    .level_text = {"pure noise", "纯噪声"}};
static const panel line_position_at_wall = {
    .label = {"line_position", NULL},
    .lines = {{RUN_STATISTIC_line_position, {NULL, NULL}}},
    .nlines = 1,
    .level = 1,
    .level_text = {"as far up the other wall", "在另一侧壁上同样高"}};
static const panel line_position_on_slope = {
    .label = {"line_position", NULL},
    .lines = {{RUN_STATISTIC_line_position, {NULL, NULL}}},
    .nlines = 1,
    .level = -1,
    .level_text = {"the slope is as it was", "坡度和原来一样"}};
static const panel gradient = {.label = {"gradient norm", "梯度范数"},
                               .lines = {{RUN_GRAD_NORM, {NULL, NULL}}},
                               .nlines = 1,
                               .log = true,
                               .raw = true};
static const panel update = {.label = {"update norm", "更新量的范数"},
                             .lines = {{RUN_UPDATE_NORM, {NULL, NULL}}},
                             .nlines = 1,
                             .log = true,
                             .raw = true,
                             .marks = true};
static const panel zeros = {.label = {"share of zero gradients", "零梯度的比例"},
                            .lines = {{RUN_STATISTIC_zero_share, {NULL, NULL}}},
                            .nlines = 1,
                            .share = true};

static const panel rate = {
    .label = {"learning rate", "学习率"}, .lines = {{RUN_LR, {NULL, NULL}}}, .nlines = 1};

typedef struct picture {
    int verdict[VERDICTS_MAX];
    size_t nverdicts;
    const panel *panels[PANELS_MAX];
    svg_text caption;
} picture;

static const picture pictures[] = {
    {.verdict = {RAVINE_VERDICT_BOUNCING},
     .nverdicts = 1,
     .panels = {&sign_changes, &line_position_at_wall},
     .caption =
         {"The gradient changes its sign from step to step (with momentum: every other step), "
          "and a step ends about as high up one wall as it began on the other.",
          "梯度每走一步就变号（有动量时每两步变一次），每一步结束时在一侧壁上的高度，与它在另一侧壁"
          "上开始时差不多。"}},
    {.verdict = {RAVINE_VERDICT_DIVERGING},
     .nverdicts = 1,
     .panels = {&gradient, &line_position_at_wall},
     .caption = {"Above 1, line_position says that each step ends higher than it began: the "
                 "gradient grows.",
                 "line_position 大于 1，说明每一步结束时都比开始时更高：梯度在增大。"}},
    {.verdict = {RAVINE_VERDICT_CRAWLING},
     .nverdicts = 1,
     .panels = {&loss, &line_position_on_slope},
     .caption = {"The slope after a step is the slope before it: far longer steps would still go "
                 "down.",
                 "走完一步之后的坡度和走之前一样：步长再大得多，也还会往下走。"}},
    {.verdict = {RAVINE_VERDICT_NOISE_FLOOR},
     .nverdicts = 1,
     .panels = {&loss, &sign_changes},
     .caption = {"The loss has stopped falling, and whether a gradient changes its sign is a coin "
                 "toss.",
                 "损失不再下降，而梯度变不变号，就像抛硬币。"}},
    {.verdict = {RAVINE_VERDICT_SIGMA_BURST, RAVINE_VERDICT_WARMUP_NEEDED},
     .nverdicts = 2,
     .panels = {&update, &loss},
     .caption =
         {"A cross marks a step that is far longer than those before; the loss follows it up.",
          "打叉的一步比之前的各步长得多；损失随之上升。"}},
    {.verdict = {RAVINE_VERDICT_DEAD},
     .nverdicts = 1,
     .panels = {&zeros, &gradient},
     .caption = {"A gradient of exactly zero moves nothing: a unit that is off for every example "
                 "stays off.",
                 "梯度恰好为零，什么也推不动：对每个样本都关闭的单元，就一直关着。"}},
    {.verdict = {RAVINE_VERDICT_LR_ZERO, RAVINE_VERDICT_RESUME_JUMP},
     .nverdicts = 2,
     .panels = {&loss, &rate},
     .caption = {"The learning rate on the time axis of the loss.",
                 "学习率，与损失用同一条时间轴。"}},
    {.verdict = {RAVINE_VERDICT_HEALTHY, RAVINE_VERDICT_UNCLEAR},
     .nverdicts = 2,
     .panels = {&loss, &sign_changes},
     .caption = {"What the doctor looks at: whether the loss falls, and whether gradients change "
                 "their signs.",
                 "诊断时看的是：损失是否下降，梯度是否变号。"}},
    {.panels = {&loss, &gradient},
     .caption = {"The gradient norm on the time axis of the loss.",
                 "梯度范数，与损失用同一条时间轴。"}},
};

/* The last one is that of all other verdicts. */
static const picture *find_picture(int verdict) {
    enum { PICTURES = sizeof pictures / sizeof *pictures };
    for (size_t k = 0; k < PICTURES; k++)
        for (size_t v = 0; v < pictures[k].nverdicts; v++)
            if (pictures[k].verdict[v] == verdict) return &pictures[k];
    return &pictures[PICTURES - 1];
}

/* ---- curves ---- */

enum { BUCKETS_MAX = 240, MARKS_MAX = 12 };

/* A series with memory of its own: free x. */
static bool make_series(svg_series *out, const run_data *run, size_t n, const line *l, bool raw) {
    const size_t every = raw || n < BUCKETS_MAX ? 1 : n / BUCKETS_MAX;
    const size_t count = (n + every - 1) / every;
    double *x = malloc((2 * count + every) * sizeof *x), *y = x + count, *scratch = y + count;
    if (!x) return false;
    for (size_t k = 0; k < count; k++) {
        const size_t first = k * every, left = n - first, size = left < every ? left : every;
        x[k] = run->column[RUN_STEP][first + size / 2];
        memcpy(scratch, run->column[l->column] + first, size * sizeof *scratch);
        y[k] = ravine_median(scratch, (int64_t)size);
    }
    *out = (svg_series){.name = l->name, .x = x, .y = y, .n = count};
    return true;
}

static bool has_numbers(const run_data *run, size_t n, run_column column) {
    for (size_t k = 0; k < n; k++)
        if (isfinite(run->column[column][k])) return true;
    return false;
}

/* Steps more than so many times as long as the slow mean of those before; how many. */
static size_t find_marks(const run_data *run, size_t n, run_column column, svg_note *note) {
    static const double FAR = 5, KEEP = 0.99, CALM = 2;
    const double *value = run->column[column];
    double mean = NAN; /* of the logarithm */
    bool inside = false;
    size_t count = 0;
    for (size_t k = 0; k < n && count < MARKS_MAX; k++) {
        if (!(value[k] > 0 && isfinite(value[k]))) continue;
        const double ratio = isnan(mean) ? 1 : value[k] / exp(mean);
        if (ratio > FAR && !inside) {
            note[count++] = (svg_note){run->column[RUN_STEP][k], value[k], {"", NULL}, true, false};
            inside = true;
        }
        if (ratio < CALM) inside = false;
        mean = isnan(mean) ? log(value[k]) : KEEP * mean + (1 - KEEP) * log(value[k]);
    }
    return count;
}

/* What a panel is drawn from; its series own memory. */
typedef struct drawn {
    svg_series series[LINES_MAX];
    svg_note note[MARKS_MAX];
    svg_level level;
    size_t nseries;
} drawn;

static void free_drawn(drawn *d) {
    for (size_t k = 0; k < d->nseries; k++) free((double *)(uintptr_t)d->series[k].x);
}

/* False: no memory. A panel without any number stays without a series. */
static bool draw_panel(svg_panel *out, drawn *d, const panel *p, const run_data *run, size_t n,
                       const svg_band *band) {
    for (size_t k = 0; k < p->nlines; k++) {
        if (!has_numbers(run, n, p->lines[k].column)) continue;
        if (!make_series(&d->series[d->nseries], run, n, &p->lines[k], p->raw)) return false;
        d->series[d->nseries].color = (int)d->nseries;
        d->nseries++;
    }
    d->level = (svg_level){.at = p->level, .text = p->level_text};
    *out = (svg_panel){.x = {.label = {"step", "步数"}, .counts = SVG_STEPS_FROM_0},
                       .y = {.label = p->label, .greatest = p->share ? 1 : 0, .log = p->log},
                       .height = 110,
                       .series = d->series,
                       .nseries = d->nseries,
                       .band = band,
                       .nbands = band->to > band->from ? 1 : 0,
                       .level = &d->level,
                       .nlevels = p->level_text.en ? 1 : 0,
                       .note = d->note,
                       .nnotes = p->marks ? find_marks(run, n, p->lines[0].column, d->note) : 0};
    return true;
}

/* Steps up to the one of the diagnosis. */
static size_t steps_until(const run_data *run, int64_t step) {
    size_t n = run->nsteps;
    while (n > 0 && run->column[RUN_STEP][n - 1] > (double)step) n--;
    return n;
}

/* Those that the charts of every page do not show: loss and gradient stand below. */
static size_t panels_of(const picture *shown, const panel *out[PANELS_MAX]) {
    size_t count = 0;
    for (size_t k = 0; k < PANELS_MAX; k++)
        if (shown->panels[k] != &loss && shown->panels[k] != &gradient)
            out[count++] = shown->panels[k];
    return count;
}

const svg_text report_shaded = {"Shaded: since when the evidence holds.",
                                "阴影：从何时起证据成立。"};

static int add_picture(const report_run *run, const ravine_diagnosis *d, page *p) {
    const picture *shown = find_picture(d->verdict);
    const panel *wanted[PANELS_MAX];
    const size_t nwanted = panels_of(shown, wanted);
    const size_t n = steps_until(&run->data, d->step);
    if (n < 2) return 0;
    const svg_band band = {d->since >= 0 ? (double)d->since : 0,
                           d->since >= 0 ? (double)d->step : 0};
    svg_panel panels[PANELS_MAX];
    drawn parts[PANELS_MAX] = {0};
    size_t npanels = 0, used = 0;
    bool whole = true;
    for (; used < nwanted && whole; used++) {
        whole = draw_panel(&panels[npanels], &parts[used], wanted[used], &run->data, n, &band);
        if (whole && parts[used].nseries) npanels++;
    }
    if (whole && npanels) {
        page_add(p, "<figure class=\"evidence\">");
        svg_write(p,
                  &(svg_figure){.title = {"Evidence", "证据"},
                                .text = shown->caption,
                                .panel = panels,
                                .npanels = npanels},
                  SVG_INLINE);
        page_add(p, "<figcaption>");
        page_say(p, "span", shown->caption, NULL);
        page_add(p, " ");
        if (band.to > band.from) page_say(p, "span", report_shaded, NULL);
        page_add(p, "</figcaption></figure>\n");
    }
    for (size_t k = 0; k < used; k++) free_drawn(&parts[k]);
    return whole ? 0 : failure(FAILURE_INPUT, "out of memory for the picture");
}

/* ---- the curvature ---- */

static void add_slices(const ravine_probe *probe, page *p) {
    static const svg_text labels[] = {{"along the last update", "沿最近一次更新"},
                                      {"along the steepest curvature", "沿曲率最大的方向"},
                                      {"along the least curvature", "沿曲率最小的方向"}};
    const ravine_slice *const slices[] = {&probe->along_update, &probe->along_max,
                                          &probe->along_min};
    enum { SLICES = sizeof slices / sizeof *slices };
    svg_panel panels[SLICES];
    svg_series series[SLICES];
    svg_note here[SLICES];
    size_t npanels = 0;
    for (size_t k = 0; k < SLICES; k++) {
        if (slices[k]->count < 3) continue;
        series[npanels] = (svg_series){.x = slices[k]->offset,
                                       .y = slices[k]->loss,
                                       .n = (size_t)slices[k]->count,
                                       .color = (int)k};
        here[npanels] = (svg_note){0, probe->loss, {"", NULL}, true, false};
        panels[npanels] = (svg_panel){.x = {.label = labels[k]},
                                      .y = {.label = {"loss", "损失"}},
                                      .height = 120,
                                      .series = &series[npanels],
                                      .nseries = 1,
                                      .note = &here[npanels],
                                      .nnotes = 1};
        npanels++;
    }
    if (npanels == 0) return;
    static const svg_text caption = {
        "The loss around the point that was probed, on straight lines "
        "through it; the cross is where the parameters are.",
        "所探测的点周围的损失，取过该点的几条直线；打叉处是参数所在。"};
    page_add(p, "<figure class=\"evidence\">");
    svg_write(p,
              &(svg_figure){.title = {"Slices of the loss", "损失的切片"},
                            .text = caption,
                            .panel = panels,
                            .npanels = npanels},
              SVG_INLINE);
    page_add(p, "<figcaption>");
    page_say(p, "span", caption, NULL);
    page_add(p, "</figcaption></figure>\n");
}

/* ---- the groups ---- */

/* What the holes of the section are filled from. */
typedef struct section {
    const report_run *run;
    const ravine_diagnosis *d;
    int status;
} section;

static void add_group_rows(page *p, void *context) {
    const run_doctor *d = &((const section *)context)->run->doctor;
    double most = 0;
    for (size_t g = 0; g < d->ngroups; g++) most = fmax(most, d->group[g].grad_norm);
    for (size_t g = 0; g < d->ngroups; g++) {
        const ravine_step_stats *r = &d->group[g];
        page_add(p, "<tr><th>");
        page_escape(p, d->group_name[g]);
        page_add(p, "</th>");
        report_cell(p, "%.3g", r->grad_norm);
        report_cell(p, "%.2g", r->grad_norm / most);
        report_cell(p, "%.1f %%", 100 * r->zero_share);
        report_cell(p, "%.2g", r->update_norm / r->param_norm);
        page_add(p, "</tr>\n");
    }
}

/* ---- the words ---- */

static void add_row(void *context, const char *label, const char *text, const char *more) {
    page *p = context;
    page_format(p, "<dt>%s</dt><dd>", label);
    page_escape(p, text);
    if (more) {
        page_add(p, " <span class=\"muted\">[");
        page_escape(p, more);
        page_add(p, "]</span>");
    }
    page_add(p, "</dd>\n");
}

static bool is_about_tensors(int verdict) {
    switch (verdict) {
    case RAVINE_VERDICT_DEAD:
    case RAVINE_VERDICT_VANISHING:
    case RAVINE_VERDICT_EXPLODING:
    case RAVINE_VERDICT_NOT_CONNECTED: return true;
    default: return false;
    }
}

static void add_sentence(page *p, void *context) {
    const ravine_diagnosis *d = ((const section *)context)->d;
    char text[PAGE_LANGUAGES][RAVINE_SENTENCE_MAX];
    const char *said[PAGE_LANGUAGES];
    for (page_language k = 0; k < PAGE_LANGUAGES; k++)
        said[k] = diagnosis_sentence(d, page_language_tag(k), text[k]);
    page_put_each(p, "span", said);
}

static void add_confidence(page *p, void *context) {
    const ravine_diagnosis *d = ((const section *)context)->d;
    char step[PHRASE_NUMBER];
    page_say(p, "span",
             (svg_text){"confidence {confidence}, step {step}", "把握{confidence}，第 {step} 步"},
             (phrase_hole[]){{"confidence", .words = diagnosis_confidence(d->confidence)},
                             {"step", .text = phrase_number(step, "%.0f", (double)d->step)},
                             {0}});
}

static void add_since(page *p, void *context) {
    const ravine_diagnosis *d = ((const section *)context)->d;
    char step[PHRASE_NUMBER];
    if (d->since < 0 || d->since >= d->step) return;
    page_say(p, "span", (svg_text){", since step {step}", "，从第 {step} 步起"},
             (phrase_hole[]){{"step", .text = phrase_number(step, "%.0f", (double)d->since)}, {0}});
}

/* A list for each language. */
static void add_rows(page *p, void *context) {
    for (page_language k = 0; k < PAGE_LANGUAGES; k++) {
        page_format(p, "<dl class=\"diagnosis\" lang=\"%s\">\n", page_language_tag(k));
        diagnosis_each_row(&((const section *)context)->run->found, RAVINE_EVIDENCE_MAX, k, add_row,
                           p);
        page_add(p, "</dl>\n");
    }
}

static void add_proof(page *p, void *context) {
    section *s = context;
    s->status = add_picture(s->run, s->d, p);
}

static void add_end(page *p, void *context) {
    report_end(((const section *)context)->run, p);
}

static void add_curvature(page *p, void *context) {
    const ravine_probe *probe = &((const section *)context)->run->found.probe;
    if (probe->size) add_slices(probe, p);
}

/* Which tensors the verdict is about, at the last step. */
static void add_tensors(page *p, void *context) {
    const section *s = context;
    const page_hole rows = {"rows", .put = add_group_rows};
    if (is_about_tensors(s->d->verdict)) page_fill(p, &asset_tensors_html, &rows, 1, context);
}

int report_doctor(const report_run *run, page *p) {
    const ravine_diagnosis *d = &run->found.diagnosis;
    if (d->size == 0) { /* there is no step to judge by */
        report_end(run, p);
        return 0;
    }
    char name[DIAGNOSIS_TEXT_SIZE];
    const page_hole holes[] = {
        {"severity", .text = ravine_severity_word(ravine_verdict_severity(d->verdict))},
        {"verdict", .text = diagnosis_name(d->verdict, name)},
        {"sentence", .put = add_sentence},
        {"confidence", .put = add_confidence},
        {"since", .put = add_since},
        {"ends", .put = add_end},
        {"picture", .put = add_proof}};
    section s = {.run = run, .d = d};
    page_fill(p, &asset_verdict_html, holes, sizeof holes / sizeof *holes, &s);
    return s.status;
}

void report_evidence(const report_run *run, page *p) {
    const page_hole holes[] = {{"rows", .put = add_rows},
                               {"slices", .put = add_curvature},
                               {"tensors", .put = add_tensors}};
    section s = {.run = run, .d = &run->found.diagnosis};
    if (s.d->size) page_fill(p, &asset_evidence_html, holes, sizeof holes / sizeof *holes, &s);
}
