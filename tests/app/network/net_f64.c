/* SPDX-License-Identifier: Apache-2.0 */
/* net_f64.c - the network in float64: the functions of net_f64.h. */
#include "app/network/net_f64.h"

#include <cblas.h>
#include <math.h>

static inline double normal_f64(double z, double *density) {
    *density = 0.3989422804014327 * exp(-0.5 * z * z);
    return 0.5 * erfc(-0.7071067811865476 * z);
}

static void product_f64(bool transpose_a, bool transpose_b, int m, int n, int k, const double *a,
                        int lda, const double *b, int ldb, double beta, double *c, int ldc) {
    openblas_set_num_threads(1);
    cblas_dgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                transpose_b ? CblasTrans : CblasNoTrans, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}

#define REAL                    double
#define REAL_PRODUCT            product_f64
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
