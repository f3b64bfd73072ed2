/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_torch.c - the table of PyTorch's optimizers (torch.optim, 2.13): class, entries of a
 * parameter group, keys of the state. */
#include "commands/checkpoint/checkpoint_torch.h"

#include "io/failure.h"

#include <math.h>
#include <string.h>

typedef struct torch_entry {
    const char *name;
    int place; /* in a list; -1: it stands alone */
    int setting;
} torch_entry;

enum { ENTRIES_MAX = 12 };

typedef struct torch_row {
    int rule;
    const char *name;
    bool decouples; /* it has the entry decoupled_weight_decay */
    torch_entry entry[ENTRIES_MAX];
    const char *state; /* words, each between blanks */
} torch_row;

#define ALONE(name, SETTING) \
    { #name, -1, RAVINE_##SETTING }
#define LISTED(name, place, SETTING) \
    { #name, place, RAVINE_##SETTING }
#define BETAS LISTED(betas, 0, BETA1), LISTED(betas, 1, BETA2)
#define LR_DECAY_MAXIMIZE \
    ALONE(lr, LR), ALONE(weight_decay, WEIGHT_DECAY), ALONE(maximize, MAXIMIZE)

static const torch_row rows[] = {
    {RAVINE_SGD,
     "SGD",
     false,
     {LR_DECAY_MAXIMIZE, ALONE(momentum, MOMENTUM), ALONE(dampening, DAMPENING),
      ALONE(nesterov, NESTEROV)},
     " momentum_buffer "},
    {RAVINE_ADAGRAD,
     "Adagrad",
     false,
     {LR_DECAY_MAXIMIZE, ALONE(lr_decay, LR_DECAY), ALONE(initial_accumulator_value, INITIAL),
      ALONE(eps, EPS)},
     " step sum "},
    {RAVINE_RMSPROP,
     "RMSprop",
     false,
     {LR_DECAY_MAXIMIZE, ALONE(alpha, ALPHA), ALONE(eps, EPS), ALONE(momentum, MOMENTUM),
      ALONE(centered, CENTERED)},
     " step square_avg grad_avg momentum_buffer "},
    {RAVINE_ADADELTA,
     "Adadelta",
     false,
     {LR_DECAY_MAXIMIZE, ALONE(rho, RHO), ALONE(eps, EPS)},
     " step square_avg acc_delta "},
    {RAVINE_ADAM,
     "Adam",
     true,
     {LR_DECAY_MAXIMIZE, BETAS, ALONE(eps, EPS), ALONE(amsgrad, AMSGRAD)},
     " step exp_avg exp_avg_sq max_exp_avg_sq "},
    {RAVINE_ADAMW,
     "AdamW",
     true,
     {LR_DECAY_MAXIMIZE, BETAS, ALONE(eps, EPS), ALONE(amsgrad, AMSGRAD)},
     " step exp_avg exp_avg_sq max_exp_avg_sq "},
    {RAVINE_ADAMAX,
     "Adamax",
     false,
     {LR_DECAY_MAXIMIZE, BETAS, ALONE(eps, EPS)},
     " step exp_avg exp_inf "},
    {RAVINE_NADAM,
     "NAdam",
     true,
     {LR_DECAY_MAXIMIZE, BETAS, ALONE(eps, EPS), ALONE(momentum_decay, MOMENTUM_DECAY)},
     " step exp_avg exp_avg_sq mu_product "},
    {RAVINE_RADAM,
     "RAdam",
     true,
     {LR_DECAY_MAXIMIZE, BETAS, ALONE(eps, EPS)},
     " step exp_avg exp_avg_sq "},
    {RAVINE_ASGD,
     "ASGD",
     false,
     {LR_DECAY_MAXIMIZE, ALONE(lambd, LAMBD), ALONE(alpha, POWER), ALONE(t0, AVERAGE_START)},
     " step eta mu ax "},
    {RAVINE_RPROP,
     "Rprop",
     false,
     {ALONE(lr, LR), ALONE(maximize, MAXIMIZE), LISTED(etas, 0, ETA_MINUS),
      LISTED(etas, 1, ETA_PLUS), LISTED(step_sizes, 0, STEP_MIN), LISTED(step_sizes, 1, STEP_MAX)},
     " step prev step_size "},
};
enum { ROWS = sizeof rows / sizeof *rows };

static const torch_row *find_row(int rule) {
    for (int k = 0; k < ROWS; k++)
        if (rows[k].rule == rule) return &rows[k];
    return NULL;
}

const char *torch_class(int rule) {
    const torch_row *row = find_row(rule);
    return row ? row->name : NULL;
}

int torch_rule(const char *name) {
    for (int k = 0; k < ROWS; k++)
        if (!strcmp(rows[k].name, name)) return rows[k].rule;
    return -1;
}

bool torch_has_state(int rule, const char *key) {
    char word[64];
    const torch_row *row = find_row(rule);
    return snprintf(word, sizeof word, " %s ", key) < (int)sizeof word && row &&
           strstr(row->state, word);
}

bool torch_is_number(const char *key) {
    static const char *const numbers[] = {"mu_product", "eta", "mu"};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        if (!strcmp(key, numbers[k])) return true;
    return false;
}

static bool has_entry(const torch_row *row, int setting) {
    for (int k = 0; k < ENTRIES_MAX && row->entry[k].name; k++)
        if (row->entry[k].setting == setting) return true;
    return false;
}

/* What PyTorch has not must be as PyTorch does it. */
static int check(const torch_row *row, const ravine_config *c) {
    ravine_config usual;
    const int status = failure_of(ravine_config_init(&usual, c->rule));
    if (status) return status;
    for (int setting = 0; setting < RAVINE_SETTING_COUNT; setting++) {
        const double value = ravine_config_get(c, setting);
        if (has_entry(row, setting) || value == ravine_config_get(&usual, setting)) continue;
        if (setting == RAVINE_EMA_DECAY) continue; /* training does not depend on the average */
        const bool decay = setting == RAVINE_DECAY_FORM;
        if (decay && (c->weight_decay == 0 || (row->decouples && value <= RAVINE_DECAY_DECOUPLED)))
            continue;
        return failure(FAILURE_NO, "%s is %.15g; PyTorch's %s has no such setting",
                       ravine_setting_describe(setting)->name, value, row->name);
    }
    return 0;
}

int torch_group_from_config(json_t *group, const ravine_config *c, double lr) {
    const torch_row *row = find_row(c->rule);
    int status = check(row, c);
    for (int k = 0; !status && k < ENTRIES_MAX && row->entry[k].name; k++) {
        const torch_entry *e = &row->entry[k];
        const double number = e->setting == RAVINE_LR ? lr : ravine_config_get(c, e->setting);
        const bool flag = ravine_setting_describe(e->setting)->kind == RAVINE_KIND_FLAG;
        json_t *value = flag ? json_boolean(number != 0) : json_real(number);
        if (e->place < 0) {
            json_object_set_new(group, e->name, value);
            continue;
        }
        if (e->place == 0) json_object_set_new(group, e->name, json_array());
        json_array_append_new(json_object_get(group, e->name), value);
    }
    if (!status && row->decouples)
        json_object_set_new(group, "decoupled_weight_decay",
                            json_boolean(c->decay_form == RAVINE_DECAY_DECOUPLED));
    return status;
}

/* A setting's place in the group; NULL: it is not given. */
static const json_t *entry_of(const json_t *group, const torch_entry *e) {
    const json_t *value = json_object_get(group, e->name);
    return e->place < 0 ? value : json_array_get(value, (size_t)e->place);
}

int torch_config_from_group(ravine_config *c, int rule, const json_t *group) {
    const torch_row *row = find_row(rule);
    const int status = failure_of(ravine_config_init(c, rule));
    if (status) return status;
    for (int k = 0; k < ENTRIES_MAX && row->entry[k].name; k++) {
        const torch_entry *e = &row->entry[k];
        const json_t *value = entry_of(group, e);
        char text[64];
        if (!value) continue;
        if (!json_is_number(value) && !json_is_boolean(value))
            return failure(FAILURE_INPUT, "%s of a group of param_groups is no number", e->name);
        const double number =
            json_is_number(value) ? json_number_value(value) : (double)json_is_true(value);
        snprintf(text, sizeof text, "%.17g", number);
        if (ravine_config_set(c, ravine_setting_describe(e->setting)->name, text) < 0)
            return failure(FAILURE_INPUT, "%s of a group of param_groups: %s", e->name,
                           ravine_errmsg());
    }
    const json_t *decoupled = json_object_get(group, "decoupled_weight_decay");
    if (row->decouples && json_is_boolean(decoupled))
        c->decay_form = json_is_true(decoupled) ? RAVINE_DECAY_DECOUPLED : RAVINE_DECAY_COUPLED;
    if (ravine_config_check(c) < 0) return failure(FAILURE_INPUT, "%s", ravine_errmsg());
    return 0;
}
