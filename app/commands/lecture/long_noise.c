/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/lecture/long.h"
#include "io/number_json.h"
#include "trainer/problem.h"
#include "trainer/train.h"

#include <glob.h>

/* The noise scale alone, as `ravine doctor RUN --probe --full` finds it, in examples. */
static int measure(double *scale, training *t, const ravine_problem *problem) {
    ravine_probe_options options;
    ravine_probe_options_init(&options);
    options.lanczos = options.preconditioned = 0;
    ravine_probe probe = {.size = sizeof probe};
    const int status =
        failure_of(ravine_probe_run(t->trainer.optimizer, problem, &options, &probe));
    *scale = probe.noise_scale * (double)t->trainer.batch;
    return status;
}

static int add(json_t *lines, training *t, const ravine_problem *problem, const json_t *at) {
    double scale;
    int status = measure(&scale, t, problem);
    if (status) return status;
    json_t *line = json_pack("{sI so}", "step", (json_int_t)ravine_steps(t->trainer.optimizer),
                             "scale", number_json(scale));
    if (json_object_update_missing(line, (json_t *)at) || json_array_append_new(lines, line))
        status = failure(FAILURE_INPUT, "out of memory for the noise scale");
    return status;
}

/* The names of checkpoints are in the order of their steps. */
static int along(json_t *lines, training *t, const ravine_problem *problem, const sweep_run *run,
                 const json_t *at) {
    char pattern[PATH_MAX + 40];
    snprintf(pattern, sizeof pattern, "%s/checkpoints/step-*.safetensors", run->folder);
    glob_t found;
    const int globbed = glob(pattern, 0, NULL, &found);
    if (globbed) return failure(FAILURE_INPUT, "%s has no checkpoints", run->folder);
    int status = add(lines, t, problem, at);
    for (size_t k = 0; k < found.gl_pathc && !status; k++) {
        status = train_checkpoint_restore(t, found.gl_pathv[k]);
        if (!status) status = add(lines, t, problem, at);
    }
    globfree(&found);
    return status;
}

int long_noise(json_t *lines, const sweep_run *run, const json_t *at) {
    training t;
    net_problem *p = NULL;
    int status = training_create(&t, &run->config);
    /* its fixed batch is one of the same size; the noise comes from the others */
    if (!status) status = net_problem_of(&p, &t.trainer, t.trainer.batch, (uint64_t)run->seed);
    if (!status) {
        const ravine_problem problem = net_problem_view(p);
        status = along(lines, &t, &problem, run, at);
    }
    net_problem_destroy(p);
    training_free(&t);
    return status;
}
