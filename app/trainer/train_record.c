/* SPDX-License-Identifier: Apache-2.0 */
/* train_record.c - what stays of a run: its folder with log, events and weights.
 *
 * run.jsonl: the first line is the header ("type": "header"); then lines without a type, one for
 * each logged step; and, where they happen, lines of type "epoch" and "event". docs/command.md
 * lists the keys.
 */
#include "file/folder.h"
#include "io/failure.h"
#include "io/number_json.h"
#include "ravine_checkpoint.h"
#include "run/run_line.h"
#include "run/run_log.h"
#include "run/tfevents.h"
#include "trainer/train.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

struct record {
    const training *t;
    char folder[PATH_MAX];
    run_log *log;
    tfevents *events;
    record_position from; /* where the record of a run that there is goes on */
    double *group;        /* [RUN_GROUP_KEYS][ngroups] what is logged of each group */
};

/* ---- the header ---------------------------------------------------------------------------------
 */

/* "model name : AMD EPYC 9654" of the first processor. */
static json_t *processor_json(void) {
    char line[256], name[256] = "";
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "model name : %255[^\n]", name) == 1) break;
    if (file) fclose(file);
    return *name ? json_string(name) : json_null();
}

static json_t *machine_json(const training *t) {
    struct utsname names;
    uname(&names);
    char system[sizeof names.sysname + sizeof names.release + sizeof names.machine];
    snprintf(system, sizeof system, "%s %s %s", names.sysname, names.release, names.machine);
    const char *isa = ravine_isa(NULL);
    return json_pack("{so sI si ss? ss ss}", "processor", processor_json(), "processors",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "threads",
                     (int)ravine_pool_threads(t->pool), "isa", isa, "system", system, "compiler",
                     __VERSION__);
}

static json_t *groups_json(const training *t) {
    json_t *groups = json_array();
    for (int32_t g = 0; g < t->ngroups; g++) {
        net_tensor tensor = net_param(t->net, g);
        json_array_append_new(
            groups, json_pack("{ss sI}", "name", tensor.name, "size", (json_int_t)tensor.len));
    }
    return groups;
}

static json_t *data_files_json(const dataset_pair *data) {
    json_t *files = json_array();
    for (int k = 0; k < data->nfiles; k++) {
        char crc[9];
        snprintf(crc, sizeof crc, "%08" PRIx32, data->file[k].crc32c);
        json_array_append_new(files, json_pack("{ss sI ss}", "file", data->file[k].path, "bytes",
                                               (json_int_t)data->file[k].bytes, "crc32c", crc));
    }
    return files;
}

/* What the doctor was told before the first step, by the words of the facts. */
static json_t *facts_json(const training *t) {
    json_t *facts = json_object();
    for (int k = 0; k < RAVINE_FACT_COUNT; k++)
        if (isfinite(t->fact[k]))
            json_object_set_new(facts, ravine_fact_word(k), json_real(t->fact[k]));
    return facts;
}

static json_t *header_json(const training *t) {
    char started[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    return json_pack(
        "{ss si ss ss ss sI sI sI so sI sI sI so so so so so}", "type", "header", "format", 1,
        "program", "ravine", "version", ravine_version(), "started", started, "seed",
        (json_int_t)t->config->seed, "train_examples", (json_int_t)t->data.train.count,
        "test_examples", (json_int_t)t->data.test.count, "data_files", data_files_json(&t->data),
        "parameters", (json_int_t)net_size(t->net), "total_steps", (json_int_t)t->total_steps,
        "optimizer_bytes", (json_int_t)t->announced_bytes, "groups", groups_json(t), "facts",
        facts_json(t), "config", config_json(t->config, false), "origins",
        config_json(t->config, true), "machine", machine_json(t));
}

/* ---- the folder
 * ---------------------------------------------------------------------------------- */

/* Making a folder succeeds for one process only, so two runs never share one. */
static int make_folder(record *r) {
    enum { TRIES_MAX = 100000 };
    const config *c = r->t->config;
    bool existed = true;
    for (int k = 1; existed && k <= TRIES_MAX; k++) {
        char suffix[16] = "";
        if (k > 1) snprintf(suffix, sizeof suffix, "-%d", k);
        int length = snprintf(r->folder, sizeof r->folder, "%s/%s%s", c->runs_dir, c->name, suffix);
        if (length >= (int)sizeof r->folder)
            return failure(EXIT_INPUT, "runs_dir and name are longer than %zu bytes",
                           sizeof r->folder - 1);
        int status = failure_of(ravine_folder_create(r->folder, &existed));
        if (status) return status;
    }
    if (existed)
        return failure(EXIT_INPUT, "%s/%s-2 to -%d exist; choose another name", c->runs_dir,
                       c->name, TRIES_MAX);
    return 0;
}

static int create_log(record *r) {
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/run.jsonl", r->folder);
    json_t *header = header_json(r->t);
    if (!header) return failure(EXIT_INPUT, "%s: out of memory", path);
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

static int make_record(record **out, const training *t) {
    record *r = calloc(1, sizeof *r);
    double *group = calloc((size_t)RUN_GROUP_KEYS * (size_t)t->ngroups, sizeof *group);
    if (!r || !group) {
        free(group);
        free(r);
        return failure(EXIT_INPUT, "out of memory");
    }
    *r = (record){.t = t, .group = group};
    *out = r;
    return 0;
}

int record_create(record **out, const training *t) {
    record *r = NULL;
    int status = make_record(&r, t);
    if (status) return status;
    status = make_folder(r);
    if (!status && (status = create_log(r))) rmdir(r->folder);
    if (status) {
        free(r->group);
        free(r);
        return status;
    }
    *out = r;
    return 0;
}

int record_open(record **out, const training *t, const char *folder) {
    char path[PATH_MAX + 16];
    record *r = NULL;
    int status = make_record(&r, t);
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
static const char *events_name(const record *r) {
    const char *path = tfevents_path(r->events), *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Other events are of steps that are going to be made once more. */
static void remove_other_events(const record *r) {
    DIR *entries = opendir(r->folder);
    for (struct dirent *e; entries && (e = readdir(entries));)
        if (!strncmp(e->d_name, TFEVENTS_PREFIX, strlen(TFEVENTS_PREFIX)) &&
            strcmp(e->d_name, events_name(r)) != 0)
            unlinkat(dirfd(entries), e->d_name, 0);
    if (entries) closedir(entries);
}

/* A link is no file of the run; like one that is missing it gives way to a new one. */
static bool has_events(const record *r, const record_position *from) {
    char path[PATH_MAX + NAME_MAX + 2];
    struct stat facts;
    snprintf(path, sizeof path, "%s/%s", r->folder, from->events_name);
    return !strncmp(from->events_name, TFEVENTS_PREFIX, strlen(TFEVENTS_PREFIX)) &&
           !strchr(from->events_name, '/') && lstat(path, &facts) == 0 && S_ISREG(facts.st_mode);
}

static int open_events(record *r, const record_position *from) {
    char path[PATH_MAX + NAME_MAX + 2];
    snprintf(path, sizeof path, "%s/%s", r->folder, from->events_name);
    const int status = tfevents_open(&r->events, path);
    return status ? status : tfevents_check(r->events, from->events);
}

int record_place(record *r, const record_position *from) {
    r->from = *from;
    const int status = run_log_check(r->log, from->log);
    return status || !has_events(r, from) ? status : open_events(r, from);
}

int record_go_on(record *r) {
    const bool anew = !r->events;
    int status = anew ? tfevents_create(&r->events, r->folder) : 0;
    if (!status) status = run_log_cut(r->log, r->from.log);
    if (!status && !anew) status = tfevents_cut(r->events, r->from.events);
    if (!status && anew) remove_other_events(r);
    return status;
}

int record_where(record *r, record_position *position) {
    snprintf(position->events_name, sizeof position->events_name, "%s", events_name(r));
    int status = run_log_position(r->log, &position->log);
    return status ? status : tfevents_position(r->events, &position->events);
}

const char *record_behind(const record *r) {
    const char *log = run_log_behind(r->log);
    return log ? log : tfevents_behind(r->events);
}

const char *record_folder(const record *r) {
    return r->folder;
}

int record_close(record *r) {
    if (!r) return 0;
    int log = run_log_close(r->log), events = tfevents_close(r->events);
    free(r->group);
    free(r);
    return log ? log : events;
}

/* ---- lines
 * ---------------------------------------------------------------------------------------- */

/* NaN and infinities stay what they are. */
static double rounded(double value, int digits) {
    const double unit = pow(10, digits);
    return digits ? round(value * unit) / unit : value;
}

static int gather_groups(record *r) {
    const size_t ngroups = (size_t)r->t->ngroups;
    for (size_t g = 0; g < ngroups; g++) {
        ravine_report group = {.size = sizeof group};
        if (ravine_group_report(r->t->optimizer, (int32_t)g, &group) < 0)
            return failure(EXIT_USAGE, "%s", ravine_errmsg());
#define GATHER(NAME, key, field, digits) \
    r->group[RUN_GROUP_##NAME * ngroups + g] = rounded(group.field, digits);
        RUN_GROUP_LIST(GATHER)
    }
    return 0;
}

/* The tags that TensorBoard shows; statistics only where they are known. */
static int write_scalars(record *r, const train_step *s) {
    const ravine_report *all = &s->report;
    const tfevents_scalar known[] = {{"train/loss", s->loss},
                                     {"train/lr", all->lr},
                                     {"train/grad_norm", all->grad_norm},
                                     {"train/update_norm", all->update_norm},
                                     {"train/param_norm", all->param_norm}};
    const tfevents_scalar watched[] = {{"train/flips", all->flips},
                                       {"train/alpha", all->alpha},
                                       {"train/path_efficiency", s->path_efficiency}};
    enum { KNOWN = sizeof known / sizeof *known, WATCHED = sizeof watched / sizeof *watched };
    tfevents_scalar scalars[KNOWN + WATCHED];
    memcpy(scalars, known, sizeof known);
    size_t count = KNOWN;
    for (size_t k = 0; k < WATCHED; k++)
        if (!isnan(watched[k].value)) scalars[count++] = watched[k];
    return tfevents_write(r->events, s->step, scalars, count);
}

/* In the order of run_line.h, which reads it back. */
int record_step(record *r, const train_step *s) {
    const ravine_report *all = &s->report;
    const size_t ngroups = (size_t)r->t->ngroups;
    int status = gather_groups(r);
    if (status) return status;
    run_log_integer(r->log, "step", s->step);
    run_log_integer(r->log, "epoch", s->epoch);
    run_log_number(r->log, "loss", s->loss);
    run_log_number(r->log, "lr", all->lr);
    run_log_number(r->log, "grad_norm", all->grad_norm);
    run_log_number(r->log, "update_norm", all->update_norm);
    run_log_number(r->log, "param_norm", all->param_norm);
    run_log_number(r->log, "clip", all->clip);
    run_log_integer(r->log, "nonfinite", all->nonfinite);
    run_log_number(r->log, "seconds", s->seconds);
    run_log_number(r->log, "path_efficiency", s->path_efficiency);
#define RAVINE_X(name, meaning) run_log_number(r->log, #name, all->name);
    RAVINE_STATISTIC_LIST(RAVINE_X)
#undef RAVINE_X
#define WRITE(NAME, key, ...) \
    run_log_numbers(r->log, key, r->group + RUN_GROUP_##NAME * ngroups, ngroups);
    RUN_GROUP_LIST(WRITE)
    run_log_end(r->log);
    return write_scalars(r, s);
}

json_t *score_json(const training *t, const train_score *s) {
    return json_pack("{so so}", "loss", number_json(s->loss),
                     training_is_regression(t) ? "rmse" : "accuracy", number_json(s->score));
}

json_t *epoch_json(const training *t, const train_epoch *e) {
    json_t *out = json_pack("{sI sI so so so}", "epoch", (json_int_t)e->epoch, "step",
                            (json_int_t)e->step, "train", score_json(t, &e->train), "test",
                            score_json(t, &e->test), "seconds", number_json(e->seconds));
    if (t->aside) json_object_set_new(out, "test_averaged", score_json(t, &e->average));
    return out;
}

/* Writes {"type": type, ...object} and forgets the object. */
static int write_object(record *r, const char *type, json_t *object) {
    json_t *line = json_pack("{ss}", "type", type);
    bool whole = line && object && !json_object_update(line, object);
    int status = whole ? run_log_object(r->log, line)
                       : failure(EXIT_INPUT, "%s/run.jsonl: out of memory", r->folder);
    json_decref(object);
    json_decref(line);
    return status;
}

int record_epoch(record *r, const train_epoch *e) {
    int status = write_object(r, "epoch", epoch_json(r->t, e));
    if (status) return status;
    bool regression = training_is_regression(r->t);
    const tfevents_scalar scalars[] = {
        {"test/loss", e->test.loss},
        {regression ? "test/rmse" : "test/accuracy", e->test.score},
        {regression ? "test_averaged/rmse" : "test_averaged/accuracy", e->average.score}};
    return tfevents_write(r->events, e->step, scalars, r->t->aside ? 3 : 2);
}

int record_event_with(record *r, const char *event, const train_step *s, json_t *more) {
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

int record_event(record *r, const char *event, const train_step *s) {
    return record_event_with(r, event, s, json_object());
}

int record_nonfinite(record *r, const train_step *s, int64_t example) {
    json_t *more = json_pack("{sI}", "example", (json_int_t)example);
    if (more && s->report.nonfinite_param >= 0) {
        net_tensor tensor = net_param(r->t->net, s->report.nonfinite_param);
        json_object_set_new(more, "nonfinite_tensor", json_string(tensor.name));
        json_object_set_new(more, "nonfinite_index",
                            json_integer((json_int_t)s->report.nonfinite_index));
    }
    return record_event_with(r, "nonfinite", s, more);
}

/* ---- weights
 * --------------------------------------------------------------------------------------- */

int record_weights(record *r) {
    const training *t = r->t;
    int64_t params = net_param_count(t->net), buffers = net_buffer_count(t->net);
    int64_t averages = t->aside ? params : 0, count = params + buffers + averages;
    enum { NAME_SIZE = 128 };
    ravine_tensor *out = calloc((size_t)count, sizeof *out);
    net_tensor *tensor = calloc((size_t)count, sizeof *tensor); /* keeps the shapes */
    char(*name)[NAME_SIZE] = calloc((size_t)count, sizeof *name);
    int status = out && tensor && name ? 0 : failure(EXIT_INPUT, "out of memory for the weights");
    for (int64_t k = 0; k < count && !status; k++) {
        bool average = k >= params + buffers;
        tensor[k] = k < params ? net_param(t->net, k)
                    : average  ? net_param(t->net, k - params - buffers)
                               : net_buffer(t->net, k - params);
        snprintf(name[k], NAME_SIZE, "%s%s", average ? "ema." : "", tensor[k].name);
        out[k] = (ravine_tensor){.name = name[k],
                                 .dtype = RAVINE_F32,
                                 .ndim = tensor[k].ndim,
                                 .shape = tensor[k].shape,
                                 .data = tensor[k].data};
        ravine_param view = {.size = sizeof view};
        if (!average) continue;
        if (ravine_state_view(t->optimizer, tensor[k].name, "ema", &view) < 0)
            status = failure(EXIT_USAGE, "ema: %s", ravine_errmsg());
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
