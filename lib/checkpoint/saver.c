/* SPDX-License-Identifier: Apache-2.0 */
/* A saver: the state is copied on the caller's thread; a thread of its own writes the copy, removes
 * what is not kept any more, and ends. Joining it hands its results back, so nothing is shared
 * while it runs. */
#include "base/memory.h"
#include "base/sized.h"
#include "checkpoint/history.h"
#include "checkpoint/snapshot.h"
#include "file/atomic_file.h"
#include "file/folder.h"
#include "store/safetensors.h"
#include "text/error.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#define MESSAGE_MAX 512

struct ravine_saver {
    ravine_env env;
    ravine_saver_options options;
    char folder[PATH_MAX];
    int64_t best; /* step of the checkpoint with the least metric; -1: none */
    double best_metric;
    /* The save at work, or the last one. */
    void *memory; /* [capacity] of the snapshot */
    size_t capacity;
    snapshot snapshot;
    int64_t step;
    double metric;
    bool verify;
    pthread_t thread;
    bool running;         /* there is a thread to join */
    ravine_status status; /* of it, until it was told */
    char message[MESSAGE_MAX];
};

void ravine_saver_options_init_sized(ravine_saver_options *options, size_t size) {
    const ravine_saver_options usual = {.keep = 3};
    (void)ravine_sized_make(&ravine_sized_saver_options, options, size, &usual);
}

static ravine_status read_options(ravine_saver_options *own, const ravine_saver_options *options) {
    ravine_saver_options_init(own);
    const ravine_status status =
        options ? ravine_sized_read(&ravine_sized_saver_options, own, options) : RAVINE_OK;
    if (status || own->keep >= 1) return status;
    return ravine_fail(RAVINE_E_RANGE, "keep is %d; it must be at least 1", own->keep);
}

ravine_status ravine_saver_create(ravine_saver **out, const char *folder,
                                  const ravine_saver_options *options, const ravine_env *env) {
    if (!out || !folder) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    ravine_saver_options wanted;
    ravine_env own;
    history_path longest;
    ravine_status status = read_options(&wanted, options);
    if (!status) status = ravine_env_complete(&own, env);
    if (!status) status = ravine_history_path(folder, INT64_MAX, &longest);
    if (status) return status;
    ravine_saver *s = ravine_env_alloc(&own, sizeof *s);
    if (!s) return RAVINE_E_NOMEM;
    *s = (ravine_saver){.env = own, .options = wanted, .best = -1, .best_metric = HUGE_VAL};
    memcpy(s->folder, folder, strlen(folder) + 1);
    status = ravine_folder_create(folder, NULL);
    if (!status) status = ravine_atomic_sweep(folder, NULL);
    if (!status && wanted.keep_best)
        status = ravine_history_best(folder, &s->env, &s->best, &s->best_metric);
    if (status) {
        ravine_env_free(&own, s, sizeof *s);
        return status;
    }
    *out = s;
    return RAVINE_OK;
}

/* What the thread does. Its own memory is the C library's: the caller's allocator need not bear two
 * threads. */
static ravine_status write_checkpoint(ravine_saver *s) {
    const ravine_safetensors_options how = {
        .size = sizeof how, .verify = s->verify, .over_links = 1};
    const snapshot *from = &s->snapshot;
    history_path path;
    (void)ravine_history_path(s->folder, s->step, &path); /* is not too long: it was made */
    const ravine_status status = ravine_safetensors_write(path.text, from->tensors, from->ntensors,
                                                          from->texts, from->ntexts, &how);
    if (status) return status;
    if (s->options.keep_best && s->metric <= s->best_metric) {
        s->best = s->step;
        s->best_metric = s->metric;
    }
    return ravine_history_prune(s->folder, s->options.keep, s->best, s->step);
}

static void *run(void *saver) {
    ravine_saver *s = saver;
    s->status = write_checkpoint(s);
    if (s->status) strcpy(s->message, ravine_errmsg()); /* that of this thread */
    return NULL;
}

/* No signal of the program is handled on the thread. Where there can be no thread, the caller
 * waits. */
static void start(ravine_saver *s) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    s->running = !s->options.foreground && pthread_create(&s->thread, NULL, run, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!s->running) run(s);
}

static void finish(ravine_saver *s) {
    if (s->running) pthread_join(s->thread, NULL);
    s->running = false;
}

/* The status of the last save, told once. */
static ravine_status tell(ravine_saver *s) {
    const ravine_status status = s->status;
    s->status = RAVINE_OK;
    return status ? ravine_fail(status, "%s", s->message) : RAVINE_OK;
}

static ravine_status make_room(ravine_saver *s, size_t bytes) {
    if (bytes <= s->capacity) return RAVINE_OK;
    ravine_env_free(&s->env, s->memory, s->capacity);
    s->capacity = 0;
    s->memory = ravine_env_alloc(&s->env, bytes);
    if (!s->memory) return RAVINE_E_NOMEM;
    s->capacity = bytes;
    return RAVINE_OK;
}

ravine_status ravine_saver_save(ravine_saver *s, const ravine_optimizer *o,
                                const ravine_save_options *options, double metric) {
    if (!s || !o) return ravine_fail(RAVINE_E_ARG, "an argument is NULL");
    ravine_save_options own;
    const snapshot_source source = {.o = o, .options = &own, .metric = metric, .copies = true};
    snapshot_size size;
    finish(s);
    ravine_status status = ravine_snapshot_options(&own, options);
    if (!status) status = ravine_snapshot_measure(&source, &size);
    if (!status) status = make_room(s, size.bytes);
    if (status) return status;
    ravine_snapshot_place(&source, &size, s->memory, &s->snapshot);
    status = tell(s);
    char before[MESSAGE_MAX];
    memcpy(before, s->message, sizeof before);
    s->step = ravine_steps(o);
    s->metric = isfinite(metric) ? metric : NAN;
    s->verify = s->options.verify || own.verify;
    start(s);
    if (!s->options.foreground) return status ? ravine_fail(RAVINE_E_IO, "%s", before) : RAVINE_OK;
    return tell(s);
}

ravine_status ravine_saver_wait(ravine_saver *s) {
    if (!s) return ravine_fail(RAVINE_E_ARG, "the saver is NULL");
    finish(s);
    return tell(s);
}

void ravine_saver_destroy(ravine_saver *s) {
    if (!s) return;
    finish(s);
    ravine_env_free(&s->env, s->memory, s->capacity);
    const ravine_env env = s->env;
    ravine_env_free(&env, s, sizeof *s);
}
