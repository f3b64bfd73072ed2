#include <ravine.h>
#include <stdio.h>

/* Down a ravine that is 100 times steeper across than along. */
int main(void) {
    float x[2] = {0.3F, 0.1F}, gradient[2];
    ravine_param parameter = {.size = sizeof parameter,
                              .dtype = RAVINE_F32,
                              .name = "x",
                              .data = x,
                              .grad = gradient,
                              .len = 2};
    ravine_config config;
    ravine_optimizer *optimizer = NULL;
    int failed = ravine_config_parse(&config, "adam lr=0.003") < 0 ||
                 ravine_create(&optimizer, &config, NULL) < 0 ||
                 ravine_add(optimizer, &parameter, 1) < 0;

    for (int step = 0; step <= 200 && !failed; step++) {
        gradient[0] = x[0];
        gradient[1] = 100 * x[1];
        if (step % 40 == 0) printf("loss %.6f\n", (x[0] * x[0] + 100 * x[1] * x[1]) / 2);
        failed = ravine_step(optimizer, NULL) < 0;
    }
    if (failed) fprintf(stderr, "%s\n", ravine_errmsg());
    ravine_destroy(optimizer);
    return failed;
}
