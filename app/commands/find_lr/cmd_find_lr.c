/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_find_lr.c - `ravine find-lr`: the range test and the stability limit, side by side. */
#include "cli/cli.h"
#include "cli/plot.h"
#include "io/number_json.h"
#include "page/svg_chart.h"
#include "run/config_options.h"
#include "trainer/find_lr.h"
#include "trainer/problem.h"
#include "trainer/problem_watch.h"
#include "trainer/train.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The loss on examples of the fixed batch is what the probes bend; more cost more. */
enum { FIXED_EXAMPLES = 1024 };

static const svg_text probe_names[FIND_LR_PROBES] = {{"before the first step", "第一步之前"},
                                                     {"after the warm-up", "预热之后"}};

/* What a probe tells, beside the rate that is stable. */
static const svg_text limit = {"limit of lr times sharpness", "lr 乘以锐度的极限"},
                      sharpness = {"sharpness under sigma", "除以 sigma 之后的锐度"},
                      stable = {"greatest stable lr", "最大的稳定 lr"},
                      critical = {"greatest lr of one step that lowers the loss",
                                  "走一步还能降低损失的最大 lr"},
                      noise = {"noise scale, in batches", "噪声尺度（以批次计）"};

/* ---- for people ---- */

/* Nothing where a number is not known. */
static void print_number(const char *name, double value) {
    if (!isnan(value)) printf("    %-34s %.3g\n", name, value);
}

static void print_plot(const find_lr_result *r) {
    double *power = malloc((size_t)r->npoints * sizeof *power), most = r->first, least = most;
    if (!power) return; /* the numbers are there all the same */
    for (int64_t k = 0; k < r->npoints; k++) {
        power[k] = log10(r->lr[k]);
        if (r->lr[k] <= r->lowest) most = fmax(most, r->loss[k]);
        least = fmin(least, r->loss[k]);
    }
    const plot p = {.out = stdout,
                    .columns = cli_width(stdout),
                    .braille = plot_has_braille(),
                    .color = cli_color(stdout),
                    .y_axis = {least, most + 0.2 * (most - least)}};
    const plot_series series = {.x = power, .y = r->loss, .n = (size_t)r->npoints};
    printf("loss over log10(lr)\n");
    plot_print(&p, &series, 1);
    free(power);
}

/* The answer last: of all that is told it is what was asked for. */
static int print_text(const find_lr_result *r) {
    print_plot(r);
    printf("\nrange test, %" PRId64 " steps of %s\n", r->count,
           ravine_rule_describe(r->rule)->name);
    print_number("lr where the loss falls fastest", r->steepest);
    print_number("lr where it is least", r->lowest);
    print_number("lr whose first steps are not long", r->calm);
    print_number("lr where it has risen back", r->blow_up);
    for (int k = 0; k < FIND_LR_PROBES; k++) {
        printf("stability %s", probe_names[k].en);
        if (k) printf(" to lr = %.3g", r->warmup_lr);
        printf("\n");
        print_number(limit.en, r->probe[k].limit);
        print_number(sharpness.en, r->probe[k].sharpness);
        print_number(stable.en, r->stable[k]);
        print_number("greatest lr of one step that lowers", r->probe[k].critical_lr);
        print_number(noise.en, r->probe[k].noise_scale);
    }
    printf("\ncost: %" PRId64 " gradients and %" PRId64 " losses; one probe: %" PRId64
           " gradients\n\nstart with lr = %.3g: %s\n",
           r->gradients, r->losses, r->probe[1].gradients, r->suggested,
           r->reason.in[PAGE_ENGLISH]);
    return 0;
}

/* ---- for programs ---- */

static json_t *probe_json(const find_lr_result *r, int k) {
    const ravine_probe *p = &r->probe[k];
    return json_pack("{sI so so so so so so so sI sI}", "step", (json_int_t)p->step, "loss",
                     number_json(p->loss), "grad_norm", number_json(p->grad_norm), "limit",
                     number_json(p->limit), "sharpness", number_json(p->sharpness),
                     "largest_stable_lr", number_json(r->stable[k]), "critical_lr",
                     number_json(p->critical_lr), "noise_scale", number_json(p->noise_scale),
                     "gradients", (json_int_t)p->gradients, "losses", (json_int_t)p->losses);
}

static int print_json(const find_lr_result *r) {
    json_t *range =
        json_pack("{sI so so so so so so so}", "steps", (json_int_t)r->count, "first_loss",
                  number_json(r->first), "lr", numbers_json(r->lr, (size_t)r->npoints), "loss",
                  numbers_json(r->loss, (size_t)r->npoints), "steepest_lr",
                  number_json(r->steepest), "lowest_lr", number_json(r->lowest), "calm_lr",
                  number_json(r->calm), "blow_up_lr", number_json(r->blow_up));
    return cli_print_json(json_pack(
        "{ss so ss so so s[oo] sI sI}", "rule", ravine_rule_describe(r->rule)->name, "suggested_lr",
        number_json(r->suggested), "reason", r->reason.in[PAGE_ENGLISH], "range", range,
        "warmup_lr", number_json(r->warmup_lr), "stability", probe_json(r, 0), probe_json(r, 1),
        "gradients", (json_int_t)r->gradients, "losses", (json_int_t)r->losses));
}

/* ---- as a picture ---- */

/* A rate as a line from bottom to top. */
typedef struct mark {
    double x[2], y[2];
} mark;

static void add_figure(page *out, const find_lr_result *r, svg_place place) {
    enum { MARKS = 3 };
    static const svg_text names[MARKS] = {
        {"suggested", "建议值"},
        {"stability limit before the first step", "第一步之前的稳定极限"},
        {"stability limit after the warm-up", "预热之后的稳定极限"}};
    const double at[MARKS] = {r->suggested, r->stable[0], r->stable[1]};
    double most = r->first, least = most;
    for (int64_t k = 0; k < r->npoints; k++) {
        if (r->lr[k] <= r->lowest) most = fmax(most, r->loss[k]);
        least = fmin(least, r->loss[k]);
    }
    most += 0.2 * (most - least);
    mark marks[MARKS];
    svg_series series[1 + MARKS] = {
        {.name = {"loss", "损失"}, .x = r->lr, .y = r->loss, .n = (size_t)r->npoints}};
    size_t nseries = 1;
    for (int k = 0; k < MARKS; k++) {
        if (!(at[k] >= r->lr[0] && at[k] <= r->lr[r->npoints - 1])) continue;
        marks[k] = (mark){{at[k], at[k]}, {least, most}};
        series[nseries++] = (svg_series){.name = names[k],
                                         .x = marks[k].x,
                                         .y = marks[k].y,
                                         .n = 2,
                                         .draw = SVG_TRAIL,
                                         .color = 1 + k,
                                         .dashed = k > 0};
    }
    const svg_panel panel = {.x = {.label = {"learning rate", "学习率"},
                                   .least = r->lr[0],
                                   .greatest = r->lr[r->npoints - 1],
                                   .log = true},
                             .y = {.label = {"loss", "损失"}, .least = least, .greatest = most},
                             .series = series,
                             .nseries = nseries};
    const svg_figure figure = {.title = {"Learning rate range test", "学习率范围测试"},
                               .text = {"loss while the learning rate rises, and the limits",
                                        "学习率上升时的损失，以及各个极限"},
                               .panel = &panel,
                               .npanels = 1};
    svg_write(out, &figure, place);
}

static int print_svg(const find_lr_result *r) {
    page out = {0};
    add_figure(&out, r, SVG_STANDALONE);
    const int status = page_print(&out, stdout);
    page_free(&out);
    return status;
}

static void add_row(page *out, svg_text name, const double *value) {
    page_add(out, "<tr><th scope=\"row\">");
    page_say(out, "span", name, NULL);
    page_add(out, "</th>");
    for (int k = 0; k < FIND_LR_PROBES; k++) {
        page_add(out, "<td class=\"number\">");
        if (isfinite(value[k])) page_format(out, "%.3g", value[k]);
        page_add(out, "</td>");
    }
    page_add(out, "</tr>\n");
}

static void add_rows(page *out, void *context) {
    const find_lr_result *r = *(const find_lr_result *const *)context;
    const ravine_probe *p = r->probe;
    add_row(out, limit, (double[]){p[0].limit, p[1].limit});
    add_row(out, sharpness, (double[]){p[0].sharpness, p[1].sharpness});
    add_row(out, stable, r->stable);
    add_row(out, critical, (double[]){p[0].critical_lr, p[1].critical_lr});
    add_row(out, noise, (double[]){p[0].noise_scale, p[1].noise_scale});
}

static void add_reason(page *out, void *context) {
    page_put_phrase(out, "span", &(*(const find_lr_result *const *)context)->reason);
}

static void add_before(page *out, void *context) {
    (void)context;
    page_say(out, "span", probe_names[0], NULL);
}

static void add_after(page *out, void *context) {
    (void)context;
    page_say(out, "span", probe_names[1], NULL);
}

static void add_inline(page *out, void *context) {
    add_figure(out, *(const find_lr_result *const *)context, SVG_INLINE);
}

static int print_html(const find_lr_result *r) {
    char lr[32], gradients[32], losses[32];
    snprintf(lr, sizeof lr, "%.3g", r->suggested);
    snprintf(gradients, sizeof gradients, "%" PRId64, r->gradients);
    snprintf(losses, sizeof losses, "%" PRId64, r->losses);
    const page_hole holes[] = {{"language", .put = page_put_language_button},
                               {"lr", .text = lr},
                               {"reason", .put = add_reason},
                               {"rule", .text = ravine_rule_describe(r->rule)->name},
                               {"gradients", .text = gradients},
                               {"losses", .text = losses},
                               {"figure", .put = add_inline},
                               {"before", .put = add_before},
                               {"after", .put = add_after},
                               {"rows", .put = add_rows}};
    page out = {0};
    page_begin(&out, "en", "Learning rate");
    page_style(&out, &asset_svg_chart_css);
    page_fill(&out, &asset_find_lr_html, holes, sizeof holes / sizeof *holes, &r);
    page_script(&out, &asset_languages_js);
    page_end(&out);
    const int status = page_print(&out, stdout);
    page_free(&out);
    return status;
}

typedef int (*printer)(const find_lr_result *r);

static bool ends_in(const char *text, const char *tail) {
    const size_t length = strlen(text), rest = strlen(tail);
    return length > rest && strcmp(text + length - rest, tail) == 0;
}

static printer choose_printer(const cli_args *args) {
    const char *output = cli_text(args, CLI_OUTPUT);
    if (cli_is_given(args, CLI_JSON)) return print_json;
    if (ends_in(output, ".html")) return print_html;
    return ends_in(output, ".svg") ? print_svg : print_text;
}

/* ---- the search ---- */

static int read_config(run_config *c, const cli_args *args) {
    int status = config_init(c);
    if (status) return status;
    if (args->operand[0]) status = config_read_file(c, args->operand[0]);
    if (!status) status = config_read_variables(c);
    if (!status) status = config_read_options(c, args);
    /* nobody watches: no room for that */
    if (!status) status = config_put(c, CONFIG_KEY_doctor_watch, "false", "find-lr");
    if (!status) status = config_check(c);
    if (status) config_free(c);
    return status;
}

static int search(find_lr_result *r, training *t, const cli_args *args) {
    ravine_config rule;
    net_problem *batches;
    int status = config_rule(t->config, &rule);
    if (status) return status;
    status = net_problem_of(&batches, &t->trainer, FIXED_EXAMPLES, (uint64_t)t->config->seed);
    if (status) return status;
    const ravine_env env = trainer_env(&t->trainer);
    const ravine_problem problem = net_problem_view(batches);
    problem_watch w;
    const int64_t steps = cli_count(args, CLI_RANGE_STEPS, 400),
                  warmup = cli_count(args, CLI_WARMUP_STEPS, 100);
    const ravine_problem watched =
        problem_watch_begin(&w, &problem, "finding a learning rate", steps + warmup);
    status = find_lr(r, &(find_lr_setup){.optimizer = t->trainer.optimizer,
                                         .rule = rule.rule,
                                         .env = &env,
                                         .problem = &watched,
                                         .steps = steps,
                                         .warmup = warmup});
    problem_watch_end(&w);
    net_problem_destroy(batches);
    return status;
}

int cmd_find_lr(const cli_args *args) {
    run_config c;
    int status = read_config(&c, args);
    if (status) return status;
    training t;
    status = training_is_told(&c, "find-lr");
    if (!status) status = training_create(&t, &c);
    if (!status) {
        find_lr_result r = {0};
        status = search(&r, &t, args);
        if (!status) status = choose_printer(args)(&r);
        find_lr_free(&r);
        training_free(&t);
    }
    config_free(&c);
    return status;
}
