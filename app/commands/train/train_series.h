/* SPDX-License-Identifier: Apache-2.0 */
/* train_series.h - `ravine train --folds K --seeds N`: several runs of one configuration, each in a
 * folder of its own in RUNS_DIR/NAME, and what they say together. */
#ifndef RAVINE_COMMANDS_TRAIN_SERIES_H
#define RAVINE_COMMANDS_TRAIN_SERIES_H

#include "cli/cli.h"
#include "run/config.h"

bool train_is_series(const cli_args *args);
/* Changes seed, fold, name and runs_dir of *c. Returns 0 or a kind of io/failure.h;
 * FAILURE_DIVERGED where some of the runs did. */
int train_series(run_config *c, const cli_args *args);

#endif
