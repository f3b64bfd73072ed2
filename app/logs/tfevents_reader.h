/* SPDX-License-Identifier: Apache-2.0 */
/* tfevents_reader.h - the numbers in one of TensorBoard's event files (run/tfevents.h has the
 * format).
 *
 * A number is written as simple_value (PyTorch, Hugging Face, Lightning) or as a tensor without
 * dimensions (TensorFlow 2, Keras, JAX); both are read, and everything else is passed over. A file
 * that is cut, as of a training that still runs, tells what is whole; one that is damaged, what
 * stands before the damage, with a note.
 */
#ifndef RAVINE_LOGS_TFEVENTS_READER_H
#define RAVINE_LOGS_TFEVENTS_READER_H

#include "logs/log.h"

/* The name in the log of a number with this tag; false: it is not wanted. */
typedef bool tfevents_namer(void *context, const char *tag, char name[LOG_KEY_MAX + 1]);

/* Do bytes[size] begin such a file? */
bool tfevents_begins(const unsigned char *bytes, size_t size);
/* A row for each event with a number; `name` NULL: tags are names. */
int tfevents_read(log_data *log, const char *path, tfevents_namer *name, void *context);

#endif
