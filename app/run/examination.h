/* SPDX-License-Identifier: Apache-2.0 */
/* examination.h - what was found when a run was looked at more closely than its log allows, and the
 * line of run.jsonl that keeps it (type "doctor": docs/command.md).
 *
 * The line is written by `ravine doctor --probe` and `--try`, and read by every report after that.
 */
#ifndef RAVINE_RUN_EXAMINATION_H
#define RAVINE_RUN_EXAMINATION_H

#include "ravine_doctor.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Starts as {0}. */
typedef struct examination {
    ravine_diagnosis diagnosis; /* size 0: there is none */
    ravine_probe probe;         /* size 0: none was made */
    int64_t tried_steps;        /* of each cure; 0: none was tried */
} examination;

/* NULL: no memory. */
json_t *examination_json(const examination *e);
/* From a line of any origin; false, and e is {0}, where it is none. Of the probe the numbers that
 * are not in the line are NaN. */
bool examination_read(examination *e, const json_t *line);

#endif
