/* SPDX-License-Identifier: Apache-2.0 */
/* stall.h - a real network that is stuck while its gradient is not small: figure (a).
 *
 * Images of Fashion-MNIST, all of them in every step, so that nothing about the loss is noise of
 * small batches. They are read from where `ravine train` reads them, RAVINE_DATA_... included.
 */
#ifndef RAVINE_LECTURE_STALL_H
#define RAVINE_LECTURE_STALL_H

#include <stdint.h>

typedef struct stall_run {
    int64_t steps;
    double *loss, *grad_norm; /* [steps], before each step */
} stall_run;

enum { STALL_IMAGES = 4000, STALL_UNITS = 32 };

/* Trains with the optimizer and the schedule of its lr, both as text. Returns 0 or an exit code of
 * io/failure.h: EXIT_INPUT also where the images are not installed. Free it with stall_free(). */
int stall_train(stall_run *r, const char *optimizer, const char *schedule, int64_t steps);
void stall_free(stall_run *r);

#endif
