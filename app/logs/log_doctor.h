/* SPDX-License-Identifier: Apache-2.0 */
/* log_doctor.h - what holds a training up, from somebody else's log.
 *
 * A log shows what the loss does, what is no number, what the learning rate and the held-out loss
 * do; it does not show gradients, so that nothing is said that would need them. What it lacks, and
 * which line would log it, is in cannot_tell.
 */
#ifndef RAVINE_LOGS_LOG_DOCTOR_H
#define RAVINE_LOGS_LOG_DOCTOR_H

#include "logs/log.h"
#include "ravine_doctor.h"

/* Points beyond the step `until` are not looked at. Returns 0 or a kind of io/failure.h. */
int log_diagnose(const log_data *log, int64_t until, ravine_diagnosis *diagnosis);

#endif
