#include "report/run_doctor.h"

#include "io/failure.h"
#include "report/diagnosis.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int cannot_examine(const run_data *run) {
    return failure(EXIT_INPUT, "%s/run.jsonl: %s", run->folder, ravine_errmsg());
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

static int begin(run_doctor *d, const run_data *run) {
    d->ngroups = run->ngroups;
    d->group = calloc(d->ngroups + 1, sizeof *d->group);
    d->group_name = calloc(d->ngroups + 1, sizeof *d->group_name);
    d->group_elements = calloc(d->ngroups + 1, sizeof *d->group_elements);
    if (!d->group || !d->group_name || !d->group_elements)
        return failure(EXIT_INPUT, "out of memory");
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
    const json_int_t total = json_integer_value(json_object_get(run->header, "total_steps"));
    if (total <= 0) return 0;
    const ravine_status status =
        ravine_doctor_tell(d->doctor, RAVINE_FACT_TOTAL_STEPS, (double)total);
    return status < 0 ? cannot_examine(run) : 0;
}

/* ---- a step ---- */

static ravine_report unknown_report(void) {
    return (ravine_report){.size = sizeof(ravine_report),
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

static ravine_report report_of(const run_line *line) {
    const double *value = line->value;
    ravine_report r = unknown_report();
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

static void read_groups(run_doctor *d, const run_line *line, const ravine_report *all) {
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

static int take_step(void *context, const run_data *run, const run_line *line) {
    run_doctor *d = context;
    if (line->value[RUN_STEP] > (double)d->until) return 0;
    const int status = d->doctor ? 0 : begin(d, run);
    if (status) return status;
    const ravine_report report = report_of(line);
    read_groups(d, line, &report);
    if (d->has_config && isfinite(report.lr)) d->config.lr = report.lr;
    if (!isnan(report.flips)) d->flips_known = true;
    const ravine_observation seen = {.size = sizeof seen,
                                     .nparts = (int32_t)d->ngroups,
                                     .loss = line->value[RUN_LOSS],
                                     .path_efficiency = line->value[RUN_PATH_EFFICIENCY],
                                     .report = &report,
                                     .part_report = d->group,
                                     .part_name = d->group_name,
                                     .part_elements = d->group_elements,
                                     .config = d->has_config ? &d->config : NULL};
    d->step = report.step;
    d->steps++;
    return ravine_doctor_feed(d->doctor, &seen) < 0 ? cannot_examine(run) : 0;
}

run_listener run_doctor_listener(run_doctor *d) {
    return (run_listener){take_step, d};
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

void run_doctor_complete(const run_doctor *d, const run_data *run, ravine_diagnosis *diagnosis) {
    if (diagnosis->verdict == RAVINE_VERDICT_NONFINITE) add_first_nonfinite(d, run, diagnosis);
    if (!d->flips_known)
        diagnosis_cannot_tell(diagnosis,
                              "how signs flip, alpha and the like: the log does not hold them (an "
                              "older version wrote it, or doctor.watch was false)");
    if (d->steps > 1 && d->step >= 2 * d->steps)
        diagnosis_cannot_tell(diagnosis,
                              "what happened between logged steps: the log holds one in %.0f; "
                              "log_every: 1 would hold all",
                              (double)d->step / (double)d->steps);
}

int run_doctor_diagnose(const run_doctor *d, const run_data *run, ravine_diagnosis *diagnosis) {
    if (!d->doctor)
        return failure(EXIT_INPUT, "%s/run.jsonl: no step is logged%s", run->folder,
                       run->nsteps ? " up to that one" : "");
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
