/* SPDX-License-Identifier: Apache-2.0 */
/* log_run.h - the log of another program as a run, for the page of a report. */
#ifndef RAVINE_LOGS_LOG_RUN_H
#define RAVINE_LOGS_LOG_RUN_H

#include "logs/log.h"
#include "run/run_reader.h"

/* Points with a loss are its steps, those with a held-out loss or an accuracy its epochs; its
 * configuration says what was read, and as what. Returns 0 or a kind of io/failure.h; free with
 * run_free() in any case. */
int log_as_run(run_data *run, const log_data *log);

#endif
