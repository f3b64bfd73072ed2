/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - the parts of `ravine bench`: cmd_bench.c (options, tables), bench_run.c (contestants
 * and rounds), bench_stream.c (what they are measured against). */
#ifndef RAVINE_COMMANDS_BENCH_H
#define RAVINE_COMMANDS_BENCH_H

#include "commands/bench/bench_stream.h"
#include "ravine.h"

/* A workload: parameters of equal length under one rule, with its stream of as many arrays. */
typedef struct workload {
    ravine_optimizer *optimizer;
    ravine_pool *pool; /* NULL: one thread */
    stream stream;
    float *arena; /* parameters, gradients and the stream's arrays */
    float *gradient;
    char *names;
    ravine_param *params;
    int arrays; /* that the step reads and writes, gradients not counted */
} workload;

/* What a workload is: `rule` as of ravine_config_parse, `count` parameters of `len`. */
typedef struct workload_kind {
    const char *rule;
    int64_t count, len;
    int64_t threads;
    bool watch, with_stream; /* ravine_env's watch; arrays for the stream beside it */
} workload_kind;

/* Returns 0 or a kind of io/failure.h. */
int workload_create(workload *w, const workload_kind *kind);
void workload_free(workload *w);
double workload_bytes(const workload *w); /* a parameter: read and written by a step */

/* One contestant: a step under options, with statistics or without, or a stream. */
typedef struct contestant {
    workload *workload;
    bool is_stream, prefetch;
    bool stats;
    ravine_options options; /* size 0: the usual ones */
} contestant;

/* Medians over the rounds: of the nanoseconds a parameter, and of their ratio to contestant 0's in
 * the same round, which leaves out what makes a whole round slow. */
typedef struct bench_result {
    double median, ratio;
} bench_result;

/* Times the contestants in turn, round after round; result[k] is contestant k's.
 * rounds 0: as many as the size deserves. Returns 0 or a kind of io/failure.h. */
int bench_race(const contestant *c, int n, int64_t elements, int64_t rounds, bench_result *result);

#endif
