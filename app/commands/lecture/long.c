/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/lecture/long.h"

#include "file/folder.h"
#include "io/number_json.h"
#include "io/write_file.h"
#include "lecture/sweeps.h"
#include "page/assets.h"
#include "run/run_reader.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 8 };
#define NOISE_BATCH "1024" /* so large that a few batches find the gradient */
/* Which training loss a batch is to come to, as the mean over so many examples in a row. */
static const double target = 0.5;
enum { MEAN_OVER = 8192 };

typedef struct long_sweep {
    const char *name;
    const asset *config;
    const char *file; /* its name */
    int row, column;  /* which --vary */
    bool waits;       /* for the target */
    const char *word[WORDS_MAX];
} long_sweep;

#define BATCHES "--vary", "batch_size=16,64,256," NOISE_BATCH, "--seeds", "2"
static const long_sweep rate_sgd = {"rate_sgd",
                                    &asset_rate_batch_yaml,
                                    "rate_batch.yaml",
                                    1,
                                    0,
                                    true,
                                    {"--vary", "lr=1e-3:10:log:9", BATCHES}};
static const long_sweep rate_adam = {
    "rate_adam",
    &asset_rate_batch_yaml,
    "rate_batch.yaml",
    1,
    0,
    true,
    {"--set", "optimizer=adam", "--vary", "lr=1e-5:0.1:log:9", BATCHES}};
static const long_sweep resnet = {
    "resnet",
    &asset_warmup_resnet_yaml,
    "warmup_resnet.yaml",
    0,
    1,
    false,
    {"--vary", "lr=0.3,1,3", "--vary",
     "schedule.lr=constant(50%) linear(50%, to=0) lr=1,warmup(60) constant(46) linear(50%, to=0) "
     "lr=1",
     "--seeds", "3"}};
static const long_sweep transformer = {
    "transformer",
    &asset_warmup_transformer_yaml,
    "warmup_transformer.yaml",
    0,
    1,
    false,
    {"--vary", "model.norm=post,pre", "--vary",
     "schedule.lr=constant lr=1.5e-3,warmup(100) constant lr=1.5e-3", "--seeds", "3"}};

/* ---- the lines ---- */

static int append(json_t *lines, json_t *line) {
    return json_array_append_new(lines, line) == 0
               ? 0
               : failure(FAILURE_INPUT, "out of memory for what the sweeps came to");
}

/* A number as it is; of a schedule its steps of warm-up; of other words which of them it is. */
static double value_of(const sweep *s, int64_t cell, int axis) {
    static const char warmup[] = "warmup(";
    const sweep_axis *a = &s->axis[axis];
    const int64_t k = sweep_value_of(s, cell, axis);
    if (a->number) return a->number[k];
    if (strcmp(a->target.name, "schedule.lr") != 0) return (double)k;
    const char *found = strstr(a->value[k], warmup);
    return found ? strtod(found + sizeof warmup - 1, NULL) : 0;
}

static int add_run(json_t *lines, const long_sweep *l, const sweep *s, const sweep_run *run) {
    double steps = NAN;
    const int status = l->waits ? long_steps(&steps, run, target, MEAN_OVER) : 0;
    if (status) return status;
    const double loss = run->diverged ? NAN : run->validation.loss;
    return append(lines, json_pack("{ss ss so so sI so so}", "sweep", l->name, "type", "run", "row",
                                   number_json(value_of(s, run->cell, l->row)), "column",
                                   number_json(value_of(s, run->cell, l->column)), "seed",
                                   (json_int_t)run->seed, "loss", number_json(loss), "steps",
                                   number_json(steps)));
}

/* What a shell takes for one word. */
static void put_word(FILE *out, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "@%+=:,./-_";
    fprintf(out, word[strspn(word, plain)] ? " '%s'" : " %s", word);
}

/* As a person types it, for free(). NULL: no memory. */
static char *command_of(const long_sweep *l) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    fprintf(out, "ravine sweep examples/sweeps/%s", l->file);
    for (int k = 0; k < WORDS_MAX && l->word[k]; k++) put_word(out, l->word[k]);
    return fclose(out) == 0 ? text : NULL;
}

/* "2 processors, AMD EPYC, x86_v3, oneDNN 2.6.3", from the header of a run. */
static json_t *machine_json(const json_t *header) {
    const json_t *machine = json_object_get(header, "machine");
    json_int_t processors = 0;
    const char *processor = "unknown", *isa = "", *products = "";
    json_unpack((json_t *)machine, "{sI s?s s?s s?s}", "processors", &processors, "processor",
                &processor, "isa", &isa, "products", &products);
    return json_sprintf("%" JSON_INTEGER_FORMAT " processors, %s, %s, %s", processors, processor,
                        isa, products);
}

/* The header of the run that began last. */
static int last_header(json_t **last, const sweep *s) {
    int status = 0;
    *last = NULL;
    for (int64_t k = 0; k < s->nruns && !status; k++) {
        json_t *header;
        int64_t bytes;
        status = run_read_header(&header, &bytes, s->run[k].folder);
        if (status) break;
        const char *at = json_string_value(json_object_get(header, "started"));
        const char *before = json_string_value(json_object_get(*last, "started"));
        const bool later = !*last || (at && before && strcmp(at, before) > 0);
        json_decref(later ? *last : header);
        if (later) *last = header;
    }
    return status;
}

static int add_made(json_t *lines, const long_sweep *l, const sweep *s) {
    json_t *header;
    int status = last_header(&header, s);
    char *command = command_of(l);
    const char *started = json_string_value(json_object_get(header, "started"));
    if (!status)
        status = append(lines, json_pack("{ss ss ss so so so}", "sweep", l->name, "type", "made",
                                         "command", command, "day",
                                         json_sprintf("%.10s", started ? started : ""), "machine",
                                         machine_json(header), "target",
                                         number_json(l->waits ? target : NAN)));
    free(command);
    json_decref(header);
    return status;
}

static int add_lines(json_t *lines, const long_sweep *l, const sweep *s) {
    int status = add_made(lines, l, s);
    for (int64_t k = 0; k < s->nruns && !status; k++) status = add_run(lines, l, s, &s->run[k]);
    return status;
}

/* ---- the sweeps ---- */

typedef struct long_run {
    cli_args args;
    sweep sweep;
    char folder[PATH_MAX], config[PATH_MAX];
} long_run;

static int place(long_run *r, const long_sweep *l, const char *folder) {
    const int one = snprintf(r->folder, PATH_MAX, "%s/sweeps/%s", folder, l->name);
    const int other = snprintf(r->config, PATH_MAX, "%s/sweeps/%s", folder, l->file);
    if (one >= PATH_MAX || other >= PATH_MAX)
        return failure(FAILURE_USAGE, "the name of the folder is longer than %d bytes",
                       PATH_MAX - 1);
    const int status = failure_of(ravine_folder_create(r->folder, NULL));
    return status ? status : write_file(r->config, l->config->bytes, l->config->size);
}

/* long_run_free() in any case. */
static int make(long_run *r, const long_sweep *l, const char *folder) {
    const char *words[WORDS_MAX + 5] = {"ravine", "sweep", r->config, "-o", r->folder};
    int count = 5;
    for (int k = 0; k < WORDS_MAX && l->word[k]; k++) words[count++] = l->word[k];
    int status = place(r, l, folder);
    if (!status) status = cli_parse(&r->args, count, words);
    if (!status) fprintf(stderr, "ravine: %s\n", l->name);
    if (!status) status = sweep_make(&r->sweep, &r->args);
    return status ? status : sweep_save(&r->sweep);
}

static void long_run_free(long_run *r) {
    sweep_free(&r->sweep);
    cli_args_free(&r->args);
}

static int make_lines(json_t *lines, const long_sweep *l, const char *folder) {
    long_run r = {.sweep.lock = -1};
    int status = make(&r, l, folder);
    if (!status) status = add_lines(lines, l, &r.sweep);
    long_run_free(&r);
    return status;
}

/* Along runs of the best rates, every so many steps. */
static int make_noise(json_t *lines, const char *folder) {
    const double batch = strtod(NOISE_BATCH, NULL);
    char rules[96];
    snprintf(rules, sizeof rules, "optimizer=sgd momentum=0.9 lr=%g,adam lr=%g",
             saved_best(lines, rate_sgd.name, batch, NULL),
             saved_best(lines, rate_adam.name, batch, NULL));
    const long_sweep noise = {"noise",
                              &asset_rate_batch_yaml,
                              "rate_batch.yaml",
                              0,
                              0,
                              true,
                              {"--set=batch_size=" NOISE_BATCH, "--set=checkpoint.steps=10",
                               "--set=checkpoint.keep=100", "--vary", rules, "--seeds", "2"}};
    long_run r = {.sweep.lock = -1};
    int status = make(&r, &noise, folder);
    if (!status) status = add_lines(lines, &noise, &r.sweep);
    for (int64_t k = 0; k < r.sweep.nruns && !status; k++) {
        const sweep_run *run = &r.sweep.run[k];
        json_t *at = json_pack("{ss ss sf sI}", "sweep", noise.name, "type", "noise", "row",
                               value_of(&r.sweep, run->cell, 0), "seed", (json_int_t)run->seed);
        status = long_noise(lines, run, at);
        json_decref(at);
    }
    long_run_free(&r);
    return status;
}

/* ---- the file ---- */

static char *text_of(const json_t *lines) {
    char *text = NULL;
    size_t size, k;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    json_t *line;
    json_array_foreach(lines, k, line) {
        json_dumpf(line, out, JSON_REAL_PRECISION(6));
        putc('\n', out);
    }
    return fclose(out) == 0 ? text : NULL;
}

/* Read back, so that what is drawn now is what is drawn from the file. */
static int save(json_t **saved, const json_t *lines, const char *folder) {
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/sweeps.jsonl", folder);
    char *text = text_of(lines);
    int status = text ? write_file(path, text, strlen(text)) : 0;
    *saved = text && !status ? saved_read(text, strlen(text)) : NULL;
    if (!status && !*saved) status = failure(FAILURE_INPUT, "out of memory for %s", path);
    free(text);
    return status;
}

int long_make(json_t **saved, const char *folder) {
    static const long_sweep *const without_noise[] = {&rate_sgd, &rate_adam, &resnet, &transformer};
    json_t *lines = json_array();
    int status = 0;
    *saved = NULL;
    for (size_t k = 0; k < sizeof without_noise / sizeof *without_noise && !status; k++)
        status = make_lines(lines, without_noise[k], folder);
    /* the last, since it computes in this process, and a sweep's runs are forks of it */
    if (!status) status = make_noise(lines, folder);
    if (!status) status = save(saved, lines, folder);
    json_decref(lines);
    return status;
}
