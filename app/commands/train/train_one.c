/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/train/train_one.h"

#include "commands/train/train_end.h"
#include "io/failure.h"

#include <stdlib.h>

int train_open_record(run_record **r, train_point *point, const training *t, const char *folder) {
    const run_subject of = training_subject(t);
    int status = run_record_open(r, &of, folder);
    if (status) return status;
    status = train_resume_find(point, folder);
    if (!status) status = train_resume_check_data(point, &t->data, folder);
    if (!status && point->nepochs > t->config->epochs)
        status = failure(FAILURE_USAGE, "epochs is %lld; the run in %s has done %lld",
                         (long long)t->config->epochs, folder, (long long)point->nepochs);
    if (!status) status = run_record_place(*r, &point->position);
    return status ? train_close_record(*r, status) : 0;
}

/* What a training that is set up is noted by. */
typedef struct noted {
    train_note *note;
    void *context;
} noted;

static int run(training *t, const char *resumed, train_result *result, const noted *by) {
    const run_subject of = training_subject(t);
    train_point point;
    run_record *r;
    train_loop *l;
    train_watch w = {0};
    int status = resumed ? train_open_record(&r, &point, t, resumed) : run_record_create(&r, &of);
    if (status) return status;
    status = train_loop_create(&l, t, &w, r, resumed ? &point : NULL, result);
    if (status && resumed) return train_close_record(r, status);
    if (status) return train_finish_record(r, t, status);
    train_watch_begin(&w, t, true, false);
    status = train_loop_run(l);
    if (by->note) by->note(by->context, t, result, run_record_folder(r));
    train_loop_free(l);
    return train_finish_record(r, t, status);
}

int train_quietly(const run_config *c, const char *resumed, train_note *note, void *context) {
    training t;
    live_line_silence();
    int status = training_create(&t, c);
    if (status) return status;
    const noted by = {note, context};
    train_result result = {.epoch = calloc((size_t)c->epochs, sizeof *result.epoch)};
    status = result.epoch
                 ? run(&t, resumed, &result, &by)
                 : failure(FAILURE_INPUT, "out of memory for %lld epochs", (long long)c->epochs);
    free(result.epoch);
    training_free(&t);
    return status;
}
