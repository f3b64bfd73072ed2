/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - one page that tells and compares runs: headline numbers, curves, configuration.
 *
 *     report r = {0};
 *     int status = report_add(&r, "runs/mlp");
 *     if (!status) status = report_add(&r, "runs/mlp-2");
 *     page p = {0};
 *     if (!status) status = report_page(&r, &p);
 *     if (!status) status = page_save(&p, "report.html");
 *     page_free(&p);
 *     report_free(&r);
 *
 * Functions that return int return 0 or a kind of io/failure.h.
 */
#ifndef RAVINE_REPORT_REPORT_H
#define RAVINE_REPORT_REPORT_H

#include "logs/log.h"
#include "page/phrase.h"
#include "run/examination.h"
#include "run/run_doctor.h"
#include "run/run_facts.h"

enum { REPORT_RUNS_MAX = 64 };

typedef struct report_run {
    run_data data;
    run_facts facts;
    run_doctor doctor; /* what it saw of the log */
    examination found; /* of the log, or of a closer look that the log tells */
} report_run;

/* Starts as {0}. */
typedef struct report {
    report_run *run; /* [nruns] */
    size_t nruns;
} report;

int report_add(report *r, const char *folder);
/* The log of another program; `choice` as log_read() has it. */
int report_add_log(report *r, const char *path, const log_choice *choice);
void report_free(report *r);

/* The part of the folder's name that tells the run from the others: its name, or the whole. */
const char *report_label(const report *r, size_t run);

int report_page(const report *r, page *p);
/* {"runs": [...]}: the headline numbers; docs/report.md lists the keys. */
void report_json(const report *r, page *p);
/* The page of the runs, saved as the one run's FOLDER/report.html. */
int report_save(const report *r);

/* ---- report_end.c: what became of a run, in words ---------------------------------------------
 */
/* The log of another program. */
bool report_is_log(const report_run *run);
/* What its held-out examples are called: "validation", "held-out", and in old logs "test". */
svg_text report_held_out(const report_run *run);
/* Of runs that call them differently: "held-out". */
svg_text report_held_out_of_all(const report *r);
svg_text report_state(const report_run *run);
void report_end(const report_run *run, page *p);

/* ---- report_doctor.c: the verdict on a run ----------------------------------------------------
 */
extern const svg_text report_shaded;
/* The verdict, and the curves that prove it, unless these are loss and gradient alone, which every
 * page has. */
int report_doctor(const report_run *run, page *p);
/* Why, and what it is about. */
void report_evidence(const report_run *run, page *p);

/* ---- report_worst.c: the examples that it is most wrong about, where the run has kept them ----
 */
void report_worst(const report_run *run, page *p);

/* ---- report_table.c: the headline numbers, for page and terminal ----------------------------- */
typedef struct report_row {
    svg_text name; /* with {held_out}, report_held_out() */
    void (*cell)(const report_run *run, phrase *text);
} report_row;
extern const report_row report_rows[];
extern const size_t report_nrows;
void report_row_name(const report *r, size_t row, phrase *text);
/* <td> with a number in the form of `format`, or "-". */
void report_cell(page *p, const char *format, double value);
/* False, or one line: where the log is not right, and what was done. */
bool report_warning(const report_run *run, phrase *text);

#endif
