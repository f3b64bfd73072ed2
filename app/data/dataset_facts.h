/* SPDX-License-Identifier: Apache-2.0 */
/* dataset_facts.h - what a doctor would like to know of the examples before the first step. */
#ifndef RAVINE_DATASET_FACTS_H
#define RAVINE_DATASET_FACTS_H

#include "data/dataset.h"

/* NaN: there is no such number. Sizes are root mean squares. */
typedef struct dataset_facts {
    double constant_loss; /* of the best prediction that is the same for every example: the entropy
                             of the labels in nats, or the variance of the targets, their mean over
                             the outputs */
    double classes;       /* NaN: a regression */
    double input_size;    /* of all inputs; NaN: a text */
    double input_ratio;   /* the greatest size of a column over the median one */
    double input_peak;    /* the greatest size of an example over the median one */
    double target_size;   /* of the targets of a regression */
    double target_peak;   /* the greatest size of an example's targets over the median one */
} dataset_facts;

/* Of at least one example; class_weight [outputs] is what each counts in the loss, with a mean of
 * 1, or NULL. Returns 0 or a kind of io/failure.h. */
int dataset_facts_of(dataset_facts *facts, const dataset *d, const double *class_weight);

#endif
