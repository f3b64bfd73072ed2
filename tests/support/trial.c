/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
    for (size_t i = 0; i < n; i++)
        t->theta[setup->order ? (size_t)setup->order[i] : i] = setup->start[i];
    ravine_config c;
    ravine_env env;
    ravine_env_init(&env);
    env.threads = 1;
    env.statistics = 1;
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
    free(t);
}

void trial_step(trial *t) {
    t->loss = evaluate(t, ravine_steps(t->o));
    t->stats = (ravine_step_stats){.size = sizeof t->stats};
    make_step(t->o, &t->stats);
    assert_int_equal(ravine_doctor_observe(t->d, t->o, t->loss), RAVINE_OK);
}

void trial_run(trial *t, int64_t steps) {
    for (int64_t k = 0; k < steps; k++) trial_step(t);
}

ravine_problem trial_problem(trial *t, int64_t nbatches) {
    return (ravine_problem){.size = sizeof(ravine_problem),
                            .evaluate = evaluate_probe,
                            .context = t,
                            .nbatches = nbatches};
}

void trial_probe(trial *t, ravine_probe *probe) {
    const ravine_problem problem = trial_problem(t, 0);
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
