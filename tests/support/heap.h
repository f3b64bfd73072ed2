/* SPDX-License-Identifier: Apache-2.0 */
/* heap.h - how often memory was taken from the process's heap, by whomever: the tests, the library,
 * and what the C library takes for itself. It catches what goes past the allocator of an env. */
#ifndef TESTS_HEAP_H
#define TESTS_HEAP_H

#include <stdint.h>

/* Calls of malloc and its kin by this thread so far; what starts a thread takes some in both. */
int64_t heap_calls(void);

#endif
