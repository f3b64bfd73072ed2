/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include "base/sized.h"
#include "text/error.h"

#include <stdlib.h>

static void *allocate_from_libc(void *context, size_t bytes, size_t alignment) {
    (void)context;
    void *memory = NULL;
    return posix_memalign(&memory, alignment, bytes) ? NULL : memory;
}

static void release_to_libc(void *context, void *memory, size_t bytes) {
    (void)context;
    (void)bytes;
    free(memory);
}

void ravine_env_init_sized(ravine_env *env, size_t size) {
    (void)ravine_sized_make(&ravine_sized_env, env, size, &(ravine_env){0});
}

ravine_status ravine_env_complete(ravine_env *own, const ravine_env *env) {
    ravine_env_init(own);
    const ravine_status status = env ? ravine_sized_read(&ravine_sized_env, own, env) : RAVINE_OK;
    if (status) return status;
    if (!own->allocate != !own->release)
        return ravine_fail(RAVINE_E_ARG, "env has one of allocate and release; it needs both");
    if (own->allocate) return RAVINE_OK;
    own->allocate = allocate_from_libc;
    own->release = release_to_libc;
    return RAVINE_OK;
}

void *ravine_env_alloc(const ravine_env *env, size_t bytes) {
    enum { ALIGNMENT = 64 };
    void *memory = env->allocate(env->allocator, bytes, ALIGNMENT);
    if (!memory) ravine_fail(RAVINE_E_NOMEM, "no memory for %zu bytes", bytes);
    return memory;
}

void ravine_env_free(const ravine_env *env, void *memory, size_t bytes) {
    if (memory) env->release(env->allocator, memory, bytes);
}
