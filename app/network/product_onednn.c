/* SPDX-License-Identifier: Apache-2.0 */
/* product_onednn.c - oneDNN writes its code for the processor at hand. */
#include "network/product.h"

#include <dnnl.h>
#include <stdio.h>
#include <stdlib.h>

/* Of the OpenMP that oneDNN is linked with; <omp.h> may be another compiler's. */
void omp_set_num_threads(int threads);

/* Nobody further up could go on without the product. What it takes is a few MiB. */
static _Noreturn void give_up(dnnl_status_t status, int m, int n, int k) {
    fprintf(stderr, "ravine: oneDNN cannot multiply [%d, %d] by [%d, %d]: %s\n", m, k, k, n,
            status == dnnl_out_of_memory ? "out of memory" : "it has no code for it");
    abort();
}

void product_f32(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, int lda,
                 const float *b, int ldb, float beta, float *c, int ldc) {
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

bool product_has_room(int threads) {
    (void)threads;
    return true;
}

int product_check_room(int threads) {
    (void)threads;
    return 0;
}
