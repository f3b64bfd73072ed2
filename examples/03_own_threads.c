/* SPDX-License-Identifier: Apache-2.0 */
/* The step on threads of your own: an executor is one function.
 *
 * This one starts three threads for each call, which is simple; a program that has a pool would
 * hand it the tasks instead. The bits of the result are those of a single thread: that is checked
 * at the end. */
#include <pthread.h>
#include <ravine.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH = 1 << 18, STEPS = 20, HELPERS = 3 };

static void check(ravine_status status) {
    if (status >= 0) return;
    fprintf(stderr, "%s\n", ravine_errmsg());
    exit(1);
}

/* The tasks of one call: whoever is free takes the next number. */
typedef struct work {
    ravine_task task;
    void *arg;
    int64_t ntasks;
    atomic_llong next;
} work;

static void *take_tasks(void *argument) {
    work *w = argument;
    for (int64_t i; (i = atomic_fetch_add(&w->next, 1)) < w->ntasks;) w->task(w->arg, i);
    return NULL;
}

/* A ravine_parallel: returns when every task is done. The caller works too, so all of them are
 * done even if no thread could be started. */
static void run_on_threads(void *context, ravine_task task, void *arg, int64_t ntasks) {
    work w = {.task = task, .arg = arg, .ntasks = ntasks};
    atomic_init(&w.next, 0);
    pthread_t helper[HELPERS];
    int started = 0;
    while (started < HELPERS && !pthread_create(&helper[started], NULL, take_tasks, &w)) started++;
    take_tasks(&w);
    for (int i = 0; i < started; i++) pthread_join(helper[i], NULL);
    *(int64_t *)context += ntasks;
}

/* A bowl whose steepness goes from 1 to 100: gradient into g, returns the loss. */
static double bowl(const float *x, float *g) {
    double loss = 0;
    for (int i = 0; i < LENGTH; i++) {
        float steepness = 1 + 99.0F * (float)i / LENGTH;
        g[i] = steepness * x[i];
        loss += 0.5 * (double)g[i] * (double)x[i] / LENGTH;
    }
    return loss;
}

/* Trains x, [LENGTH], in the environment that is given. */
static void descend(float *x, const ravine_env *env, int talk) {
    float *g = malloc(LENGTH * sizeof *g);
    if (!g) exit(1);
    for (int i = 0; i < LENGTH; i++) x[i] = 1;

    ravine_config config;
    ravine_optimizer *optimizer = NULL;
    const ravine_param p = {
        .size = sizeof p, .dtype = RAVINE_F32, .name = "x", .data = x, .grad = g, .len = LENGTH};
    check(ravine_config_parse(&config, "adam lr=0.05"));
    check(ravine_create(&optimizer, &config, env));
    check(ravine_add(optimizer, &p, 1));
    for (int step = 0; step <= STEPS; step++) {
        double loss = bowl(x, g);
        if (talk && step % 5 == 0) printf("step %2d  loss %.6f\n", step, loss);
        check(ravine_step(optimizer, NULL));
    }
    ravine_destroy(optimizer);
    free(g);
}

int main(void) {
    float *x = malloc(LENGTH * sizeof *x), *expected = malloc(LENGTH * sizeof *expected);
    if (!x || !expected) return 1;

    ravine_env env;
    ravine_env_init(&env);
    int64_t tasks = 0;
    env.parallel = run_on_threads;
    env.parallel_context = &tasks;
    descend(x, &env, 1);

    ravine_env_init(&env);
    env.threads = 1;
    descend(expected, &env, 0);

    int same = !memcmp(x, expected, LENGTH * sizeof *x);
    printf("%lld tasks on own threads; %s one thread\n", (long long)tasks,
           same ? "the same bits as" : "NOT the bits of");
    free(x);
    free(expected);
    return same && tasks > 0 ? 0 : 1;
}
