/* SPDX-License-Identifier: Apache-2.0 */
/* race_terminal.c - a race for people: a table, and the paths over the contours or, where there are
 * more than two coordinates, the loss over the steps. */
#include "cli/cli.h"
#include "cli/plot.h"
#include "commands/race/race_command.h"
#include "page/svg_chart.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table ---- */

enum { NAME_WIDTH_MOST = 40, TEXT_SIZE = 32 };

static const char *number_text(char text[TEXT_SIZE], double value) {
    snprintf(text, TEXT_SIZE, "%.3g", value);
    return isnan(value) ? "-" : text;
}

static const char *step_text(char text[TEXT_SIZE], int64_t step) {
    snprintf(text, TEXT_SIZE, "%" PRId64, step);
    return step == RACE_NEVER ? "-" : text;
}

static void print_point(const char *name, const double *x, int n) {
    enum { SHOWN = 4 };
    printf("%s (", name);
    for (int i = 0; i < n && i < SHOWN; i++) printf("%s%.7g", i ? ", " : "", x[i]);
    printf(n > SHOWN ? ", ...)" : ")");
}

static void print_head(const contest *c) {
    const surface *s = c->surface;
    printf("%s: %s\n", s->spec, s->row->formula);
    print_point("start", c->result[0].start, s->size);
    for (int k = 0; k < s->minima; k++)
        print_point(k ? ", or" : ", minimum", s->minimum + (size_t)k * (size_t)s->size, s->size);
    printf("; %" PRId64 " steps in %s", c->steps, contest_dtype(c));
    if (c->schedule) printf(", lr by %s", c->schedule);
    printf("\n\n");
}

static int name_width(const contest *c) {
    int width = (int)strlen("optimizer");
    for (int k = 0; k < c->count; k++) {
        const int length = (int)strlen(c->optimizer[k]);
        if (length > width) width = length;
    }
    return width > NAME_WIDTH_MOST ? NAME_WIDTH_MOST : width;
}

static void print_run(const char *name, const race_result *r, int width) {
    char text[5][TEXT_SIZE];
    printf("%-*.*s %9s %11s %11s %8s", width, width, name, number_text(text[0], r->distance),
           number_text(text[1], r->excess_loss), number_text(text[2], r->worst_excess_loss),
           step_text(text[3], r->first_unstable_step));
    if (r->bursts > 0)
        snprintf(text[4], TEXT_SIZE, "%" PRId64 " (%" PRId64 ")", r->bursts, r->first_burst_step);
    else
        step_text(text[4], r->bursts);
    printf(" %9s", r->bursts == RACE_NEVER ? "-" : text[4]);
    if (r->nonfinite_step != RACE_NEVER) printf("  overflow at step %" PRId64, r->nonfinite_step);
    putchar('\n');
}

static void print_table(const contest *c) {
    const int width = name_width(c);
    printf("%-*s %9s %11s %11s %8s %9s\n", width, "optimizer", "distance", "excess", "worst of",
           "unstable", "bursts");
    printf("%-*s %9s %11s %11s %8s %9s\n", width, "", "", "loss", "last tenth", "at step",
           "(first)");
    for (int k = 0; k < c->count; k++) print_run(c->optimizer[k], &c->result[k], width);
}

/* ---- the picture ---- */

/* Lines one after the other, a NaN between two. */
typedef struct outline {
    double *x, *y;
    size_t n, capacity;
    const contest_plane *plane;
    bool failed;
} outline;

enum { SAMPLES = 81 }; /* of the heights, across and up */

static bool make_room(outline *o, size_t more) {
    if (o->n + more <= o->capacity) return true;
    const size_t capacity = 2 * (o->n + more);
    double *x = realloc(o->x, capacity * sizeof *x);
    if (x) o->x = x;
    double *y = realloc(o->y, capacity * sizeof *y);
    if (y) o->y = y;
    if (!x || !y) {
        o->failed = true;
        return false;
    }
    o->capacity = capacity;
    return true;
}

static double between(const double range[2], double sample) {
    return range[0] + (range[1] - range[0]) * sample / (SAMPLES - 1);
}

static void add_line(void *context, const double (*point)[2], size_t n, bool closed) {
    outline *o = context;
    if (!make_room(o, n + 2)) return;
    for (size_t k = 0; k < n + (closed ? 1 : 0); k++) {
        o->x[o->n] = between(o->plane->x, point[k % n][0]);
        o->y[o->n++] = between(o->plane->y, point[k % n][1]);
    }
    o->x[o->n] = o->y[o->n] = NAN;
    o->n++;
}

static void trace_contours(const contest *c, outline *o) {
    double *z = malloc(sizeof *z * SAMPLES * SAMPLES);
    o->failed = !z;
    for (int k = 0; z && k < SAMPLES * SAMPLES; k++)
        z[k] = contest_height(c->surface, between(o->plane->x, k % SAMPLES),
                              between(o->plane->y, k / SAMPLES));
    for (int k = 0; z && !o->failed && k < CONTEST_LEVELS;
         k += 2) /* a terminal has room for half */
        if (svg_contour(z, SAMPLES, SAMPLES, o->plane->level[k], add_line, o)) o->failed = true;
    free(z);
}

static int no_memory(void) {
    return failure(EXIT_INPUT, "out of memory for the picture");
}

static plot terminal_plot(void) {
    return (plot){.out = stdout,
                  .columns = cli_width(stdout),
                  .braille = plot_has_braille(),
                  .color = cli_color(stdout)};
}

/* A series for each run, from malloc: free series[0].x. `over_steps`: the height over the steps,
 * for surfaces with a least loss the excess; else the second coordinate over the first. */
static bool make_series(const contest *c, plot_series series[CONTEST_MOST], bool over_steps) {
    const double least = isfinite(c->surface->least) ? c->surface->least : 0;
    size_t most = 0;
    for (int k = 0; k < c->count; k++) most += (size_t)c->result[k].trace.count;
    double *x = malloc(2 * most * sizeof *x);
    if (!x) return false;
    for (int k = 0; k < c->count; k++) {
        const race_trace *t = &c->result[k].trace;
        double *y = x + t->count;
        for (int64_t i = 0; i < t->count; i++) {
            x[i] = over_steps ? (double)t->step[i] : t->theta[2 * i];
            y[i] = over_steps ? t->loss[i] - least : t->theta[2 * i + 1];
        }
        series[k] = (plot_series){c->optimizer[k], x, y, (size_t)t->count};
        x = y + t->count;
    }
    return true;
}

static int draw_plane(const contest *c) {
    const contest_plane plane = contest_make_plane(c);
    outline o = {.plane = &plane};
    trace_contours(c, &o);
    plot_series series[CONTEST_MOST];
    const plot_series ground = {.x = o.x, .y = o.y, .n = o.n};
    const bool made = !o.failed && make_series(c, series, false);
    if (made) {
        plot p = terminal_plot();
        p.rows = 22;
        p.x_axis = (plot_axis){plane.x[0], plane.x[1]};
        p.y_axis = (plot_axis){plane.y[0], plane.y[1]};
        p.ground = &ground;
        plot_print(&p, series, (size_t)c->count);
        free((void *)series[0].x);
    }
    free(o.x);
    free(o.y);
    return made ? 0 : no_memory();
}

static int draw_loss(const contest *c) {
    plot_series series[CONTEST_MOST];
    if (!make_series(c, series, true)) return no_memory();
    plot p = terminal_plot();
    const contest_heights shown = contest_find_heights(c);
    p.log_y = isfinite(c->surface->least);
    p.y_axis = (plot_axis){shown.least, shown.most};
    printf("%s over the steps\n", p.log_y ? "excess loss" : "loss");
    plot_print(&p, series, (size_t)c->count);
    free((void *)series[0].x);
    return 0;
}

int contest_print_terminal(const contest *c) {
    print_head(c);
    print_table(c);
    putchar('\n');
    return c->surface->size == 2 ? draw_plane(c) : draw_loss(c);
}
