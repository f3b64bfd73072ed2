/* SPDX-License-Identifier: Apache-2.0 */
/* space.h - the parameters of an optimizer as one vector of doubles, moved in place.
 *
 *     ravine_status status = ravine_space_open(&s, o, problem);
 *     ... ravine_space_move(&s, step, direction); ravine_space_evaluate(&s, batch, 0, &loss); ...
 *     ravine_space_close(&s);
 *
 * The space has the elements of all parameters with a bound gradient, in the order of adding.
 * Open copies their bits and those of their gradients; close puts them back.
 */
#ifndef RAVINE_DOCTOR_SPACE_H
#define RAVINE_DOCTOR_SPACE_H

#include "base/dtype.h"
#include "ravine_doctor.h"

#include <stdbool.h>

typedef struct space {
    ravine_optimizer *o;
    ravine_problem problem;
    int64_t n;                 /* elements */
    const computed *type;      /* the least exact one of the parameters, and so of gradients */
    double norm;               /* of the parameters at home */
    double distance;           /* of finite differences; by ravine_space_choose_distance */
    int64_t gradients, losses; /* calls of evaluate with and without a gradient */
    char *copy;                /* bits of parameters and gradients at home */
    size_t bytes;              /* of copy */
} space;

/* Checks optimizer and problem; after an error there is nothing to close. */
ravine_status ravine_space_open(space *s, ravine_optimizer *o, const ravine_problem *problem);
void ravine_space_close(space *s); /* and home */

void ravine_space_home(space *s); /* parameters and gradients as they were at open */
/* Parameters at home + step direction; direction: [n]. */
void ravine_space_move(space *s, double step, const double *direction);
/* The same, and that is home from now on. */
void ravine_space_settle(space *s, double step, const double *direction);
/* Where the parameters are now, less home; out: [n]. */
void ravine_space_displacement(const space *s, double *out);

/* Calls evaluate of batch `number` where the parameters are now; the loss may be anything. */
ravine_status ravine_space_evaluate(space *s, int64_t number, int32_t gradient, double *loss);
/* The same with the gradient [n]; E_STATE if it is not finite. */
ravine_status ravine_space_gradient(space *s, int64_t number, double *loss, double *gradient);
/* The loss of the fixed batch at home + step direction, infinite where it is not finite. */
ravine_status ravine_space_loss_at(space *s, double step, const double *direction, double *loss);

/* Sets s->distance; v: [n] a direction to look along, g: [n] the gradient at home, work: [n]. */
ravine_status ravine_space_choose_distance(space *s, const double *v, const double *g,
                                           double *work);
/* y = H x at home on the fixed batch: by the problem's product, or from two gradients at
 * s->distance to both sides. */
ravine_status ravine_space_product(space *s, const double *x, double *y);

/* Sums in an order that is the same on every machine. */
double ravine_dot(const double *x, const double *y, int64_t n);
double ravine_norm(const double *x, int64_t n);
void ravine_add_scaled(double *y, double factor, const double *x, int64_t n); /* y += factor x */

/* OK, or E_RANGE: *bytes = count n doubles. */
ravine_status ravine_space_bytes(const space *s, int64_t count, size_t *bytes);

#endif
