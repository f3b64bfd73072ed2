/* SPDX-License-Identifier: Apache-2.0 */
/* The thread pool: every task once, whoever runs it; runs inside runs; several callers; fork. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TASKS = 1000 };

typedef struct count {
    atomic_int of[TASKS];
    ravine_pool *pool;
} count;

static void count_task(void *arg, int64_t index) {
    atomic_fetch_add(&((count *)arg)->of[index], 1);
}

static void expect_each(count *c, int64_t ntasks, int times) {
    for (int64_t i = 0; i < TASKS; i++) assert_int_equal(c->of[i], i < ntasks ? times : 0);
}

static void every_task_runs_once(void **state) {
    (void)state;
    for (int threads = 1; threads <= 9; threads += 2) {
        ravine_pool *pool;
        assert_int_equal(ravine_pool_create(&pool, threads), RAVINE_OK);
        assert_int_equal(ravine_pool_threads(pool), threads);
        for (int64_t ntasks = 0; ntasks <= TASKS; ntasks = ntasks * 2 + 1) {
            count c = {0};
            for (int repeat = 0; repeat < 50; repeat++)
                ravine_pool_run(pool, count_task, &c, ntasks);
            expect_each(&c, ntasks, 50);
        }
        ravine_pool_destroy(pool);
    }
}

static void nested_task(void *arg, int64_t index) {
    count *c = arg;
    (void)index;
    ravine_pool_run(c->pool, count_task, c, TASKS);
}

static void a_task_may_run_tasks(void **state) {
    (void)state;
    count c = {0};
    assert_int_equal(ravine_pool_create(&c.pool, 3), RAVINE_OK);
    ravine_pool_run(c.pool, nested_task, &c, 7);
    expect_each(&c, TASKS, 7);
    ravine_pool_destroy(c.pool);
}

static void *call_often(void *arg) {
    count *c = arg;
    for (int i = 0; i < 100; i++) ravine_pool_run(c->pool, count_task, c, TASKS);
    return NULL;
}

static void several_threads_may_call(void **state) {
    (void)state;
    count c = {0};
    assert_int_equal(ravine_pool_create(&c.pool, 2), RAVINE_OK);
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, call_often, &c), 0);
    call_often(&c);
    pthread_join(other, NULL);
    expect_each(&c, TASKS, 200);
    ravine_pool_destroy(c.pool);
}

static void a_forked_child_may_run(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__)
    skip(); /* TSan does not follow threads that start in a child of a threaded parent */
#endif
    count c = {0};
    assert_int_equal(ravine_pool_create(&c.pool, 4), RAVINE_OK);
    ravine_pool_run(c.pool, count_task, &c, TASKS);
#if defined(__SANITIZE_ADDRESS__)
    /* A thread that starts allocates. ASan (gcc 12) forks with the lock that it holds then, and the
     * child's threads wait for that lock for ever. */
    while (ravine_pool_is_awake(c.pool)) usleep(100);
#endif
    const pid_t child = fork();
    if (child == 0) {
        ravine_pool_run(c.pool, count_task, &c, TASKS);
        for (int i = 0; i < TASKS; i++)
            if (c.of[i] != 2) _exit(1);
        ravine_pool_destroy(c.pool);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    ravine_pool_run(c.pool, count_task, &c, TASKS);
    expect_each(&c, TASKS, 2);
    ravine_pool_destroy(c.pool);
}

static void a_wrong_number_of_threads_is_an_error(void **state) {
    (void)state;
    ravine_pool *pool = NULL;
    assert_int_equal(ravine_pool_create(&pool, -1), RAVINE_E_RANGE);
    assert_non_null(strstr(ravine_errmsg(), "threads is -1"));
    assert_int_equal(ravine_pool_create(&pool, 1 << 20), RAVINE_E_RANGE);
    assert_null(pool);
}

/* ---- the threads of an OpenMP: here a library with the same entry point ---- */

static int starts;

typedef struct body {
    void (*run)(void *);
    void *data;
} body;

static void *team_thread(void *argument) {
    const body *b = argument;
    b->run(b->data);
    return NULL;
}

static void start_team(void (*run)(void *), void *data, uint32_t threads, uint32_t flags) {
    pthread_t thread[16];
    body b = {run, data};
    assert_int_equal(flags, 0);
    assert_in_range(threads, 1, 16);
    for (uint32_t i = 1; i < threads; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, team_thread, &b), 0);
    run(data);
    for (uint32_t i = 1; i < threads; i++) pthread_join(thread[i], NULL);
    starts++;
}

static void a_team_of_openmp_runs_each_task_once(void **state) {
    (void)state;
    starts = 0;
    for (int32_t threads = 1; threads <= 5; threads++) {
        ravine_openmp team = {
            .size = sizeof team, .threads = threads, .start = start_team, .process = getpid()};
        count c = {0};
        ravine_openmp_run(&team, count_task, &c, TASKS);
        expect_each(&c, TASKS, 1);
    }
    assert_int_equal(starts, 5);
}

/* The threads of the process that has made the team are not in its children. */
static void another_process_works_alone(void **state) {
    (void)state;
    starts = 0;
    ravine_openmp team = {
        .size = sizeof team, .threads = 3, .start = start_team, .process = getpid() + 1};
    count c = {0};
    ravine_openmp_run(&team, count_task, &c, TASKS);
    expect_each(&c, TASKS, 1);
    assert_int_equal(starts, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_runs_once),
        cmocka_unit_test(a_task_may_run_tasks),
        cmocka_unit_test(several_threads_may_call),
        cmocka_unit_test(a_forked_child_may_run),
        cmocka_unit_test(a_wrong_number_of_threads_is_an_error),
        cmocka_unit_test(a_team_of_openmp_runs_each_task_once),
        cmocka_unit_test(another_process_works_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
