#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/doctor.h"
#include "support/make.h"
#include "support/trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_MAX = 256 };

/* The problem's loss at the optimizer's parameters; its gradient into the optimizer's. */
static double evaluate(const trial *t, int64_t step) {
    const int n = t->setup.n;
    double theta[N_MAX] = {0}, gradient[N_MAX] = {0};
    for (int i = 0; i < n; i++) theta[i] = t->theta[t->setup.order ? t->setup.order[i] : i];
    const double loss = t->setup.loss(t->setup.context, n, theta, step, gradient);
    for (int i = 0; i < n; i++) t->gradient[t->setup.order ? t->setup.order[i] : i] = gradient[i];
    return loss;
}

static int evaluate_probe(void *context, int64_t batch, int32_t gradient, double *loss) {
    (void)gradient;
    *loss = evaluate(context, batch - 1); /* batch 0: no noise */
    return 0;
}

trial *trial_new(const trial_setup *setup) {
    trial *t = calloc(1, sizeof *t);
    t->setup = *setup;
    const size_t n = (size_t)setup->n;
    assert_true(n <= N_MAX);
    t->theta = calloc(n, sizeof *t->theta);
    t->gradient = calloc(n, sizeof *t->gradient);
    t->last = calloc(5 * n, sizeof *t->last);
    for (size_t i = 0; i < n; i++)
        t->theta[setup->order ? (size_t)setup->order[i] : i] = setup->start[i];
    ravine_config c;
    ravine_env env;
    ravine_env_init(&env);
    env.threads = 1;
    env.watch = 1;
    assert_int_equal(ravine_config_parse(&c, setup->optimizer), RAVINE_OK);
    assert_int_equal(ravine_create(&t->o, &c, &env), RAVINE_OK);
    const int groups = setup->groups > 0 ? setup->groups : 1;
    for (int k = 0; k < groups; k++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", k);
        if (k > 0) make_group(t->o, setup->optimizer);
        const size_t first = n * (size_t)k / (size_t)groups;
        const size_t end = n * (size_t)(k + 1) / (size_t)groups;
        make_param(t->o, k, name, RAVINE_F64, t->theta + first, t->gradient + first,
                   (int64_t)(end - first));
    }
    if (setup->schedule) {
        ravine_schedule s;
        assert_int_equal(ravine_schedule_parse(&s, setup->schedule), RAVINE_OK);
        assert_int_equal(ravine_set_schedule(t->o, -1, RAVINE_LR, &s), RAVINE_OK);
    }
    make_options(t->o, RAVINE_PROPAGATE, INFINITY, 1, 0);
    assert_int_equal(ravine_doctor_create(&t->d, setup->options, &env), RAVINE_OK);
    return t;
}

void trial_free(trial *t) {
    ravine_doctor_destroy(t->d);
    ravine_destroy(t->o);
    free(t->theta);
    free(t->gradient);
    free(t->last);
    free(t);
}

/* Until the optimizer reports them: the statistics of a step, by definition. */
static void stand_in(trial *t, const double *before, ravine_report *r) {
    const int n = t->setup.n;
    double *g1 = t->last, *u1 = g1 + n, *g2 = u1 + n;
    double slope = 0, arrived = 0, departed = 0, energy = 0, f1 = 0, f2 = 0, zero = 0, lost = 0;
    for (int i = 0; i < n; i++) {
        const double g = t->gradient[i], u = t->theta[i] - before[i];
        slope += g * u;
        arrived += g * u1[i];
        departed += g1[i] * u1[i];
        energy += g * g;
        f1 += g * g1[i] < 0 ? g * g : 0;
        f2 += g * g2[i] < 0 ? g * g : 0;
        zero += g == 0;
        lost += g != 0 && u == 0;
        g2[i] = g1[i];
        g1[i] = g;
        u1[i] = u;
    }
    r->grad_dot_update = slope;
    r->alpha = r->step > 1 && departed != 0 ? -arrived / departed : NAN;
    r->flips = r->step > 1 && energy > 0 ? f1 / energy : NAN;
    r->flips_two = r->step > 2 && energy > 0 ? f2 / energy : NAN;
    r->zero_share = zero / n;
    r->lost_share = lost / n;
    r->momentum_norm = NAN;
    r->sigma_ratio = NAN;
    ravine_param m;
    static const char *const momentum[] = {"exp_avg", "momentum_buffer"};
    static const char *const square[] = {"exp_avg_sq", "square_avg", "sum"};
    double sum = 0;
    bool found = false;
    for (int64_t p = 0; p < ravine_param_count(t->o); p++) {
        ravine_param view;
        assert_int_equal(ravine_param_view(t->o, p, &view), RAVINE_OK);
        m.size = sizeof m;
        for (int k = 0; k < 2; k++)
            if (ravine_state_view(t->o, view.name, momentum[k], &m) == RAVINE_OK) {
                found = true;
                for (int64_t i = 0; i < m.len; i++)
                    sum += ((double *)m.data)[i] * ((double *)m.data)[i];
            }
    }
    if (found) r->momentum_norm = sqrt(sum);
    /* g^2 / v before the step */
    double *v1 = t->last + 3 * n, ratio = 0;
    int64_t offset = 0, counted = 0;
    for (int64_t p = 0; p < ravine_param_count(t->o); p++) {
        ravine_param view;
        assert_int_equal(ravine_param_view(t->o, p, &view), RAVINE_OK);
        for (int k = 0; k < 3; k++)
            if (ravine_state_view(t->o, view.name, square[k], &m) == RAVINE_OK) {
                double scale = 1;
                ravine_config c;
                assert_int_equal(ravine_config_parse(&c, t->setup.optimizer), RAVINE_OK);
                if (c.bias_correction != 0) scale = 1 - pow(c.beta2, (double)r->step);
                if (c.rule == RAVINE_ADAGRAD_MEAN) scale = (double)r->step;
                for (int64_t i = 0; i < m.len; i++) {
                    const double g = t->gradient[offset + i];
                    if (v1[offset + i] > 0) {
                        ratio += g * g / v1[offset + i];
                        counted++;
                    }
                    v1[offset + i] = ((double *)m.data)[i] / scale;
                }
            }
        offset += view.len;
    }
    if (r->step > 1 && counted > 0) r->sigma_ratio = sqrt(ratio / (double)counted);
}

void trial_step(trial *t) {
    const int n = t->setup.n;
    double before[N_MAX];
    memcpy(before, t->theta, (size_t)n * sizeof *before);
    t->loss = evaluate(t, ravine_steps(t->o));
    t->report = (ravine_report){.size = sizeof t->report};
    make_step(t->o, &t->report);
    stand_in(t, before, &t->report);
    assert_int_equal(doctor_follow(t->d, t->o), RAVINE_OK);
    ravine_report group[N_MAX];
    const int32_t groups = ravine_group_count(t->o);
    for (int32_t k = 0; k < groups; k++) {
        group[k].size = sizeof group[k];
        assert_int_equal(ravine_group_report(t->o, k, &group[k]), RAVINE_OK);
        const int64_t first = n * k / groups, end = n * (k + 1) / groups;
        double zeros = 0;
        for (int64_t i = first; i < end; i++) zeros += t->gradient[i] == 0;
        group[k].zero_share = zeros / (double)(end - first);
    }
    ravine_config c;
    assert_int_equal(ravine_config_parse(&c, t->setup.optimizer), RAVINE_OK);
    c.lr = t->report.lr;
    assert_int_equal(
        ravine_doctor_feed(
            t->d, &(ravine_observation){.size = sizeof(ravine_observation),
                                        .ngroups = groups,
                                        .loss = t->loss,
                                        .path_efficiency = ravine_doctor_path_efficiency(t->d),
                                        .report = &t->report,
                                        .group_report = group,
                                        .config = &c}),
        RAVINE_OK);
}

void trial_run(trial *t, int64_t steps) {
    for (int64_t k = 0; k < steps; k++) trial_step(t);
}

void trial_probe(trial *t, ravine_probe *probe) {
    const ravine_problem problem = {
        .size = sizeof problem, .evaluate = evaluate_probe, .context = t};
    ravine_probe_options options;
    ravine_probe_options_init(&options);
    options.noise = 0;
    probe->size = sizeof *probe;
    assert_int_equal(ravine_probe_run(t->o, &problem, &options, probe), RAVINE_OK);
    assert_int_equal(ravine_doctor_take_probe(t->d, probe), RAVINE_OK);
}

void trial_diagnose(const trial *t, ravine_diagnosis *x) {
    x->size = sizeof *x;
    assert_int_equal(ravine_doctor_diagnose(t->d, x), RAVINE_OK);
}

double trial_exact(const trial *t) {
    double gradient[N_MAX];
    memcpy(gradient, t->gradient, (size_t)t->setup.n * sizeof *gradient);
    const double loss = evaluate(t, -1);
    memcpy(t->gradient, gradient, (size_t)t->setup.n * sizeof *gradient);
    return loss;
}

double trial_evidence(const ravine_diagnosis *x, const char *name) {
    for (int k = 0; k < x->nevidence; k++)
        if (!strcmp(x->evidence[k].name, name)) return x->evidence[k].value;
    return NAN;
}
