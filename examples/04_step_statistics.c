/* SPDX-License-Identifier: Apache-2.0 */
/* What a step did: its norms, whether the gradients were clipped, and what was not finite.
 *
 * At step 6 the gradient of one weight is not a number, as after a division by zero. By default
 * such an element is held: it keeps its value, the others go on, and the statistics say where. */
#include <math.h>
#include <ravine.h>
#include <stdio.h>
#include <stdlib.h>

enum { WEIGHTS = 8, STEPS = 12 };

static ravine_status check(ravine_status status) {
    if (status >= 0) return status;
    fprintf(stderr, "%s\n", ravine_errmsg());
    exit(1);
}

/* Half the squared distance to the target (1, 2, ... WEIGHTS), and its gradient. */
static double distance(const double *weight, double *gradient) {
    double loss = 0;
    for (int i = 0; i < WEIGHTS; i++) {
        gradient[i] = weight[i] - (i + 1);
        loss += gradient[i] * gradient[i] / 2;
    }
    return loss;
}

int main(void) {
    double weight[WEIGHTS] = {0}, gradient[WEIGHTS];

    ravine_config config;
    ravine_optimizer *optimizer = NULL;
    const ravine_param parameter = {.size = sizeof parameter,
                                    .dtype = RAVINE_F64,
                                    .name = "weight",
                                    .data = weight,
                                    .grad = gradient,
                                    .len = WEIGHTS};
    check(ravine_config_parse(&config, "sgd lr=0.5"));
    check(ravine_create(&optimizer, &config, NULL));
    check(ravine_add(optimizer, &parameter, 1));

    ravine_options options;
    ravine_options_init(&options);
    options.clip_norm = 4; /* no gradient, all groups together, is longer than this */
    check(ravine_set_options(optimizer, &options));

    int clipped = 0, held = 0;
    for (int step = 1; step <= STEPS; step++) {
        double loss = distance(weight, gradient);
        if (step == 6) gradient[3] = NAN;

        ravine_step_stats stats = {.size = sizeof stats};
        ravine_status status = check(ravine_step(optimizer, &stats));
        clipped += stats.clip < 1;
        held += status == RAVINE_HELD;

        printf("step %2d  loss %8.4f  gradient %7.4f  times %.3f  update %.4f  weights %7.4f\n",
               (int)stats.step, loss, stats.grad_norm, stats.clip, stats.update_norm,
               stats.param_norm);
        if (stats.nonfinite > 0) {
            ravine_param where = {.size = sizeof where};
            check(ravine_param_view(optimizer, stats.nonfinite_param, &where));
            printf("         %s: %d in %s, the first at index %d\n", ravine_status_text(status),
                   (int)stats.nonfinite, where.name, (int)stats.nonfinite_index);
        }
    }
    printf("%d steps clipped, %d held\n", clipped, held);
    ravine_destroy(optimizer);
    return clipped > 0 && held == 1 ? 0 : 1;
}
