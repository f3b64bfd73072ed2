/* SPDX-License-Identifier: Apache-2.0 */
/* net_f32_avx2.c - the working code of the float32 network for x86-64 processors with AVX2. */
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC target("avx2")
#endif

#include "network/real_f32.h"

#define PHASES net_phases_avx2
#define PHASES_SCOPE
#include "network/body/phases.inc"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
