/* SPDX-License-Identifier: Apache-2.0 */
/* worst.h - the examples that a net is most wrong about, each as it was before it became numbers.
 *
 * Functions that return int return 0 or a kind of io/failure.h.
 */
#ifndef RAVINE_TRAINER_WORST_H
#define RAVINE_TRAINER_WORST_H

#include "trainer/model.h"

enum { WORST_MAX = 12 };
typedef struct worst_example {
    int64_t index; /* in the examples */
    double loss;   /* as in an evaluation; infinite where it is not finite */
} worst_example;

/* Those of the greatest loss, the worst first; p: [count, outputs] of model_predict. Returns how
 * many there are. Of equal ones the earlier comes first. */
int64_t worst_find(worst_example worst[WORST_MAX], const data_encoding *e, const dataset *d,
                   const double *p);
/* [{"example", "file", "loss", "is", "called" and "probability", or "prediction", "inputs" of a
 * table: docs/schemas/evaluate.schema.json}]; with `pictures` each image as "picture", a data URL.
 * NULL: no memory. */
json_t *worst_json(const worst_example *worst, int64_t count, const data_encoding *e,
                   const dataset *d, const double *p, bool pictures);

/* RUN/worst.json, which the report reads (run/run_worst.h): of the test, by the weights that the
 * run keeps. Of a text there is none, nor of a run whose encoding cannot be read back. */
int worst_write(const char *folder, const dataset_pair *data);

#endif
