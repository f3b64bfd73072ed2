/* SPDX-License-Identifier: Apache-2.0 */
/* train_series.c - the runs of a series, one after the other, then mean and spread. */
#include "commands/train/train_series.h"

#include "cli/interrupt.h"
#include "commands/train/train_one.h"
#include "io/spread_json.h"
#include "page/printable.h"
#include "trainer/train.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct member {
    int64_t seed, fold; /* fold 0: the rows are not cut */
    char folder[PATH_MAX];
    run_score validation; /* of the best epoch; NaN: none */
    run_score test;       /* NaN: it diverged */
    int64_t epochs, best_epoch;
    int32_t verdict; /* -1: nobody watched */
} member;

typedef struct series {
    run_config *config;
    char folder[PATH_MAX];
    member *member; /* [count] */
    double *value;  /* [count] room for one of each */
    int64_t count, folds, ended;
    const char *score; /* what the scores are, as the log names them */
    FILE *table;       /* NULL: quiet */
} series;

bool train_is_series(const cli_args *args) {
    return cli_is_given(args, CLI_FOLDS) || cli_is_given(args, CLI_SEEDS);
}

/* ---- one run ---- */

static int put_number(run_config *c, config_key key, int64_t number, const char *origin) {
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    return config_put(c, key, text, origin);
}

/* The configuration is that of the member; its name says which one it is. */
static int configure(const series *s, const member *m) {
    run_config *c = s->config;
    char name[64];
    snprintf(name, sizeof name, "seed%lld", (long long)m->seed);
    if (m->fold)
        snprintf(name, sizeof name, "seed%lld-fold%lld", (long long)m->seed, (long long)m->fold);
    int status = put_number(c, CONFIG_KEY_seed, m->seed, "--seeds");
    if (!status && m->fold) status = put_number(c, CONFIG_KEY_data_folds, s->folds, "--folds");
    if (!status && m->fold) status = put_number(c, CONFIG_KEY_data_fold, m->fold, "--folds");
    if (!status) status = config_put(c, CONFIG_KEY_runs_dir, s->folder, "--name");
    if (!status) status = config_put(c, CONFIG_KEY_name, name, "--name");
    return status ? status : config_check(c);
}

/* What is noted of a run that ended. */
typedef struct ending {
    series *series;
    member *member;
} ending;

static void note_result(void *context, const training *t, const train_result *r,
                        const char *folder) {
    const ending *of = context;
    member *m = of->member;
    const run_epoch *best = train_best(t, r);
    of->series->score = run_score_name(&t->data.train);
    snprintf(m->folder, sizeof m->folder, "%s", folder);
    m->epochs = r->nepochs;
    m->best_epoch = best ? best->epoch : r->nepochs;
    if (best) m->validation = best->validation;
    if (r->tested) m->test = r->test.score;
    if (r->diagnosis.size) m->verdict = r->diagnosis.verdict;
}

static int run_member(series *s, member *m) {
    ending of = {s, m};
    const int status = configure(s, m);
    return status ? status : train_quietly(s->config, NULL, note_result, &of);
}

/* ---- mean and spread ---- */

typedef double value_of(const member *m);
static double validation_loss(const member *m) {
    return m->validation.loss;
}
static double validation_score(const member *m) {
    return m->validation.score;
}
static double test_loss(const member *m) {
    return m->test.loss;
}
static double test_score(const member *m) {
    return m->test.score;
}

/* Of the runs that have the value. */
static ravine_spread spread_of(const series *s, value_of *value) {
    for (int64_t k = 0; k < s->ended; k++) s->value[k] = value(&s->member[k]);
    return ravine_spread_of(s->value, s->ended);
}

/* ---- told ---- */

static void put_cell(FILE *out, double value) {
    if (isnan(value))
        fprintf(out, " %10s", "-");
    else
        fprintf(out, " %10.4f", value);
}

static void print_head(const series *s) {
    if (!s->table) return;
    fprintf(s->table, "%lld runs in ", (long long)s->count);
    printable_put(s->table, s->folder);
    fprintf(s->table, "\n\n%-18s %6s %5s %10s %10s %10s %10s  doctor\n", "run", "epochs", "best",
            "validation", "score", "test", "score");
    fflush(s->table);
}

static void print_member(const series *s, const member *m) {
    if (!s->table) return;
    const char *slash = strrchr(m->folder, '/');
    fprintf(s->table, "%-18s %6lld %5lld", slash ? slash + 1 : m->folder, (long long)m->epochs,
            (long long)m->best_epoch);
    put_cell(s->table, m->validation.loss);
    put_cell(s->table, m->validation.score);
    put_cell(s->table, m->test.loss);
    put_cell(s->table, m->test.score);
    fprintf(s->table, "  %s\n", m->verdict < 0 ? "-" : ravine_verdict_word(m->verdict));
    fflush(s->table);
}

static void print_spread(const series *s) {
    if (!s->table || s->ended == 0) return;
    static value_of *const columns[] = {validation_loss, validation_score, test_loss, test_score};
    fprintf(s->table, "\n%-18s %12s", "mean", "");
    for (int k = 0; k < 4; k++) put_cell(s->table, spread_of(s, columns[k]).mean);
    fprintf(s->table, "\n%-18s %12s", "standard deviation", "");
    for (int k = 0; k < 4; k++) put_cell(s->table, spread_of(s, columns[k]).deviation);
    const ravine_spread test = spread_of(s, test_loss);
    const bool errors = !strcmp(s->score, "rmse");
    fprintf(s->table, "\n\nscores: %s%s\n", s->score, errors ? " of the standardised target" : "");
    if (test.count < s->ended)
        fprintf(s->table, "%lld of %lld runs diverged and are in no mean of the test\n",
                (long long)(s->ended - test.count), (long long)s->ended);
}

static json_t *score_json(const series *s, const run_score *score) {
    if (isnan(score->loss)) return json_null();
    return json_pack("{so so}", "loss", number_json(score->loss), s->score,
                     number_json(score->score));
}

static json_t *member_json(const series *s, const member *m) {
    return json_pack("{ss sI so sI sI so so so}", "run", m->folder, "seed", (json_int_t)m->seed,
                     "fold", m->fold ? json_integer((json_int_t)m->fold) : json_null(), "epochs",
                     (json_int_t)m->epochs, "best_epoch", (json_int_t)m->best_epoch, "validation",
                     score_json(s, &m->validation), "test", score_json(s, &m->test), "verdict",
                     m->verdict < 0 ? json_null() : json_string(ravine_verdict_word(m->verdict)));
}

static json_t *value_json(const series *s, value_of *value) {
    const ravine_spread x = spread_of(s, value);
    return spread_json(&x);
}

static json_t *series_json(const series *s) {
    json_t *runs = json_array();
    for (int64_t k = 0; k < s->ended; k++)
        json_array_append_new(runs, member_json(s, &s->member[k]));
    return json_pack("{ss so s{so so} s{so so}}", "folder", s->folder, "runs", runs, "validation",
                     "loss", value_json(s, validation_loss), s->score,
                     value_json(s, validation_score), "test", "loss", value_json(s, test_loss),
                     s->score, value_json(s, test_score));
}

/* ---- all of them ---- */

static int list_members(series *s, const cli_args *args) {
    const int64_t seeds = cli_count(args, CLI_SEEDS, 1), first = s->config->seed;
    s->folds = cli_count(args, CLI_FOLDS, 0);
    const int64_t parts = s->folds ? s->folds : 1;
    s->count = seeds * parts;
    s->member = calloc((size_t)s->count, sizeof *s->member);
    s->value = calloc((size_t)s->count, sizeof *s->value);
    if (!s->member || !s->value) return failure(FAILURE_INPUT, "out of memory");
    const run_score none = {NAN, NAN};
    for (int64_t k = 0; k < s->count; k++)
        s->member[k] = (member){.seed = first + k / parts,
                                .fold = s->folds ? k % parts + 1 : 0,
                                .validation = none,
                                .test = none,
                                .verdict = -1};
    return 0;
}

/* A run that diverges is told, and is no reason to make no other. */
static int run_all(series *s) {
    int diverged = 0;
    interrupt_hold();
    print_head(s);
    for (; s->ended < s->count; s->ended++) {
        member *m = &s->member[s->ended];
        const int status = run_member(s, m);
        if (status == FAILURE_DIVERGED)
            diverged = status;
        else if (status)
            return status;
        print_member(s, m);
    }
    return diverged ? failure(diverged, "runs of %s diverged; their logs say where", s->folder) : 0;
}

/* Before a folder is made: the first of them can be made of its data. */
static int check(series *s) {
    training t;
    snprintf(s->folder, sizeof s->folder, "%s", s->config->runs_dir);
    char *name = strdup(s->config->name);
    int status = name ? configure(s, &s->member[0]) : failure(FAILURE_INPUT, "out of memory");
    if (!status) status = training_create(&t, s->config);
    if (!status) training_free(&t);
    if (!status) status = run_folder_create(s->folder, s->config->runs_dir, name);
    free(name);
    return status;
}

int train_series(run_config *c, const cli_args *args) {
    const bool json = cli_is_given(args, CLI_JSON), quiet = cli_is_given(args, CLI_QUIET);
    if (cli_is_given(args, CLI_RESUME))
        return failure(FAILURE_USAGE,
                       "--resume goes on with one run; --folds and --seeds begin new "
                       "ones");
    series s = {.config = c, .table = quiet ? NULL : json ? stderr : stdout};
    int status = list_members(&s, args);
    if (!status) status = check(&s);
    if (!status) {
        status = run_all(&s);
        char told[1024];
        snprintf(told, sizeof told, "%s", status ? failure_text() : "");
        print_spread(&s);
        const int printed = json ? cli_print_json(series_json(&s)) : 0;
        status = status ? failure(status, "%s", told) : printed;
    }
    free(s.member);
    free(s.value);
    return status;
}
