/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/bench/bench.h"
#include "io/failure.h"
#include "math/sort.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 24, CONTESTANTS_MAX = 8, ROUNDS_MAX = 1001, STAGGER = 64 };
#define TARGET_ELEMENTS 2e8 /* that all rounds of a contestant go through, where none is given */

/* theta and the state arrays of the first parameter; a state of one number costs nothing. */
static int count_arrays(ravine_optimizer *o, const ravine_param *p) {
    int n = 1;
    const char *key;
    ravine_param state;
    for (int32_t k = 0; (key = ravine_state_key(o, 0, k)); k++)
        n += !ravine_state_view(o, p->name, key, &state) && state.len == p->len;
    return n;
}

static void fill_gradient(const workload *w, int64_t elements) {
    for (int64_t i = 0; i < elements; i++) w->gradient[i] = ((float)(i % 127) - 63.5F) * 1e-3F;
}

static int add_params(workload *w, int64_t count, int64_t len) {
    float *gradient = w->arena + count * len + STAGGER;
    for (int64_t i = 0; i < count; i++) {
        char *name = w->names + i * NAME_BYTES;
        snprintf(name, NAME_BYTES, "p%" PRId64, i);
        w->params[i] = (ravine_param){.size = sizeof *w->params,
                                      .dtype = RAVINE_F32,
                                      .name = name,
                                      .data = w->arena + i * len,
                                      .grad = gradient + i * len,
                                      .len = len};
    }
    for (int64_t i = 0; i < count * len; i++) w->arena[i] = (float)(i % 1009) * 1e-3F;
    w->gradient = gradient;
    fill_gradient(w, count * len);
    return failure_of(ravine_add(w->optimizer, w->params, count));
}

/* The stream goes over arrays of its own, as many as the step's and laid out alike. */
static void place_stream(workload *w, int64_t elements) {
    w->stream = (stream){.len = elements, .narrays = w->arrays};
    float *next = w->arena + 2 * (elements + STAGGER);
    w->stream.source = w->arena + elements + STAGGER;
    for (int k = 0; k < w->arrays; k++) {
        w->stream.array[k] = next;
        memset(next, 0, (size_t)elements * sizeof *next);
        next += elements + STAGGER;
    }
}

int workload_create(workload *w, const workload_kind *kind) {
    const int64_t count = kind->count, len = kind->len;
    *w = (workload){0};
    ravine_config config;
    ravine_env env;
    ravine_env_init(&env);
    env.threads = 1;
    env.statistics = kind->watch;
    if (ravine_config_parse(&config, kind->rule))
        return failure(FAILURE_USAGE, "--rules: %s", ravine_errmsg());
    if (kind->threads > 1) {
        const int status = failure_of(ravine_pool_create(&w->pool, (int32_t)kind->threads));
        if (status) return status;
        env.parallel = ravine_pool_run;
        env.parallel_context = w->pool;
    }
    int code = failure_of(ravine_create(&w->optimizer, &config, &env));
    const size_t elements = (size_t)(count * len);
    const size_t arrays = 2 + STREAM_ARRAYS_MAX;
    if (!code) {
        w->arena = aligned_alloc(64, (elements + STAGGER) * arrays * sizeof(float) / 64 * 64 + 64);
        w->names = malloc((size_t)count * NAME_BYTES);
        w->params = calloc((size_t)count, sizeof *w->params);
        if (!w->arena || !w->names || !w->params)
            code = failure(FAILURE_INPUT, "no memory for %zu parameters", elements);
    }
    if (!code) code = add_params(w, count, len);
    if (!code) {
        w->arrays = count_arrays(w->optimizer, w->params);
        w->stream.len = (int64_t)elements;
        if (kind->with_stream) place_stream(w, (int64_t)elements);
        return 0;
    }
    workload_free(w);
    return code;
}

void workload_free(workload *w) {
    ravine_destroy(w->optimizer);
    ravine_pool_destroy(w->pool);
    free(w->arena);
    free(w->names);
    free(w->params);
    *w = (workload){0};
}

double workload_bytes(const workload *w) {
    return 4.0 * (1 + 2 * w->arrays);
}

static int run_once(const contestant *c) {
    const workload *w = c->workload;
    if (c->is_stream) {
        stream s = w->stream;
        s.prefetch = c->prefetch;
        stream_run(&s, w->pool);
        return 0;
    }
    ravine_step_stats stats = {.size = sizeof stats};
    return failure_of(ravine_step(w->optimizer, c->stats ? &stats : NULL));
}

static int prepare(const contestant *c) {
    ravine_options usual;
    ravine_options_init(&usual);
    const ravine_options *options = c->options.size ? &c->options : &usual;
    return failure_of(ravine_set_options(c->workload->optimizer, options));
}

/* Nanoseconds of `repeats` runs. A step that zeroes the gradient finds it filled again each time:
 * with zeros alone the state would fade into subnormal numbers, which are slow. */
static int time_runs(const contestant *c, int64_t repeats, double *nanoseconds) {
    int code = prepare(c);
    if (!code) code = run_once(c); /* so that none finds the arrays of another in the cache */
    double sum = 0, start = bench_clock();
    for (int64_t i = 0; i < repeats && !code; i++) {
        if (c->options.zero_grad) {
            fill_gradient(c->workload, c->workload->stream.len);
            start = bench_clock();
        }
        code = run_once(c);
        if (c->options.zero_grad) sum += bench_clock() - start;
    }
    *nanoseconds = c->options.zero_grad ? sum : bench_clock() - start;
    return code;
}

int bench_race(const contestant *c, int n, int64_t elements, int64_t rounds, bench_result *result) {
    /* Small steps are repeated within a round until the clock's own cost is lost in them. */
    const int64_t repeats = elements >= 200000 ? 1 : 200000 / (elements + 1) + 1;
    if (rounds == 0)
        rounds = (int64_t)fmin(fmax(TARGET_ELEMENTS / (double)(elements * repeats), 11), 101);
    if (rounds > ROUNDS_MAX) rounds = ROUNDS_MAX;
    double(*time)[ROUNDS_MAX] = malloc((size_t)n * sizeof *time);
    if (!time || n > CONTESTANTS_MAX) return free(time), failure(FAILURE_INPUT, "no memory");
    int code = 0;
    for (int64_t round = -1; round < rounds && !code; round++) /* the first one warms up */
        for (int k = 0; k < n && !code; k++) {
            double nanoseconds;
            code = time_runs(&c[k], repeats, &nanoseconds);
            if (round >= 0) time[k][round] = nanoseconds / (double)(repeats * elements);
        }
    for (int k = n - 1; k >= 0 && !code; k--) { /* contestant 0, the others' measure, comes last */
        double ratio[ROUNDS_MAX];
        for (int64_t round = 0; round < rounds; round++)
            ratio[round] = time[k][round] / time[0][round];
        result[k] = (bench_result){.median = ravine_median(time[k], rounds),
                                   .ratio = ravine_median(ratio, rounds)};
    }
    free(time);
    return code;
}
