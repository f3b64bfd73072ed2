/* SPDX-License-Identifier: Apache-2.0 */
/* Two groups with their own settings, and a learning rate that rises and then falls.
 *
 * A straight line y = slope x + offset is fitted to 64 noisy points. The slope decays a little at
 * every step, as weights do; the offset, like every bias, does not and learns faster. */
#include <ravine.h>
#include <stdio.h>
#include <stdlib.h>

enum { POINTS = 64, STEPS = 300 };

/* The status as it came; a failure ends the program with the library's own words. */
static ravine_status check(ravine_status status) {
    if (status >= 0) return status;
    fprintf(stderr, "%s\n", ravine_errmsg());
    exit(1);
}

/* Half the mean squared error of the line, and its gradient by slope and offset. */
static double line_loss(double slope, double offset, double *by_slope, double *by_offset) {
    double loss = 0;
    *by_slope = *by_offset = 0;
    for (int i = 0; i < POINTS; i++) {
        double x = 2.0 * i / (POINTS - 1) - 1;
        double noise = (i * 37 % 11 - 5) / 50.0;
        double error = slope * x + offset - (3 * x - 2 + noise);
        loss += error * error / 2 / POINTS;
        *by_slope += error * x / POINTS;
        *by_offset += error / POINTS;
    }
    return loss;
}

int main(void) {
    double slope = 0, offset = 0, by_slope, by_offset;

    /* Settings as text, or as fields: every setting is a number of its own name. */
    ravine_config weights, biases;
    check(ravine_config_parse(&weights, "adamw weight_decay=0.001"));
    check(ravine_config_init(&biases, RAVINE_ADAMW));
    biases.weight_decay = 0;

    ravine_optimizer *optimizer = NULL;
    int32_t bias_group = 0;
    check(ravine_create(&optimizer, &weights, NULL)); /* group 0 */
    check(ravine_add_group(optimizer, &biases, &bias_group));

    const ravine_param parameters[] = {
        {.size = sizeof(ravine_param),
         .dtype = RAVINE_F64,
         .group = 0,
         .name = "slope",
         .data = &slope,
         .grad = &by_slope,
         .len = 1},
        {.size = sizeof(ravine_param),
         .dtype = RAVINE_F64,
         .group = bias_group,
         .name = "offset",
         .data = &offset,
         .grad = &by_offset,
         .len = 1},
    };
    check(ravine_add(optimizer, parameters, 2));

    /* A schedule is a plain value: look at it before it is used. */
    ravine_schedule schedule;
    ravine_schedule_facts facts = {.size = sizeof facts};
    check(ravine_schedule_parse(&schedule, "warmup(20) cosine(280, to=0.001) lr=0.1"));
    check(ravine_schedule_describe(&schedule, &facts));
    printf("the learning rate starts at %g and ends at %g; warm-up ends at step %d\n\n",
           facts.first, facts.last, (int)facts.warmup_end);
    check(ravine_set_schedule(optimizer, -1, RAVINE_LR, &schedule)); /* -1: every group */

    for (int step = 0; step <= STEPS; step++) {
        double loss = line_loss(slope, offset, &by_slope, &by_offset);
        double lr;
        check(ravine_get(optimizer, 0, RAVINE_LR, &lr));
        if (step % 50 == 0)
            printf("step %3d  lr %.5f  loss %.6f  y = %.3f x %+.3f\n", step, lr, loss, slope,
                   offset);
        check(ravine_step(optimizer, NULL));
    }
    ravine_destroy(optimizer);
    return 0;
}
