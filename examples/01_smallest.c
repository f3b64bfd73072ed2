#include <ravine.h>
#include <stdio.h>
int main(void) { /* down a ravine that is 100 times steeper across than along */
    float x[2] = {0.3F, 0.1F}, g[2];
    ravine_param p = {sizeof p, .dtype = RAVINE_F32, .name = "x", .data = x, .grad = g, .len = 2};
    ravine_config c;
    ravine_optimizer *o = NULL;
    if (!ravine_config_parse(&c, "adam") && !ravine_create(&o, &c, NULL) && !ravine_add(o, &p, 1))
        do {
            g[0] = x[0], g[1] = 100 * x[1];
            if (ravine_steps(o) % 100 == 0) printf("loss %.6f\n", (x[0] * g[0] + x[1] * g[1]) / 2);
        } while (ravine_step(o, NULL) >= 0 && ravine_steps(o) <= 1000);
    ravine_destroy(o);
    return *ravine_errmsg() ? fprintf(stderr, "%s\n", ravine_errmsg()) : 0;
}
