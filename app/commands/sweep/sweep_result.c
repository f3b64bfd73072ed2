/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_result.c - what the log of a run tells of it. */
#include "commands/sweep/sweep.h"
#include "run/run_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_weights(const char *folder) {
    char path[PATH_MAX + 24];
    snprintf(path, sizeof path, "%s/weights.safetensors", folder);
    return access(path, F_OK) == 0;
}

static void note_state(sweep_run *run, const run_data *data) {
    run->diverged = !strcmp(data->state, "diverged") || !strcmp(data->state, "stopped");
    const bool finished = !strcmp(data->state, "finished") && has_weights(run->folder);
    run->state = run->diverged || finished ? SWEEP_ENDED : SWEEP_OPEN;
}

/* The best epoch as train_choice.c chooses it; epoch 0 is the start. */
static void note_epochs(sweep_run *run, const run_data *data) {
    run->train = run->validation = (run_score){NAN, NAN};
    run->epochs = run->best_epoch = 0;
    for (size_t k = 0; k < data->nepochs; k++) {
        const run_log_epoch *e = &data->epoch[k];
        if (e->epoch < 1) continue;
        run->epochs = (int64_t)e->epoch;
        run->train = (run_score){e->train_loss, e->train_score};
        if (isnan(e->validation_loss) || e->validation_loss >= run->validation.loss) continue;
        run->best_epoch = (int64_t)e->epoch;
        run->validation = (run_score){e->validation_loss, e->validation_score};
    }
}

/* The last that the doctor told. */
static void note_verdict(sweep_run *run, const run_data *data) {
    *run->verdict = '\0';
    for (size_t k = 0; k < json_array_size(data->events); k++) {
        const json_t *event = json_array_get(data->events, k);
        const char *verdict = json_string_value(json_object_get(event, "verdict"));
        if (verdict) snprintf(run->verdict, sizeof run->verdict, "%s", verdict);
    }
}

/* Means over as many logged steps each. */
static void note_curve(sweep_run *run, const run_data *data) {
    const size_t every = (data->nsteps + SWEEP_CURVE - 1) / SWEEP_CURVE;
    run->ncurve = 0;
    for (size_t k = 0; k < data->nsteps; k += every) {
        const size_t left = data->nsteps - k, count = left < every ? left : every;
        double loss = 0;
        for (size_t i = 0; i < count; i++) loss += data->column[RUN_LOSS][k + i];
        run->step[run->ncurve] = (float)data->column[RUN_STEP][k + count - 1];
        run->loss[run->ncurve++] = (float)(loss / (double)count);
    }
}

int sweep_result_read(sweep *s, sweep_run *run) {
    static const char *const scores[] = {
        [RUN_ACCURACY] = "accuracy", [RUN_RMSE] = "rmse", [RUN_BITS_PER_BYTE] = "bits_per_byte"};
    run_data data;
    const int status = run_read(&data, run->folder, NULL);
    if (!status) {
        note_state(run, &data);
        note_epochs(run, &data);
        note_verdict(run, &data);
        note_curve(run, &data);
        s->score = scores[data.score_kind];
    }
    run_free(&data);
    return status;
}
