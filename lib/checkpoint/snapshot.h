/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.h - everything that the next step of an optimizer depends on, as named tensors and
 * texts. It is the one list that ravine_save writes and ravine_load compares and fills: the data of
 * a tensor are the optimizer's own arrays, or a copy of them that a thread may write.
 *
 *     snapshot_source source = {.o = o, .options = &options, .metric = NAN};
 *     snapshot_size size;
 *     status = ravine_snapshot_measure(&source, &size);
 *     if (!status) ravine_snapshot_place(&source, &size, memory, &out);    memory: [size.bytes]
 *
 * ravine_checkpoint.h lists names and keys. */
#ifndef RAVINE_CHECKPOINT_SNAPSHOT_H
#define RAVINE_CHECKPOINT_SNAPSHOT_H

#include "ravine_checkpoint.h"

#include <stdbool.h>

typedef struct snapshot_source {
    const ravine_optimizer *o;
    const ravine_save_options *options;
    double metric; /* of a saver; not finite: none */
    bool copies;   /* the numbers are copied too */
} snapshot_source;

typedef struct snapshot_size {
    size_t bytes;
    int64_t ntensors, ntexts;
} snapshot_size;

/* The tensors of a parameter follow each other: its data, its state, its step_count; then those of
 * the caller. */
typedef struct snapshot {
    ravine_tensor *tensors;
    int64_t *owner; /* [ntensors] the parameter that it belongs to; -1: the caller's */
    ravine_text *texts;
    int64_t *step_count; /* [parameters] data of the tensors state.NAME.step */
    int64_t ntensors, ntexts;
} snapshot;

/* The caller's options, or the usual ones for NULL. */
ravine_status ravine_snapshot_options(ravine_save_options *own, const ravine_save_options *options);
/* E_ARG: a name or key in the options is one of ours, or missing. */
ravine_status ravine_snapshot_measure(const snapshot_source *source, snapshot_size *size);
/* Nothing of the optimizer may have changed since it was measured, so nothing can fail. */
void ravine_snapshot_place(const snapshot_source *source, const snapshot_size *size, void *memory,
                           snapshot *out);

#endif
