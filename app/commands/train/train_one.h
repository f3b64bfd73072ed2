/* SPDX-License-Identifier: Apache-2.0 */
/* train_one.h - a run with nothing on the terminal, for those who make several. Functions return 0
 * or a kind of io/failure.h. */
#ifndef RAVINE_COMMANDS_TRAIN_ONE_H
#define RAVINE_COMMANDS_TRAIN_ONE_H

#include "trainer/train.h"

/* Where a run goes on; its record keeps others away from it, and is still as it was. */
int train_open_record(run_record **r, train_point *point, const training *t, const char *folder);

/* Told how a run ended, whatever the end. */
typedef void train_note(void *context, const training *t, const train_result *result,
                        const char *folder);
/* Trains from the beginning, or goes on with the run in `resumed`, if it is not NULL; the run has
 * its page then. `note` may be NULL. */
int train_quietly(const run_config *c, const char *resumed, train_note *note, void *context);

#endif
