/* SPDX-License-Identifier: Apache-2.0 */
/* train_resume.c - `ravine train --resume RUN_DIR`: from which checkpoint, and on which data. */
#include "io/failure.h"
#include "ravine_checkpoint.h"
#include "run/run_header.h"
#include "run/run_reader.h"
#include "run/run_resume.h"
#include "trainer/train.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

int train_resume_find(train_point *point, const char *folder) {
    char saved[PATH_MAX + 16], path[PATH_MAX];
    int64_t skipped = 0;
    snprintf(saved, sizeof saved, "%s/checkpoints", folder);
    ravine_status status = RAVINE_E_STATE;
    if (access(saved, F_OK) == 0)
        status = ravine_checkpoint_latest(saved, path, sizeof path, &skipped);
    if (skipped)
        fprintf(stderr, "ravine: %" PRId64 " damaged checkpoints in %s are passed over\n", skipped,
                saved);
    if (status == RAVINE_OK) return train_point_read(point, path);
    if (status != RAVINE_E_STATE || skipped) return failure(FAILURE_INPUT, "%s", ravine_errmsg());
    *point = (train_point){.nepochs = 0};
    return run_resume_from_start(&point->position.log, folder);
}

int train_resume_check_data(const train_point *point, const dataset_pair *data,
                            const char *folder) {
    json_t *header;
    int64_t bytes;
    int status = run_read_header(&header, &bytes, folder);
    if (status) return status;
    status = run_header_check_data(header, data, folder);
    json_decref(header);
    char now[RUN_CHECKSUMS_SIZE];
    run_data_checksums(data, now);
    if (!status && *point->data && strcmp(now, point->data) != 0)
        status = failure(FAILURE_INPUT, "%s was trained on other data: CRC32C %s there, %s here",
                         point->path, point->data, now);
    return status;
}
