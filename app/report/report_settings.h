/* SPDX-License-Identifier: Apache-2.0 */
/* report_settings.h - the settings of runs side by side, key by key. */
#ifndef RAVINE_REPORT_REPORT_SETTINGS_H
#define RAVINE_REPORT_REPORT_SETTINGS_H

#include "report/report.h"

enum { REPORT_KEY_SIZE = 128 };

/* The keys of all runs, flat ("model.widths"), each once, in the order in which they were met; with
 * a value for each run. */
typedef struct report_settings {
    const report *r;
    char (*key)[REPORT_KEY_SIZE]; /* [nkeys] */
    char **value;                 /* [nkeys][nruns] JSON text, or NULL: the run has no such key */
    size_t nkeys, room;
    size_t nconfig; /* the first are of the configurations and their data, the others of what ran */
    bool failed;
} report_settings;

/* Returns 0 or a kind of io/failure.h. Free it in either case. */
int report_settings_read(report_settings *s, const report *r);
void report_settings_free(report_settings *s);
/* NULL: the run has no such key. */
const char *report_setting(const report_settings *s, size_t key, size_t run);
/* Of two runs, one of which may have no such key. */
bool report_settings_agree(const report_settings *s, size_t key, size_t run, size_t other);
/* Not the same in all runs. */
bool report_settings_differ(const report_settings *s, size_t key);

/* ---- report_config.c: as tables, a column for each run ---- */
void report_settings_head(const report *r, page *p);
void report_settings_row(const report_settings *s, size_t key, bool differs, page *p);
/* All of them. */
void report_config(const report_settings *s, page *p);

#endif
