/* SPDX-License-Identifier: Apache-2.0 */
/* counting.h - an allocator for ravine_env that counts, and fails when it is told to. */
#ifndef TESTS_COUNTING_H
#define TESTS_COUNTING_H

#include "ravine.h"

typedef struct counting {
    int64_t live_bytes; /* asked for and not yet released */
    int64_t calls;      /* of allocate, since the start */
    int64_t fail_at;    /* this call of allocate (1, 2, ...) gives NULL; 0: none does */
    int64_t misuse;     /* releases with another size, bad alignments, releases of NULL */
} counting;

/* Makes *env allocate through *books, which is set to zero and must outlive all users of env. */
void counting_env(ravine_env *env, counting *books);

#endif
