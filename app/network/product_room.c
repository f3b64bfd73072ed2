/* SPDX-License-Identifier: Apache-2.0 */
/* product_room.c - memory that a library of products takes while it works: without it OpenBLAS
 * tries for ever, and oneDNN falls over a null pointer. */
#include "network/product.h"

#include "io/failure.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* For those who allocate between this and the first product. */
#define SLACK_BYTES ((size_t)32 << 20)

static void *take(size_t bytes) {
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Each thread's by itself, as the libraries do: Linux may refuse all of them at once. */
static bool has_room(int threads) {
    void *slack = take(SLACK_BYTES), **buffer = calloc((size_t)threads, sizeof *buffer);
    int taken = 0;
    while (buffer && taken < threads && (buffer[taken] = take(product_bytes)) != MAP_FAILED)
        taken++;
    for (int k = 0; k < taken; k++) munmap(buffer[k], product_bytes);
    if (slack != MAP_FAILED) munmap(slack, SLACK_BYTES);
    free(buffer);
    return taken == threads && slack != MAP_FAILED;
}

int product_check_room(int threads) {
    if (has_room(threads)) return 0;
    return failure(FAILURE_INPUT,
                   "no room for %s: it takes %zu MiB for each of %d threads; fewer threads take "
                   "less, and a limit (ulimit -v) may be raised",
                   product_library(), product_bytes >> 20, threads);
}

void product_leave(int exit_code) {
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (product_waits_at_end && !has_room(processors > 0 ? (int)processors : 1)) _exit(exit_code);
}
