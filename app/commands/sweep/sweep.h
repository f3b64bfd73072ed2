/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.h - the parts of `ravine sweep`, in the order in which they are read:
 *
 *     cmd_sweep.c      what is told
 *     sweep_make.c     the folder, and what is done in which order
 *     sweep_axis.c     the values of --vary
 *     sweep_grid.c     every combination of them: its configuration, the name of its folder
 *     sweep_found.c    runs that are there already: kept, gone on with, or refused
 *     sweep_jobs.c     a process for each run, so many at a time
 *     sweep_result.c   what a run's folder tells
 *     sweep_choice.c   which combination is best, and by how much
 *     sweep_words.c    that in words, in each language
 *     sweep_text.c     all of that for the terminal: the table, the line while it runs
 *     sweep_json.c     and as JSON
 *     sweep_page.c     and as a page: sweep.html, sweep.js
 *
 * The folders of the runs are the only memory of a sweep: whatever is told comes from their logs,
 * so it is the same for runs made now and before, one at a time or several.
 *
 * Functions that return int return 0 or a kind of io/failure.h.
 */
#ifndef RAVINE_COMMANDS_SWEEP_H
#define RAVINE_COMMANDS_SWEEP_H

#include "cli/cli.h"
#include "math/spread.h"
#include "page/phrase.h"
#include "run/config.h"
#include "run/run_subject.h"

#include <limits.h>

enum { SWEEP_AXES_MAX = 8, SWEEP_VALUES_MAX = 1000, SWEEP_RUNS_MAX = 10000 };

/* ---- sweep_axis.c ---------------------------------------------------------------------------- */
/* What one --vary says. */
typedef struct sweep_axis {
    config_target target;
    char **value; /* [count] as they are put into the configuration */
    int64_t count;
    double *number; /* [count] what they are; NULL: some value is none */
    bool log;       /* they are evenly spaced in their logarithm */
} sweep_axis;

/* Reads "KEY=a,b,c" or "KEY=FROM:TO:log|linear:COUNT". Free in any case. */
int sweep_axis_read(sweep_axis *axis, const char *text);
void sweep_axis_free(sweep_axis *axis);

/* ---- a sweep ----------------------------------------------------------------------------------
 */
typedef enum sweep_state {
    SWEEP_NEW,  /* there is no folder */
    SWEEP_OPEN, /* it was interrupted or killed */
    SWEEP_ENDED /* finished, or diverged: that is a result too */
} sweep_state;

enum { SWEEP_CURVE = 160 }; /* points of a curve, at most */
typedef struct sweep_run {
    run_config config;
    char *folder; /* below that of the sweep */
    int64_t cell, seed;
    sweep_state state;
    /* sweep_result.c, of one that has ended: */
    bool diverged;               /* or was stopped before it did */
    run_score train, validation; /* of the last epoch; of the best. NaN: none */
    int64_t epochs, best_epoch;  /* how many; 0: there is no validation */
    char verdict[40];            /* of the doctor; "": none */
    int64_t ncurve;              /* the training loss over the steps, means of stretches: */
    float step[SWEEP_CURVE], loss[SWEEP_CURVE];
} sweep_run;

/* A combination of values, and what its seeds came to. */
typedef struct sweep_cell {
    int64_t diverged;
    ravine_spread loss; /* of what decides, over the runs that did not diverge */
} sweep_cell;

typedef struct sweep {
    const cli_args *args;
    char folder[PATH_MAX];
    int lock; /* the folder, open: one sweep at a time */
    sweep_axis axis[SWEEP_AXES_MAX];
    int naxes;
    int64_t ncells, nseeds, nruns, jobs;
    sweep_run *run;    /* [nruns] all cells with the first seed, then with the next */
    const char *score; /* what scores are: "accuracy", ... */
    sweep_cell *cell;  /* [ncells] */
    double *room;      /* [nseeds] */
    bool validates;    /* the validation decides, else the training */
} sweep;

/* ---- sweep_make.c -----------------------------------------------------------------------------
 */
/* The runs of `ravine sweep` with such options, of which those that are there are kept, and what
 * they came to. `args` must outlive it; sweep_free() in any case. */
int sweep_make(sweep *s, const cli_args *args);
void sweep_free(sweep *s);

/* ---- sweep_grid.c -----------------------------------------------------------------------------
 */
/* Fills in axes, cells and runs; every configuration is checked. */
int sweep_grid_make(sweep *s);
void sweep_grid_free(sweep *s);
/* Which value of an axis a cell has. The last axis changes fastest. */
int64_t sweep_value_of(const sweep *s, int64_t cell, int axis);
const char *sweep_text_of(const sweep *s, int64_t cell, int axis);
static inline sweep_run *sweep_run_of(const sweep *s, int64_t cell, int64_t seed) {
    return &s->run[seed * s->ncells + cell];
}

/* ---- sweep_found.c ----------------------------------------------------------------------------
 */
/* Finds the state of every run. FAILURE_USAGE where one was made with another configuration,
 * FAILURE_INPUT where it was made of other data than `data`; NULL: they differ within the sweep. */
int sweep_find(sweep *s, const dataset_pair *data);

/* ---- sweep_jobs.c -----------------------------------------------------------------------------
 */
/* Makes every run that has not ended. The first error stops the others, which keep what they have
 * learnt; FAILURE_INTERRUPTED where a signal did. */
int sweep_run_all(sweep *s);

/* ---- sweep_result.c ---------------------------------------------------------------------------
 */
int sweep_result_read(sweep *s, sweep_run *run);

/* ---- sweep_choice.c ---------------------------------------------------------------------------
 */
/* Fills in the cells from the runs that have ended. */
void sweep_sum_up(sweep *s);
/* What decides of a run; NaN where it diverged or has not ended. */
double sweep_loss(const sweep *s, const sweep_run *run);
/* The cell with the least mean of those of which every seed ended and none diverged, but not
 * `but`; -1: none. */
int64_t sweep_best(const sweep *s, int64_t but);
/* Cells by their mean, those that diverged last, into order[ncells]; s->cell is where
 * they lie. */
void sweep_rank(const sweep *s, const sweep_cell **order);

/* The best beside the next, seed by seed: what both share is not in the difference. */
typedef struct sweep_lead {
    int64_t best, next; /* cells; -1: there is none */
    ravine_spread by;   /* by how much the loss is lower */
    int64_t lower_in;   /* seeds */
    double seeds;       /* the deviation over the seeds of one cell, both together; NaN: one seed */
} sweep_lead;
sweep_lead sweep_find_lead(const sweep *s);
/* Whether the cell has the least (-1) or the greatest (1) of three or more numbers of an axis; 0:
 * neither. */
int sweep_edge(const sweep *s, int64_t cell, int axis);
/* What to write into the configuration to have that cell, as YAML; for free(). NULL: no memory. */
char *sweep_lines(const sweep *s, int64_t cell);

/* ---- what is told -----------------------------------------------------------------------------
 */
/* "18 combinations, 3 seeds each: 54 runs" */
void sweep_say_size(const sweep *s, phrase *out);
/* Lines: the best, how far it is ahead, whether it is at the end of a range. */
void sweep_say_answer(const sweep *s, const phrase_receiver *to);
svg_text sweep_loss_name(const sweep *s);
/* The size, a table, the answer. */
void sweep_print(const sweep *s, FILE *out);
/* Mean of the scores that belong to the losses of a cell. */
double sweep_mean_score(const sweep *s, int64_t cell);
/* One line on a terminal that is drawn again: how many have ended, the best, the time left. */
typedef struct sweep_watch {
    const sweep *sweep;
    bool live;
    double began, drawn_at;
    int64_t ended_before, ended;
} sweep_watch;
void sweep_watch_begin(sweep_watch *w, const sweep *s);
void sweep_watch_draw(sweep_watch *w, int64_t ended);
void sweep_watch_end(sweep_watch *w);

/* For json_decref(); NULL: no memory. */
json_t *sweep_json(const sweep *s);
/* FOLDER/sweep.html and sweep.json. */
int sweep_save(sweep *s);

#endif
