/* SPDX-License-Identifier: Apache-2.0 */
/* memory.h - memory through the allocator of an environment. */
#ifndef RAVINE_BASE_MEMORY_H
#define RAVINE_BASE_MEMORY_H

#include "ravine.h"

/* *own = *env, or the defaults where env is NULL, with the C library's memory where it has no
 * allocator of its own. E_ARG: it is not an initialized env. */
ravine_status ravine_env_complete(ravine_env *own, const ravine_env *env);

/* Memory of a complete env, aligned to 64 bytes, not cleared; NULL after ravine_fail(E_NOMEM). */
void *ravine_env_alloc(const ravine_env *env, size_t bytes);
/* Back, with the size that was asked for; NULL is fine. */
void ravine_env_free(const ravine_env *env, void *memory, size_t bytes);

#endif
