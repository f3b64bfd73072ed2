/* SPDX-License-Identifier: Apache-2.0 */
/* log_findings.h - what the points of a log show, as numbers.
 *
 * The library's doctor looks at single steps and counts them; the points of a log are means over
 * any number of steps, few or many (docs/decisions/foreign_logs.md). Here a number has the error
 * that the scatter of the points gives it, and nothing depends on how many steps a point stands
 * for. Ratios are of the greater magnitude; NaN: not known.
 */
#ifndef RAVINE_LOGS_LOG_FINDINGS_H
#define RAVINE_LOGS_LOG_FINDINGS_H

#include "logs/log.h"

typedef struct log_findings {
    double rewarded;    /* 1: what follows is of the reward, with its sign turned */
    double losses;      /* finite ones */
    double first, last; /* steps of the first and the last point */

    /* The loss: medians of the first tenth and of the last fifth of the points. */
    double start, now, least, least_step;
    double noise;                /* of a single point */
    double spread;               /* that over the loss's magnitude */
    double fallen, fallen_z;     /* since the start; negative: it rose; in standard errors */
    double halves_z;             /* of the second half below the first, in standard errors */
    double steady;               /* 1: each point is below the one before */
    double begin;                /* the very first point */
    double thrown, thrown_z;     /* the greatest of the first tenth over it; in deviations */
    double late, late_error;     /* from the third to the last quarter, and its error */
    double above_least, least_z; /* of now above the least tenth of the run */
    double flat_since;           /* the step from which on the loss stays within its noise */

    /* What is no number any more. */
    double lost_at;        /* the step from which on no loss is finite */
    double lost_rise;      /* the last finite losses over those of the start */
    double lost_losses;    /* that are not finite */
    double gradient_lost;  /* points in a row until now whose gradient norm is not finite */
    double gradient_holes; /* all such points */
    double gradient_lost_at;
    double scale_floor; /* share of the last half of the points whose loss scale is at most 1 */

    /* What is exactly 0. */
    double zeros;          /* share of losses */
    double gradient_zeros; /* share of gradient norms */

    /* The learning rate. */
    double lr, lr_most, lr_share; /* the last; the greatest of two in a row; of it */
    double lr_zeros;              /* share of the points whose lr is 0 */
    double lr_low_share; /* share of the steps since it is next to nothing of the greatest */
    double lr_low_since, lr_low_points;
    double lr_before, lr_leapt, lr_leapt_at; /* its greatest leap, if that is tenfold */

    /* Leaps. */
    double leap, leap_z, leap_at; /* the greatest lasting rise between neighbouring medians */
    double leap_height;           /* of it over all that the loss had fallen by before */
    double leap_usual;            /* of it over what neighbouring medians usually differ by */
    double swings;  /* changes between the lowest and the highest quarter of its range */
    double resumed; /* the step from which the training went on; NaN: it did not */

    /* Examples that are not trained on. */
    double validations, validation_least, validation_least_step, validation_now;
    double validation_rise, validation_z;          /* of the last ones over the least */
    double validation_fallen, validation_fallen_z; /* since the first one */
    double train_since;                            /* fall of the training loss since then */

    double classes;                 /* the loss stands at ln of so many */
    double gradient, gradient_most; /* medians of the last fifth and of all */
} log_findings;

/* Of the points up to the step `until`. Returns 0 or a kind of io/failure.h. */
int log_find(log_findings *f, const log_data *log, double until);

#endif
