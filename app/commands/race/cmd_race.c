/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_race.c - `ravine race`: reads what to run, runs it, and picks who prints it. */
#include "commands/race/race_command.h"
#include "run/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what to run ---- */

/* The word in single blanks, for tables, legends and files. */
static char *single_blanks(const char *text) {
    static const char blanks[] = " \t\r\n";
    char *out = malloc(strlen(text) + 1);
    size_t used = 0;
    for (text += strspn(text, blanks); out && *text; text += strspn(text, blanks)) {
        const size_t length = strcspn(text, blanks);
        if (used > 0) out[used++] = ' ';
        memcpy(out + used, text, length);
        used += length;
        text += length;
    }
    if (out) out[used] = '\0';
    return out;
}

int race_read_start(const char *text, const surface *s, double start[SURFACE_SIZE_MAX]) {
    int count = 0;
    for (const char *at = text;; at++) {
        char *end;
        const double value = strtod(at, &end);
        if (end == at || !isfinite(value) || (*end && *end != ','))
            return failure(EXIT_USAGE, "--start is %s; it must be finite numbers split by commas",
                           text);
        if (count < SURFACE_SIZE_MAX) start[count] = value;
        count++;
        if (!*end) break;
        at = end;
    }
    if (count == s->size) return 0;
    return failure(EXIT_USAGE, "--start has %d number%s; surface %s has %d coordinates", count,
                   count == 1 ? "" : "s", s->spec, s->size);
}

int race_read_schedule(const cli_args *args, char **schedule) {
    const char *text = cli_text(args, CLI_LR_SCHEDULE);
    if (!text) return 0;
    *schedule = config_expand_shares(text, cli_count(args, CLI_RACE_STEPS, 1));
    return *schedule ? 0 : failure(EXIT_INPUT, "out of memory");
}

static int read_dtype(const char *text, ravine_dtype *dtype) {
    *dtype = strcmp(text, "f32") == 0 ? RAVINE_F32 : RAVINE_F64;
    if (*dtype == RAVINE_F32 || strcmp(text, "f64") == 0) return 0;
    return failure(EXIT_USAGE, "--dtype is %s; it must be f64 or f32", text);
}

/* ---- who prints it ---- */

typedef int (*printer)(const contest *c);

/* By --json, else by the ending of --output. */
static int choose_printer(const cli_args *args, printer *print) {
    static const struct {
        const char *ending;
        printer print;
    } known[] = {
        {".html", contest_print_html}, {".svg", contest_print_svg}, {".csv", contest_print_csv}};
    const char *output = cli_text(args, CLI_OUTPUT);
    *print = cli_is_given(args, CLI_JSON) ? contest_print_json : contest_print_terminal;
    if (*print == contest_print_json || strcmp(output, "-") == 0) return 0;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        const size_t length = strlen(output), tail = strlen(known[k].ending);
        *print = known[k].print;
        if (length > tail && strcmp(output + length - tail, known[k].ending) == 0) return 0;
    }
    return failure(EXIT_USAGE,
                   "--output is %s; its ending must be .html, .svg or .csv, or add "
                   "--json",
                   output);
}

/* Steps between two that are recorded: for two coordinates nearly all of them, so that no burst
 * is missed. */
static int64_t stride(const contest *c) {
    const int64_t most = c->surface->size == 2 ? 200000 : 2000;
    return (c->steps + most - 1) / most;
}

static int run(contest *c, const double *start, int64_t record_every) {
    for (int k = 0; k < c->count; k++) {
        const race_setup setup = {.surface = c->surface,
                                  .start = start,
                                  .optimizer = c->optimizer[k],
                                  .schedule = c->schedule,
                                  .steps = c->steps,
                                  .dtype = c->dtype,
                                  .record_every = record_every};
        const int code = race_run(&c->result[k], &setup);
        if (code) return code;
    }
    return 0;
}

static int race(const cli_args *args, contest *c) {
    const char *name = cli_text(args, CLI_SURFACE), *start_text = cli_text(args, CLI_START);
    double start[SURFACE_SIZE_MAX];
    printer print;
    if (!name)
        return failure(EXIT_USAGE,
                       "race needs --surface NAME; `ravine race --surfaces` lists them");
    int code = surface_create(&c->surface, name);
    if (!code) code = read_dtype(cli_text(args, CLI_DTYPE), &c->dtype);
    if (!code && start_text) code = race_read_start(start_text, c->surface, start);
    if (!code) code = choose_printer(args, &print);
    if (code) return code;
    for (int k = 0; k < args->ngiven; k++) {
        if (args->given[k].option != CLI_OPTIMIZER) continue;
        if (c->count == CONTEST_MOST)
            return failure(EXIT_USAGE, "there are more than %d --optimizer", CONTEST_MOST);
        c->optimizer[c->count] = single_blanks(args->given[k].value);
        if (!c->optimizer[c->count++]) return failure(EXIT_INPUT, "out of memory");
    }
    if (c->count == 0)
        return failure(EXIT_USAGE, "race needs --optimizer \"NAME setting=value ...\"; `ravine "
                                   "optimizers` lists the names");
    code = run(c, start_text ? start : NULL, print == contest_print_json ? 0 : stride(c));
    return code ? code : print(c);
}

int cmd_race(const cli_args *args) {
    if (cli_is_given(args, CLI_SURFACES))
        return contest_print_surfaces(cli_is_given(args, CLI_JSON));
    contest c = {.steps = cli_count(args, CLI_RACE_STEPS, 1)};
    char *schedule = NULL;
    int code = race_read_schedule(args, &schedule);
    c.schedule = schedule;
    if (!code) code = race(args, &c);
    free(schedule);
    for (int k = 0; k < c.count; k++) {
        free(c.optimizer[k]);
        race_free(&c.result[k]);
    }
    surface_destroy(c.surface);
    return code;
}
