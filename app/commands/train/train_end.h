/* SPDX-License-Identifier: Apache-2.0 */
/* train_end.h - the end of a run, whatever it was: what `status` was told stays what is told. */
#ifndef RAVINE_COMMANDS_TRAIN_END_H
#define RAVINE_COMMANDS_TRAIN_END_H

#include "run/run_record.h"
#include "trainer/train.h"

/* Closes the record; the first failure is the one that is told. */
int train_close_record(run_record *r, int status);
/* And says how to go on where something could not be written; of a run that is finished writes what
 * it is most wrong about; writes report.html. */
int train_finish_record(run_record *r, const training *t, int status);

#endif
