/* SPDX-License-Identifier: Apache-2.0 */
/* train.h - the parts of `ravine train`, in the order in which they are read:
 *
 *     commands/train/cmd_train.c   options and configuration
 *     trainer.c                    net, examples and optimizer, joined
 *     train_setup.c                that for a configuration, with its schedules and the doctor
 *     train_loop.c                 epochs, steps, evaluation, when to stop
 *     train_choice.c               what the validation decides: the weights that are kept, the end
 *     train_doctor.c               the doctor that looks at every step; what is done on a warning
 *     train_trial.c                a lower learning rate tried beside the one that is
 *     train_watch.c                what a person sees: the live line, the table, the summary
 *     run/run_record.h             what stays: run folder, run.jsonl, TensorBoard events, weights
 *     train_checkpoint.c           and from where it can be gone on with: RUN/checkpoints/
 *     train_numbers.c              the numbers of the loop in it, and what each can be
 *     train_resume.c               --resume: the newest checkpoint of a run
 *
 * Functions that return int return 0 or a kind of io/failure.h.
 */
#ifndef RAVINE_TRAINER_TRAIN_H
#define RAVINE_TRAINER_TRAIN_H

#include "cli/progress.h"
#include "data/dataset.h"
#include "ravine_doctor.h"
#include "run/run_header.h"
#include "run/run_record.h"
#include "trainer/trainer.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* ---- train_setup.c: everything that a step needs ------------------------------------------- */
typedef struct training {
    const run_config *config;
    dataset_pair data;
    net_spec spec;
    trainer trainer;
    double *class_weight;  /* [outputs]; NULL: each counts once */
    ravine_doctor *doctor; /* NULL: doctor.watch is false */
    double lr_factor;      /* on the configured learning rate: 1 until the doctor halves it */
    int64_t steps_per_epoch, total_steps;
    double
        fact[RAVINE_FACT_COUNT]; /* what the doctor is told before the first step; NaN: nothing */
    int64_t announced_bytes;     /* what the optimizer said it would hold */
    float *aside; /* [net_size] the weights, while their average is evaluated; or NULL */
    float *best; /* [best_size] what weights.safetensors is to have; NULL: there is no validation */
    int64_t best_size;
} training;

/* FAILURE_USAGE where no key says what to train; `command` is for the message. */
int training_is_told(const run_config *c, const char *command);
int training_create(training *t, const run_config *c);
void training_free(training *t);
/* As it is configured: the rule and, where it is *given, the schedule of its learning rate. */
int training_lr(const training *t, ravine_config *rule, ravine_schedule *lr, bool *given);
/* The learning rate of every later step: the configured schedule times `factor`. */
int training_scale_lr(training *t, double factor);

/* ---- results -------------------------------------------------------------------------------- */
typedef struct train_result {
    run_epoch *epoch; /* [nepochs] */
    int64_t nepochs, steps;
    run_test test;
    bool tested;
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
typedef struct train_progress {
    int64_t epoch, example; /* this epoch, from 1, and how many examples of it are done */
    int64_t step;           /* steps that are done */
    double loss;            /* of the last one */
    train_sum sum;          /* of this epoch */
    int64_t nonfinite_losses, told_nonfinite; /* losses in a row; 1: the event is in the log */
    double seconds, epoch_began;              /* so far; when this epoch began */
    double lr_factor;                         /* of struct training */
} train_progress;

/* What its record tells a run is of. */
run_subject training_subject(const training *t);

static inline bool training_is_regression(const training *t) {
    return t->data.train.y != NULL;
}

static inline bool training_is_of_text(const training *t) {
    return t->data.train.text != NULL;
}

/* ---- train_choice.c: functions of the epochs so far, so that a run that goes on decides alike ---
 */
/* The epoch with the least validation loss, whose weights are kept; NULL: there is no epoch, or no
 * validation, and the last weights are. */
const run_epoch *train_best(const training *t, const train_result *r);
/* Room for them, with running statistics and averages; nothing where there is no validation. */
int train_best_create(training *t);
/* Copies what the epoch has left. */
int train_best_keep(const training *t);
/* The way back, when the training is over. */
int train_best_put(const training *t);
/* Whether train.patience ends the training after the last epoch. */
bool train_is_out_of_patience(const training *t, const train_result *r);

/* ---- train_watch.c: what a person sees ------------------------------------------------------- */
typedef struct train_watch {
    const training *t;
    FILE *table; /* NULL: quiet */
    live_line line;
    int64_t every;      /* epochs of which one has a row, where they are fast: on a terminal */
    double row_at;      /* seconds */
    run_epoch left_out; /* the last epoch, where it had none; epoch 0: it had */
    double loss_sum;    /* since it was drawn */
    int64_t loss_count;
} train_watch;

void train_watch_begin(train_watch *w, const training *t, bool quiet, bool json);
void train_watch_step(train_watch *w, const run_step *s);
void train_watch_evaluating(train_watch *w, int64_t epoch);
void train_watch_erase(train_watch *w);
void train_watch_epoch(train_watch *w, const run_epoch *e);
/* That train.patience ends it. */
void train_watch_patience(train_watch *w, const train_result *r);
/* What the doctor says, on the terminal alone: above the live line, which goes on below it. */
void train_watch_told(train_watch *w, const run_step *s, const char *text);
/* What went wrong and does not end the training, on stderr: "ravine: WHAT: WHY". */
void train_watch_complain(train_watch *w, const char *what, const char *why);
void train_watch_end(train_watch *w, const train_result *r, const char *folder);

int64_t peak_memory_bytes(void);

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
    train_watch *watch;
    run_record *record;
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

void train_doctor_begin(train_doctor *d, training *t, train_watch *w, run_record *r);
/* Shows the doctor a step that was made, tells what is new, and acts on a warning. Fills
 * s->path_efficiency. */
int train_doctor_step(train_doctor *d, run_step *s);
/* Before a step: the first of its examples, by its number among those that are trained on. */
int train_doctor_example(const train_doctor *d, int64_t example);
/* After an epoch: the loss of examples that are not trained on. */
int train_doctor_validate(const train_doctor *d, double loss);
/* The training goes on from that step. */
int train_doctor_resumed(const train_doctor *d, int64_t step);
/* What it says at the end, which ravine doctor is to say again; `lost`: training is given up. */
int train_doctor_end(train_doctor *d, const run_step *s, bool lost, ravine_diagnosis *diagnosis);

/* ---- train_trial.c ---------------------------------------------------------------------------
 */
/* Losses over the one before; inf: not finite. */
typedef struct train_trial_result {
    double share;              /* of the learning rate: the best of those tried */
    double lower;              /* after the steps with it */
    double gradient_unchanged; /* after as many with the whole rate */
} train_trial_result;
/* Trains for `steps` steps as it is and, from the same place on the same batches, with lower
 * learning rates; then everything is as before. */
int train_trial(const training *t, int64_t steps, train_trial_result *result);

/* ---- train_checkpoint.c: RUN/checkpoints/ ----------------------------------------------------
 */
typedef struct train_state { /* what a checkpoint is made of, and goes back to */
    training *training;
    run_record *record;
    train_watch *watch;
    train_result *result;
    train_progress *progress;
    train_doctor *doctor;
} train_state;
typedef struct train_checkpoints train_checkpoints;

int train_checkpoints_create(train_checkpoints **out, const train_state *state);
/* Makes the folder; before the first save. */
int train_checkpoints_begin(train_checkpoints *c);
/* Copies everything and writes it in the background. `metric`: lower is better; NaN: none. One that
 * fails is told, on stderr and in the log, and is no failure here. */
int train_checkpoints_save(train_checkpoints *c, double metric);
/* Until the last one is on the disk; *whole is false where it failed. */
int train_checkpoints_wait(train_checkpoints *c, bool *whole);
void train_checkpoints_free(train_checkpoints *c); /* NULL is fine */

/* From where a run goes on. */
typedef struct train_point {
    char path[PATH_MAX]; /* of a checkpoint; "": there is none yet, and it starts at step 0 */
    run_position position;
    int64_t nepochs;               /* that are done */
    int64_t doctor_length;         /* numbers that the doctor remembers */
    char data[RUN_CHECKSUMS_SIZE]; /* of what it was trained on; "": not told */
} train_point;
int train_point_read(train_point *point, const char *path);
/* Into the state; every difference is told on stderr. After a failure the state is not to be used.
 */
int train_checkpoints_load(train_checkpoints *c, const train_point *point);
/* The optimizer alone, as a probe needs it: what else the file has concerns the loop. */
int train_checkpoint_restore(training *t, const char *path);

/* ---- train_numbers.c -------------------------------------------------------------------------
 */
typedef struct train_number {
    const char *name; /* of a tensor without sides */
    int32_t dtype;    /* RAVINE_I64, RAVINE_I32 or RAVINE_F64 */
    void *value;
    double least, greatest; /* NaN: any number */
    int64_t multiple;       /* if not 0: and a multiple of it, or the greatest */
} train_number;
enum { TRAIN_NUMBERS = 19 };
/* Every number that a later step, line or decision depends on. */
void train_numbers(const train_state *state, train_number list[TRAIN_NUMBERS]);
/* Whether they can be those of this training; `path`: of the file that they come from. */
int train_numbers_check(const train_state *state, const char *path);
int train_number_check(const train_number *number, const char *path);
train_number train_lr_factor_number(double *factor);

/* ---- train_resume.c --------------------------------------------------------------------------
 */
/* The newest checkpoint that is whole; that of damaged ones is told on stderr. */
int train_resume_find(train_point *point, const char *folder);
/* Whether the data are those that the run and its checkpoint were trained on. */
int train_resume_check_data(const train_point *point, const dataset_pair *data, const char *folder);

/* ---- train_loop.c -----------------------------------------------------------------------------
 */
/* A training that begins, or where `point` is given goes on from there; what does not fit fails
 * here, before any file changes. result->epoch has room for all epochs. */
typedef struct train_loop train_loop;
int train_loop_create(train_loop **out, training *t, train_watch *w, run_record *r,
                      const train_point *point, train_result *result);
/* Whether nothing is left to do: all epochs are done, or train.patience has ended it. */
bool train_loop_is_over(const train_loop *l);
/* Trains to the end, to a signal (FAILURE_INTERRUPTED) or until the loss stays not finite
 * (FAILURE_DIVERGED). */
int train_loop_run(train_loop *l);
void train_loop_free(train_loop *l); /* NULL is fine */

#endif
