/* SPDX-License-Identifier: Apache-2.0 */
/* The thread pool behind ravine_parallel.
 *
 * A run is published as one atomic word, the ticket: the run's number in the high half and the
 * tasks not yet claimed in the low half. A thread claims a task by decrementing the ticket, which
 * fails if the run is over; a claimed task keeps its run open, so the fields of the run may be read
 * after the claim. Nobody waits for a worker that came too late to claim anything.
 *
 * Threads that run out of work spin for a moment, for a next run that follows at once, then sleep.
 */
#include "base/pool.h"
#include "text/error.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SPIN_NANOSECONDS 30000
#define TASKS_MAX        UINT32_MAX

struct ravine_pool {
    int32_t threads; /* the caller of a run is one of them */
    int32_t nworkers;
    pid_t owner; /* process that started the workers; 0: none yet */

    pthread_mutex_t running; /* held by the caller of a run; a second caller works alone */
    pthread_mutex_t sleep;
    pthread_cond_t wake, done;
    atomic_int sleepers;       /* workers that sleep on `wake` */
    atomic_bool caller_sleeps; /* on `done` */
    atomic_bool stop;

    _Atomic uint64_t ticket;
    _Atomic int64_t completed;
    ravine_task task;
    void *arg;
    int64_t ntasks;
    pthread_t worker[]; /* [threads - 1] */
};

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Runs tasks of the present run until none is left to claim. */
static void work(ravine_pool *pool) {
    uint64_t ticket = atomic_load(&pool->ticket);
    while ((uint32_t)ticket) {
        if (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket - 1)) continue;
        const int64_t ntasks = pool->ntasks;
        pool->task(pool->arg, ntasks - (int64_t)(uint32_t)ticket);
        if (atomic_fetch_add(&pool->completed, 1) + 1 == ntasks &&
            atomic_load(&pool->caller_sleeps)) {
            pthread_mutex_lock(&pool->sleep);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->sleep);
        }
        ticket = atomic_load(&pool->ticket);
    }
}

static bool has_news(ravine_pool *pool) {
    return (uint32_t)atomic_load(&pool->ticket) || atomic_load(&pool->stop);
}

static void *worker_main(void *argument) {
    ravine_pool *pool = argument;
    while (!atomic_load(&pool->stop)) {
        work(pool);
        const int64_t give_up = nanoseconds() + SPIN_NANOSECONDS;
        while (!has_news(pool) && nanoseconds() < give_up) pause_briefly();
        if (has_news(pool)) continue;
        pthread_mutex_lock(&pool->sleep);
        atomic_fetch_add(&pool->sleepers, 1);
        while (!has_news(pool)) pthread_cond_wait(&pool->wake, &pool->sleep);
        atomic_fetch_sub(&pool->sleepers, 1);
        pthread_mutex_unlock(&pool->sleep);
    }
    return NULL;
}

/* Starts the workers, again in a child after fork(), where they do not exist. A worker that cannot
 * be started is done without: the caller always works. */
static void start_workers(ravine_pool *pool) {
    const pid_t self = getpid();
    if (pool->owner == self) return;
    pthread_mutex_init(&pool->sleep, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    atomic_store(&pool->sleepers, 0);
    pool->owner = self;
    pool->nworkers = 0;
    while (pool->nworkers < pool->threads - 1 &&
           pthread_create(&pool->worker[pool->nworkers], NULL, worker_main, pool) == 0)
        pool->nworkers++;
}

static void wait_until_done(ravine_pool *pool) {
    const int64_t give_up = nanoseconds() + SPIN_NANOSECONDS;
    while (atomic_load(&pool->completed) < pool->ntasks && nanoseconds() < give_up) pause_briefly();
    if (atomic_load(&pool->completed) == pool->ntasks) return;
    pthread_mutex_lock(&pool->sleep);
    atomic_store(&pool->caller_sleeps, true);
    while (atomic_load(&pool->completed) < pool->ntasks)
        pthread_cond_wait(&pool->done, &pool->sleep);
    atomic_store(&pool->caller_sleeps, false);
    pthread_mutex_unlock(&pool->sleep);
}

void ravine_pool_run(void *context, ravine_task task, void *arg, int64_t ntasks) {
    ravine_pool *pool = context;
    /* Alone when there is no one to share with, and when a run is going on already: a task of this
     * pool that starts a run, or another thread. */
    if (ntasks <= 1 || pool->threads == 1 || ntasks > TASKS_MAX ||
        pthread_mutex_trylock(&pool->running)) {
        for (int64_t i = 0; i < ntasks; i++) task(arg, i);
        return;
    }
    start_workers(pool);
    pool->task = task;
    pool->arg = arg;
    pool->ntasks = ntasks;
    atomic_store(&pool->completed, 0);
    const uint64_t run = (atomic_load(&pool->ticket) >> 32) + 1;
    atomic_store(&pool->ticket, run << 32 | (uint32_t)ntasks);
    if (atomic_load(&pool->sleepers)) {
        pthread_mutex_lock(&pool->sleep);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->sleep);
    }
    work(pool);
    wait_until_done(pool);
    pthread_mutex_unlock(&pool->running);
}

bool ravine_pool_is_awake(ravine_pool *pool) {
    return atomic_load(&pool->sleepers) < pool->nworkers;
}

int32_t ravine_available_threads(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set)) return 1;
    const int count = CPU_COUNT(&set);
    return count < 1 ? 1 : count > RAVINE_THREADS_MAX ? RAVINE_THREADS_MAX : count;
}

ravine_status ravine_pool_check_threads(int32_t threads) {
    if (threads >= 0 && threads <= RAVINE_THREADS_MAX) return RAVINE_OK;
    return ravine_fail(RAVINE_E_RANGE,
                       "threads is %d; it must be in [0, %d], 0 for one per processor", threads,
                       RAVINE_THREADS_MAX);
}

size_t ravine_pool_bytes(int32_t threads) {
    return sizeof(ravine_pool) + (size_t)(threads - 1) * sizeof(pthread_t);
}

ravine_pool *ravine_pool_place(void *memory, int32_t threads) {
    ravine_pool *pool = memory;
    memset(pool, 0, ravine_pool_bytes(threads));
    pool->threads = threads;
    pthread_mutex_init(&pool->running, NULL);
    return pool;
}

void ravine_pool_stop(ravine_pool *pool) {
    if (pool->owner == getpid()) {
        pthread_mutex_lock(&pool->sleep);
        atomic_store(&pool->stop, true);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->sleep);
        for (int32_t i = 0; i < pool->nworkers; i++) pthread_join(pool->worker[i], NULL);
        pthread_mutex_destroy(&pool->sleep);
        pthread_cond_destroy(&pool->wake);
        pthread_cond_destroy(&pool->done);
    }
    pthread_mutex_destroy(&pool->running);
}

ravine_status ravine_pool_create(ravine_pool **out, int32_t threads) {
    if (!out) return ravine_fail(RAVINE_E_ARG, "out of ravine_pool_create is NULL");
    const ravine_status status = ravine_pool_check_threads(threads);
    if (status) return status;
    if (threads == 0) threads = ravine_available_threads();
    void *memory = malloc(ravine_pool_bytes(threads));
    if (!memory) return ravine_fail(RAVINE_E_NOMEM, "no memory for a pool of %d threads", threads);
    *out = ravine_pool_place(memory, threads);
    return RAVINE_OK;
}

void ravine_pool_destroy(ravine_pool *pool) {
    if (!pool) return;
    ravine_pool_stop(pool);
    free(pool);
}

int32_t ravine_pool_threads(const ravine_pool *pool) {
    return pool->threads;
}
