/* stability.h - when a step is too long for the curvature under it.
 *
 * With sigma held still, the rule on a quadratic of Hessian H is a linear recursion in each
 * eigendirection of P^-1/2 H P^-1/2, P = diag(sigma). Growing the curvature, it first fails by an
 * error that changes sign at every step. There m = G g, G the gain of the momentum for an
 * alternating gradient, and the error neither grows nor shrinks at
 *     eta S = (1 + a) / G,      S the largest eigenvalue, a what decay leaves of theta:
 * 2 for gradient descent, 2 (1 + b) for a heavy ball, 2 (1 + b) / (1 - b) for Adam.
 */
#ifndef RAVINE_SURFACE_STABILITY_H
#define RAVINE_SURFACE_STABILITY_H

#include "ravine.h"

#include <stdbool.h>

/* eta of step t = 0, 1, ... when the schedule says lr: adagrad and asgd have a decay of their own.
 */
double stability_eta(const ravine_config *c, double lr, int64_t t);
/* The greatest eta S that is stable at step t; NaN for rules that use signs alone. */
double stability_limit(const ravine_config *c, double lr, int64_t t);

/* True if eta S of hessian [n, n] exceeds `limit`: limit P - eta H is not positive definite. work:
 * [n, n]. */
bool stability_exceeded(const double *hessian, const double *sigma, int n, double eta, double limit,
                        double *work);
/* eta S itself. */
double stability_sharpness(const double *hessian, const double *sigma, int n, double eta,
                           double *work);

#endif
