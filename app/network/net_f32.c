/* SPDX-License-Identifier: Apache-2.0 */
/* net_f32.c - the network in float32: the functions of net.h. */
#include "network/real_f32.h"

#if defined(__x86_64__)
#define CHOSEN_PHASES (__builtin_cpu_supports("avx2") ? &net_phases_avx2 : &net_phases_baseline)
#else
#define CHOSEN_PHASES (&net_phases_baseline)
#endif

#define PHASES       net_phases_baseline
#define PHASES_SCOPE static
#include "network/body/phases.inc"

#include "network/body/net.inc"
