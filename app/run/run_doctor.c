/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_doctor.h"

#include "io/failure.h"
#include "run/diagnosis.h"
#include "run/doctor_memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int cannot_examine(const run_data *run) {
    return failure(FAILURE_INPUT, "%s/run.jsonl: %s", run->folder, ravine_errmsg());
}

/* ---- before the first step ---- */

/* config.doctor.window. Here it counts steps that are logged: as many as the statistics need. */
static int32_t window_of(const run_data *run, int32_t otherwise) {
    const json_t *config = json_object_get(run->header, "config");
    const json_t *window = json_object_get(json_object_get(config, "doctor"), "window");
    const json_int_t given = json_integer_value(window);
    return given >= 16 && given <= 65536 ? (int32_t)given : otherwise;
}

static void read_config(run_doctor *d, const run_data *run) {
    const json_t *config = json_object_get(run->header, "config");
    const char *optimizer = json_string_value(json_object_get(config, "optimizer"));
    d->config.size = sizeof d->config;
    d->has_config = optimizer && ravine_config_parse(&d->config, optimizer) == RAVINE_OK;
}

static int tell(run_doctor *d, const run_data *run, int fact, const json_t *value) {
    if (!json_is_number(value)) return 0;
    const ravine_status status = ravine_doctor_tell(d->doctor, fact, json_number_value(value));
    return status < 0 ? cannot_examine(run) : 0;
}

/* Its facts by their words; older logs have the number of steps alone. */
static int tell_header(run_doctor *d, const run_data *run) {
    const json_t *facts = json_object_get(run->header, "facts");
    int status = tell(d, run, RAVINE_FACT_TOTAL_STEPS, json_object_get(run->header, "total_steps"));
    for (int k = 0; k < RAVINE_FACT_COUNT && !status; k++)
        status = tell(d, run, k, json_object_get(facts, ravine_fact_word(k)));
    return status;
}

static int begin(run_doctor *d, const run_data *run) {
    d->ngroups = run->ngroups;
    d->group = calloc(d->ngroups + 1, sizeof *d->group);
    d->group_name = calloc(d->ngroups + 1, sizeof *d->group_name);
    d->group_elements = calloc(d->ngroups + 1, sizeof *d->group_elements);
    if (!d->group || !d->group_name || !d->group_elements)
        return failure(FAILURE_INPUT, "out of memory");
    const json_t *groups = json_object_get(run->header, "groups");
    for (size_t g = 0; g < d->ngroups; g++) {
        const json_t *name = json_object_get(json_array_get(groups, g), "name");
        d->group_name[g] = json_is_string(name) ? json_string_value(name) : "?";
        const json_int_t size =
            json_integer_value(json_object_get(json_array_get(groups, g), "size"));
        d->group_elements[g] = size > 0 ? size : 1;
    }
    read_config(d, run);
    ravine_doctor_options options;
    ravine_doctor_options_init(&options);
    options.window = window_of(run, options.window);
    if (ravine_doctor_create(&d->doctor, &options, NULL) < 0) return cannot_examine(run);
    return tell_header(d, run);
}

/* ---- a step ---- */

static ravine_step_stats unknown_report(void) {
    return (ravine_step_stats){.size = sizeof(ravine_step_stats),
                               .lr = NAN,
                               .grad_norm = NAN,
                               .update_norm = NAN,
                               .param_norm = NAN,
                               .clip = 1,
                               .nonfinite_param = -1,
                               .nonfinite_index = -1,
#define RAVINE_X(name, meaning) .name = NAN,
                               RAVINE_STATISTIC_LIST(RAVINE_X)
#undef RAVINE_X
    };
}

static ravine_step_stats report_of(const run_line *line) {
    const double *value = line->value;
    ravine_step_stats r = unknown_report();
    r.group = -1;
    r.step = r.attempts = (int64_t)value[RUN_STEP];
    r.lr = value[RUN_LR];
    r.grad_norm = value[RUN_GRAD_NORM];
    r.update_norm = value[RUN_UPDATE_NORM];
    r.param_norm = value[RUN_PARAM_NORM];
    if (!isnan(value[RUN_CLIP])) r.clip = value[RUN_CLIP];
    /* A count: what is no such number was not written by us, and is not known. */
    if (value[RUN_NONFINITE] >= 0 && value[RUN_NONFINITE] < 9e15)
        r.nonfinite = (int64_t)value[RUN_NONFINITE];
#define RAVINE_X(name, meaning) r.name = value[RUN_STATISTIC_##name];
    RAVINE_STATISTIC_LIST(RAVINE_X)
#undef RAVINE_X
    return r;
}

static void read_groups(run_doctor *d, const run_line *line, const ravine_step_stats *all) {
    for (size_t g = 0; g < d->ngroups; g++) {
        d->group[g] = unknown_report();
        d->group[g].group = (int32_t)g;
        d->group[g].step = d->group[g].attempts = all->step;
        d->group[g].lr = all->lr;
#define READ(NAME, key, field, digits) \
    if (line->ngroups[RUN_GROUP_##NAME]) d->group[g].field = line->group[RUN_GROUP_##NAME][g];
        RUN_GROUP_LIST(READ)
    }
}

static int feed(run_doctor *d, const run_data *run) {
    if (d->has_config && isfinite(d->last.lr)) d->config.lr = d->last.lr;
    const ravine_observation seen = {.size = sizeof seen,
                                     .nparts = (int32_t)d->ngroups,
                                     .loss = d->last_loss,
                                     .path_efficiency = d->path_efficiency,
                                     .stats = &d->last,
                                     .part_stats = d->group,
                                     .part_name = d->group_name,
                                     .part_elements = d->group_elements,
                                     .config = d->has_config ? &d->config : NULL};
    return ravine_doctor_feed(d->doctor, &seen) < 0 ? cannot_examine(run) : 0;
}

/* The step whose gradient was not finite has no line: one like the last, with no loss. */
static int take_broken(run_doctor *d, const run_data *run, double next) {
    const bool unknown = d->steps > 0 && d->broke > d->step && next > (double)d->broke;
    if (!unknown) return 0;
    d->last.step = d->last.attempts = d->broke;
    d->last_loss = NAN;
    d->broke = 0;
    return feed(d, run);
}

static int take_step(void *context, const run_data *run, const run_line *line) {
    run_doctor *d = context;
    if (line->value[RUN_STEP] > (double)d->until) return 0;
    int status = d->doctor ? 0 : begin(d, run);
    if (!status) status = take_broken(d, run, line->value[RUN_STEP]);
    if (status) return status;
    d->last = report_of(line);
    d->last_loss = line->value[RUN_LOSS];
    d->path_efficiency = line->value[RUN_PATH_EFFICIENCY];
    read_groups(d, line, &d->last);
    if (!isnan(d->last.sign_change_rate)) d->sign_change_known = true;
    d->step = d->last.step;
    d->steps++;
    return feed(d, run);
}

/* ---- what happened between steps ---- */

/* A training that was given up, though its last step was finite, had lost the held-out loss. */
static int take_loss_of_all(run_doctor *d, const run_data *run) {
    if (d->steps == 0 || !isfinite(d->last_loss)) return 0;
    d->last_loss = NAN;
    return feed(d, run);
}

static int take_nonfinite(run_doctor *d, const run_data *run, const json_t *line) {
    d->broke = (int64_t)json_integer_value(json_object_get(line, "step"));
    return tell(d, run, RAVINE_FACT_EXAMPLE, json_object_get(line, "example"));
}

static int take_event(run_doctor *d, const run_data *run, const json_t *line) {
    const char *event = json_string_value(json_object_get(line, "event"));
    if (!strcmp(event, "diverged")) return take_loss_of_all(d, run);
    if (!strcmp(event, "nonfinite")) return take_nonfinite(d, run, line);
    if (strcmp(event, "resumed") != 0) return 0;
    const int status = tell(d, run, RAVINE_FACT_RESUMED, json_object_get(line, "step"));
    return status ? status
                  : tell(d, run, RAVINE_FACT_TOTAL_STEPS, json_object_get(line, "total_steps"));
}

static int take_line(void *context, const run_data *run, const json_t *line) {
    run_doctor *d = context;
    const json_t *step = json_object_get(line, "step");
    if (json_is_number(step) && json_number_value(step) > (double)d->until) return 0;
    const int status = d->doctor ? 0 : begin(d, run);
    if (status) return status;
    if (json_object_get(line, "event")) return take_event(d, run, line);
    const json_t *held = run_line_held_out(line);
    return tell(d, run, RAVINE_FACT_VALIDATION, json_object_get(held, "loss"));
}

run_listener run_doctor_listener(run_doctor *d) {
    return (run_listener){take_step, d, take_line};
}

/* ---- the answer ---- */

/* The log names the tensor in an event of its own. */
static void add_first_nonfinite(const run_doctor *d, const run_data *run, ravine_diagnosis *out) {
    size_t k;
    json_t *event;
    json_array_foreach(run->events, k, event) {
        const char *tensor = json_string_value(json_object_get(event, "nonfinite_tensor"));
        const json_int_t index = json_integer_value(json_object_get(event, "nonfinite_index"));
        const json_int_t step = json_integer_value(json_object_get(event, "step"));
        if (!tensor || step > d->step || out->nevidence == RAVINE_EVIDENCE_MAX) continue;
        ravine_evidence *e = &out->evidence[out->nevidence++];
        *e = (ravine_evidence){.name = "nonfinite_index", .value = (double)index};
        snprintf(e->text, sizeof e->text,
                 "the first such gradient was in %.60s, element %" JSON_INTEGER_FORMAT
                 ", step %" JSON_INTEGER_FORMAT,
                 tensor, index, step);
        return;
    }
}

/* The last event of that name; NULL: there is none. */
static const json_t *last_event(const run_data *run, const char *name) {
    for (size_t k = json_array_size(run->events); k-- > 0;) {
        const json_t *event = json_array_get(run->events, k);
        if (!strcmp(json_string_value(json_object_get(event, "event")), name)) return event;
    }
    return NULL;
}

/* Takes over what the live one remembered, if all of the run is looked at and it came to an end. */
static void remember(run_doctor *d, const run_data *run) {
    const json_t *end = last_event(run, run->state);
    const json_int_t step = json_integer_value(json_object_get(end, "step"));
    if (step < d->step || step > d->until) return;
    d->remembers = doctor_memory_read(run->folder, d->doctor, step);
    if (d->remembers) d->step = step;
}

/* Why a training was given up; NULL: it was not. */
static const char *why_given_up(const run_doctor *d, const run_data *run) {
    const json_t *end = last_event(run, run->state);
    if (json_integer_value(json_object_get(end, "step")) > d->until) return NULL;
    if (!strcmp(run->state, "diverged")) return "it diverged";
    if (strcmp(run->state, "stopped") != 0) return NULL;
    const char *text = json_string_value(json_object_get(last_event(run, "warning"), "text"));
    return text ? text : "the doctor warned";
}

void run_doctor_complete(const run_doctor *d, const run_data *run, ravine_diagnosis *diagnosis) {
    diagnosis_heed_end(diagnosis, why_given_up(d, run));
    if (diagnosis->verdict == RAVINE_VERDICT_NONFINITE) add_first_nonfinite(d, run, diagnosis);
    if (d->remembers) return;
    if (!d->sign_change_known)
        diagnosis_cannot_tell(
            diagnosis,
            "how often signs change, line_position and the like: the log does not hold them (an "
            "older version wrote it, or doctor.watch was false)");
    if (d->steps > 1 && d->step >= 2 * d->steps)
        diagnosis_cannot_tell(diagnosis,
                              "what happened between logged steps: the log holds one in %.0f; "
                              "log_every: 1 would hold all",
                              (double)d->step / (double)d->steps);
}

int run_doctor_diagnose(run_doctor *d, const run_data *run, ravine_diagnosis *diagnosis) {
    if (d->steps == 0)
        return failure(FAILURE_INPUT, "%s/run.jsonl: no step is logged%s", run->folder,
                       run->nsteps ? " up to that one" : "");
    remember(d, run);
    *diagnosis = (ravine_diagnosis){.size = sizeof *diagnosis};
    if (ravine_doctor_diagnose(d->doctor, diagnosis) < 0) return cannot_examine(run);
    run_doctor_complete(d, run, diagnosis);
    return 0;
}

void run_doctor_free(run_doctor *d) {
    ravine_doctor_destroy(d->doctor);
    free(d->group);
    free(d->group_name);
    free(d->group_elements);
    *d = (run_doctor){0};
}
