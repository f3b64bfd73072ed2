/* SPDX-License-Identifier: Apache-2.0 */
/* alone.c - in the place of pool.c and openmp.c where there are no threads (RAVINE_THREADS=OFF): a
 * pool whose one worker is the caller. */
#include "base/pool.h"
#include "text/error.h"

#include <stdlib.h>

struct ravine_pool {
    int32_t threads; /* as asked for; the caller does the work of all */
};

void ravine_pool_run(void *pool, ravine_task task, void *arg, int64_t ntasks) {
    (void)pool;
    for (int64_t i = 0; i < ntasks; i++) task(arg, i);
}

void ravine_openmp_run(void *openmp, ravine_task task, void *arg, int64_t ntasks) {
    ravine_pool_run(openmp, task, arg, ntasks);
}

bool ravine_pool_is_awake(ravine_pool *pool) {
    (void)pool;
    return false;
}

int32_t ravine_available_threads(void) {
    return 1;
}

ravine_status ravine_pool_check_threads(int32_t threads) {
    if (threads >= 0 && threads <= RAVINE_THREADS_MAX) return RAVINE_OK;
    return ravine_fail(RAVINE_E_RANGE, "threads is %d; it must be in [0, %d]", threads,
                       RAVINE_THREADS_MAX);
}

size_t ravine_pool_bytes(int32_t threads) {
    (void)threads;
    return sizeof(ravine_pool);
}

ravine_pool *ravine_pool_place(void *memory, int32_t threads) {
    ravine_pool *pool = memory;
    pool->threads = threads;
    return pool;
}

void ravine_pool_stop(ravine_pool *pool) {
    (void)pool;
}

ravine_status ravine_pool_create(ravine_pool **out, int32_t threads) {
    if (!out) return ravine_fail(RAVINE_E_ARG, "out of ravine_pool_create is NULL");
    const ravine_status status = ravine_pool_check_threads(threads);
    if (status) return status;
    void *memory = malloc(sizeof(ravine_pool));
    if (!memory) return ravine_fail(RAVINE_E_NOMEM, "no memory for a pool");
    *out = ravine_pool_place(memory, 1);
    return RAVINE_OK;
}

void ravine_pool_destroy(ravine_pool *pool) {
    free(pool);
}

int32_t ravine_pool_threads(const ravine_pool *pool) {
    return pool->threads;
}
