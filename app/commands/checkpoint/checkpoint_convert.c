/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_convert.c - `ravine checkpoint convert FROM TO`: a checkpoint of ours into the state
 * of a PyTorch optimizer, or back. docs/checkpoints.md has both forms.
 *
 * PyTorch's form: tensors "state.<id>.<key>", where id is a parameter's number among all groups or
 * its name; the texts "optimizer" (the class) and "param_groups" (JSON, as in state_dict(), with
 * params and, where known, param_names). Every other tensor is the same in both. */
#include "commands/checkpoint/checkpoint.h"
#include "commands/checkpoint/checkpoint_torch.h"
#include "page/printable.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TORCH_CLASS  "optimizer"
#define TORCH_GROUPS "param_groups"
#define TORCH_STEPS  "steps"
/* float32, in which PyTorch counts steps, has no 2^24 + 1. */
#define TORCH_STEPS_MAX 16777216

enum { OPTIONS_TEXT_SIZE = 160 };

/* The file that is made: texts and names are owned by it. */
typedef struct made_file {
    ravine_tensor *tensors;
    int64_t ntensors;
    ravine_text *texts;
    int64_t ntexts;
    char **owned; /* [nowned] texts, names, numbers: for free() */
    int64_t nowned, room;
} made_file;

/* A parameter of the file that is read. */
typedef struct parameter {
    const char *id, *name; /* in PyTorch's form; of ours */
    int32_t group;
    int64_t step_count;
    bool has_state;
} parameter;

enum { LEFT_OUT_MAX = 16 };
typedef struct conversion {
    ravine_checkpoint *from;
    int rule; /* of every group, in PyTorch's form */
    parameter *params;
    int64_t nparams;
    bool module_state; /* the model has a module called "state" */
    int64_t steps;
    const char *left_out[LEFT_OUT_MAX]; /* kinds of state that PyTorch has not */
    int nleft_out;
    made_file to;
    int64_t bytes; /* that were read */
} conversion;

static int no_memory(void) {
    return failure(FAILURE_INPUT, "out of memory");
}

/* ---- making ---- */

/* Takes `memory`; NULL is out of memory. */
static void *own(made_file *f, void *memory) {
    if (f->nowned == f->room) {
        const int64_t room = f->room ? 2 * f->room : 64;
        char **grown = realloc(f->owned, (size_t)room * sizeof *grown);
        if (!grown) return free(memory), NULL;
        f->owned = grown;
        f->room = room;
    }
    if (memory) f->owned[f->nowned++] = memory;
    return memory;
}

__attribute__((format(printf, 2, 3))) static char *own_text(made_file *f, const char *format, ...) {
    char *text;
    va_list values;
    va_start(values, format);
    const int length = vasprintf(&text, format, values);
    va_end(values);
    return own(f, length < 0 ? NULL : text);
}

static int put_tensor(made_file *f, const ravine_tensor *t) {
    ravine_tensor *grown =
        realloc(f->tensors, ((size_t)f->ntensors + 1) * sizeof *grown); /* few: thousands */
    if (!grown || !t->name) return no_memory();
    f->tensors = grown;
    f->tensors[f->ntensors++] = *t;
    return 0;
}

static int put_text(made_file *f, const char *key, const char *value) {
    ravine_text *grown = realloc(f->texts, ((size_t)f->ntexts + 1) * sizeof *grown);
    if (!grown || !key || !value) return no_memory();
    f->texts = grown;
    f->texts[f->ntexts++] = (ravine_text){key, value};
    return 0;
}

/* One number as a tensor without sides. */
static int put_number(made_file *f, const char *name, int32_t dtype, double number) {
    union {
        float f32;
        double f64;
        int64_t i64;
    } *data = own(f, calloc(1, sizeof *data));
    if (!data) return no_memory();
    if (dtype == RAVINE_F32)
        data->f32 = (float)number;
    else if (dtype == RAVINE_I64)
        data->i64 = (int64_t)number;
    else
        data->f64 = number;
    const ravine_tensor t = {name, dtype, 0, NULL, data};
    return put_tensor(f, &t);
}

static void free_file(made_file *f) {
    for (int64_t k = 0; k < f->nowned; k++) free(f->owned[k]);
    free(f->owned);
    free(f->tensors);
    free(f->texts);
}

/* Each kind once, however many parameters have it; the key is the file's. */
static void leave_out(conversion *c, const char *key) {
    for (int k = 0; k < c->nleft_out; k++)
        if (!strcmp(c->left_out[k], key)) return;
    if (c->nleft_out < LEFT_OUT_MAX) c->left_out[c->nleft_out++] = key;
}

static void tell_left_out(const conversion *c) {
    for (int k = 0; k < c->nleft_out; k++) {
        fputs(k ? ", " : "ravine: left out, since PyTorch keeps no such state: ", stderr);
        printable_put(stderr, c->left_out[k]);
    }
    if (c->nleft_out) fputc('\n', stderr);
}

/* ---- reading ---- */

/* Tensor i with its numbers, owned by the file that is made. */
static int take_tensor(conversion *c, int64_t i, ravine_tensor *t) {
    int64_t bytes;
    const int status = checkpoint_numbers(c->from, i, t, &bytes);
    if (status) return status;
    c->bytes += bytes;
    return own(&c->to, t->data) ? 0 : no_memory();
}

static int each_tensor(conversion *c, int (*take)(conversion *c, int64_t i)) {
    int status = 0;
    progress shown = checkpoint_progress("converting", c->from);
    for (int64_t i = 0; i < ravine_checkpoint_tensor_count(c->from) && !status; i++) {
        progress_to(&shown, i);
        status = take(c, i);
    }
    progress_end(&shown);
    return status;
}

/* "state.ID.KEY": true with the key, which has no dot; the id is [*length] behind "state." */
static bool split_state(const char *name, const char **key, size_t *length) {
    if (strncmp(name, RAVINE_STATE, strlen(RAVINE_STATE)) != 0) return false;
    const char *id = name + strlen(RAVINE_STATE), *dot = strrchr(id, '.');
    if (!dot) return false;
    *key = dot + 1;
    *length = (size_t)(dot - id);
    return true;
}

/* The parameter whose id, or name if `by_name`, is id[length]. */
static parameter *find_parameter(const conversion *c, const char *id, size_t length, bool by_name) {
    for (int64_t k = 0; k < c->nparams; k++) {
        const char *own_id = by_name ? c->params[k].name : c->params[k].id;
        if (strlen(own_id) == length && !memcmp(own_id, id, length)) return &c->params[k];
    }
    return NULL;
}

/* "state.encoder.weight" is a tensor of a model that has a module called state, unless it is the
 * state `key` of the parameter `p`. */
static bool is_of_model(const conversion *c, const char *name, const parameter *p, bool known_key) {
    return c->module_state &&
           (!p || !known_key || find_parameter(c, name, strlen(name), true) != NULL);
}

static void look_for_module_state(conversion *c) {
    for (int64_t k = 0; k < c->nparams; k++)
        if (!strncmp(c->params[k].name, RAVINE_STATE, strlen(RAVINE_STATE))) c->module_state = true;
}

static parameter *add_parameter(conversion *c) {
    parameter *grown = realloc(c->params, ((size_t)c->nparams + 1) * sizeof *grown);
    if (!grown) return NULL;
    c->params = grown;
    c->params[c->nparams] = (parameter){.group = 0};
    return &c->params[c->nparams++];
}

/* ---- to PyTorch ---- */

/* The groups and who is in them, in the order of the file. */
static int read_parameters(conversion *c, int32_t ngroups) {
    for (int32_t group = 0; group < ngroups; group++) {
        ravine_text text;
        for (int64_t k = 0; ravine_checkpoint_text(c->from, k, &text); k++) {
            if (strncmp(text.key, RAVINE_KEY_GROUP_OF, strlen(RAVINE_KEY_GROUP_OF)) != 0) continue;
            if (strtol(text.value, NULL, 10) != group) continue;
            parameter *p = add_parameter(c);
            if (!p) return no_memory();
            p->name = text.key + strlen(RAVINE_KEY_GROUP_OF);
            p->group = group;
            p->id = own_text(&c->to, "%" PRId64, c->nparams - 1);
            if (!p->id) return no_memory();
        }
    }
    return 0;
}

static int64_t whole_text(const ravine_checkpoint *file, const char *key) {
    const char *text = ravine_checkpoint_find_text(file, key);
    return text ? strtoll(text, NULL, 10) : 0;
}

/* The learning rate of the next step. */
static double lr_now(const conversion *c, int32_t group, const ravine_config *config) {
    char key[64];
    ravine_schedule schedule;
    snprintf(key, sizeof key, RAVINE_KEY_GROUP "%d" RAVINE_KEY_SCHEDULE "lr", group);
    const char *text = ravine_checkpoint_find_text(c->from, key);
    if (!text || ravine_schedule_parse(&schedule, text) < 0) return config->lr;
    return ravine_schedule_at(&schedule, c->steps);
}

static int torch_group(conversion *c, int32_t index, json_t *groups) {
    char key[64];
    ravine_config config;
    snprintf(key, sizeof key, RAVINE_KEY_GROUP "%d", index);
    const char *text = ravine_checkpoint_find_text(c->from, key);
    if (!text || ravine_config_parse(&config, text) < 0)
        return failure(FAILURE_INPUT, "%s: %s", key, text ? ravine_errmsg() : "is missing");
    if (!torch_class(config.rule))
        return failure(FAILURE_NO, "group %d is %s, which PyTorch has not", index,
                       ravine_rule_describe(config.rule)->name);
    if (index > 0 && config.rule != c->rule)
        return failure(
            FAILURE_NO, "group %d is %s, group 0 %s; an optimizer of PyTorch is one rule", index,
            ravine_rule_describe(config.rule)->name, ravine_rule_describe(c->rule)->name);
    c->rule = config.rule;
    json_t *group = json_object(), *params = json_array(), *names = json_array();
    const int status = torch_group_from_config(group, &config, lr_now(c, index, &config));
    for (int64_t k = 0; k < c->nparams; k++) {
        if (c->params[k].group != index) continue;
        json_array_append_new(params, json_integer((json_int_t)k));
        json_array_append_new(names, json_string(c->params[k].name));
    }
    json_object_set_new(group, "params", params);
    json_object_set_new(group, "param_names", names);
    json_array_append_new(groups, group);
    return status;
}

static int torch_texts(conversion *c, int32_t ngroups) {
    json_t *groups = json_array();
    int status = 0;
    for (int32_t k = 0; k < ngroups && !status; k++) status = torch_group(c, k, groups);
    if (!status) status = put_text(&c->to, "format", "pt");
    if (!status) status = put_text(&c->to, TORCH_CLASS, torch_class(c->rule));
    if (!status)
        status = put_text(&c->to, TORCH_GROUPS, own(&c->to, json_dumps(groups, JSON_COMPACT)));
    if (!status) status = put_text(&c->to, TORCH_STEPS, own_text(&c->to, "%" PRId64, c->steps));
    json_decref(groups);
    return status;
}

static int torch_step_count(conversion *c, const parameter *p, int64_t step_count) {
    if (step_count > TORCH_STEPS_MAX)
        return failure(FAILURE_NO, "%s has made %" PRId64 " steps; PyTorch counts exactly to %d",
                       p->name, step_count, TORCH_STEPS_MAX);
    char *name = own_text(&c->to, RAVINE_STATE "%s." RAVINE_STATE_STEP, p->id);
    return name ? put_number(&c->to, name, RAVINE_F32, (double)step_count) : no_memory();
}

/* A tensor of ours. PyTorch has no state of parameters that have made no step. */
static int torch_tensor(conversion *c, int64_t i) {
    ravine_tensor t;
    const char *key;
    size_t length;
    int status = take_tensor(c, i, &t);
    if (status) return status;
    if (!split_state(t.name, &key, &length)) return put_tensor(&c->to, &t);
    const parameter *p = find_parameter(c, t.name + strlen(RAVINE_STATE), length, true);
    if (is_of_model(c, t.name, p, true)) return put_tensor(&c->to, &t);
    if (!p) return failure(FAILURE_INPUT, "%s belongs to no parameter of the file", t.name);
    if (p->step_count == 0) return 0;
    if (!strcmp(key, RAVINE_STATE_STEP))
        return torch_has_state(c->rule, key) ? torch_step_count(c, p, p->step_count) : 0;
    if (!torch_has_state(c->rule, key)) {
        leave_out(c, key);
        return 0;
    }
    t.name = own_text(&c->to, RAVINE_STATE "%s.%s", p->id, key);
    return put_tensor(&c->to, &t);
}

/* How many steps each parameter has made: needed before its other state is looked at. */
static int read_step_counts(conversion *c) {
    for (int64_t k = 0; k < c->nparams; k++) {
        ravine_tensor t;
        char *name = own_text(&c->to, RAVINE_STATE "%s." RAVINE_STATE_STEP, c->params[k].name);
        const int64_t at = name ? ravine_checkpoint_find(c->from, name) : -1;
        if (at < 0)
            return failure(FAILURE_INPUT, "%s is not in the file", name ? name : "the step_count");
        const int status = take_tensor(c, at, &t);
        if (status) return status;
        if (t.dtype != RAVINE_I64 || t.ndim != 0)
            return failure(FAILURE_INPUT, "%s is no whole number", name);
        c->params[k].step_count = *(const int64_t *)t.data;
    }
    return 0;
}

static int to_torch(conversion *c) {
    const int64_t ngroups = whole_text(c->from, RAVINE_KEY_GROUPS);
    if (ngroups < 1 || ngroups > INT32_MAX)
        return failure(FAILURE_INPUT, RAVINE_KEY_GROUPS " is missing, or no number of groups");
    c->steps = whole_text(c->from, RAVINE_KEY_STEPS);
    int status = read_parameters(c, (int32_t)ngroups);
    look_for_module_state(c);
    if (!status) status = torch_texts(c, (int32_t)ngroups);
    if (!status) status = read_step_counts(c);
    if (!status) status = each_tensor(c, torch_tensor);
    if (!status) tell_left_out(c);
    return status;
}

/* ---- from PyTorch ---- */

/* The parameters of a group: ids, and names where they are told. */
static int read_torch_group(conversion *c, int32_t index, const json_t *group) {
    const json_t *params = json_object_get(group, "params");
    const json_t *names = json_object_get(group, "param_names");
    if (!json_is_array(params))
        return failure(FAILURE_INPUT, TORCH_GROUPS ": group %d has no list params", index);
    for (size_t k = 0; k < json_array_size(params); k++) {
        const json_t *id = json_array_get(params, k);
        const char *name = json_string_value(json_array_get(names, k));
        parameter *p = add_parameter(c);
        if (!p) return no_memory();
        p->group = index;
        p->id = json_is_string(id)
                    ? own_text(&c->to, "%s", json_string_value(id))
                    : own_text(&c->to, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
        p->name = name ? own_text(&c->to, "%s", name) : p->id;
        if (!p->id || !p->name) return no_memory();
    }
    ravine_config config;
    int status = torch_config_from_group(&config, c->rule, group);
    char text[2048]; /* holds any config */
    if (status) return status;
    if (ravine_config_format(&config, 1, text, sizeof text, NULL))
        return failure(FAILURE_INPUT, "group %d: %s", index, ravine_errmsg());
    return put_text(&c->to, own_text(&c->to, RAVINE_KEY_GROUP "%d", index),
                    own_text(&c->to, "%s", text));
}

static int read_torch_groups(conversion *c) {
    const char *class = ravine_checkpoint_find_text(c->from, TORCH_CLASS);
    const char *text = ravine_checkpoint_find_text(c->from, TORCH_GROUPS);
    if (!class || !text)
        return failure(FAILURE_INPUT,
                       "the file is neither a checkpoint of Ravine nor PyTorch's: it "
                       "has no text " RAVINE_KEY_FORMAT " and no " TORCH_CLASS
                       " with " TORCH_GROUPS);
    c->rule = torch_rule(class);
    if (c->rule < 0)
        return failure(FAILURE_NO, TORCH_CLASS " is %s, which is not known here", class);
    json_error_t error;
    json_t *groups = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    int status = json_is_array(groups) && json_array_size(groups) > 0
                     ? 0
                     : failure(FAILURE_INPUT, TORCH_GROUPS " is no list of groups in JSON: %s",
                               groups ? "it is another thing" : error.text);
    for (size_t k = 0; !status && k < json_array_size(groups); k++)
        status = read_torch_group(c, (int32_t)k, json_array_get(groups, k));
    if (!status)
        status =
            put_text(&c->to, RAVINE_KEY_GROUPS, own_text(&c->to, "%zu", json_array_size(groups)));
    json_decref(groups);
    return status;
}

/* A tensor of PyTorch's form. */
static int our_tensor(conversion *c, int64_t i) {
    ravine_tensor t;
    const char *key;
    size_t length;
    int status = take_tensor(c, i, &t);
    if (status) return status;
    if (!split_state(t.name, &key, &length)) return put_tensor(&c->to, &t);
    const char *id = t.name + strlen(RAVINE_STATE);
    parameter *p = find_parameter(c, id, length, false);
    if (!p) p = find_parameter(c, id, length, true);
    const bool known_key = torch_has_state(c->rule, key) || !strcmp(key, RAVINE_STATE_STEP);
    if (is_of_model(c, t.name, p, known_key)) return put_tensor(&c->to, &t);
    if (!p) return failure(FAILURE_INPUT, "%s belongs to no parameter of " TORCH_GROUPS, t.name);
    if (!known_key)
        return failure(FAILURE_INPUT, "%s: %s has no such state", t.name, torch_class(c->rule));
    const bool step_count = !strcmp(key, RAVINE_STATE_STEP);
    const double number = tensor_count(&t) == 1 ? tensor_number(&t, 0) : NAN;
    if ((step_count || torch_is_number(c->rule, key)) && !isfinite(number))
        return failure(FAILURE_INPUT, "%s is not one finite number", t.name);
    if (step_count && !(number >= 0 && number == floor(number) && number < 0x1p53))
        return failure(FAILURE_INPUT, "%s is %g; it must be a number of steps", t.name, number);
    p->has_state = true;
    if (step_count) {
        p->step_count = (int64_t)number;
        return 0;
    }
    char *name = own_text(&c->to, RAVINE_STATE "%s.%s", p->name, key);
    if (!name) return no_memory();
    if (torch_is_number(c->rule, key)) return put_number(&c->to, name, RAVINE_F64, number);
    t.name = name;
    return put_tensor(&c->to, &t);
}

/* SGD counts no steps: those of the file, or one where there is a buffer. */
static int our_step_counts(conversion *c) {
    const bool counted = torch_has_state(c->rule, RAVINE_STATE_STEP);
    int64_t most = 0;
    for (int64_t k = 0; k < c->nparams; k++) {
        parameter *p = &c->params[k];
        if (!counted) p->step_count = c->steps > 0 ? c->steps : p->has_state;
        if (p->step_count > most) most = p->step_count;
        char *name = own_text(&c->to, RAVINE_STATE "%s." RAVINE_STATE_STEP, p->name);
        int status =
            name ? put_number(&c->to, name, RAVINE_I64, (double)p->step_count) : no_memory();
        if (!status)
            status = put_text(&c->to, own_text(&c->to, RAVINE_KEY_GROUP_OF "%s", p->name),
                              own_text(&c->to, "%d", p->group));
        if (status) return status;
    }
    if (c->steps == 0) c->steps = most;
    return 0;
}

static int our_texts(conversion *c) {
    ravine_options usual;
    char options[OPTIONS_TEXT_SIZE], *steps = own_text(&c->to, "%" PRId64, c->steps);
    ravine_options_init(&usual);
    if (ravine_options_format(&usual, options, sizeof options, NULL) < 0)
        return failure(FAILURE_INPUT, "%s", ravine_errmsg());
    const ravine_text texts[] = {
        {"format", "pt"},
        {RAVINE_KEY_FORMAT, RAVINE_CHECKPOINT_FORMAT},
        {RAVINE_KEY_VERSION, ravine_version()},
        {RAVINE_KEY_STEPS, steps},
        {RAVINE_KEY_ATTEMPTS, steps},
        {RAVINE_KEY_OPTIONS, own_text(&c->to, "%s", options)},
    };
    int status = 0;
    for (size_t k = 0; k < sizeof texts / sizeof *texts && !status; k++)
        status = put_text(&c->to, texts[k].key, texts[k].value);
    return status;
}

static int from_torch(conversion *c) {
    c->steps = whole_text(c->from, TORCH_STEPS);
    int status = read_torch_groups(c);
    look_for_module_state(c);
    if (!status) status = each_tensor(c, our_tensor);
    if (!status) status = our_step_counts(c);
    return status ? status : our_texts(c);
}

static int write_file(const conversion *c, const char *path) {
    enum { MEGABYTE = 1000000, MEGABYTES_OF_A_SECOND = 300 };
    const made_file *to = &c->to;
    live_line shown = live_line_show("writing", c->bytes / MEGABYTE, "MB", MEGABYTES_OF_A_SECOND);
    const ravine_status status =
        ravine_safetensors_write(path, to->tensors, to->ntensors, to->texts, to->ntexts, NULL);
    live_line_erase(&shown);
    return status < 0 ? failure(FAILURE_INPUT, "%s", ravine_errmsg()) : 0;
}

int checkpoint_convert(const cli_args *args) {
    conversion c = {.rule = -1};
    int status = checkpoint_open(&c.from, args->operand[1]);
    if (status) return status;
    const bool ours = ravine_checkpoint_find_text(c.from, RAVINE_KEY_FORMAT) != NULL;
    status = ours ? to_torch(&c) : from_torch(&c);
    if (!status) status = write_file(&c, args->operand[2]);
    if (!status && cli_is_given(args, CLI_JSON))
        status = cli_print_json(json_pack("{ss ss ss sI}", "from", args->operand[1], "to",
                                          args->operand[2], "form", ours ? "torch" : "ravine",
                                          "tensors", (json_int_t)c.to.ntensors));
    ravine_checkpoint_close(c.from);
    free_file(&c.to);
    free(c.params);
    return status;
}
