/* SPDX-License-Identifier: Apache-2.0 */
/* product_openblas.c - OpenBLAS 0.3.21 takes an unknown x86-64 processor for a Prescott of 2004,
 * which AVX2 contradicts. The names are those of its driver/others/dynamic.c. */
#include "network/product.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* BUFFER_SIZE of its common_x86_64.h and common_arm64.h. */
const size_t product_bytes = (size_t)32 << 22;
/* For its own threads, and where they have no room they never end. */
const bool product_waits_at_end = true;
