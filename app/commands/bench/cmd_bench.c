/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_bench.c - `ravine bench`: the step beside the bare stream over the same arrays, in one run.
 */
#include "cli/cli.h"
#include "commands/bench/bench.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 32, WORD = 64 };

/* Every kernel once, by the rule that uses it. */
static const char all_rules[] =
    "sgd,sgd momentum=0.9,adagrad,adagrad_mean,rmsprop,rmsprop momentum=0.9,rmsprop centered=true,"
    "adadelta,adam,adam "
    "amsgrad=true,adamw,adamax,nadam,radam,asgd,rprop,lion,signum,adabelief,yogi,"
    "adan,adopt";
static const char quick_rules[] = "sgd,adamw,lion,adan";

typedef struct list {
    char word[LIST_MAX][WORD];
    int n;
} list;

typedef struct bench {
    list rules;
    int64_t sizes[LIST_MAX], threads[LIST_MAX];
    int nsizes, nthreads;
    int64_t rounds;
    double divider; /* nanoseconds a square root and divide */
    json_t *json;   /* NULL: tables for people */
} bench;

static int split(const char *option, const char *text, list *out) {
    out->n = 0;
    while (*text) {
        const size_t length = strcspn(text, ",");
        if (length == 0 || length >= WORD || out->n == LIST_MAX)
            return failure(FAILURE_USAGE, "%s has an empty or long item, or more than %d", option,
                           LIST_MAX);
        snprintf(out->word[out->n++], WORD, "%.*s", (int)length, text);
        text += length + (text[length] == ',');
    }
    return out->n ? 0 : failure(FAILURE_USAGE, "%s is empty", option);
}

static int read_numbers(const char *option, const char *text, double most, int64_t *out, int *n) {
    list words;
    const int code = split(option, text, &words);
    for (int k = 0; k < words.n && !code; k++) {
        char *end;
        const double value = strtod(words.word[k], &end);
        if (*end || !(value >= 1 && value <= most) || value != floor(value))
            return failure(FAILURE_USAGE, "%s has %s; it must be a whole number in [1, %g]", option,
                           words.word[k], most);
        out[k] = (int64_t)value;
    }
    *n = words.n;
    return code;
}

static int read_args(bench *b, const cli_args *args) {
    const bool quick = cli_is_given(args, CLI_QUICK);
    const char *rules = cli_text(args, CLI_RULES), *sizes = cli_text(args, CLI_SIZES);
    if (!rules) rules = quick ? quick_rules : all_rules;
    if (quick && !cli_is_given(args, CLI_SIZES)) sizes = "1e4,1e6,1e7";
    b->rounds = cli_count(args, CLI_ROUNDS, quick ? 7 : 0);
    int code = split("--rules", rules, &b->rules);
    if (!code) code = read_numbers("--sizes", sizes, 1e9, b->sizes, &b->nsizes);
    if (!code)
        code = read_numbers("--threads", cli_text(args, CLI_THREADS_LIST), 1024, b->threads,
                            &b->nthreads);
    return code;
}

/* ---- every rule beside its stream ---- */

static int time_rule(const bench *b, const char *rule, int64_t size, int64_t threads) {
    workload w;
    const workload_kind kind = {
        .rule = rule, .count = 1, .len = size, .threads = threads, .with_stream = true};
    int code = workload_create(&w, &kind);
    if (code) return code;
    const contestant c[] = {
        {.workload = &w},
        {.workload = &w, .is_stream = true},
        {.workload = &w, .is_stream = true, .prefetch = true},
    };
    bench_result result[3];
    code = bench_race(c, 3, size, b->rounds, result);
    const double bytes = workload_bytes(&w);
    const double step = result[0].median, bare = fmin(result[1].median, result[2].median);
    workload_free(&w);
    if (code) return code;
    if (b->json) {
        json_array_append_new(json_object_get(b->json, "rules"),
                              json_pack("{ss sI sI sf sf sf sf sf}", "rule", rule, "parameters",
                                        (json_int_t)size, "threads", (json_int_t)threads,
                                        "nanoseconds", step, "stream_nanoseconds", bare, "bytes",
                                        bytes, "of_stream", bare / step, "of_divider",
                                        step / b->divider));
        return 0;
    }
    printf("%-22s %8.0e %7" PRId64 "  %8.3f  %6.0f  %6.1f  %8.3f  %9.2f  %10.2f\n", rule,
           (double)size, threads, step, bytes, bytes / step, bare, bare / step, step / b->divider);
    fflush(stdout);
    return 0;
}

static int time_rules(const bench *b) {
    if (!b->json)
        printf("%-22s %8s %7s  %8s  %6s  %6s  %8s  %9s  %10s\n", "rule", "params", "threads",
               "ns/param", "bytes", "GB/s", "stream", "of stream", "of divider");
    int code = 0;
    for (int s = 0; s < b->nsizes; s++)
        for (int t = 0; t < b->nthreads; t++)
            for (int r = 0; r < b->rules.n && !code; r++)
                code = time_rule(b, b->rules.word[r], b->sizes[s], b->threads[t]);
    return code;
}

/* ---- what else a step does, as ratios to the plain step ---- */

static void print_ratio(const bench *b, const char *what, int64_t size, int64_t threads,
                        bench_result result, double plain) {
    if (b->json) {
        json_array_append_new(json_object_get(b->json, "ratios"),
                              json_pack("{ss sI sI sf sf sf}", "what", what, "parameters",
                                        (json_int_t)size, "threads", (json_int_t)threads,
                                        "nanoseconds", result.median, "plain_nanoseconds", plain,
                                        "ratio", result.ratio));
        return;
    }
    printf("%-44s %8.0e %7" PRId64 "  %8.3f  %8.3f  %6.2f\n", what, (double)size, threads,
           result.median, plain, result.ratio);
    fflush(stdout);
}

/* Workloads of the kinds, all or none. */
static int create_all(workload *w, const workload_kind *kinds, int n) {
    int code = 0, made = 0;
    while (made < n && !code) code = workload_create(&w[made], &kinds[made]), made += !code;
    while (code && made > 0) workload_free(&w[--made]);
    return code;
}

static int time_extras(const bench *b, int64_t size, int64_t threads) {
    enum { PLAIN, WATCHED, AVERAGING, KINDS };
    const workload_kind kinds[KINDS] = {
        {.rule = "adamw", .count = 1, .len = size, .threads = threads},
        {.rule = "adamw", .count = 1, .len = size, .threads = threads, .watch = true},
        {.rule = "adamw ema_decay=0.999", .count = 1, .len = size, .threads = threads},
    };
    workload w[KINDS];
    int code = create_all(w, kinds, KINDS);
    if (code) return code;
    contestant c[] = {{.workload = &w[PLAIN]},
                      {.workload = &w[PLAIN], .stats = true},
                      {.workload = &w[WATCHED], .stats = true},
                      {.workload = &w[AVERAGING]}};
    ravine_options_init(&c[3].options);
    c[3].options.clip_norm = 1;
    c[3].options.zero_grad = 1;
    bench_result result[4];
    code = bench_race(c, 4, size, b->rounds, result);
    for (int k = 0; k < KINDS; k++) workload_free(&w[k]);
    if (code) return code;
    static const char *const what[] = {"adamw with statistics", "adamw with statistics, watched",
                                       "adamw with clip_norm, weight average, zero"};
    for (int k = 1; k < 4; k++)
        print_ratio(b, what[k - 1], size, threads, result[k], result[0].median);
    return 0;
}

static int time_many(const bench *b, int64_t threads) {
    const workload_kind kinds[] = {
        {.rule = "adamw", .count = 1, .len = 1000000, .threads = threads},
        {.rule = "adamw", .count = 1000, .len = 1000, .threads = threads},
    };
    workload w[2];
    int code = create_all(w, kinds, 2);
    if (code) return code;
    const contestant c[] = {{.workload = &w[0]}, {.workload = &w[1]}};
    bench_result result[2];
    code = bench_race(c, 2, 1000000, b->rounds, result);
    for (int k = 0; k < 2; k++) workload_free(&w[k]);
    if (!code)
        print_ratio(b, "adamw, 1,000 tensors of 1,000 against one", 1000000, threads, result[1],
                    result[0].median);
    return code;
}

static int time_ratios(const bench *b) {
    int code = 0;
    if (!b->json)
        printf("\n%-44s %8s %7s  %8s  %8s  %6s\n", "what", "params", "threads", "ns/param", "plain",
               "ratio");
    for (int s = 0; s < b->nsizes; s++)
        for (int t = 0; t < b->nthreads && !code; t++)
            code = time_extras(b, b->sizes[s], b->threads[t]);
    for (int t = 0; t < b->nthreads && !code; t++) code = time_many(b, b->threads[t]);
    return code;
}

int cmd_bench(const cli_args *args) {
    bench b = {.divider = stream_divider_nanoseconds()};
    int code = read_args(&b, args);
    if (code) return code;
    const char *isa = ravine_isa(NULL);
    char kernels[256];
    if (!isa || ravine_kernels_describe(NULL, kernels, sizeof kernels))
        return failure(FAILURE_USAGE, "%s", ravine_errmsg());
    if (cli_is_given(args, CLI_JSON))
        b.json = json_pack("{ss ss ss sf s[] s[]}", "version", ravine_version(), "isa", isa,
                           "kernels", kernels, "divider_nanoseconds", b.divider, "rules", "ratios");
    else
        printf(
            "ravine %s; kernels: %s.\nfloat32; medians of interleaved rounds; `stream` reads and "
            "writes the\nsame arrays with one multiply and add. The divider: %.3f ns for a square "
            "root and a divide.\n\n",
            ravine_version(), kernels, b.divider);
    code = time_rules(&b);
    if (!code) code = time_ratios(&b);
    if (!code && b.json) return cli_print_json(b.json);
    json_decref(b.json);
    return code;
}
