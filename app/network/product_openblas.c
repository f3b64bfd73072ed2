/* SPDX-License-Identifier: Apache-2.0 */
/* product_openblas.c - OpenBLAS 0.3.21 takes an unknown x86-64 processor for a Prescott of 2004,
 * which AVX2 contradicts. The names are those of its driver/others/dynamic.c. */
#include "network/product.h"

#include "io/failure.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* OpenBLAS chooses its code when it is loaded, by a list of processor models; to a processor newer
 * than the list it gives the oldest code, several times slower. The OPENBLAS_CORETYPE to start the
 * program again with, or NULL if the choice is good or was made by the user. */
static const char *better_core(void) {
#if defined(__x86_64__)
    if (getenv("OPENBLAS_CORETYPE") || strcmp(openblas_get_corename(), "Prescott") != 0)
        return NULL;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return "SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
    return NULL;
}

/* No threads of its own: each takes a buffer, and the network itself says what runs together. */
bool product_prepare(void) {
    const char *core = better_core();
    const bool threads = !getenv("OPENBLAS_NUM_THREADS");
    if (core && setenv("OPENBLAS_CORETYPE", core, 1)) return false;
    if (threads && setenv("OPENBLAS_NUM_THREADS", "1", 1)) return false;
    return core || threads;
}

void product_f32(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, int lda,
                 const float *b, int ldb, float beta, float *c, int ldc) {
    cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                transpose_b ? CblasTrans : CblasNoTrans, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}

const char *product_library(void) {
    static char name[64];
    snprintf(name, sizeof name, "OpenBLAS %s", openblas_get_corename());
    return name;
}

/* BUFFER_SIZE of its common_x86_64.h and common_arm64.h; and something for those who allocate
 * between this and its first use. */
#define BUFFER_BYTES ((size_t)32 << 22)
#define SLACK_BYTES  ((size_t)32 << 20)

static void *take(size_t bytes) {
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* OpenBLAS takes a buffer for each thread that uses it; where it gets none it tries for ever. Each
 * buffer by itself, as it does: Linux may refuse all of them at once. */
bool product_has_room(int threads) {
    void *slack = take(SLACK_BYTES), **buffer = calloc((size_t)threads, sizeof *buffer);
    int taken = 0;
    while (buffer && taken < threads && (buffer[taken] = take(BUFFER_BYTES)) != MAP_FAILED) taken++;
    for (int k = 0; k < taken; k++) munmap(buffer[k], BUFFER_BYTES);
    if (slack != MAP_FAILED) munmap(slack, SLACK_BYTES);
    free(buffer);
    return taken == threads && slack != MAP_FAILED;
}

int product_check_room(int threads) {
    if (product_has_room(threads)) return 0;
    return failure(
        FAILURE_INPUT,
        "no room for OpenBLAS: it takes %zu MiB for each of %d threads; fewer threads take "
        "less, and a limit (ulimit -v) may be raised",
        BUFFER_BYTES >> 20, threads);
}
