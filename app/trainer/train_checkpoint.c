/* SPDX-License-Identifier: Apache-2.0 */
/* train_checkpoint.c - RUN/checkpoints/: everything that the rest of a training depends on.
 *
 * The library saves parameters, state, settings and clocks. Added here are the numbers of the loop,
 * the running statistics of batch norms, the results so far, and how long the logs were; shuffling
 * and dropout are functions of seed, epoch and step, so they need nothing. */
#include "io/failure.h"
#include "page/printable.h"
#include "ravine_checkpoint.h"
#include "trainer/train.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define KEY_LOG_BYTES    "train.log_bytes"
#define KEY_EVENTS       "train.events"
#define KEY_EVENTS_BYTES "train.events_bytes"
#define KEY_DATA         "train.data"
#define RESULTS          "train.results"
#define DOCTOR           "train.doctor"
#define BEST             "train.best"

/* Beside the numbers of the loop and what the net has: RESULTS, BEST and DOCTOR. */
enum { EPOCH_NUMBERS = 9, OWN_TENSORS = TRAIN_NUMBERS + 3 };

struct train_checkpoints {
    train_state state;
    ravine_saver *saver;
    ravine_tensor *tensor; /* [ntensors] what is saved beside the optimizer */
    int64_t ntensors;
    net_tensor *buffer; /* [net_buffer_count] keeps their shapes */
    double *results;    /* [epochs][EPOCH_NUMBERS] */
    int64_t results_shape[2];
    double *doctor; /* [doctor_length] its memory; NULL: it has none yet */
    int64_t doctor_length;
};

/* ---- the tensors --------------------------------------------------------------------------------
 */

static void add_array(train_checkpoints *c, const char *name, int32_t dtype, int32_t ndim,
                      const int64_t *shape, void *data) {
    c->tensor[c->ntensors++] = (ravine_tensor){name, dtype, ndim, shape, data};
}

static void add_loop(train_checkpoints *c) {
    train_number list[TRAIN_NUMBERS];
    train_numbers(&c->state, list);
    for (int k = 0; k < TRAIN_NUMBERS; k++)
        add_array(c, list[k].name, list[k].dtype, 0, NULL, list[k].value);
}

/* The doctor's memory. */
static int add_doctor(train_checkpoints *c, int64_t length) {
    if (length == 0) return 0;
    if (length != c->doctor_length) {
        double *grown = realloc(c->doctor, (size_t)length * sizeof *grown);
        if (!grown) return failure(FAILURE_INPUT, "out of memory for a checkpoint");
        c->doctor = grown;
        c->doctor_length = length;
    }
    add_array(c, DOCTOR, RAVINE_F64, 1, &c->doctor_length, c->doctor);
    return 0;
}

static int list_tensors(train_checkpoints *c, int64_t doctor_length) {
    c->ntensors = 0;
    add_loop(c);
    c->results_shape[0] = c->state.result->nepochs;
    c->results_shape[1] = EPOCH_NUMBERS;
    add_array(c, RESULTS, RAVINE_F64, 2, c->results_shape, c->results);
    const net *n = c->state.training->trainer.net;
    for (int64_t k = 0; k < net_buffer_count(n); k++) {
        net_tensor *b = &c->buffer[k];
        *b = net_buffer(n, k);
        add_array(c, b->name, RAVINE_F32, b->ndim, b->shape, b->data);
    }
    training *t = c->state.training;
    if (train_best(t, c->state.result)) add_array(c, BEST, RAVINE_F32, 1, &t->best_size, t->best);
    return add_doctor(c, doctor_length);
}

/* ---- results as numbers -------------------------------------------------------------------------
 */

static void pack_results(train_checkpoints *c) {
    for (int64_t k = 0; k < c->state.result->nepochs; k++) {
        const run_epoch *e = &c->state.result->epoch[k];
        const double numbers[EPOCH_NUMBERS] = {
            (double)e->epoch, (double)e->step,    e->train.loss,
            e->train.score,   e->validation.loss, e->validation.score,
            e->average.loss,  e->average.score,   e->seconds};
        memcpy(c->results + k * EPOCH_NUMBERS, numbers, sizeof numbers);
    }
}

static void unpack_results(train_checkpoints *c) {
    for (int64_t k = 0; k < c->state.result->nepochs; k++) {
        const double *n = c->results + k * EPOCH_NUMBERS;
        c->state.result->epoch[k] = (run_epoch){
            .epoch = (int64_t)n[0],
            .step = (int64_t)n[1],
            .train = {n[2], n[3]},
            .validation = {n[4], n[5]},
            .average = {n[6], n[7]},
            .seconds = n[8],
        };
    }
}

/* ---- saving ------------------------------------------------------------------------------------
 */

int train_checkpoints_create(train_checkpoints **out, const train_state *state) {
    const size_t buffers = (size_t)net_buffer_count(state->training->trainer.net);
    const size_t epochs = (size_t)state->training->config->epochs;
    train_checkpoints *c = calloc(1, sizeof *c);
    if (!c) return failure(FAILURE_INPUT, "out of memory for checkpoints");
    c->state = *state;
    c->tensor = calloc(OWN_TENSORS + buffers, sizeof *c->tensor);
    c->buffer = calloc(buffers + 1, sizeof *c->buffer);
    c->results = calloc(epochs * EPOCH_NUMBERS, sizeof *c->results);
    if (!c->tensor || !c->buffer || !c->results) {
        train_checkpoints_free(c);
        return failure(FAILURE_INPUT, "out of memory for checkpoints");
    }
    *out = c;
    return 0;
}

int train_checkpoints_begin(train_checkpoints *c) {
    const run_config *keys = c->state.training->config;
    char folder[PATH_MAX + 16];
    snprintf(folder, sizeof folder, "%s/checkpoints", run_record_folder(c->state.record));
    ravine_saver_options options;
    ravine_saver_options_init(&options);
    options.keep = (int32_t)keys->checkpoint_keep;
    options.keep_best = keys->checkpoint_best;
    return failure_of(ravine_saver_create(&c->saver, folder, &options, NULL));
}

void train_checkpoints_free(train_checkpoints *c) {
    if (!c) return;
    ravine_saver_destroy(c->saver);
    free(c->tensor);
    free(c->buffer);
    free(c->results);
    free(c->doctor);
    free(c);
}

/* A checkpoint that fails costs no training: it is told, on the terminal and in the log. */
static int tell_failure(train_checkpoints *c, const char *why) {
    train_watch_complain(c->state.watch, "a checkpoint failed, training goes on", why);
    const train_progress *p = c->state.progress;
    const run_step at = {
        .epoch = p->epoch, .step = p->step, .loss = p->loss, .seconds = p->seconds};
    return run_record_event_with(c->state.record, "checkpoint_failed", &at,
                                 json_pack("{ss}", "why", why));
}

int train_checkpoints_save(train_checkpoints *c, double metric) {
    const ravine_doctor *d = c->state.training->doctor;
    run_position position;
    int status = list_tensors(c, d ? ravine_doctor_state_length(d) : 0);
    if (status) return status;
    if (run_record_where(c->state.record, &position)) return tell_failure(c, failure_text());
    c->state.progress->lr_factor = c->state.training->lr_factor;
    pack_results(c);
    char log_bytes[24], events_bytes[24], data[RUN_CHECKSUMS_SIZE];
    run_data_checksums(&c->state.training->data, data);
    snprintf(log_bytes, sizeof log_bytes, "%" PRId64, position.log);
    snprintf(events_bytes, sizeof events_bytes, "%" PRId64, position.events);
    const ravine_text texts[] = {{KEY_LOG_BYTES, log_bytes},
                                 {KEY_EVENTS, position.events_name},
                                 {KEY_EVENTS_BYTES, events_bytes},
                                 {KEY_DATA, data}};
    ravine_save_options options;
    ravine_save_options_init(&options);
    options.tensors = c->tensor;
    options.ntensors = c->ntensors;
    options.texts = texts;
    options.ntexts = sizeof texts / sizeof *texts;
    ravine_status saved = d ? ravine_doctor_export(d, c->doctor, c->doctor_length) : RAVINE_OK;
    if (!saved)
        saved = ravine_saver_save(c->saver, c->state.training->trainer.optimizer, &options, metric);
    return saved < 0 ? tell_failure(c, ravine_errmsg()) : 0;
}

int train_checkpoints_wait(train_checkpoints *c, bool *whole) {
    const ravine_status status = c->saver ? ravine_saver_wait(c->saver) : RAVINE_OK;
    *whole = status >= 0;
    return *whole ? 0 : tell_failure(c, ravine_errmsg());
}

/* ---- loading -----------------------------------------------------------------------------------
 */

/* Text `key` as a number of bytes; 0 if it is none. */
static int64_t bytes_of(const ravine_checkpoint *file, const char *key) {
    const char *text = ravine_checkpoint_find_text(file, key);
    const long long bytes = text ? strtoll(text, NULL, 10) : 0;
    return bytes > 0 ? bytes : 0;
}

/* The first side of tensor `name`, which has `ndim`; 0 where there is none. */
static int64_t length_of(const ravine_checkpoint *file, const char *name, int32_t ndim) {
    ravine_tensor t;
    const int64_t at = ravine_checkpoint_find(file, name);
    return at >= 0 && !ravine_checkpoint_tensor(file, at, &t) && t.ndim == ndim ? t.shape[0] : 0;
}

static void copy_text(const ravine_checkpoint *file, const char *key, char *to, size_t size) {
    const char *text = ravine_checkpoint_find_text(file, key);
    snprintf(to, size, "%s", text ? text : "");
}

int train_point_read(train_point *point, const char *path) {
    ravine_checkpoint *file;
    ravine_status status = ravine_checkpoint_open(&file, path, NULL);
    if (status < 0) return failure_of(status);
    *point = (train_point){.position = {.log = bytes_of(file, KEY_LOG_BYTES),
                                        .events = bytes_of(file, KEY_EVENTS_BYTES)}};
    copy_text(file, KEY_EVENTS, point->position.events_name, sizeof point->position.events_name);
    copy_text(file, KEY_DATA, point->data, sizeof point->data);
    snprintf(point->path, sizeof point->path, "%s", path);
    point->nepochs = length_of(file, RESULTS, 2);
    point->doctor_length = length_of(file, DOCTOR, 1);
    ravine_checkpoint_close(file);
    if (point->position.log == 0)
        return failure(FAILURE_INPUT,
                       "%s: it is no checkpoint of ravine train: it has no " KEY_LOG_BYTES, path);
    return 0;
}

static void tell_difference(void *context, const char *line) {
    (void)context;
    fprintf(stderr, "ravine: ");
    printable_put(stderr, line);
    fputc('\n', stderr);
}

/* The learning rate as the doctor had left it, before the optimizer is loaded and compared. */
static int restore_lr(training *t, const char *path) {
    ravine_checkpoint *file;
    double factor = 1;
    ravine_status status = ravine_checkpoint_open(&file, path, NULL);
    if (status < 0) return failure_of(status);
    const train_number number = train_lr_factor_number(&factor);
    const int64_t at = ravine_checkpoint_find(file, number.name);
    if (at >= 0) status = ravine_checkpoint_read(file, at, &factor, sizeof factor);
    ravine_checkpoint_close(file);
    if (status < 0) return failure_of(status);
    const int wrong = train_number_check(&number, path);
    return wrong || factor == 1 ? wrong : training_scale_lr(t, factor);
}

int train_checkpoint_restore(training *t, const char *path) {
    const int status = restore_lr(t, path);
    if (status) return status;
    ravine_load_options options;
    ravine_load_options_init(&options);
    options.partial = 1;
    return failure_of(ravine_load(t->trainer.optimizer, path, &options));
}

/* Each epoch is told by its number and its last step, which follow from its row. */
static int check_results(const train_checkpoints *c, const char *path) {
    const int64_t steps = c->state.training->steps_per_epoch;
    for (int64_t k = 1; k <= c->state.result->nepochs; k++) {
        const double *row = c->results + (k - 1) * EPOCH_NUMBERS;
        if (row[0] != (double)k)
            return failure(FAILURE_INPUT,
                           "%s: " RESULTS ": row %" PRId64 " is of epoch %g; it must be %" PRId64,
                           path, k, row[0], k);
        if (row[1] != (double)(k * steps))
            return failure(FAILURE_INPUT,
                           "%s: " RESULTS ": row %" PRId64 " ends at step %g; it must be %" PRId64,
                           path, k, row[1], k * steps);
    }
    return 0;
}

int train_checkpoints_load(train_checkpoints *c, const train_point *point) {
    train_result *result = c->state.result;
    result->nepochs = point->nepochs;
    int status = list_tensors(c, point->doctor_length);
    if (!status) status = restore_lr(c->state.training, point->path);
    if (status) return status;
    ravine_load_options options;
    ravine_load_options_init(&options);
    options.tensors = c->tensor;
    options.ntensors = c->ntensors;
    options.tell = tell_difference;
    ravine_status loaded = ravine_load(c->state.training->trainer.optimizer, point->path, &options);
    ravine_doctor *d = c->state.training->doctor;
    if (!loaded && d && c->doctor) loaded = ravine_doctor_import(d, c->doctor, c->doctor_length);
    if (loaded < 0) return failure_of(loaded);
    status = train_numbers_check(&c->state, point->path);
    if (!status) status = check_results(c, point->path);
    if (!status) unpack_results(c);
    return status;
}
