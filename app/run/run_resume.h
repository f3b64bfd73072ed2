/* SPDX-License-Identifier: Apache-2.0 */
/* run_resume.h - `ravine train --resume RUN_DIR`: whether a run may go on, as far as its folder
 * tells; its checkpoints are the trainer's. Functions that return int return 0 or a kind of
 * io/failure.h. */
#ifndef RAVINE_RUN_RESUME_H
#define RAVINE_RUN_RESUME_H

#include "run/config.h"

#include <stdbool.h>
#include <stdint.h>

/* FAILURE_USAGE where a key has changed that a run cannot change on its way. */
int run_resume_check_config(const run_config *c, const char *folder);
/* A run without checkpoints starts over, behind the header, of which *log is the length; one with
 * an end that would be lost is refused. */
int run_resume_from_start(int64_t *log, const char *folder);
/* The log says that all epochs are done, and the weights are there. */
bool run_is_finished(const char *folder);

#endif
