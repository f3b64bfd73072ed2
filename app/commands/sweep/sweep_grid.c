/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_grid.c - every combination of the values, with every seed: its configuration and its
 * folder.
 */
#include "commands/sweep/sweep.h"
#include "run/config_options.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 200, VALUE_SIZE = 40 };

int64_t sweep_value_of(const sweep *s, int64_t cell, int axis) {
    for (int k = s->naxes - 1; k > axis; k--) cell /= s->axis[k].count;
    return cell % s->axis[axis].count;
}

const char *sweep_text_of(const sweep *s, int64_t cell, int axis) {
    return s->axis[axis].value[sweep_value_of(s, cell, axis)];
}

/* ---- axes ---- */

/* What the sweep itself decides. */
static int check_axis(const sweep *s, const sweep_axis *axis) {
    const char *name = axis->target.name;
    if (axis->target.setting < 0 && axis->target.key == CONFIG_KEY_seed)
        return failure(FAILURE_USAGE, "--vary seed: seeds are those of --seeds N, from `seed` on");
    if (axis->target.setting < 0 &&
        (axis->target.key == CONFIG_KEY_name || axis->target.key == CONFIG_KEY_runs_dir))
        return failure(FAILURE_USAGE,
                       "--vary %s: the runs of a sweep are named by it, below -o DIR", name);
    for (const sweep_axis *other = s->axis; other < axis; other++)
        if (!strcmp(other->target.name, name))
            return failure(FAILURE_USAGE, "--vary %s is given twice", name);
    return 0;
}

static int read_axes(sweep *s) {
    int status = 0;
    for (int k = 0; k < s->args->ngiven && !status; k++) {
        if (s->args->given[k].option != CLI_VARY) continue;
        if (s->naxes == SWEEP_AXES_MAX)
            return failure(FAILURE_USAGE, "--vary is given more than %d times, the limit",
                           SWEEP_AXES_MAX);
        sweep_axis *axis = &s->axis[s->naxes++];
        status = sweep_axis_read(axis, s->args->given[k].value);
        if (!status) status = check_axis(s, axis);
    }
    if (!status && s->naxes == 0)
        return failure(FAILURE_USAGE, "sweep needs something to vary: --vary lr=1e-4:1:log:9");
    return status;
}

/* ---- folders ---- */

/* A value as a part of a file's name. */
static void add_plain(char *name, const char *value) {
    size_t used = strlen(name);
    for (int k = 0; value[k] && k < VALUE_SIZE && used + 1 < NAME_SIZE; k++)
        name[used++] =
            isalnum((unsigned char)value[k]) || strchr("._+-", value[k]) ? value[k] : '_';
    name[used] = '\0';
}

/* Whether the value is as it stands in the name. */
static bool is_plain(const char *value) {
    char name[NAME_SIZE] = "";
    add_plain(name, value);
    return !strcmp(name, value);
}

/* "lr=0.01,batch_size=32,seed=1"; a value that loses something in a name has its number with it. */
static void name_run(const sweep *s, int64_t cell, int64_t seed, char name[NAME_SIZE]) {
    *name = '\0';
    for (int k = 0; k < s->naxes; k++) {
        const char *value = sweep_text_of(s, cell, k);
        const size_t used = strlen(name);
        snprintf(name + used, NAME_SIZE - used, "%s=", s->axis[k].target.name);
        add_plain(name, value);
        const size_t now = strlen(name);
        if (!is_plain(value))
            snprintf(name + now, NAME_SIZE - now, "-%" PRId64, sweep_value_of(s, cell, k) + 1);
        strncat(name, ",", NAME_SIZE - 1 - strlen(name));
    }
    char last[48];
    snprintf(last, sizeof last, "seed=%" PRId64, seed);
    strncat(name, last, NAME_SIZE - 1 - strlen(name));
}

static int check_name(const char *name) {
    if (strlen(name) < NAME_SIZE - 1) return 0;
    return failure(FAILURE_USAGE,
                   "the names of the runs would be longer than %d bytes: fewer keys or shorter "
                   "values take less",
                   NAME_SIZE - 2);
}

/* ---- configurations ---- */

static int put_axes(const sweep *s, run_config *c, int64_t cell, bool settings) {
    int status = 0;
    for (int k = 0; k < s->naxes && !status; k++)
        if ((s->axis[k].target.setting >= 0) == settings)
            status = config_target_put(c, &s->axis[k].target, sweep_text_of(s, cell, k), "--vary");
    return status;
}

/* As `ravine train` would have it. */
static int read_base(const sweep *s, run_config *c) {
    int status = config_init(c);
    if (status) return status;
    if (s->args->operand[0]) status = config_read_file(c, s->args->operand[0]);
    if (!status) status = config_read_variables(c);
    return status ? status : config_read_options(c, s->args);
}

/* Settings come after the rule, whichever is varied. */
static int configure(const sweep *s, run_config *c, int64_t cell) {
    int status = read_base(s, c);
    if (!status) status = put_axes(s, c, cell, false);
    if (!status) status = config_read_settings(c, s->args);
    if (!status) status = put_axes(s, c, cell, true);
    /* one thread each where several run at a time and nobody has said how many */
    if (!status && c->threads == 0 && s->jobs != 1)
        status = config_put(c, CONFIG_KEY_threads, "1", "--jobs");
    return status;
}

static int place(sweep *s, sweep_run *run) {
    char name[NAME_SIZE], seed[24], path[PATH_MAX + NAME_SIZE];
    name_run(s, run->cell, run->seed, name);
    snprintf(seed, sizeof seed, "%" PRId64, run->seed);
    int status = check_name(name);
    if (!status) status = config_put(&run->config, CONFIG_KEY_seed, seed, "--seeds");
    if (!status) status = config_put(&run->config, CONFIG_KEY_name, name, "--output");
    if (!status) status = config_put(&run->config, CONFIG_KEY_runs_dir, s->folder, "--output");
    if (status) return status;
    if (snprintf(path, sizeof path, "%s/%s", s->folder, name) >= PATH_MAX)
        return failure(FAILURE_USAGE,
                       "the folders of the runs in %s would have names longer than %d bytes",
                       s->folder, PATH_MAX - 1);
    run->folder = strdup(path);
    return run->folder ? 0 : failure(FAILURE_INPUT, "out of memory for the runs");
}

static int check(const run_config *c) {
    ravine_config rule;
    const int status = config_check(c);
    return status ? status : config_rule(c, &rule);
}

static int make_run(sweep *s, int64_t k, int64_t first_seed) {
    sweep_run *run = &s->run[k];
    run->cell = k % s->ncells;
    run->seed = first_seed + k / s->ncells;
    int status = configure(s, &run->config, run->cell);
    if (!status) status = place(s, run);
    if (!status) status = check(&run->config);
    if (status != FAILURE_USAGE || !run->folder) return status;
    char told[1024];
    snprintf(told, sizeof told, "%s", failure_text());
    return failure(status, "%s: %s", strrchr(run->folder, '/') + 1, told);
}

/* ---- all of them ---- */

/* RUNS_DIR/NAME-sweep, unless -o names another. */
static int name_folder(sweep *s, const run_config *base) {
    const char *given = cli_text(s->args, CLI_SWEEP_FOLDER);
    int length =
        given ? snprintf(s->folder, sizeof s->folder, "%s", given)
              : snprintf(s->folder, sizeof s->folder, "%s/%s-sweep", base->runs_dir, base->name);
    if (given && !*given) return failure(FAILURE_USAGE, "--output is empty; it must be a folder");
    while (length > 1 && length < PATH_MAX && s->folder[length - 1] == '/')
        s->folder[--length] = '\0';
    return length < PATH_MAX
               ? 0
               : failure(FAILURE_USAGE, "the name of the folder is longer than %d bytes",
                         PATH_MAX - 1);
}

static int processors(int32_t *count) {
    ravine_pool *pool;
    const int status = failure_of(ravine_pool_create(&pool, 0));
    if (status) return status;
    *count = ravine_pool_threads(pool);
    ravine_pool_destroy(pool);
    return 0;
}

static int choose_jobs(sweep *s, const run_config *base) {
    int32_t count = 1;
    s->jobs = cli_count(s->args, CLI_JOBS, 0);
    if (s->jobs) return 0;
    const int status = processors(&count);
    s->jobs = count / (base->threads ? base->threads : 1);
    if (s->jobs < 1) s->jobs = 1;
    return status;
}

static int make_room(sweep *s) {
    s->ncells = 1;
    for (int k = 0; k < s->naxes; k++) {
        if (s->ncells <= SWEEP_RUNS_MAX) s->ncells *= s->axis[k].count;
    }
    s->nseeds = cli_count(s->args, CLI_SWEEP_SEEDS, 1);
    s->nruns = s->ncells * s->nseeds;
    if (s->nruns > SWEEP_RUNS_MAX)
        return failure(FAILURE_USAGE,
                       "the product of all values and seeds is above %d runs, the limit",
                       SWEEP_RUNS_MAX);
    s->run = calloc((size_t)s->nruns, sizeof *s->run);
    s->cell = calloc((size_t)s->ncells, sizeof *s->cell);
    s->room = calloc((size_t)s->nseeds, sizeof *s->room);
    return s->run && s->cell && s->room ? 0 : failure(FAILURE_INPUT, "out of memory for the runs");
}

int sweep_grid_make(sweep *s) {
    run_config base;
    int status = read_base(s, &base);
    if (!status) status = read_axes(s);
    if (!status) status = name_folder(s, &base);
    if (!status) status = choose_jobs(s, &base);
    if (!status) status = make_room(s);
    for (int64_t k = 0; k < s->nruns && !status; k++) status = make_run(s, k, base.seed);
    config_free(&base);
    return status;
}

void sweep_grid_free(sweep *s) {
    for (int64_t k = 0; s->run && k < s->nruns; k++) {
        config_free(&s->run[k].config);
        free(s->run[k].folder);
    }
    for (int k = 0; k < s->naxes; k++) sweep_axis_free(&s->axis[k]);
    free(s->run);
    free(s->cell);
    free(s->room);
}
