/* SPDX-License-Identifier: Apache-2.0 */
/* log_names.h - which of the names in a log is the loss, which the step. */
#ifndef RAVINE_LOGS_LOG_NAMES_H
#define RAVINE_LOGS_LOG_NAMES_H

#include "logs/log.h"

/* Fills in `taken` and `guessed`. Fails where a name of the choice is not in the log, and where
 * there is no loss or several that it could be. */
int log_take_names(log_data *log, const log_choice *choice);

#endif
