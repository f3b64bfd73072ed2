/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_schedule.c - `ravine schedule`: the facts about a schedule, its picture and some values. */
#include "cli/cli.h"
#include "cli/plot.h"
#include "ravine.h"
#include "run/config.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE = 4096, ROWS = 12, POINTS = 400 };

typedef struct view {
    const char *spec;
    ravine_schedule schedule;
    ravine_schedule_facts facts;
    int64_t steps; /* 0 ... steps - 1 are looked at */
    int64_t every; /* of the table; 0: what shows the shape */
} view;

/* ---- steps worth a look ---- */

/* Steps in rising order, each once, below `steps`. */
typedef struct step_list {
    int64_t step[ROWS + 3 * RAVINE_SEGMENTS_MAX + 4];
    int count;
} step_list;

static void add_step(step_list *list, const view *v, int64_t step) {
    if (step < 0 || step >= v->steps) return;
    int at = list->count;
    while (at > 0 && list->step[at - 1] > step) at--;
    if (at > 0 && list->step[at - 1] == step) return;
    for (int k = list->count++; k > at; k--) list->step[k] = list->step[k - 1];
    list->step[at] = step;
}

/* The first and last step of every segment and of its first rise: the peak is one of them. */
static void add_corners(step_list *list, const view *v) {
    int64_t start = 0;
    for (int k = 0; k < v->schedule.nsegments; k++) {
        const ravine_segment *g = &v->schedule.segment[k];
        add_step(list, v, start);
        if (g->shape == RAVINE_SHAPE_CYCLIC) add_step(list, v, start + (int64_t)g->parameter[0]);
        if (g->shape == RAVINE_SHAPE_RESTARTS)
            add_step(list, v, start + (int64_t)g->parameter[0] - 1);
        if (g->steps == RAVINE_FOREVER) break;
        start += g->steps;
        add_step(list, v, start - 1);
    }
    add_step(list, v, start); /* the first step of what is held */
    add_step(list, v, v->steps - 1);
}

static int64_t peak_step(const view *v) {
    step_list corners = {.count = 0};
    add_corners(&corners, v);
    int64_t peak = 0;
    for (int k = 0; k < corners.count; k++)
        if (ravine_schedule_at(&v->schedule, corners.step[k]) >
            ravine_schedule_at(&v->schedule, peak))
            peak = corners.step[k];
    return peak;
}

/* The least of 1, 2, 5 times a power of ten that takes at most ROWS strides to the end. */
static int64_t round_stride(int64_t steps) {
    for (int64_t power = 1;; power *= 10) /* ends: steps is below 2^60 */
        for (int64_t digit = 1; digit <= 5; digit += digit == 1 ? 1 : 3)
            if ((steps - 1) / (digit * power) <= ROWS) return digit * power;
}

/* What the table shows when --every is not given. */
static step_list choose_steps(const view *v) {
    step_list list = {.count = 0};
    const int64_t stride = round_stride(v->steps);
    for (int64_t step = 0; step < v->steps; step += stride) add_step(&list, v, step);
    add_step(&list, v, v->steps - 1);
    add_step(&list, v, v->facts.warmup_end);
    add_step(&list, v, peak_step(v));
    int64_t start = 0;
    for (int k = 0; k < v->schedule.nsegments && start < v->steps; k++) {
        add_step(&list, v, start);
        if (v->schedule.segment[k].steps == RAVINE_FOREVER) break;
        start += v->schedule.segment[k].steps;
    }
    return list;
}

/* ---- for people ---- */

/* Breaks the text at blanks, where it has any, into lines of at most `width` columns. */
static void print_wrapped(const char *text, int width) {
    int used = 0;
    while (*text) {
        const int length = (int)strcspn(text, " ");
        if (used > 0 && used + 1 + length > width)
            used = printf("\n  ") - 1;
        else if (used > 0)
            used += printf(" ");
        used += printf("%.*s", length, text);
        text += length + (text[length] == ' ');
    }
    putchar('\n');
}

static int print_facts(const view *v) {
    char canonical[TEXT_SIZE];
    if (ravine_schedule_format(&v->schedule, canonical, sizeof canonical, NULL))
        return failure(EXIT_INPUT, "%s", ravine_errmsg());
    const ravine_schedule_facts *facts = &v->facts;
    const int64_t peak = peak_step(v);
    print_wrapped(canonical, cli_width(stdout));
    putchar('\n');
    printf("first    %.9g\n", facts->first);
    printf("peak     %.9g at step %" PRId64 "\n", ravine_schedule_at(&v->schedule, peak), peak);
    if (facts->warmup_end > 0)
        printf("warm-up  over at step %" PRId64 "\n", facts->warmup_end);
    else
        printf("warm-up  none\n");
    if (facts->total == RAVINE_FOREVER) {
        printf("total    goes on for ever\n");
        return 0;
    }
    printf("total    %" PRId64 " steps\n", facts->total);
    printf("last     %.9g, held from step %" PRId64 " on\n", facts->last, facts->total);
    return 0;
}

static void print_plot(const view *v) {
    double x[POINTS + 1], y[POINTS + 1];
    const int64_t last = v->steps - 1;
    const int n = last < POINTS ? (int)last : POINTS;
    for (int k = 0; k <= n; k++) {
        x[k] = n ? floor((double)last * k / n + 0.5) : 0;
        y[k] = ravine_schedule_at(&v->schedule, (int64_t)x[k]);
    }
    const plot p = {.out = stdout,
                    .columns = cli_width(stdout),
                    .braille = plot_has_braille(),
                    .color = cli_color(stdout)};
    const plot_series series = {.x = x, .y = y, .n = (size_t)n + 1};
    plot_print(&p, &series, 1);
}

static void print_row(const view *v, int64_t step) {
    printf("%12" PRId64 "  %.9g\n", step, ravine_schedule_at(&v->schedule, step));
}

static void print_table(const view *v) {
    printf("%12s  value\n", "step");
    if (v->every > 0) {
        for (int64_t step = 0; step < v->steps; step += v->every) print_row(v, step);
        return;
    }
    const step_list list = choose_steps(v);
    for (int k = 0; k < list.count; k++) print_row(v, list.step[k]);
}

/* ---- for programs ---- */

static void append_value(json_t *values, const view *v, int64_t step) {
    const double value = ravine_schedule_at(&v->schedule, step);
    json_array_append_new(values, json_pack("[If]", (json_int_t)step, value));
}

static json_t *values_json(const view *v) {
    json_t *values = json_array();
    const step_list list = choose_steps(v);
    for (int64_t step = 0; v->every > 0 && step < v->steps; step += v->every)
        append_value(values, v, step);
    for (int k = 0; v->every == 0 && k < list.count; k++) append_value(values, v, list.step[k]);
    return values;
}

static int print_json(const view *v) {
    const ravine_schedule_facts *facts = &v->facts;
    const bool endless = facts->total == RAVINE_FOREVER;
    json_t *total = endless ? json_null() : json_integer((json_int_t)facts->total);
    json_t *last = endless ? json_null() : json_real(facts->last);
    json_t *object =
        json_pack("{ss sI sf sI so so so}", "spec", v->spec, "steps", (json_int_t)v->steps, "first",
                  facts->first, "warmup_end", (json_int_t)facts->warmup_end, "total", total, "last",
                  last, "values", values_json(v));
    return cli_print_json(object);
}

/* "5%" is a share of the run, and means nothing before its length is known. */
static int read_schedule(view *v, const cli_args *args) {
    const char *percent = strchr(v->spec, '%');
    if (percent && !cli_is_given(args, CLI_STEPS))
        return failure(
            EXIT_USAGE,
            "\"%s\" is in percent of all steps of a run; say how many it has, for example "
            "--steps 1000",
            v->spec);
    char *text = config_expand_shares(v->spec, cli_count(args, CLI_STEPS, 1));
    if (!text) return failure(EXIT_INPUT, "out of memory");
    ravine_status status = ravine_schedule_parse(&v->schedule, text);
    if (status >= 0) status = ravine_schedule_describe(&v->schedule, &v->facts);
    free(text);
    return status < 0 ? failure(EXIT_USAGE, "%s", ravine_errmsg()) : 0;
}

int cmd_schedule(const cli_args *args) {
    view v = {.spec = args->operand[0]};
    if (!v.spec)
        return failure(EXIT_USAGE, "schedule needs a SPEC, for example \"cosine(1000) lr=0.1\"");
    int status = read_schedule(&v, args);
    if (status) return status;
    const bool endless = v.facts.total == RAVINE_FOREVER;
    if (endless && !cli_is_given(args, CLI_STEPS))
        return failure(EXIT_USAGE,
                       "this schedule goes on for ever; give --steps N to show N steps");
    v.steps = cli_count(args, CLI_STEPS, v.facts.total);
    v.every = cli_count(args, CLI_EVERY, 0);
    if (cli_is_given(args, CLI_JSON)) return print_json(&v);
    status = print_facts(&v);
    if (status) return status;
    putchar('\n');
    print_plot(&v);
    putchar('\n');
    print_table(&v);
    return 0;
}
