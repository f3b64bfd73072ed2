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

/* Beside the numbers of the loop and what the net has: RESULTS and DOCTOR. */
enum { EPOCH_NUMBERS = 9, OWN_TENSORS = LOOP_NUMBERS + 2 };

struct checkpoints {
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

static void add_array(checkpoints *c, const char *name, int32_t dtype, int32_t ndim,
                      const int64_t *shape, void *data) {
    c->tensor[c->ntensors++] = (ravine_tensor){name, dtype, ndim, shape, data};
}

static void add_loop(checkpoints *c) {
    loop_number list[LOOP_NUMBERS];
    loop_numbers(&c->state, list);
    for (int k = 0; k < LOOP_NUMBERS; k++)
        add_array(c, list[k].name, list[k].dtype, 0, NULL, list[k].value);
}

/* The doctor's memory. */
static int add_doctor(checkpoints *c, int64_t length) {
    if (length == 0) return 0;
    if (length != c->doctor_length) {
        double *grown = realloc(c->doctor, (size_t)length * sizeof *grown);
        if (!grown) return failure(EXIT_INPUT, "out of memory for a checkpoint");
        c->doctor = grown;
        c->doctor_length = length;
    }
    add_array(c, DOCTOR, RAVINE_F64, 1, &c->doctor_length, c->doctor);
    return 0;
}

static int list_tensors(checkpoints *c, int64_t doctor_length) {
    c->ntensors = 0;
    add_loop(c);
    c->results_shape[0] = c->state.result->nepochs;
    c->results_shape[1] = EPOCH_NUMBERS;
    add_array(c, RESULTS, RAVINE_F64, 2, c->results_shape, c->results);
    const net *n = c->state.training->net;
    for (int64_t k = 0; k < net_buffer_count(n); k++) {
        net_tensor *b = &c->buffer[k];
        *b = net_buffer(n, k);
        add_array(c, b->name, RAVINE_F32, b->ndim, b->shape, b->data);
    }
    return add_doctor(c, doctor_length);
}

/* ---- results as numbers -------------------------------------------------------------------------
 */

static void pack_results(checkpoints *c) {
    for (int64_t k = 0; k < c->state.result->nepochs; k++) {
        const train_epoch *e = &c->state.result->epoch[k];
        const double numbers[EPOCH_NUMBERS] = {(double)e->epoch, (double)e->step,  e->train.loss,
                                               e->train.score,   e->test.loss,     e->test.score,
                                               e->average.loss,  e->average.score, e->seconds};
        memcpy(c->results + k * EPOCH_NUMBERS, numbers, sizeof numbers);
    }
}

static void unpack_results(checkpoints *c) {
    for (int64_t k = 0; k < c->state.result->nepochs; k++) {
        const double *n = c->results + k * EPOCH_NUMBERS;
        c->state.result->epoch[k] = (train_epoch){
            .epoch = (int64_t)n[0],
            .step = (int64_t)n[1],
            .train = {n[2], n[3]},
            .test = {n[4], n[5]},
            .average = {n[6], n[7]},
            .seconds = n[8],
        };
    }
}

/* ---- saving ------------------------------------------------------------------------------------
 */

int checkpoints_create(checkpoints **out, const train_state *state) {
    const size_t buffers = (size_t)net_buffer_count(state->training->net);
    const size_t epochs = (size_t)state->training->config->epochs;
    checkpoints *c = calloc(1, sizeof *c);
    if (!c) return failure(EXIT_INPUT, "out of memory for checkpoints");
    c->state = *state;
    c->tensor = calloc(OWN_TENSORS + buffers, sizeof *c->tensor);
    c->buffer = calloc(buffers + 1, sizeof *c->buffer);
    c->results = calloc(epochs * EPOCH_NUMBERS, sizeof *c->results);
    if (!c->tensor || !c->buffer || !c->results) {
        checkpoints_free(c);
        return failure(EXIT_INPUT, "out of memory for checkpoints");
    }
    *out = c;
    return 0;
}

int checkpoints_begin(checkpoints *c) {
    const config *keys = c->state.training->config;
    char folder[PATH_MAX + 16];
    snprintf(folder, sizeof folder, "%s/checkpoints", record_folder(c->state.record));
    ravine_saver_options options;
    ravine_saver_options_init(&options);
    options.keep = (int32_t)keys->checkpoint_keep;
    options.keep_best = keys->checkpoint_best;
    return failure_of(ravine_saver_create(&c->saver, folder, &options, NULL));
}

void checkpoints_free(checkpoints *c) {
    if (!c) return;
    ravine_saver_destroy(c->saver);
    free(c->tensor);
    free(c->buffer);
    free(c->results);
    free(c->doctor);
    free(c);
}

/* A checkpoint that fails costs no training: it is told, on the terminal and in the log. */
static int tell_failure(checkpoints *c, const char *why) {
    watch_complain(c->state.watch, "a checkpoint failed, training goes on", why);
    const progress *p = c->state.progress;
    const train_step at = {
        .epoch = p->epoch, .step = p->step, .loss = p->loss, .seconds = p->seconds};
    return record_event_with(c->state.record, "checkpoint_failed", &at,
                             json_pack("{ss}", "why", why));
}

void data_checksums(const dataset_pair *data, char text[DATA_CHECKSUMS_SIZE]) {
    int used = 0;
    *text = '\0';
    for (int k = 0; k < data->nfiles; k++)
        used += snprintf(text + used, (size_t)(DATA_CHECKSUMS_SIZE - used), "%s%08" PRIx32,
                         k ? " " : "", data->file[k].crc32c);
}

int checkpoints_save(checkpoints *c, double metric) {
    const ravine_doctor *d = c->state.training->doctor;
    record_position position;
    int status = list_tensors(c, d ? ravine_doctor_state_length(d) : 0);
    if (status) return status;
    if (record_where(c->state.record, &position)) return tell_failure(c, failure_text());
    c->state.progress->lr_factor = c->state.training->lr_factor;
    pack_results(c);
    char log_bytes[24], events_bytes[24], data[DATA_CHECKSUMS_SIZE];
    data_checksums(&c->state.training->data, data);
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
    if (!saved) saved = ravine_saver_save(c->saver, c->state.training->optimizer, &options, metric);
    return saved < 0 ? tell_failure(c, ravine_errmsg()) : 0;
}

int checkpoints_wait(checkpoints *c, bool *whole) {
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

int resume_point_read(resume_point *point, const char *path) {
    ravine_checkpoint *file;
    ravine_status status = ravine_checkpoint_open(&file, path, NULL);
    if (status < 0) return failure_of(status);
    *point = (resume_point){.position = {.log = bytes_of(file, KEY_LOG_BYTES),
                                         .events = bytes_of(file, KEY_EVENTS_BYTES)}};
    copy_text(file, KEY_EVENTS, point->position.events_name, sizeof point->position.events_name);
    copy_text(file, KEY_DATA, point->data, sizeof point->data);
    snprintf(point->path, sizeof point->path, "%s", path);
    point->nepochs = length_of(file, RESULTS, 2);
    point->doctor_length = length_of(file, DOCTOR, 1);
    ravine_checkpoint_close(file);
    if (point->position.log == 0)
        return failure(EXIT_INPUT,
                       "%s: it is no checkpoint of ravine train: it has no " KEY_LOG_BYTES, path);
    return 0;
}

static void tell_difference(void *context, const char *line) {
    (void)context;
    fprintf(stderr, "ravine: ");
    printable_put(stderr, line);
    fputc('\n', stderr);
}

int checkpoint_restore_lr(training *t, const char *path) {
    ravine_checkpoint *file;
    double factor = 1;
    ravine_status status = ravine_checkpoint_open(&file, path, NULL);
    if (status < 0) return failure_of(status);
    const loop_number number = loop_lr_factor(&factor);
    const int64_t at = ravine_checkpoint_find(file, number.name);
    if (at >= 0) status = ravine_checkpoint_read(file, at, &factor, sizeof factor);
    ravine_checkpoint_close(file);
    if (status < 0) return failure_of(status);
    const int wrong = loop_number_check(&number, path);
    return wrong || factor == 1 ? wrong : training_scale_lr(t, factor);
}

/* Each epoch is told by its number and its last step, which follow from its row. */
static int check_results(const checkpoints *c, const char *path) {
    const int64_t steps = c->state.training->steps_per_epoch;
    for (int64_t k = 1; k <= c->state.result->nepochs; k++) {
        const double *row = c->results + (k - 1) * EPOCH_NUMBERS;
        if (row[0] != (double)k)
            return failure(EXIT_INPUT,
                           "%s: " RESULTS ": row %" PRId64 " is of epoch %g; it must be %" PRId64,
                           path, k, row[0], k);
        if (row[1] != (double)(k * steps))
            return failure(EXIT_INPUT,
                           "%s: " RESULTS ": row %" PRId64 " ends at step %g; it must be %" PRId64,
                           path, k, row[1], k * steps);
    }
    return 0;
}

int checkpoints_load(checkpoints *c, const resume_point *point) {
    train_result *result = c->state.result;
    result->nepochs = point->nepochs;
    int status = list_tensors(c, point->doctor_length);
    if (!status) status = checkpoint_restore_lr(c->state.training, point->path);
    if (status) return status;
    ravine_load_options options;
    ravine_load_options_init(&options);
    options.tensors = c->tensor;
    options.ntensors = c->ntensors;
    options.tell = tell_difference;
    ravine_status loaded = ravine_load(c->state.training->optimizer, point->path, &options);
    ravine_doctor *d = c->state.training->doctor;
    if (!loaded && d && c->doctor) loaded = ravine_doctor_import(d, c->doctor, c->doctor_length);
    if (loaded < 0) return failure_of(loaded);
    status = loop_numbers_check(&c->state, point->path);
    if (!status) status = check_results(c, point->path);
    if (!status) unpack_results(c);
    return status;
}
