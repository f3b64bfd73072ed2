/* SPDX-License-Identifier: Apache-2.0 */
/* long.h - `ravine lecture --long`: the sweeps of figures (m) and (n), made anew.
 *
 *     long.c          which they are, and the lines of lecture/sweeps.h that they come to
 *     long_steps.c    steps to a training loss
 *     long_noise.c    the noise scale along a run
 *
 * Functions that return int return 0 or a kind of io/failure.h.
 */
#ifndef RAVINE_COMMANDS_LONG_H
#define RAVINE_COMMANDS_LONG_H

#include "commands/sweep/sweep.h"

#include <jansson.h>

/* Makes them as runs below FOLDER/sweeps, where those that are there already are kept, and writes
 * FOLDER/sweeps.jsonl. *saved is what that file has, for json_decref(). */
int long_make(json_t **saved, const char *folder);

/* long_steps.c: the first step around which the losses of so many examples in a row have that mean;
 * NaN: there is none. The run's log has every step. */
int long_steps(double *step, const sweep_run *run, double target, int64_t examples);

/* long_noise.c: appends a line of type "noise" for the start and for each checkpoint of the run;
 * every line has the members of `at`. */
int long_noise(json_t *lines, const sweep_run *run, const json_t *at);

#endif
