/* SPDX-License-Identifier: Apache-2.0 */
/* real_main.c - the runs of real.h that are asked for, a JSON line each on stdout.
 *
 *     doctor_real PATTERN FIRST_SEED LAST_SEED PART PARTS [FOLDER]
 *     doctor_real --list
 *
 * PATTERN: part of the scenario's name. Run k of all is done if k % PARTS == PART. FOLDER gets logs
 * and initial weights. Healthy runs are one a scenario: its seed is FIRST_SEED + its number.
 */
#include "io/failure.h"
#include "real.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATA "/usr/share/datasets/fashion-mnist/"

static int list(void) {
    for (int32_t k = 0; k < real_scenario_count; k++) {
        const real_scenario *s = &real_scenarios[k];
        json_t *widths = json_array();
        for (int32_t i = 0; i < s->nwidths; i++)
            json_array_append_new(widths, json_integer((json_int_t)s->widths[i]));
        json_t *line = json_pack("{ss ss ss ss so sI sI sI sI ss sb sb}", "scenario", s->name,
                                 "causes", s->causes, "optimizer", s->optimizer, "model",
                                 s->model == NET_MLP ? "mlp" : "cnn", "widths", widths, "dense",
                                 (json_int_t)s->dense, "examples", (json_int_t)s->examples, "batch",
                                 (json_int_t)s->batch, "steps", (json_int_t)s->steps, "activation",
                                 s->activation == NET_RELU ? "relu" : "tanh", "nan_image",
                                 s->defect == REAL_NAN_IMAGE, "until_burst", s->until_burst);
        if (!line || json_dumpf(line, stdout, JSON_COMPACT)) return FAILURE_INPUT;
        putchar('\n');
        json_decref(line);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "--list")) return list();
    if (argc < 6) {
        fprintf(stderr, "doctor_real PATTERN FIRST_SEED LAST_SEED PART PARTS [FOLDER]\n");
        return FAILURE_USAGE;
    }
    const int first = atoi(argv[2]), last = atoi(argv[3]), part = atoi(argv[4]);
    const int parts = atoi(argv[5]) > 0 ? atoi(argv[5]) : 1;
    dataset_pair data;
    int status = dataset_read_idx(
        &data, &(dataset_idx_options){.train_images = DATA "train-images-idx3-ubyte.gz",
                                      .train_labels = DATA "train-labels-idx1-ubyte.gz",
                                      .test_images = DATA "t10k-images-idx3-ubyte.gz",
                                      .test_labels = DATA "t10k-labels-idx1-ubyte.gz"});
    int run = 0;
    for (int32_t k = 0; k < real_scenario_count && !status; k++) {
        const real_scenario *s = &real_scenarios[k];
        if (!strstr(s->name, argv[1])) continue;
        const bool healthy = !strcmp(s->causes, "healthy");
        for (int seed = first; seed <= (healthy ? first : last) && !status; seed++) {
            if (run++ % parts != part) continue;
            const uint64_t used = (uint64_t)(healthy ? first + k : seed);
            json_t *line = real_run_json(s, &data, used, argc > 6 ? argv[6] : NULL);
            if (!line)
                status = FAILURE_INPUT;
            else if (json_dumpf(line, stdout, JSON_COMPACT))
                status = failure(FAILURE_INPUT, "stdout: cannot be written");
            putchar('\n');
            fflush(stdout);
            json_decref(line);
        }
    }
    if (status) fprintf(stderr, "doctor_real: %s\n", failure_text());
    dataset_pair_free(&data);
    return status;
}
