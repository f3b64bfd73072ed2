/* SPDX-License-Identifier: Apache-2.0 */
/* surface_stability.h - the limit of ravine_stability_limit() against a Hessian that is known: with
 * S the largest eigenvalue of P^-1/2 H P^-1/2, P = diag(sigma), a step is stable as long as eta S
 * is below the limit of the rule.
 */
#ifndef RAVINE_SURFACE_STABILITY_H
#define RAVINE_SURFACE_STABILITY_H

#include <stdbool.h>

/* True if eta S of hessian [n, n] exceeds `limit`: limit P - eta H is not positive definite. work:
 * [n, n]. */
bool stability_exceeded(const double *hessian, const double *sigma, int n, double eta, double limit,
                        double *work);
/* eta S itself. */
double stability_sharpness(const double *hessian, const double *sigma, int n, double eta,
                           double *work);

#endif
