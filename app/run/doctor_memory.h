/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_memory.h - RUN/doctor.safetensors: what the doctor remembered of a training when it ended.
 *
 * The log has every log_every-th step; with this file beside it, a later look judges by the very
 * numbers that the live one had. It belongs to an end that the log tells of: after any other it is
 * left aside, and the log alone has to do.
 */
#ifndef RAVINE_RUN_DOCTOR_MEMORY_H
#define RAVINE_RUN_DOCTOR_MEMORY_H

#include "ravine_doctor.h"

#include <stdbool.h>

/* `step`: the last one of the training. Returns 0 or an exit code of io/failure.h. */
int doctor_memory_write(const char *folder, const ravine_doctor *d, int64_t step);
/* Into a doctor with the same options, in place of what it knows; but it keeps the names that it
 * has. False, and nothing has changed: there is no memory, or it is of another step, or damaged. */
bool doctor_memory_read(const char *folder, ravine_doctor *d, int64_t step);

#endif
