/* SPDX-License-Identifier: Apache-2.0 */
/* Sixteen numbers go down a slope: succeeds if they end lower and the library says no error. */
#include <ravine.h>
#include <stdio.h>

int main(void) {
    float x[16] = {0}, g[16];
    for (int i = 0; i < 16; i++) g[i] = 1;
    ravine_param p = {
        .size = sizeof p, .dtype = RAVINE_F32, .name = "x", .data = x, .grad = g, .len = 16};
    ravine_config config;
    ravine_optimizer *optimizer = NULL;
    int failed = ravine_config_parse(&config, "sgd lr=0.5") < 0 ||
                 ravine_create(&optimizer, &config, NULL) < 0 || ravine_add(optimizer, &p, 1) < 0 ||
                 ravine_step(optimizer, NULL) < 0;
    for (int i = 0; i < 16; i++) failed |= x[i] != -0.5F;
    printf("%s %s\n", ravine_version(), failed ? ravine_errmsg() : "works");
    ravine_destroy(optimizer);
    return failed;
}
