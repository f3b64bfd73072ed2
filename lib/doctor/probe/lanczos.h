/* SPDX-License-Identifier: Apache-2.0 */
/* lanczos.h - both ends of the spectrum of a symmetric operator, from a few products with it.
 *
 * Lanczos' iteration with full re-orthogonalization: the operator is projected on the span of
 * start, A start, A^2 start, ..., where it is a tridiagonal matrix T. The eigenvalues of T are Ritz
 * values: Rayleigh quotients of A that converge from inside to both ends of its spectrum. Source:
 * Golub & Van Loan, Matrix computations, chapters 8.3 and 10.
 */
#ifndef RAVINE_DOCTOR_LANCZOS_H
#define RAVINE_DOCTOR_LANCZOS_H

#include "ravine.h"

/* y = A x; x, y: [n]. */
typedef ravine_status (*lanczos_product)(void *context, const double *x, double *y);

typedef struct lanczos {
    int64_t n;
    int32_t wanted; /* steps, >= 1; at most n are made */
    uint64_t seed;  /* of the vectors with which it goes on when a space is exhausted */
    double *basis;  /* [wanted, n]; row 0 is the start on entry, of any length but 0 */
    double *work;   /* [n] */
    double *value;  /* [wanted] Ritz values, rising */
    double *vector; /* [wanted, wanted]: entry (j, k) is the share of basis j in Ritz vector k */
    double *beta;   /* [wanted] */
    int32_t steps;  /* made */
    double last;    /* what of A the space did not hold at the end: 0 if it is all */
    double defect;  /* root mean square of what is not symmetric in the projection: noise */
} lanczos;

/* Doubles that value, vector and beta take together. */
static inline int64_t lanczos_numbers(int32_t wanted) {
    return (int64_t)wanted * (wanted + 2);
}

/* Sets steps, value, vector, last, defect; fails only if a product does. */
ravine_status ravine_lanczos_run(lanczos *l, lanczos_product product, void *context);
/* |A y - value y| of Ritz pair k: an eigenvalue is within it. */
double ravine_lanczos_residual(const lanczos *l, int32_t k);
/* The Ritz vector of pair k, of norm 1; y: [n]. */
void ravine_lanczos_vector(const lanczos *l, int32_t k, double *y);

/* Eigenvalues and eigenvectors of the symmetric tridiagonal matrix with diagonal d [m] and beside
 * it e [m - 1] (e has room for m): d becomes the eigenvalues, rising, z [m, m] their vectors in
 * columns, e is lost. */
void ravine_tridiagonal(double *d, double *e, double *z, int32_t m);

#endif
