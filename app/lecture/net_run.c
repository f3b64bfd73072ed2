/* SPDX-License-Identifier: Apache-2.0 */
#include "lecture/net_run.h"

#include "io/failure.h"
#include "ravine_doctor.h"
#include "run/config.h"
#include "trainer/problem.h"
#include "trainer/trainer.h"

#include <math.h>
#include <stdlib.h>

/* Steps of Lanczos' iteration: the largest eigenvalue under sigma stands well apart. */
enum { LANCZOS = 12 };

typedef struct images {
    run_config config; /* where they lie: the defaults and variables of `ravine train` */
    dataset_pair data;
} images;

typedef struct training {
    const net_run_setup *setup;
    dataset examples; /* the first ones of the images */
    trainer trainer;
    net_problem *problem;
} training;

static int read_images(images *i) {
    int status = config_init(&i->config);
    if (!status) status = config_read_variables(&i->config);
    i->config.data_validation_share = 0; /* nothing is chosen here */
    return status ? status : config_read_data(&i->config, &i->data);
}

static void free_images(images *i) {
    dataset_pair_free(&i->data);
    config_free(&i->config);
}

static int take_examples(training *u, const images *i) {
    const dataset *train = &i->data.train;
    if (!train->label || train->count < u->setup->images)
        return failure(FAILURE_INPUT, "%lld examples in %s; it takes %lld with labels",
                       (long long)train->count, i->config.data_train_images,
                       (long long)u->setup->images);
    u->examples = *train;
    u->examples.count = u->setup->images;
    return 0;
}

static int make_net(training *u) {
    const dataset *train = &u->examples;
    net_spec spec = {.model = NET_MLP,
                     .input = {train->shape[0], train->shape[1], train->shape[2]},
                     .outputs = train->outputs,
                     .nwidths = u->setup->layers,
                     .activation = NET_TANH,
                     .loss = NET_CROSS_ENTROPY,
                     .seed = u->setup->seed};
    for (int32_t k = 0; k < spec.nwidths; k++) spec.widths[k] = u->setup->units;
    const int status = trainer_create(
        &u->trainer, &(trainer_setup){.spec = &spec, .data = train, .batch = train->count});
    return status ? status : net_problem_of(&u->problem, &u->trainer, train->count, u->setup->seed);
}

static int make_optimizer(training *u) {
    trainer *t = &u->trainer;
    ravine_config rule;
    ravine_schedule lr;
    ravine_status parsed = ravine_config_parse(&rule, u->setup->optimizer);
    if (parsed >= 0) parsed = ravine_schedule_parse(&lr, u->setup->schedule);
    int status = failure_of(parsed);
    if (!status) status = trainer_make_groups(t, &rule, &(trainer_options){0}, &t->optimizer);
    if (!status) status = trainer_add_params(t, t->optimizer, NULL);
    if (!status) status = failure_of(ravine_set_schedule(t->optimizer, -1, RAVINE_LR, &lr));
    return status;
}

/* eta S of the step that comes, over its limit. */
static int measure(training *u, double *share) {
    const ravine_problem problem = net_problem_view(u->problem);
    ravine_probe_options options = {.size = sizeof options};
    ravine_probe probe = {.size = sizeof probe};
    ravine_probe_options_init(&options);
    options.lanczos = options.noise = options.slice = 0;
    options.preconditioned = LANCZOS;
    const int status =
        failure_of(ravine_probe_run(u->trainer.optimizer, &problem, &options, &probe));
    *share = probe.lr * probe.sharpness / probe.limit;
    return status;
}

static int train(training *u, net_run *r) {
    trainer *t = &u->trainer;
    const net_run_setup *s = u->setup;
    const size_t steps = (size_t)s->steps;
    r->loss = calloc(3 * steps, sizeof *r->loss);
    if (!r->loss) return failure(FAILURE_INPUT, "out of memory");
    r->grad_norm = r->loss + steps;
    r->share = r->grad_norm + steps;
    for (int64_t k = 0; k < s->images; k++) t->order[k] = k; /* all, in every step */
    ravine_step_stats stats = {.size = sizeof stats};
    for (r->steps = 0; r->steps < s->steps; r->steps++) {
        const int64_t k = r->steps;
        int status = 0;
        r->share[k] = NAN;
        if (s->is_probed && s->is_probed(k)) status = measure(u, &r->share[k]);
        if (status) return status;
        r->loss[k] = trainer_gradient(t, 0, s->images, (uint64_t)k, NULL);
        status = failure_of(ravine_step(t->optimizer, &stats));
        if (status) return status;
        r->grad_norm[k] = stats.grad_norm;
    }
    return 0;
}

static int make_one(net_run *r, const net_run_setup *setup, const images *i) {
    training u = {.setup = setup};
    int status = take_examples(&u, i);
    if (!status) status = make_net(&u);
    if (!status) status = make_optimizer(&u);
    if (!status) status = train(&u, r);
    net_problem_destroy(u.problem);
    trainer_free(&u.trainer);
    return status;
}

int net_runs_make(net_run *run, const net_run_setup *setup, size_t n) {
    images i = {0};
    for (size_t k = 0; k < n; k++) run[k] = (net_run){0};
    int status = read_images(&i);
    for (size_t k = 0; k < n && !status; k++) status = make_one(&run[k], &setup[k], &i);
    free_images(&i);
    if (status) net_runs_free(run, n);
    return status;
}

void net_runs_free(net_run *run, size_t n) {
    for (size_t k = 0; k < n; k++) {
        free(run[k].loss); /* and the other arrays */
        run[k] = (net_run){0};
    }
}
