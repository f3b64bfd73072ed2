/* SPDX-License-Identifier: Apache-2.0 */
/* writer.h - a text that goes on, byte by byte, as a model that has learned one foretells it.
 *
 * Functions that return int return 0 or a kind of io/failure.h.
 */
#ifndef RAVINE_TRAINER_WRITER_H
#define RAVINE_TRAINER_WRITER_H

#include "trainer/model.h"

typedef struct text_writer {
    const model *m;
    double temperature; /* 0: always the likeliest byte */
    uint64_t seed;      /* of what is drawn */
    float *x;           /* [context] the sequence so far, [used]; of an lstm its last bytes, byte k
                           at k mod context */
    float *logits;      /* [context, TEXT_BYTES] of the positions that were worked on last */
    int64_t context, used,
        known; /* known: positions whose keys and values, or state, the net has */
    int64_t drawn;
} text_writer;

/* Begins with the last bytes of the prompt that fit the context; at least one. The model outlives
 * it. Free with text_writer_free() in any case. */
int text_writer_begin(text_writer *w, const model *m, const unsigned char *prompt, size_t length);
void text_writer_free(text_writer *w);
/* The next byte. A context that is full is begun anew with its younger half, but of an lstm, whose
 * state goes on. FAILURE_INPUT where the net's outputs are not finite. */
int text_writer_next(text_writer *w, unsigned char *byte);

#endif
