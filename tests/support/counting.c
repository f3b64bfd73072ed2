/* SPDX-License-Identifier: Apache-2.0 */
/* counting.c - see counting.h. Each block has a header with its size in front of it. */
#include "counting.h"
#include <stdlib.h>
#include <string.h>

typedef struct header {
    size_t bytes;
    void *block; /* what aligned_alloc gave */
} header;

static void *allocate(void *context, size_t bytes, size_t alignment) {
    counting *const books = context;
    if (++books->calls == books->fail_at) return NULL;
    if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
        books->misuse++;
        return NULL;
    }
    const size_t step = alignment < sizeof(header) ? sizeof(header) : alignment;
    const size_t whole = (step + bytes + step - 1) / step * step;
    char *const block = aligned_alloc(step, whole);
    if (block == NULL) return NULL;
    memset(block, 0xA5, whole); /* whoever needs zeros must write them */
    const header h = {.bytes = bytes, .block = block};
    memcpy(block + step - sizeof h, &h, sizeof h);
    books->live_bytes += (int64_t)bytes;
    return block + step;
}

static void release(void *context, void *memory, size_t bytes) {
    counting *const books = context;
    if (memory == NULL) {
        books->misuse++;
        return;
    }
    header h;
    memcpy(&h, (char *)memory - sizeof h, sizeof h);
    if (h.bytes != bytes) books->misuse++;
    books->live_bytes -= (int64_t)h.bytes;
    free(h.block);
}

void counting_env(ravine_env *env, counting *books) {
    *books = (counting){0};
    env->allocate = allocate;
    env->release = release;
    env->allocator = books;
}
