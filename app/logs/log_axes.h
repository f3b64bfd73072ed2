/* SPDX-License-Identifier: Apache-2.0 */
/* log_axes.h - names whose steps count something else than those of the others.
 *
 * A training often logs its loss for each batch and the held-out loss for each epoch, both as
 * "step": 40,000 batches there, 10 epochs here, at the same times. Side by side the held-out loss
 * would belong to the first 10 batches. Where the times of a log show that, such numbers move to
 * the steps that were made then.
 */
#ifndef RAVINE_LOGS_LOG_AXES_H
#define RAVINE_LOGS_LOG_AXES_H

#include "logs/log.h"

/* Of a log whose every row has "step" and "_timestamp", as its reader put them; any other is left
 * as it is. */
void log_align_axes(log_data *log);

#endif
