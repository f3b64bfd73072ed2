/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h - what the rest of the library needs of the thread pool beyond ravine.h. */
#ifndef RAVINE_BASE_POOL_H
#define RAVINE_BASE_POOL_H

#include "ravine.h"

#include <stdbool.h>

#define RAVINE_THREADS_MAX 1024

/* Processors that this process may use, at least 1. */
int32_t ravine_available_threads(void);
ravine_status ravine_pool_check_threads(int32_t threads);

/* A pool in memory of the caller's, [ravine_pool_bytes(threads)], threads >= 1. It starts its
 * threads on the first run; stop it before the memory is released. */
size_t ravine_pool_bytes(int32_t threads);
ravine_pool *ravine_pool_place(void *memory, int32_t threads);
void ravine_pool_stop(ravine_pool *pool);
/* Whether a thread of it has just worked and spins for more: it costs nothing to start then. */
bool ravine_pool_is_awake(ravine_pool *pool);

#endif
