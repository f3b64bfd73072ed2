/* SPDX-License-Identifier: Apache-2.0 */
/* Picks the kernels of the best instruction set that the processor has, or of a named one. */
#include "text/error.h"
#include "update/elementwise/kernel.h"

#include <stdlib.h>
#include <string.h>

/* Best first. X(name, the processor can run it): the features are those that decide in practice;
 * clang 14 does not know the levels by name. */
#if defined(RAVINE_HAVE_X86_V4)
#define HAS(feature) __builtin_cpu_supports(feature)
#define HAS_V3       (HAS("avx2") && HAS("fma") && HAS("bmi") && HAS("bmi2"))
#define HAS_V4                                                                            \
    (HAS_V3 && HAS("avx512f") && HAS("avx512bw") && HAS("avx512cd") && HAS("avx512dq") && \
     HAS("avx512vl"))
#define ISA_LIST(X)   \
    X(x86_v4, HAS_V4) \
    X(x86_v3, HAS_V3) \
    X(baseline, 1)
#else
#define ISA_LIST(X) X(baseline, 1)
#endif

#define X(isa, supported) extern const isa_kernels ravine_kernels_##isa;
ISA_LIST(X)
#undef X

int ravine_kernel_find(kernel_shape shape) {
    static const kernel_shape compiled[] = {
#define KERNEL(M, S, A) {MOMENTUM_##M, SCALE_##S, AFTER_##A, COEFFICIENTS_GENERAL},
#include "kernels.def"
    };
    for (int k = 0; k < KERNEL_COUNT; k++)
        if (compiled[k].momentum == shape.momentum && compiled[k].scale == shape.scale &&
            compiled[k].after == shape.after)
            return k;
    return -1;
}

const isa_kernels *ravine_kernels(const char *isa) {
    if (!isa) isa = getenv("RAVINE_ISA");
    if (isa && !*isa) isa = NULL;
#define X(name, supported)                                                                    \
    if (!isa ? (supported) : !strcmp(isa, #name)) {                                           \
        if (supported) return &ravine_kernels_##name;                                         \
        ravine_fail(RAVINE_E_UNSUPPORTED, "isa is %s; this processor does not have it", isa); \
        return NULL;                                                                          \
    }
    ISA_LIST(X)
#undef X
#define X(name, supported) " " #name
    ravine_fail(RAVINE_E_UNSUPPORTED, "isa is %s; it must be one of" ISA_LIST(X), isa);
#undef X
    return NULL;
}

const char *ravine_isa(const char *wanted) {
    const isa_kernels *kernels = ravine_kernels(wanted);
    return kernels ? kernels->name : NULL;
}
