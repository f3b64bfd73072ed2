/* SPDX-License-Identifier: Apache-2.0 */
/* run_record.c - the folder of a run while it is written: log, events, weights. */
#include "run/run_record.h"

#include "file/folder.h"
#include "io/failure.h"
#include "io/number_json.h"
#include "ravine_checkpoint.h"
#include "run/run_encoding.h"
#include "run/run_header.h"
#include "run/run_line.h"
#include "run/run_log.h"
#include "run/tfevents.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct run_record {
    run_subject of;
    char folder[PATH_MAX];
    run_log *log;
    tfevents *events;
    run_position from; /* where the record of a run that there is goes on */
    double *group;     /* [RUN_GROUP_KEYS][ngroups] what is logged of each group */
};

/* ---- the folder ---- */

/* Making a folder succeeds for one process only, so two runs never share one. */
int run_folder_create(char folder[PATH_MAX], const char *runs_dir, const char *name) {
    enum { TRIES_MAX = 100000 };
    bool existed = true;
    for (int k = 1; existed && k <= TRIES_MAX; k++) {
        char suffix[16] = "";
        if (k > 1) snprintf(suffix, sizeof suffix, "-%d", k);
        int length = snprintf(folder, PATH_MAX, "%s/%s%s", runs_dir, name, suffix);
        if (length >= PATH_MAX)
            return failure(FAILURE_INPUT, "runs_dir and name are longer than %d bytes",
                           PATH_MAX - 1);
        int status = failure_of(ravine_folder_create(folder, &existed));
        if (status) return status;
    }
    if (existed)
        return failure(FAILURE_INPUT, "%s/%s-2 to -%d exist; choose another name", runs_dir, name,
                       TRIES_MAX);
    return 0;
}

static int create_log(run_record *r) {
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/run.jsonl", r->folder);
    json_t *header = run_header_json(&r->of);
    if (!header) return failure(FAILURE_INPUT, "%s: out of memory", path);
    int status = run_log_create(&r->log, path, header);
    json_decref(header);
    if (status) return status;
    status = tfevents_create(&r->events, r->folder);
    if (!status) return 0;
    run_log_close(r->log);
    r->log = NULL;
    unlink(path);
    return status;
}

static int make_record(run_record **out, const run_subject *of) {
    run_record *r = calloc(1, sizeof *r);
    double *group =
        calloc((size_t)RUN_GROUP_KEYS * (size_t)net_param_count(of->net), sizeof *group);
    if (!r || !group) {
        free(group);
        free(r);
        return failure(FAILURE_INPUT, "out of memory");
    }
    *r = (run_record){.of = *of, .group = group};
    *out = r;
    return 0;
}

static void discard_folder(const char *folder) {
    run_encoding_remove(folder);
    rmdir(folder);
}

int run_record_create(run_record **out, const run_subject *of) {
    run_record *r = NULL;
    int status = make_record(&r, of);
    if (status) return status;
    status = run_folder_create(r->folder, of->config->runs_dir, of->config->name);
    if (!status) {
        status = run_encoding_write(&of->data->encoding, r->folder);
        if (!status) status = create_log(r);
        if (status) discard_folder(r->folder);
    }
    if (status) {
        free(r->group);
        free(r);
        return status;
    }
    *out = r;
    return 0;
}

int run_record_open(run_record **out, const run_subject *of, const char *folder) {
    char path[PATH_MAX + 16];
    run_record *r = NULL;
    int status = make_record(&r, of);
    if (status) return status;
    snprintf(r->folder, sizeof r->folder, "%s", folder);
    snprintf(path, sizeof path, "%s/run.jsonl", folder);
    status = run_log_open(&r->log, path);
    if (status) {
        free(r->group);
        free(r);
        return status;
    }
    *out = r;
    return 0;
}

/* The last part of the path of the events. */
static const char *events_name(const run_record *r) {
    const char *path = tfevents_path(r->events), *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Other events are of steps that are going to be made once more. */
static void remove_other_events(const run_record *r) {
    DIR *entries = opendir(r->folder);
    for (struct dirent *e; entries && (e = readdir(entries));)
        if (!strncmp(e->d_name, TFEVENTS_PREFIX, strlen(TFEVENTS_PREFIX)) &&
            strcmp(e->d_name, events_name(r)) != 0)
            unlinkat(dirfd(entries), e->d_name, 0);
    if (entries) closedir(entries);
}

/* A link is no file of the run; like one that is missing it gives way to a new one. */
static bool has_events(const run_record *r, const run_position *from) {
    char path[PATH_MAX + NAME_MAX + 2];
    struct stat facts;
    snprintf(path, sizeof path, "%s/%s", r->folder, from->events_name);
    return !strncmp(from->events_name, TFEVENTS_PREFIX, strlen(TFEVENTS_PREFIX)) &&
           !strchr(from->events_name, '/') && lstat(path, &facts) == 0 && S_ISREG(facts.st_mode);
}

static int open_events(run_record *r, const run_position *from) {
    char path[PATH_MAX + NAME_MAX + 2];
    snprintf(path, sizeof path, "%s/%s", r->folder, from->events_name);
    const int status = tfevents_open(&r->events, path);
    return status ? status : tfevents_check(r->events, from->events);
}

int run_record_place(run_record *r, const run_position *from) {
    r->from = *from;
    const int status = run_log_check(r->log, from->log);
    return status || !has_events(r, from) ? status : open_events(r, from);
}

int run_record_go_on(run_record *r) {
    const bool anew = !r->events;
    int status = anew ? tfevents_create(&r->events, r->folder) : 0;
    if (!status) status = run_log_cut(r->log, r->from.log);
    if (!status && !anew) status = tfevents_cut(r->events, r->from.events);
    if (!status && anew) remove_other_events(r);
    return status;
}

int run_record_where(run_record *r, run_position *position) {
    snprintf(position->events_name, sizeof position->events_name, "%s", events_name(r));
    int status = run_log_position(r->log, &position->log);
    return status ? status : tfevents_position(r->events, &position->events);
}

const char *run_record_behind(const run_record *r) {
    const char *log = run_log_behind(r->log);
    return log ? log : tfevents_behind(r->events);
}

const char *run_record_folder(const run_record *r) {
    return r->folder;
}

int run_record_close(run_record *r) {
    if (!r) return 0;
    int log = run_log_close(r->log), events = tfevents_close(r->events);
    free(r->group);
    free(r);
    return log ? log : events;
}

/* ---- lines ---- */

/* The tags that TensorBoard shows; statistics only where they are known. */
static int write_scalars(run_record *r, const run_step *s) {
    const ravine_step_stats *all = &s->stats;
    const tfevents_scalar known[] = {{"train/loss", s->loss},
                                     {"train/lr", all->lr},
                                     {"train/grad_norm", all->grad_norm},
                                     {"train/update_norm", all->update_norm},
                                     {"train/param_norm", all->param_norm}};
    const tfevents_scalar watched[] = {{"train/sign_change_rate", all->sign_change_rate},
                                       {"train/line_position", all->line_position},
                                       {"train/path_efficiency", s->path_efficiency}};
    enum { KNOWN = sizeof known / sizeof *known, WATCHED = sizeof watched / sizeof *watched };
    tfevents_scalar scalars[KNOWN + WATCHED];
    memcpy(scalars, known, sizeof known);
    size_t count = KNOWN;
    for (size_t k = 0; k < WATCHED; k++)
        if (!isnan(watched[k].value)) scalars[count++] = watched[k];
    return tfevents_write(r->events, s->step, scalars, count);
}

int run_record_step(run_record *r, const run_step *s) {
    const int status = run_line_write(r->log, s, r->of.optimizer, r->group);
    return status ? status : write_scalars(r, s);
}

const char *run_score_name(const dataset *train) {
    if (train->text) return "bits_per_byte";
    return train->y ? "rmse" : "accuracy";
}

static json_t *score_json(const run_subject *of, const run_score *s) {
    return json_pack("{so so}", "loss", number_json(s->loss), run_score_name(&of->data->train),
                     number_json(s->score));
}

/* Of the start there is nothing but the validation. */
json_t *run_epoch_json(const run_subject *of, const run_epoch *e) {
    json_t *out = json_pack("{sI sI so}", "epoch", (json_int_t)e->epoch, "step",
                            (json_int_t)e->step, "seconds", number_json(e->seconds));
    if (e->epoch) json_object_set_new(out, "train", score_json(of, &e->train));
    if (!run_validates(of)) return out;
    json_object_set_new(out, "validation", score_json(of, &e->validation));
    if (of->averaged && e->epoch)
        json_object_set_new(out, "validation_averaged", score_json(of, &e->average));
    return out;
}

json_t *run_test_json(const run_subject *of, const run_test *t) {
    json_t *out = score_json(of, &t->score);
    if (of->averaged) json_object_set_new(out, "averaged", score_json(of, &t->average));
    return out;
}

/* Writes {"type": type, ...object} and forgets the object. */
static int write_object(run_record *r, const char *type, json_t *object) {
    json_t *line = json_pack("{ss}", "type", type);
    bool whole = line && object && !json_object_update(line, object);
    int status = whole ? run_log_object(r->log, line)
                       : failure(FAILURE_INPUT, "%s/run.jsonl: out of memory", r->folder);
    json_decref(object);
    json_decref(line);
    return status;
}

int run_record_epoch(run_record *r, const run_epoch *e) {
    int status = write_object(r, "epoch", run_epoch_json(&r->of, e));
    if (status || !run_validates(&r->of)) return status;
    char held[40], averaged[40];
    snprintf(held, sizeof held, "validation/%s", run_score_name(&r->of.data->train));
    snprintf(averaged, sizeof averaged, "validation_averaged/%s",
             run_score_name(&r->of.data->train));
    const tfevents_scalar scalars[] = {{"validation/loss", e->validation.loss},
                                       {held, e->validation.score},
                                       {averaged, e->average.score}};
    return tfevents_write(r->events, e->step, scalars, r->of.averaged && e->epoch ? 3 : 2);
}

int run_record_test(run_record *r, const run_test *t) {
    json_t *where =
        json_pack("{sI sI}", "epoch", (json_int_t)t->epoch, "step", (json_int_t)t->step);
    json_t *object = run_test_json(&r->of, t);
    if (!where || !object || json_object_update(where, object)) { /* write_object() tells */
        json_decref(where);
        where = NULL;
    }
    json_decref(object);
    return write_object(r, "test", where);
}

int run_record_event_with(run_record *r, const char *event, const run_step *s, json_t *more) {
    json_t *object = json_pack("{ss sI sI so so}", "event", event, "step", (json_int_t)s->step,
                               "epoch", (json_int_t)s->epoch, "loss", number_json(s->loss),
                               "seconds", number_json(s->seconds));
    if (!object || !more || json_object_update(object, more)) { /* write_object() tells */
        json_decref(object);
        object = NULL;
    }
    json_decref(more);
    return write_object(r, "event", object);
}

int run_record_event(run_record *r, const char *event, const run_step *s) {
    return run_record_event_with(r, event, s, json_object());
}

int run_record_nonfinite(run_record *r, const run_step *s, int64_t example) {
    json_t *more = json_pack("{sI}", "example", (json_int_t)example);
    if (more && s->stats.nonfinite_param >= 0) {
        net_tensor tensor = net_param(r->of.net, s->stats.nonfinite_param);
        json_object_set_new(more, "nonfinite_tensor", json_string(tensor.name));
        json_object_set_new(more, "nonfinite_index",
                            json_integer((json_int_t)s->stats.nonfinite_index));
    }
    return run_record_event_with(r, "nonfinite", s, more);
}

/* ---- weights ---- */

int run_record_weights(run_record *r) {
    const net *n = r->of.net;
    int64_t params = net_param_count(n), buffers = net_buffer_count(n);
    int64_t averages = r->of.averaged ? params : 0, count = params + buffers + averages;
    enum { NAME_SIZE = 128 };
    ravine_tensor *out = calloc((size_t)count, sizeof *out);
    net_tensor *tensor = calloc((size_t)count, sizeof *tensor); /* keeps the shapes */
    char(*name)[NAME_SIZE] = calloc((size_t)count, sizeof *name);
    int status =
        out && tensor && name ? 0 : failure(FAILURE_INPUT, "out of memory for the weights");
    for (int64_t k = 0; k < count && !status; k++) {
        bool average = k >= params + buffers;
        tensor[k] = k < params ? net_param(n, k)
                    : average  ? net_param(n, k - params - buffers)
                               : net_buffer(n, k - params);
        snprintf(name[k], NAME_SIZE, "%s%s", average ? "ema." : "", tensor[k].name);
        out[k] = (ravine_tensor){.name = name[k],
                                 .dtype = RAVINE_F32,
                                 .ndim = tensor[k].ndim,
                                 .shape = tensor[k].shape,
                                 .data = tensor[k].data};
        ravine_param view = {.size = sizeof view};
        if (!average) continue;
        if (ravine_state_view(r->of.optimizer, tensor[k].name, "ema", &view) < 0)
            status = failure(FAILURE_USAGE, "ema: %s", ravine_errmsg());
        out[k].data = view.data;
    }
    char path[PATH_MAX + 24];
    snprintf(path, sizeof path, "%s/weights.safetensors", r->folder);
    const ravine_text metadata[] = {{"format", "pt"}, {"ravine", ravine_version()}};
    const ravine_safetensors_options how = {.size = sizeof how, .over_links = 1};
    if (!status) status = failure_of(ravine_safetensors_write(path, out, count, metadata, 2, &how));
    free(name);
    free(tensor);
    free(out);
    return status;
}
