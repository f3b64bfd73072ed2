/* SPDX-License-Identifier: Apache-2.0 */
/* run_header.h - the first line of RUN/run.jsonl: what a run is of. Written when a run begins; read
 * where it goes on or is examined. Functions that return int return 0 or a kind of io/failure.h. */
#ifndef RAVINE_RUN_HEADER_H
#define RAVINE_RUN_HEADER_H

#include "run/run_subject.h"

/* For json_decref(); NULL: out of memory. */
json_t *run_header_json(const run_subject *of);

/* Sets what the run of the folder was configured with. */
int run_header_config(run_config *c, const char *folder);
/* The same where the header has been read. */
int run_header_config_of(run_config *c, const json_t *header, const char *folder);

/* Whether the run was trained on a file of these bytes. */
bool run_header_has_data(const json_t *header, const dataset_file *file);
/* Whether the data are those that the run was trained on, as far as its header tells. */
int run_header_check_data(const json_t *header, const dataset_pair *data, const char *folder);

enum { RUN_CHECKSUMS_SIZE = DATASET_FILES_MAX * 9 };
/* The checksums of the data, as a checkpoint holds them: "1a2b3c4d 5e6f7a8b". */
void run_data_checksums(const dataset_pair *data, char text[RUN_CHECKSUMS_SIZE]);

#endif
