/* SPDX-License-Identifier: Apache-2.0 */
/* race_json.c - races and surfaces for programs: JSON and CSV. */
#include "cli/cli.h"
#include "commands/race/race_command.h"
#include "io/number_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>

const char *contest_dtype(const contest *c) {
    return c->dtype == RAVINE_F32 ? "f32" : "f64";
}

static json_t *step(int64_t value) {
    return value == RACE_NEVER ? json_null() : json_integer((json_int_t)value);
}

static json_t *vector(const double *x, int n) {
    return numbers_json(x, (size_t)n);
}

static json_t *minima_json(const surface *s) {
    json_t *out = json_array();
    for (int k = 0; k < s->minima; k++)
        json_array_append_new(out, vector(s->minimum + (size_t)k * (size_t)s->size, s->size));
    return out;
}

/* ---- a race ---- */

/* Every setting of the rule, by its name. */
static json_t *settings_json(const ravine_config *c) {
    const ravine_rule_info *rule = ravine_rule_describe(c->rule);
    json_t *out = json_object();
    for (int32_t k = 0; k < rule->nsettings; k++) {
        const ravine_setting_info *info = ravine_setting_describe(rule->setting[k]);
        const double value = ravine_config_get(c, rule->setting[k]);
        json_object_set_new(out, info->name,
                            info->kind == RAVINE_KIND_FLAG ? json_boolean(value != 0)
                            : info->kind == RAVINE_KIND_CHOICE
                                ? json_string(info->choice[(int)value])
                                : setting_number_json(value));
    }
    return out;
}

static json_t *run_json(const contest *c, const race_result *r) {
    return json_pack(
        "{ss so so sI so so so so so so so so so so so so so}", "optimizer",
        ravine_rule_describe(r->config.rule)->name, "settings", settings_json(&r->config),
        "schedule", c->schedule ? json_string(c->schedule) : json_null(), "steps",
        (json_int_t)c->steps, "end", vector(r->end, r->size), "distance", number_json(r->distance),
        "loss", number_json(r->loss), "excess_loss", number_json(r->excess_loss), "grad_norm",
        number_json(r->grad_norm), "worst_excess_loss_last_tenth",
        number_json(r->worst_excess_loss), "worst_distance_last_tenth",
        number_json(r->worst_distance), "stability_limit", number_json(r->limit),
        "first_unstable_step", step(r->first_unstable_step), "bursts", step(r->bursts),
        "first_burst_step", step(r->first_burst_step), "nonfinite_step", step(r->nonfinite_step),
        "settled_step", step(r->settled_step));
}

int contest_print_json(const contest *c) {
    const surface *s = c->surface;
    json_t *runs = json_array();
    for (int k = 0; k < c->count; k++) json_array_append_new(runs, run_json(c, &c->result[k]));
    return cli_print_json(
        json_pack("{ss ss so so so so so}", "surface", s->spec, "dtype", contest_dtype(c), "start",
                  vector(c->result[0].start, s->size), "minimum",
                  s->minima > 0 ? vector(s->minimum, s->size) : json_null(), "minima",
                  minima_json(s), "least_loss", number_json(s->least), "runs", runs));
}

/* ---- CSV: a row for each recorded step of each run ---- */

static void put_names(const char *name, int n) {
    for (int i = 1; i <= n; i++) printf(",%s%d", name, i);
}

static void put_number(double value) {
    if (isnan(value))
        putchar(',');
    else
        printf(",%.17g", value);
}

static void put_vector(const double *x, int n) {
    for (int i = 0; i < n; i++) put_number(x[i]);
}

int contest_print_csv(const contest *c) {
    const int n = c->surface->size;
    printf("run,step,loss,excess_loss,grad_norm,lr,sharpness");
    put_names("theta", n);
    put_names("gradient", n);
    put_names("sigma", n);
    put_names("m", n);
    putchar('\n');
    for (int k = 0; k < c->count; k++) {
        const race_trace *t = &c->result[k].trace;
        for (int64_t i = 0; i < t->count; i++) {
            printf("\"%s\",%" PRId64, c->optimizer[k], t->step[i]);
            put_number(t->loss[i]);
            put_number(t->loss[i] - c->surface->least);
            put_number(t->grad_norm[i]);
            put_number(t->eta[i]);
            put_number(t->sharpness[i]);
            put_vector(t->theta + i * n, n);
            put_vector(t->gradient + i * n, n);
            put_vector(t->sigma + i * n, n);
            put_vector(t->m + i * n, n);
            putchar('\n');
        }
    }
    return 0;
}

/* ---- the surfaces ---- */

static json_t *parameter_json(const surface_parameter *p) {
    static const char *const kind[] = {
        [SURFACE_NUMBER] = "number", [SURFACE_WHOLE] = "whole number", [SURFACE_FLAG] = "flag"};
    return json_pack("{ss ss sf sf sf ss}", "name", p->name, "kind", kind[p->kind], "least",
                     p->least, "greatest", p->greatest, "default", p->fallback, "text", p->text);
}

static json_t *surface_json(const surface *s) {
    const surface_row *row = s->row;
    json_t *settings = json_array();
    for (int k = 0; k < row->nparameters; k++)
        json_array_append_new(settings, parameter_json(&row->parameter[k]));
    return json_pack("{ss ss* ss ss so si so so so so sb}", "name", row->name, "alias", row->alias,
                     "title", row->title[0], "formula", row->formula, "settings", settings, "size",
                     s->size, "start", vector(s->start, s->size), "minima", minima_json(s),
                     "least_loss", number_json(s->least), "axes",
                     json_pack("[oo]", vector(row->axes[0], 2), vector(row->axes[1], 2)),
                     "straight_valley", s->steep != NULL);
}

static void print_row(const surface *s) {
    const surface_row *row = s->row;
    printf("%-16s %s\n%17s%s\n", row->name, row->title[0], "", row->formula);
    for (int k = 0; k < row->nparameters; k++) {
        const surface_parameter *p = &row->parameter[k];
        printf("%17s%s=%.15g", "", p->name, p->fallback);
        if (p->kind == SURFACE_FLAG)
            printf("  0 or 1");
        else
            printf("  [%.15g, %.15g]", p->least, p->greatest);
        printf("  %s\n", p->text);
    }
}

int contest_print_surfaces(bool json) {
    json_t *surfaces = json ? json_array() : NULL; /* json_decref(NULL) is fine */
    const surface_row *row;
    for (int k = 0; (row = surface_table(k)); k++) {
        surface *s;
        const int code = surface_create(&s, row->name);
        if (code) {
            json_decref(surfaces);
            return code;
        }
        if (json)
            json_array_append_new(surfaces, surface_json(s));
        else
            print_row(s);
        surface_destroy(s);
    }
    return json ? cli_print_json(json_pack("{so}", "surfaces", surfaces)) : 0;
}
