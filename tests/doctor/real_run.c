/* SPDX-License-Identifier: Apache-2.0 */
/* real_run.c - one run: training, diagnosis, the cure put to the test. */
#include "io/failure.h"
#include "real_train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TRY_STEPS = 200,    /* of ravine_try_cures, a cure */
    FURTHER_STEPS = 300 /* in which the printed cure must beat the unchanged run */
};

/* ---- training -----------------------------------------------------------------------------------
 */

/* What is seen of the loss without any doctor. */
typedef struct curve {
    double first, last, before; /* mean of the first 32 steps, the last quarter, the one before */
    int64_t nonfinite, bursts;
    int64_t lost;  /* the last so many losses were not finite */
    double recent; /* running mean of 16 losses */
    int64_t quiet; /* steps since the last burst */
} curve;

/* A burst here: four times the mean of the steps before, once in 16 steps at most. */
static void curve_add(curve *c, double loss, int64_t step, int64_t steps) {
    if (!isfinite(loss)) {
        c->nonfinite++;
        return;
    }
    if (step < 32) c->first += loss / 32;
    if (step >= steps - steps / 4) c->last += loss / (double)(steps / 4);
    if (step >= steps - steps / 2 && step < steps - steps / 4)
        c->before += loss / (double)(steps - steps / 4 - (steps - steps / 2));
    const bool burst = step > 64 && loss > 4 * c->recent && c->quiet > 16;
    c->bursts += burst;
    c->quiet = burst ? 0 : c->quiet + 1;
    c->recent = step ? c->recent + (loss - c->recent) / 16 : loss;
}

/* Mean loss of the first 512 test images: what logs call val_loss. */
static double test_loss(trainee *t, const dataset *test) {
    double sum = 0;
    for (int64_t k = 0; k < 512; k += REAL_SLICE)
        sum += net_evaluate(t->trainer.net, test->x + k * test->size, test->label + k, NULL,
                            REAL_SLICE, NULL);
    return sum / (512 / REAL_SLICE);
}

static FILE *log_open(const trainee *t, const char *folder) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s-%d.weights", folder, t->scenario->name, (int)t->seed);
    FILE *file = fopen(path, "wb");
    if (file) fwrite(t->start, sizeof *t->start, (size_t)net_size(t->trainer.net), file);
    if (!file || fclose(file)) return NULL;
    snprintf(path, sizeof path, "%s/%s-%d.csv", folder, t->scenario->name, (int)t->seed);
    file = fopen(path, "w");
    if (file) fputs("step,train_loss,lr,grad_norm,update_ratio,val_loss\n", file);
    return file;
}

static void log_step(FILE *file, const ravine_step_stats *r, int64_t step, double loss,
                     double val) {
    fprintf(file, "%lld,%.9g,%.9g,%.9g,%.9g,", (long long)step, loss, r->lr, r->grad_norm,
            r->update_norm / r->param_norm);
    if (!isnan(val)) fprintf(file, "%.9g", val);
    fputc('\n', file);
}

enum { LOST = 10 }; /* losses in a row that are not finite: `ravine train` stops there */

/* Until the end, or until it is lost: c->lost says so. */
static int train_it(trainee *t, ravine_doctor *d, const dataset *test, const char *folder,
                    curve *c) {
    FILE *file = folder ? log_open(t, folder) : NULL;
    if (folder && !file) return failure(FAILURE_INPUT, "%s: cannot be written", folder);
    const int64_t steps = t->scenario->steps;
    ravine_status status = RAVINE_OK;
    while (t->step < steps && c->lost < LOST && status >= 0) {
        if (t->scenario->until_burst && c->bursts > 0 && c->quiet == 64) break;
        ravine_step_stats stats;
        const bool evaluates = file && t->step % 64 == 0;
        const double val = evaluates ? test_loss(t, test) : NAN;
        const double loss = trainee_step(t, t->trainer.optimizer, &stats);
        c->lost = isfinite(loss) ? 0 : c->lost + 1;
        curve_add(c, loss, t->step - 1, steps);
        status = ravine_doctor_observe(d, t->trainer.optimizer, loss);
        if (file) log_step(file, &stats, t->step - 1, loss, val);
    }
    if (file) fclose(file);
    return status < 0 ? failure(FAILURE_INPUT, "%s", ravine_errmsg()) : 0;
}

/* ---- what can be seen without a doctor ----------------------------------------------------------
 */

static void set(json_t *object, const char *key, double value) {
    json_object_set_new(object, key, isfinite(value) ? json_real(value) : json_null());
}

/* At the end of the run, on the fixed batch: zero gradients, first against last layer, how noise
 * and learning rate matter. */
static json_t *signs_json(trainee *t, const curve *c) {
    json_t *out = json_object();
    const ravine_problem p = net_problem_view(t->problem);
    double loss, norm[2] = {0}, zero = 0, all = 0;
    p.evaluate(p.context, 0, 1, &loss);
    const int64_t count = net_param_count(t->trainer.net);
    for (int64_t k = 0; k < count; k++) {
        const net_tensor tensor = net_param(t->trainer.net, k);
        for (int64_t i = 0; i < tensor.len; i++) {
            const double g = (double)tensor.grad[i];
            zero += fpclassify(g) == FP_ZERO;
            if (k == 0 || k == count - 2) norm[k > 0] += g * g;
        }
        all += (double)tensor.len;
    }
    set(out, "first_loss", c->first);
    set(out, "last_loss", c->last);
    set(out, "fall", 1 - c->last / c->before);
    set(out, "nonfinite_losses", (double)c->nonfinite);
    set(out, "bursts", (double)c->bursts);
    set(out, "zero_share", zero / all);
    set(out, "first_to_last_gradient", sqrt(norm[0] / norm[1]));
    continuation go = {.steps = 32, .noiseless = true};
    if (ravine_config_parse(&go.config, t->scenario->optimizer) < 0) return out;
    const double lr = go.config.lr;
    set(out, "noiseless_rises", trainee_continue(t, &go).rises);
    go = (continuation){.config = go.config, .steps = FURTHER_STEPS};
    const double unchanged = trainee_continue(t, &go).loss;
    set(out, "unchanged", unchanged);
    go.config.lr = lr / 10;
    set(out, "tenth_of_lr", trainee_continue(t, &go).loss / unchanged);
    go.config.lr = lr * 30;
    set(out, "lr_times_30", trainee_continue(t, &go).loss / unchanged);
    return out;
}

/* ---- the doctor
 * ---------------------------------------------------------------------------------- */

static json_t *diagnosis_json(const ravine_diagnosis *d) {
    json_t *evidence = json_object(), *cures = json_array(), *also = json_array();
    for (int32_t k = 0; k < d->nevidence; k++)
        set(evidence, d->evidence[k].name, d->evidence[k].value);
    for (int32_t k = 0; k < d->ncures; k++) {
        const ravine_cure *cure = &d->cure[k];
        json_t *one =
            json_pack("{si ss ss ss si}", "action", cure->action, "text", cure->text, "optimizer",
                      cure->optimizer, "schedule", cure->schedule, "tried", cure->tried);
        set(one, "loss_ratio", cure->loss_ratio);
        json_array_append_new(cures, one);
    }
    for (int32_t k = 0; k < d->nalso; k++)
        json_array_append_new(also, json_string(ravine_verdict_word(d->also[k])));
    json_t *out = json_pack("{ss ss so so so}", "verdict", ravine_verdict_word(d->verdict), "not",
                            d->not_text, "evidence", evidence, "cures", cures, "also", also);
    set(out, "confidence", d->confidence);
    set(out, "since", (double)d->since);
    return out;
}

/* The first printed cure that a program can apply, and that did not fail in the trial if there was
 * one, from here on against the unchanged run. */
static json_t *cure_json(trainee *t, const ravine_diagnosis *d, double unchanged) {
    for (int32_t k = 0; k < d->ncures; k++) {
        const ravine_cure *cure = &d->cure[k];
        const bool failed = cure->tried && !(cure->loss_ratio < 1);
        if (cure->action == RAVINE_CURE_ADVICE || failed) continue;
        const char *optimizer = *cure->optimizer ? cure->optimizer : t->scenario->optimizer;
        continuation go = {.steps = FURTHER_STEPS};
        go.schedule.size = 0;
        if (cure->action == RAVINE_CURE_ESCAPE) go.escape = cure->escape;
        ravine_schedule schedule = {.size = sizeof schedule};
        if (ravine_config_parse(&go.config, optimizer) < 0) return json_string(ravine_errmsg());
        if (*cure->schedule && ravine_schedule_parse(&schedule, cure->schedule) < 0)
            return json_string(ravine_errmsg());
        if (*cure->schedule) go.schedule = schedule;
        json_t *out = json_pack("{ss si}", "text", cure->text, "index", k);
        const double loss = trainee_continue(t, &go).loss;
        set(out, "loss", loss);
        set(out, "ratio", loss / unchanged);
        /* A loss that is not finite is beaten by any that is. */
        const bool beats = isfinite(loss) && !(loss >= unchanged);
        json_object_set_new(out, "beats", json_boolean(beats));
        return out;
    }
    return json_null();
}

static json_t *probe_json(const ravine_probe *p) {
    json_t *out = json_object();
    set(out, "gradients", (double)p->gradients);
    set(out, "loss", p->loss);
    set(out, "grad_norm", p->grad_norm);
    set(out, "lambda_max", p->lambda_max);
    set(out, "lambda_min", p->lambda_min);
    set(out, "escape_loss", fmin(p->escape_loss[0], p->escape_loss[1]));
    set(out, "krylov_decrease", p->krylov_decrease);
    set(out, "stability", p->lr * p->sharpness / p->limit);
    set(out, "critical_lr_ratio", p->critical_lr / p->lr);
    set(out, "noise_scale", p->noise_scale);
    return out;
}

static json_t *tensors_json(const trainee *t) {
    json_t *out = json_array();
    for (int64_t k = 0; k < net_param_count(t->trainer.net); k++) {
        const net_tensor tensor = net_param(t->trainer.net, k);
        json_t *shape = json_array();
        for (int32_t i = 0; i < tensor.ndim; i++)
            json_array_append_new(shape, json_integer((json_int_t)tensor.shape[i]));
        json_array_append_new(out, json_pack("{ss so}", "name", tensor.name, "shape", shape));
    }
    return out;
}

/* Three answers: from what a log has; with a probe; with cures tried. Probe and trial begin where a
 * user could: at the end or, if the weights are lost, at the checkpoint before it, the start. */
static int examine(trainee *t, ravine_doctor *d, const curve *c, json_t *out) {
    const ravine_problem problem = net_problem_view(t->problem);
    ravine_diagnosis diagnosis = {.size = sizeof diagnosis};
    ravine_probe probe = {.size = sizeof probe};
    if (ravine_doctor_diagnose(d, &diagnosis) < 0) goto fail;
    json_object_set_new(out, "from_log", diagnosis_json(&diagnosis));
    const bool lost = c->lost == LOST || diagnosis.verdict == RAVINE_VERDICT_DIVERGING;
    if (lost && trainee_restart(t)) return FAILURE_INPUT;
    if (ravine_probe_run(t->trainer.optimizer, &problem, NULL, &probe) < 0)
        json_object_set_new(out, "probe_failed", json_string(ravine_errmsg()));
    else if (ravine_doctor_take_probe(d, &probe) < 0)
        goto fail;
    json_object_set_new(out, "probe", probe_json(&probe));
    if (ravine_doctor_diagnose(d, &diagnosis) < 0) goto fail;
    json_t *signs = signs_json(t, c);
    const json_t *known = json_object_get(signs, "unchanged");
    const double unchanged = json_is_real(known) ? json_real_value(known) : NAN;
    json_object_set_new(out, "signs", signs);
    json_object_set_new(out, "first_cure", cure_json(t, &diagnosis, unchanged));
    if (ravine_try_cures(t->trainer.optimizer, &problem, TRY_STEPS, &diagnosis) < 0)
        json_object_set_new(out, "try_failed", json_string(ravine_errmsg()));
    json_object_set_new(out, "diagnosis", diagnosis_json(&diagnosis));
    json_object_set_new(out, "cure", cure_json(t, &diagnosis, unchanged));
    return 0;
fail:
    return failure(FAILURE_INPUT, "%s", ravine_errmsg());
}

json_t *real_run_json(const real_scenario *s, const dataset_pair *data, uint64_t seed,
                      const char *folder) {
    trainee t;
    ravine_doctor *doctor = NULL;
    curve c = {0};
    real_damage_data(s, &data->train, seed);
    json_t *out = json_pack("{ss sI ss ss}", "scenario", s->name, "seed", (json_int_t)seed,
                            "causes", s->causes, "optimizer", s->optimizer);
    int status = trainee_create(&t, s, &data->train, seed);
    if (status) goto done;
    json_object_set_new(out, "tensors", tensors_json(&t));
    if (ravine_doctor_create(&doctor, NULL, NULL) < 0)
        status = failure(FAILURE_INPUT, "%s", ravine_errmsg());
    if (!status) status = train_it(&t, doctor, &data->test, folder, &c);
    json_object_set_new(out, "steps", json_integer((json_int_t)t.step));
    if (!status) status = examine(&t, doctor, &c, out);
    ravine_doctor_destroy(doctor);
    trainee_free(&t);
done:
    real_restore_data(&data->train);
    if (!status) return out;
    json_decref(out);
    return NULL;
}
