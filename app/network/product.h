/* SPDX-License-Identifier: Apache-2.0 */
/* product.h - products of matrices in float32, by oneDNN or by OpenBLAS: one of them is built
 * (cmake/command.cmake, docs/decisions/products.md). */
#ifndef RAVINE_NETWORK_PRODUCT_H
#define RAVINE_NETWORK_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

/* C = A B + beta C, row-major, on the calling thread; C [m, n], A [m, k] or, transposed, [k, m],
 * B [k, n] or [n, k]; lda, ldb, ldc: numbers between their rows. */
void product_f32(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, int lda,
                 const float *b, int ldb, float beta, float *c, int ldc);

/* "oneDNN 2.6.3", "OpenBLAS Haswell": who multiplies decides the last bits of a training. */
const char *product_library(void);

/* Sets in the environment what the library should read when it is loaded, where the user has not.
 * True: the program must start again for that. */
bool product_prepare(void);

/* What the library takes for a thread that multiplies, at most. */
extern const size_t product_bytes;
/* It waits for something at the end of the program. */
extern const bool product_waits_at_end;

/* product_room.c: whether there is room for that on so many threads, 0 or a kind of io/failure.h;
 * and how a program ends: at once where the library would wait for ever, having no room. */
int product_check_room(int threads);
void product_leave(int exit_code);

#endif
