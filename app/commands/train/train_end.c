/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/train/train_end.h"

#include "io/failure.h"
#include "report/report.h"
#include "run/run_worst.h"
#include "trainer/worst.h"

#include <limits.h>
#include <stdio.h>

int train_close_record(run_record *r, int status) {
    char told[1024];
    snprintf(told, sizeof told, "%s", failure_text());
    const int closed = run_record_close(r);
    return status ? failure(status, "%s", told) : closed;
}

/* And where something could not be written, says how to go on. */
static int end_record(run_record *r, int status) {
    char folder[PATH_MAX], told[1024];
    snprintf(folder, sizeof folder, "%s", run_record_folder(r));
    status = train_close_record(r, status);
    if (status != FAILURE_INPUT) return status;
    snprintf(told, sizeof told, "%s", failure_text());
    return failure(status, "%s; to go on: ravine train --resume %s", told, folder);
}

int train_finish_record(run_record *r, const training *t, int status) {
    char folder[PATH_MAX], told[1024];
    snprintf(folder, sizeof folder, "%s", run_record_folder(r));
    status = end_record(r, status);
    if (status)
        run_worst_remove(folder);
    else
        status = worst_write(folder, &t->data);
    snprintf(told, sizeof told, "%s", failure_text());
    report told_of = {0};
    int reported = report_add(&told_of, folder);
    if (!reported) reported = report_save(&told_of);
    report_free(&told_of);
    return status ? failure(status, "%s", told) : reported;
}
