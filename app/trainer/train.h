/* SPDX-License-Identifier: Apache-2.0 */
/* train.h - the parts of `ravine train`, in the order in which they are read:
 *
 *     commands/train/cmd_train.c   options and configuration
 *     train_setup.c                data, net, thread pool, optimizer with its groups and schedules
 *     train_loop.c                 epochs, steps, evaluation, when to stop
 *     train_doctor.c               the doctor that looks at every step; what is done on a warning
 *     train_trial.c                a lower learning rate tried beside the one that is
 *     train_watch.c                what a person sees: the live line, the table, the summary
 *     train_record.c               what stays: run folder, run.jsonl, TensorBoard events, weights
 *     train_checkpoint.c           and from where it can be gone on with: RUN/checkpoints/
 *     train_numbers.c              the numbers of the loop in it, and what each can be
 *     train_resume.c               --resume: the configuration of a run, and its newest checkpoint
 *
 * Functions that return int return 0 or an exit code of io/failure.h.
 */
#ifndef RAVINE_TRAINER_TRAIN_H
#define RAVINE_TRAINER_TRAIN_H

#include "data/dataset.h"
#include "network/net.h"
#include "ravine_doctor.h"
#include "run/config.h"

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* ---- train_setup.c: everything that a step needs ------------------------------------------- */
typedef struct training {
    const config *config;
    dataset_pair data;
    net_spec spec;
    net *net;
    ravine_pool *pool;
    ravine_optimizer *optimizer;
    ravine_doctor *doctor; /* NULL: doctor.watch is false */
    double lr_factor;      /* on the configured learning rate: 1 until the doctor halves it */
    int32_t ngroups;       /* one for each parameter tensor of the net, in its order */
    int64_t batch;         /* examples of a step */
    int64_t slice;         /* examples evaluated at once */
    int64_t steps_per_epoch, total_steps;
    double
        fact[RAVINE_FACT_COUNT]; /* what the doctor is told before the first step; NaN: nothing */
    int64_t announced_bytes;     /* what the optimizer said it would hold */
    int64_t *order;              /* [train.count] the examples in the order of this epoch */
    float *x, *y;                /* [batch, size], [batch, outputs] */
    int32_t *label;              /* [batch]; y or label is NULL */
    float *aside; /* [net_size] the weights, while their average is evaluated; or NULL */
} training;

/* EXIT_USAGE where no key says what to train; `command` is for the message. */
int training_is_told(const config *c, const char *command);
int training_create(training *t, const config *c);
void training_free(training *t);
/* The learning rate of every later step: the configured schedule times `factor`. */
int training_scale_lr(training *t, double factor);

/* ---- results -------------------------------------------------------------------------------- */
typedef struct train_score {
    double loss;
    double score; /* accuracy in [0, 1], or the root mean square error of the standardised target */
} train_score;

typedef struct train_epoch {
    int64_t epoch, step; /* both counted from 1; step: the last one of the epoch */
    train_score train;   /* mean over the steps of the epoch, while training */
    train_score test;
    train_score average; /* test with the averaged weights; only when ema is on */
    double seconds;      /* with its evaluation */
} train_epoch;

typedef struct train_step {
    int64_t epoch, step; /* counted from 1 */
    double loss, seconds;
    double path_efficiency; /* of the last window; NaN: nobody watches */
    ravine_report report;
} train_step;

typedef struct train_result {
    train_epoch *epoch; /* [nepochs] */
    int64_t nepochs, steps;
    double seconds;
    ravine_diagnosis diagnosis; /* at the end; size 0: nobody watched, or no step was made */
} train_result;

/* So many losses in a row that are not finite are no accident: the training is lost. */
enum { NONFINITE_LOSSES_MAX = 10 };

/* Sums over an epoch or a data set; the mean of the batches weighs them by their examples. */
typedef struct train_sum {
    double loss;
    int64_t count, correct;
} train_sum;

/* Where a training is, between two steps: with parameters and state, all that the rest depends on.
 */
typedef struct progress {
    int64_t epoch, example; /* this epoch, from 1, and how many examples of it are done */
    int64_t step;           /* steps that are done */
    double loss;            /* of the last one */
    train_sum sum;          /* of this epoch */
    int64_t nonfinite_losses, told_nonfinite; /* losses in a row; 1: the event is in the log */
    double seconds, epoch_began;              /* so far; when this epoch began */
    double lr_factor;                         /* of struct training */
} progress;

static inline bool training_is_regression(const training *t) {
    return t->data.train.label == NULL;
}

/* ---- train_watch.c: what a person sees ------------------------------------------------------- */
typedef struct watch {
    const training *t;
    FILE *table; /* NULL: quiet */
    bool live;   /* the live line is on: stderr is a terminal */
    bool drawn;
    double drawn_at; /* seconds */
    double loss_sum; /* since the line was drawn */
    int64_t loss_count;
} watch;

void watch_begin(watch *w, const training *t, bool quiet, bool json);
void watch_step(watch *w, const train_step *s);
void watch_evaluating(watch *w, int64_t epoch);
void watch_erase(watch *w);
void watch_epoch(watch *w, const train_epoch *e);
/* What the doctor says, on the terminal alone: above the live line, which goes on below it. */
void watch_told(watch *w, const train_step *s, const char *text);
/* What went wrong and does not end the training, on stderr: "ravine: WHAT: WHY". */
void watch_complain(watch *w, const char *what, const char *why);
void watch_end(watch *w, const train_result *r, const char *folder);

double seconds_now(void); /* of a clock that never jumps */
int64_t peak_memory_bytes(void);

/* ---- train_record.c: what stays -------------------------------------------------------------- */
typedef struct record record;

/* Makes runs_dir/NAME, or NAME-2, NAME-3 ..., and the files in it; on an error there is none. */
int record_create(record **out, const training *t);
/* The record of a run that there is, whose log nobody else can open any more; then where it goes
 * on. Nothing changes before record_go_on, which cuts the files there. Events that are missing
 * begin anew. */
typedef struct record_position {
    int64_t log, events; /* bytes of run.jsonl and of the events */
    char events_name[NAME_MAX + 1];
} record_position;
int record_open(record **out, const training *t, const char *folder);
int record_place(record *r, const record_position *from);
int record_go_on(record *r);
/* Where both logs are now; what is before it is on the disk when this returns 0. */
int record_where(record *r, record_position *position);
/* Why lines wait in memory for room on the disk; NULL: none does. */
const char *record_behind(const record *r);
const char *record_folder(const record *r);
int record_step(record *r, const train_step *s);
int record_epoch(record *r, const train_epoch *e);
/* What happened once: "finished", "interrupted", "diverged", "stopped". */
int record_event(record *r, const char *event, const train_step *s);
/* The first gradient that is not finite, of a step whose first example has that number. */
int record_nonfinite(record *r, const train_step *s, int64_t example);
/* The same with keys of its own; takes the reference to `more`. */
int record_event_with(record *r, const char *event, const train_step *s, json_t *more);
int record_weights(record *r);
int record_close(record *r); /* NULL is fine */
json_t *score_json(const training *t, const train_score *s);
json_t *epoch_json(const training *t, const train_epoch *e);

/* ---- train_doctor.c --------------------------------------------------------------------------
 */
/* What cannot wait for the next look, as bits. */
typedef enum doctor_sign {
    DOCTOR_SIGN_NONFINITE = 1,
    DOCTOR_SIGN_THROWN = 2, /* the step was longer than the parameters are */
    DOCTOR_SIGN_SILENT = 4, /* no gradient but 0 */
    DOCTOR_SIGN_GROWTH = 8,
    DOCTOR_SIGNS_ALL = 15
} doctor_sign;
typedef struct train_doctor {
    training *t;
    watch *watch;
    record *record;
    int32_t told;         /* the verdict that was told last */
    int32_t seen;         /* at the last look */
    int32_t signs;        /* of the last step: what cannot wait */
    int32_t warned;       /* kind of the last warning */
    int64_t warned_at;    /* its last step */
    int64_t acted_at;     /* the step at which something was done about a warning */
    int64_t wait;         /* steps until a lower rate is tried again: the last one was no better */
    bool alert;           /* the gradient began to grow: every step is logged */
    bool stop;            /* training is to end here */
    ravine_warning cause; /* of the end */
} train_doctor;

void train_doctor_begin(train_doctor *d, training *t, watch *w, record *r);
/* Shows the doctor a step that was made, tells what is new, and acts on a warning. Fills
 * s->path_efficiency. */
int train_doctor_step(train_doctor *d, train_step *s);
/* Before a step: the first of its examples, by its number among those that are trained on. */
int train_doctor_example(const train_doctor *d, int64_t example);
/* After an epoch: the loss of examples that are not trained on. */
int train_doctor_validate(const train_doctor *d, double loss);
/* The training goes on from that step. */
int train_doctor_resumed(const train_doctor *d, int64_t step);
/* What it says at the end, which ravine doctor is to say again; `lost`: training is given up. */
int train_doctor_end(train_doctor *d, const train_step *s, bool lost, ravine_diagnosis *diagnosis);

/* ---- train_trial.c ---------------------------------------------------------------------------
 */
/* Losses over the one before; inf: not finite. */
typedef struct trial_result {
    double share; /* of the learning rate: the best of those tried */
    double lower; /* after the steps with it */
    double as_is; /* after as many with the whole rate */
} trial_result;
/* Trains for `steps` steps as it is and, from the same place on the same batches, with lower
 * learning rates; then everything is as before. */
int train_trial(const training *t, int64_t steps, trial_result *result);

/* ---- train_checkpoint.c: RUN/checkpoints/ ----------------------------------------------------
 */
typedef struct train_state { /* what a checkpoint is made of, and goes back to */
    training *training;
    record *record;
    watch *watch;
    train_result *result;
    progress *progress;
    train_doctor *doctor;
} train_state;
typedef struct checkpoints checkpoints;

int checkpoints_create(checkpoints **out, const train_state *state);
/* Makes the folder; before the first save. */
int checkpoints_begin(checkpoints *c);
/* Copies everything and writes it in the background. `metric`: lower is better; NaN: none. One that
 * fails is told, on stderr and in the log, and is no failure here. */
int checkpoints_save(checkpoints *c, double metric);
/* Until the last one is on the disk; *whole is false where it failed. */
int checkpoints_wait(checkpoints *c, bool *whole);
void checkpoints_free(checkpoints *c); /* NULL is fine */

enum { DATA_CHECKSUMS_SIZE = DATASET_FILES_MAX * 9 };
/* The checksums of the data, as a checkpoint holds them: "1a2b3c4d 5e6f7a8b". */
void data_checksums(const dataset_pair *data, char text[DATA_CHECKSUMS_SIZE]);
/* From where a run goes on. */
typedef struct resume_point {
    char path[PATH_MAX]; /* of a checkpoint; "": there is none yet, and it starts at step 0 */
    record_position position;
    int64_t nepochs;                /* that are done */
    int64_t doctor_length;          /* numbers that the doctor remembers */
    char data[DATA_CHECKSUMS_SIZE]; /* of what it was trained on; "": not told */
} resume_point;
int resume_point_read(resume_point *point, const char *path);
/* Into the state; every difference is told on stderr. After a failure the state is not to be used.
 */
int checkpoints_load(checkpoints *c, const resume_point *point);
/* Before a checkpoint is loaded and compared: the learning rate as the doctor had left it. */
int checkpoint_restore_lr(training *t, const char *path);

/* ---- train_numbers.c -------------------------------------------------------------------------
 */
typedef struct loop_number {
    const char *name; /* of a tensor without sides */
    int32_t dtype;    /* RAVINE_I64, RAVINE_I32 or RAVINE_F64 */
    void *value;
    double least, greatest; /* NaN: any number */
    int64_t multiple;       /* if not 0: and a multiple of it, or the greatest */
} loop_number;
enum { LOOP_NUMBERS = 19 };
/* Every number that a later step, line or decision depends on. */
void loop_numbers(const train_state *state, loop_number list[LOOP_NUMBERS]);
/* Whether they can be those of this training; `path`: of the file that they come from. */
int loop_numbers_check(const train_state *state, const char *path);
int loop_number_check(const loop_number *number, const char *path);
loop_number loop_lr_factor(double *factor);

/* ---- train_resume.c --------------------------------------------------------------------------
 */
/* Sets what the run of the folder was configured with. */
int resume_read_config(config *c, const char *folder);
/* EXIT_USAGE where a key has changed that a run cannot change on its way. */
int resume_check_config(const config *c, const char *folder);
/* The newest checkpoint that is whole; that of damaged ones is told on stderr. */
int resume_find(resume_point *point, const char *folder);
/* Whether the data are those that the run was trained on, as far as the header of its log tells;
 * and its checkpoint too. */
int data_check(const dataset_pair *data, const json_t *header, const char *folder);
int resume_check_data(const resume_point *point, const dataset_pair *data, const char *folder);
/* Whether nothing is left to do but the report: all epochs are done, the log says so, and the
 * weights are there. */
bool resume_is_finished(const resume_point *point, const config *c, const char *folder);

/* ---- train_loop.c -----------------------------------------------------------------------------
 */
/* A training that begins, or where `point` is given goes on from there; what does not fit fails
 * here, before any file changes. result->epoch has room for all epochs. */
typedef struct loop loop;
int loop_create(loop **out, training *t, watch *w, record *r, const resume_point *point,
                train_result *result);
/* Trains to the end, to a signal (EXIT_INTERRUPTED) or until the loss stays not finite
 * (EXIT_DIVERGED). */
int loop_run(loop *l);
void loop_free(loop *l); /* NULL is fine */

#endif
