/* SPDX-License-Identifier: Apache-2.0 */
/* run_reader.c - lines of run.jsonl, one after the other, into columns. */
#include "run/run_reader.h"

#include "cli/progress.h"
#include "io/failure.h"
#include "io/input.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 18 }; /* bytes read at once, behind a line that is not whole yet */

static int no_memory(const run_data *run) {
    return failure(FAILURE_INPUT, "%s/run.jsonl: out of memory", run->folder ? run->folder : "");
}

/* The line behind those that are kept is not right; reading ends. */
__attribute__((format(printf, 2, 3))) static int stop(run_data *run, const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(run->stop.why, sizeof run->stop.why, format, values);
    va_end(values);
    run->stop.line = run->lines + 1;
    run->stop.byte = run->bytes;
    return 0;
}

/* ---- steps ---- */

static bool grow_column(double **column, size_t room) {
    double *grown = realloc(*column, room * sizeof **column);
    if (grown) *column = grown;
    return grown != NULL;
}

static bool make_step_room(run_data *run) {
    if (run->nsteps < run->step_room) return true;
    const size_t room = run->step_room ? run->step_room * 2 : 1024;
    if (room > SIZE_MAX / sizeof(double)) return false;
    for (int k = 0; k < RUN_COLUMNS; k++)
        if (!grow_column(&run->column[k], room)) return false;
    for (size_t g = 0; g < run->ngroups; g++)
        if (!grow_column(&run->ratio[g], room)) return false;
    run->step_room = room;
    return true;
}

/* What it says is as of its place in the log. */
static int set_examination(run_data *run, json_t *line) {
    json_decref(run->examination);
    run->examination = json_incref(line);
    return 0;
}

static int add_step(run_data *run, const run_line *line) {
    static const double whole_max = 9007199254740992; /* 2^53 */
    const double step = line->value[RUN_STEP];
    if (!(step >= 0 && step <= whole_max && step == floor(step)))
        return stop(run, "step is no whole number");
    if (run->nsteps > 0 && step <= run->column[RUN_STEP][run->nsteps - 1])
        return stop(run, "step %.0f follows step %.0f", step,
                    run->column[RUN_STEP][run->nsteps - 1]);
    for (int k = 0; k < RUN_GROUP_KEYS; k++)
        if (line->ngroups[k] != 0 && line->ngroups[k] != run->ngroups)
            return stop(run, "numbers of %zu groups; the header names %zu", line->ngroups[k],
                        run->ngroups);
    if (!make_step_room(run)) return no_memory(run);
    if (run->examination) set_examination(run, NULL);
    const run_listener *told = run->listener;
    const int status = told ? told->step(told->context, run, line) : 0;
    if (status) return status;
    for (int k = 0; k < RUN_COLUMNS; k++) run->column[k][run->nsteps] = line->value[k];
    const bool norms = line->ngroups[RUN_GROUP_UPDATE_NORM] && line->ngroups[RUN_GROUP_PARAM_NORM];
    for (size_t g = 0; g < run->ngroups; g++) {
        const double ratio =
            norms ? line->group[RUN_GROUP_UPDATE_NORM][g] / line->group[RUN_GROUP_PARAM_NORM][g]
                  : NAN;
        run->ratio[g][run->nsteps] = isfinite(ratio) ? ratio : NAN;
    }
    run->nsteps++;
    return 0;
}

/* ---- lines with a type ---- */

static double number_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static const char *const score_names[] = {"accuracy", "rmse", "bits_per_byte"};
enum { SCORE_KINDS = sizeof score_names / sizeof *score_names };

static double score_of(const json_t *scores) {
    double score = NAN;
    for (int k = 0; k < SCORE_KINDS && isnan(score); k++) score = number_of(scores, score_names[k]);
    return score;
}

static run_score_kind score_kind_of(const json_t *scores) {
    for (int k = SCORE_KINDS - 1; k > 0; k--)
        if (json_object_get(scores, score_names[k])) return (run_score_kind)k;
    return RUN_ACCURACY;
}

const json_t *run_line_held_out(const json_t *line) {
    const json_t *validation = json_object_get(line, "validation");
    return validation ? validation : json_object_get(line, "test");
}

static int add_epoch(run_data *run, const json_t *line) {
    const json_t *train = json_object_get(line, "train"), *held = run_line_held_out(line);
    if (!json_is_integer(json_object_get(line, "epoch")) ||
        !json_is_integer(json_object_get(line, "step")))
        return stop(run, "an epoch without its number or its step");
    const double step = number_of(line, "step");
    if (run->nepochs > 0 && step <= run->epoch[run->nepochs - 1].step)
        return stop(run, "the epoch ends at step %.0f, the one before at %.0f", step,
                    run->epoch[run->nepochs - 1].step);
    if (run->nepochs == run->epoch_room) {
        const size_t room = run->epoch_room ? run->epoch_room * 2 : 64;
        run_log_epoch *grown = realloc(run->epoch, room * sizeof *grown);
        if (!grown) return no_memory(run);
        run->epoch = grown;
        run->epoch_room = room;
    }
    run->score_kind = score_kind_of(held ? held : train);
    if (held && held != json_object_get(line, "validation")) run->tests_epochs = true;
    run->epoch[run->nepochs++] = (run_log_epoch){
        .epoch = number_of(line, "epoch"),
        .step = step,
        .train_loss = number_of(train, "loss"),
        .train_score = score_of(train),
        .validation_loss = number_of(held, "loss"),
        .validation_score = score_of(held),
        .averaged_score = score_of(json_object_get(line, "validation_averaged")),
        .elapsed = run->nsteps ? run->column[RUN_SECONDS][run->nsteps - 1] : NAN,
    };
    return 0;
}

static run_log_score log_score_of(const json_t *scores) {
    return (run_log_score){number_of(scores, "loss"), score_of(scores)};
}

/* A later one is of a training that went on. */
static int add_test(run_data *run, const json_t *line) {
    run->test = log_score_of(line);
    run->test_averaged = log_score_of(json_object_get(line, "averaged"));
    return 0;
}

static int add_event(run_data *run, json_t *line) {
    static const char *const ends[] = {"finished", "interrupted", "diverged", "stopped"};
    const char *event = json_string_value(json_object_get(line, "event"));
    if (!event) return stop(run, "an event without its name");
    for (size_t k = 0; k < sizeof ends / sizeof *ends; k++)
        if (!strcmp(event, ends[k])) run->state = ends[k];
    return json_array_append(run->events, line) ? no_memory(run) : 0;
}

/* The listener hears of a line that was added. */
static int tell_line(run_data *run, const json_t *line, int added) {
    const run_listener *told = run->listener;
    if (added || run->stop.line || !told || !told->line) return added;
    return told->line(told->context, run, line);
}

/* The first line: without it nothing else can be told. */
static int read_header(run_data *run, json_t *line) {
    if (json_integer_value(json_object_get(line, "format")) != 1)
        return failure(FAILURE_INPUT, "%s/run.jsonl: its header is not of format 1", run->folder);
    const json_t *groups = json_object_get(line, "groups");
    if (!json_is_array(groups) || !json_is_object(json_object_get(line, "config")))
        return failure(FAILURE_INPUT, "%s/run.jsonl: its header has no groups or no config",
                       run->folder);
    run->ngroups = json_array_size(groups);
    if (run->ngroups > RUN_GROUPS_MAX)
        return failure(FAILURE_INPUT,
                       "%s/run.jsonl: its header names %zu groups; at most %d can be "
                       "read",
                       run->folder, run->ngroups, RUN_GROUPS_MAX);
    run->ratio = calloc(run->ngroups + 1, sizeof *run->ratio);
    run->events = json_array();
    if (!run->ratio || !run->events) return no_memory(run);
    run->header = json_incref(line);
    return 0;
}

/* ---- one line ---- */

static int read_object(run_data *run, json_t *line) {
    const char *type = json_string_value(json_object_get(line, "type"));
    if (!run->header) {
        if (type && !strcmp(type, "header")) return read_header(run, line);
        return failure(FAILURE_INPUT, "%s/run.jsonl: the first line is no header of a run",
                       run->folder);
    }
    if (!type) return stop(run, "neither a type nor the numbers of a step");
    if (!strcmp(type, "epoch")) return tell_line(run, line, add_epoch(run, line));
    if (!strcmp(type, "test")) return add_test(run, line);
    if (!strcmp(type, "event")) return tell_line(run, line, add_event(run, line));
    if (!strcmp(type, "doctor")) return set_examination(run, line);
    if (!strcmp(type, "header")) return stop(run, "a second header");
    return 0; /* of a later version */
}

static int not_json(run_data *run, const json_error_t *error, bool ended) {
    const char *why = ended ? "" : "cut off: ";
    if (!run->header)
        return failure(FAILURE_INPUT, "%s/run.jsonl: the first line is not JSON: %s%s", run->folder,
                       why, error->text);
    return stop(run, "%s%s", why, error->text);
}

/* `ended`: by a line feed. */
static int read_line(run_data *run, const char *text, size_t size, bool ended) {
    static const char typed[] = "{\"type\"";
    const bool has_type = size >= sizeof typed - 1 && !memcmp(text, typed, sizeof typed - 1);
    run_line line;
    if (run->header && !has_type && run_line_read(&line, text, size)) return add_step(run, &line);
    json_error_t error;
    json_t *object = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!object) return not_json(run, &error, ended);
    const int status = read_object(run, object);
    json_decref(object);
    return status;
}

/* ---- the file ---- */

static int too_long(run_data *run) {
    if (run->header) return stop(run, "longer than %d bytes", RUN_LINE_MAX);
    return failure(FAILURE_INPUT, "%s/run.jsonl: the first line is longer than %d bytes",
                   run->folder, RUN_LINE_MAX);
}

static bool is_enough(const run_data *run) {
    return run->header_only && run->header;
}

/* Reads the whole lines of text[0 .. size - 1] and says how many bytes they took. */
static int read_lines(run_data *run, const char *text, size_t size, size_t *taken) {
    *taken = 0;
    while (!is_enough(run)) {
        const char *start = text + *taken, *end = memchr(start, '\n', size - *taken);
        if (!end) return 0;
        const size_t length = (size_t)(end - start);
        const int status =
            length > RUN_LINE_MAX ? too_long(run) : read_line(run, start, length, true);
        if (status || run->stop.line) return status;
        run->lines++;
        run->bytes += (int64_t)length + 1;
        *taken += length + 1;
    }
    return 0;
}

/* What stands behind the last line feed: whole if only that is missing. */
static int read_rest(run_data *run, const char *text, size_t size) {
    if (size == 0) return 0;
    const int status = read_line(run, text, size, false);
    if (status || run->stop.line) return status;
    run->lines++;
    run->bytes += (int64_t)size;
    run->open_end = true;
    return 0;
}

static int read_all(run_data *run, FILE *file, char *buffer, progress *shown) {
    size_t held = 0, got, taken;
    while ((got = fread(buffer + held, 1, CHUNK, file)) > 0) {
        held += got;
        progress_to_byte(shown, run->bytes);
        const int status = read_lines(run, buffer, held, &taken);
        if (status || run->stop.line || is_enough(run)) return status;
        held -= taken;
        memmove(buffer, buffer + taken, held);
        if (held > RUN_LINE_MAX) return too_long(run);
    }
    if (ferror(file))
        return failure(FAILURE_INPUT, "cannot read %s/run.jsonl: %s", run->folder, strerror(errno));
    if (run->header_only)
        return failure(FAILURE_INPUT, "%s/run.jsonl: the first line has no end", run->folder);
    buffer[held] = '\0'; /* a byte that no number has */
    const int status = read_rest(run, buffer, held);
    if (!status && !run->header)
        return failure(FAILURE_INPUT, "%s/run.jsonl: the file is empty", run->folder);
    return status;
}

/* "runs/mlp/" -> "mlp" */
static int name_run(run_data *run, const char *folder) {
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') length--;
    run->folder = strndup(folder, length);
    if (!run->folder) return no_memory(run);
    const char *slash = strrchr(run->folder, '/');
    run->name = slash && slash[1] ? slash + 1 : run->folder;
    return 0;
}

static int64_t size_of(FILE *file) {
    struct stat facts;
    return fstat(fileno(file), &facts) ? 0 : (int64_t)facts.st_size;
}

static int read_stream(run_data *run, FILE *file, const char *folder) {
    int status = name_run(run, folder);
    if (status) return status;
    char *buffer = malloc(RUN_LINE_MAX + CHUNK + 1);
    progress shown = progress_begin_bytes("reading the log", size_of(file));
    status = buffer ? read_all(run, file, buffer, &shown) : no_memory(run);
    progress_end(&shown);
    run->listener = NULL;
    free(buffer);
    return status;
}

static int read_folder(run_data *run, const char *folder) {
    char path[PATH_MAX];
    FILE *file;
    if (snprintf(path, sizeof path, "%s/run.jsonl", folder) >= (int)sizeof path)
        return failure(FAILURE_INPUT, "the name of the folder is longer than %d bytes", PATH_MAX);
    if (access(folder, F_OK) != 0) /* the name that the person gave is the one to tell */
        return failure(FAILURE_INPUT, "cannot open %s: %s", folder, strerror(errno));
    int status = input_open(path, &file);
    if (status) return status;
    status = read_stream(run, file, folder);
    fclose(file);
    return status;
}

int run_read(run_data *run, const char *folder, const run_listener *listener) {
    *run = (run_data){.state = "unfinished",
                      .listener = listener,
                      .test = {NAN, NAN},
                      .test_averaged = {NAN, NAN}};
    return read_folder(run, folder);
}

int run_read_header(json_t **header, int64_t *bytes, const char *folder) {
    run_data run = {.header_only = true};
    const int status = read_folder(&run, folder);
    *header = status ? NULL : json_incref(run.header);
    *bytes = run.bytes;
    run_free(&run);
    return status;
}

void run_free(run_data *run) {
    for (int k = 0; k < RUN_COLUMNS; k++) free(run->column[k]);
    for (size_t g = 0; run->ratio && g < run->ngroups; g++) free(run->ratio[g]);
    free(run->ratio);
    free(run->epoch);
    free(run->folder);
    json_decref(run->events);
    json_decref(run->examination);
    json_decref(run->header);
    *run = (run_data){0};
}
