/* SPDX-License-Identifier: Apache-2.0 */
#include <ravine.h>
#include <stdio.h>
#include <stdlib.h>

static void check(ravine_status status) {
    if (status >= 0) return;
    fprintf(stderr, "%s\n", ravine_errmsg());
    exit(1);
}

/* Down a ravine that is 100 times steeper across than along: (x[0]^2 + 100 x[1]^2) / 2. */
int main(void) {
    float x[2] = {0.3F, 0.1F};
    float gradient[2];
    ravine_param parameter = {.size = sizeof parameter,
                              .dtype = RAVINE_F32,
                              .name = "x",
                              .data = x,
                              .grad = gradient,
                              .len = 2};
    ravine_config config;
    ravine_optimizer *optimizer;
    check(ravine_config_parse(&config, "adam lr=0.003"));
    check(ravine_create(&optimizer, &config, NULL));
    check(ravine_add(optimizer, &parameter, 1));

    for (int step = 0; step <= 200; step++) {
        gradient[0] = x[0];
        gradient[1] = 100 * x[1];
        if (step % 40 == 0) printf("loss %.6f\n", (x[0] * x[0] + 100 * x[1] * x[1]) / 2);
        check(ravine_step(optimizer, NULL));
    }
    ravine_destroy(optimizer);
    return 0;
}
