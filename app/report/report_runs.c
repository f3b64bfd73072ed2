/* SPDX-License-Identifier: Apache-2.0 */
/* The runs that a report is about, and what they are called. */
#include "report/report.h"

#include "io/failure.h"
#include "logs/log_doctor.h"
#include "logs/log_run.h"

#include <stdlib.h>
#include <string.h>

static int add_run(report *r, report_run **out) {
    if (r->nruns == REPORT_RUNS_MAX)
        return failure(FAILURE_USAGE, "a report shows at most %d runs", REPORT_RUNS_MAX);
    report_run *grown = realloc(r->run, (r->nruns + 1) * sizeof *grown);
    if (!grown) return failure(FAILURE_INPUT, "out of memory");
    r->run = grown;
    *out = &r->run[r->nruns++];
    **out = (report_run){.doctor.until = INT64_MAX};
    return 0;
}

int report_add(report *r, const char *folder) {
    report_run *run = NULL;
    int status = add_run(r, &run);
    if (status) return status;
    const run_listener listener = run_doctor_listener(&run->doctor);
    status = run_read(&run->data, folder, &listener);
    if (!status) status = run_facts_of(&run->facts, &run->data);
    if (status || run->data.nsteps == 0) return status;
    if (examination_read(&run->found, run->data.examination)) return 0;
    return run_doctor_diagnose(&run->doctor, &run->data, &run->found.diagnosis);
}

int report_add_log(report *r, const char *path, const log_choice *choice) {
    report_run *run = NULL;
    log_data log;
    int status = add_run(r, &run);
    if (status) return status;
    status = log_read(&log, path, choice);
    if (!status) status = log_as_run(&run->data, &log);
    if (!status) status = log_diagnose(&log, INT64_MAX, &run->found.diagnosis);
    if (!status) status = run_facts_of(&run->facts, &run->data);
    log_free(&log);
    return status;
}

void report_free(report *r) {
    for (size_t k = 0; k < r->nruns; k++) {
        run_doctor_free(&r->run[k].doctor);
        run_free(&r->run[k].data);
    }
    free(r->run);
    *r = (report){0};
}

const char *report_label(const report *r, size_t run) {
    const run_data *data = &r->run[run].data;
    for (size_t k = 0; k < r->nruns; k++)
        if (k != run && !strcmp(r->run[k].data.name, data->name)) return data->folder;
    return data->name;
}
