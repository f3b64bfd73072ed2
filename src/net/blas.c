/* blas.c - OpenBLAS 0.3.21 takes an unknown x86-64 processor for a Prescott of 2004, which AVX2
 * contradicts. The names are those of its driver/others/dynamic.c. */
#include "net/blas.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

const char *blas_better_core(void) {
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
