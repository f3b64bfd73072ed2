/* SPDX-License-Identifier: Apache-2.0 */
/* product_onednn.c - oneDNN writes its code for the processor at hand. */
#include "network/product.h"

#include <dnnl.h>
#include <stdio.h>
#include <stdlib.h>

/* Of the OpenMP that oneDNN is linked with; <omp.h> may be another compiler's. */
void omp_set_num_threads(int threads);

/* Nobody further up could go on without the product. */
static _Noreturn void give_up(dnnl_status_t status, int m, int n, int k) {
    fprintf(stderr, "ravine: oneDNN cannot multiply [%d, %d] by [%d, %d]: %s\n", m, k, k, n,
            status == dnnl_out_of_memory ? "out of memory" : "it has no code for it");
    abort();
}

/* C = beta C: what oneDNN forgets where the sum has no terms. */
static void scale(int m, int n, float beta, float *c, int ldc) {
    for (int row = 0; row < m; row++, c += ldc)
        for (int column = 0; column < n; column++) c[column] = beta == 0 ? 0 : beta * c[column];
}

void product_f32(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, int lda,
                 const float *b, int ldb, float beta, float *c, int ldc) {
    if (k == 0) {
        scale(m, n, beta, c, ldc);
        return;
    }
    omp_set_num_threads(1); /* the network itself says what runs together */
    const dnnl_status_t status = dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n,
                                            k, 1, a, lda, b, ldb, beta, c, ldc);
    if (status != dnnl_success) give_up(status, m, n, k);
}

const char *product_library(void) {
    static char name[32];
    const dnnl_version_t *v = dnnl_version();
    snprintf(name, sizeof name, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
    return name;
}

bool product_prepare(void) {
    return false;
}

/* Products of matrices of 6,000 x 6,000 took 20 MiB. */
const size_t product_bytes = (size_t)24 << 20;
const bool product_waits_at_end = false;
