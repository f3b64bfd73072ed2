/* SPDX-License-Identifier: Apache-2.0 */
/* Saving and going on, to the same bits.
 *
 * One run trains through. Another stops half way, saves, and is thrown away; a third one loads the
 * file and goes on. Both end at the same numbers, bit for bit. */
#include <ravine_checkpoint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHTS = 1000, HALF = 60 };

typedef struct run {
    float weight[WEIGHTS], gradient[WEIGHTS];
    ravine_optimizer *optimizer;
} run;

static void check(ravine_status status) {
    if (status >= 0) return;
    fprintf(stderr, "%s\n", ravine_errmsg());
    exit(1);
}

/* A run is set up in the same way whether it begins or goes on: same names, rule and settings. */
static void begin(run *r) {
    ravine_config config;
    ravine_schedule schedule;
    const ravine_param parameter = {.size = sizeof parameter,
                                    .dtype = RAVINE_F32,
                                    .name = "weight",
                                    .data = r->weight,
                                    .grad = r->gradient,
                                    .len = WEIGHTS};
    memset(r, 0, sizeof *r);
    check(ravine_config_parse(&config, "adamw weight_decay=0.001"));
    check(ravine_schedule_parse(&schedule, "warmup(10) cosine(110, to=0.01) lr=0.1"));
    check(ravine_create(&r->optimizer, &config, NULL));
    check(ravine_add(r->optimizer, &parameter, 1));
    check(ravine_set_schedule(r->optimizer, 0, RAVINE_LR, &schedule));
}

/* Half the mean squared distance to the targets 0.001, 0.002, ... 1. */
static double compute_loss(run *r) {
    double loss = 0;
    for (int i = 0; i < WEIGHTS; i++) {
        r->gradient[i] = r->weight[i] - (float)(i + 1) / WEIGHTS;
        loss += 0.5 * (double)r->gradient[i] * (double)r->gradient[i] / WEIGHTS;
    }
    return loss;
}

static void train(run *r, int steps) {
    for (int step = 0; step < steps; step++) {
        double loss = compute_loss(r);
        if (step % 20 == 0) printf("step %3d  loss %.6f\n", (int)ravine_steps(r->optimizer), loss);
        check(ravine_step(r->optimizer, NULL));
    }
}

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "07_checkpoint.safetensors";
    static run whole, first, second;

    begin(&whole);
    train(&whole, 2 * HALF);

    /* Texts of your own travel along: what the data loader needs to go on, for example. */
    const ravine_text texts[] = {{"data.next", "60"}};
    ravine_save_options options;
    ravine_save_options_init(&options);
    options.texts = texts;
    options.ntexts = 1;
    begin(&first);
    train(&first, HALF);
    check(ravine_save(first.optimizer, path, &options)); /* whole, or not at all */
    ravine_destroy(first.optimizer);

    begin(&second);
    check(ravine_load(second.optimizer, path, NULL));
    ravine_checkpoint *file = NULL;
    check(ravine_checkpoint_open(&file, path, NULL));
    printf("\nsaved at step %d; data.next is %s\n\n", (int)ravine_steps(second.optimizer),
           ravine_checkpoint_find_text(file, "data.next"));
    ravine_checkpoint_close(file);
    train(&second, HALF);

    int same = !memcmp(whole.weight, second.weight, sizeof whole.weight);
    printf("at the end  loss %.6f; %s the run that went through\n", compute_loss(&second),
           same ? "the same bits as" : "NOT the bits of");
    ravine_destroy(whole.optimizer);
    ravine_destroy(second.optimizer);
    remove(path);
    return same ? 0 : 1;
}
