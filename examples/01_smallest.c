/* SPDX-License-Identifier: Apache-2.0 */
#include <ravine.h>
#include <stdio.h>

/* Down a ravine that is 100 times steeper across than along. */
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
    ravine_optimizer *optimizer = NULL;
    ravine_status status = ravine_config_parse(&config, "adam lr=0.003");
    if (status >= 0) status = ravine_create(&optimizer, &config, NULL);
    if (status >= 0) status = ravine_add(optimizer, &parameter, 1);
    for (int step = 0; step <= 200 && status >= 0; step++) {
        gradient[0] = x[0];
        gradient[1] = 100 * x[1];
        if (step % 40 == 0) printf("loss %.6f\n", (x[0] * x[0] + 100 * x[1] * x[1]) / 2);
        status = ravine_step(optimizer, NULL);
    }
    if (status < 0) fprintf(stderr, "%s\n", ravine_errmsg());
    ravine_destroy(optimizer);
    return status < 0;
}
