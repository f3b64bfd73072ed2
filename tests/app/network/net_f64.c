/* SPDX-License-Identifier: Apache-2.0 */
/* net_f64.c - the network in float64: the functions of net_f64.h. */
#include "app/network/net_f64.h"

#include <math.h>

static inline double normal_f64(double z, double *density) {
    *density = 0.3989422804014327 * exp(-0.5 * z * z);
    return 0.5 * erfc(-0.7071067811865476 * z);
}

#define REAL                    double
#define REAL_GEMM               cblas_dgemm
#define REAL_TANH(x)            tanh(x)
#define REAL_EXP(x)             exp(x)
#define REAL_NORMAL(z, density) normal_f64(z, density)
#define NET(name)               net64##name
#define CHOSEN_PHASES           (&net64_phases_baseline)

#include "network/body/op.inc"

#define PHASES       net64_phases_baseline
#define PHASES_SCOPE static
#include "network/body/phases.inc"

#include "network/body/net.inc"

int net64_create_plan(net64 **out, const net_plan *p, int64_t max_batch, ravine_parallel parallel,
                      void *parallel_context) {
    return create_planned(out, p, max_batch, parallel, parallel_context);
}
