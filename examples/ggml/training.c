/* SPDX-License-Identifier: Apache-2.0 */
/* The gradients of a ggml graph, stepped by Ravine where they lie, with a doctor beside it.
 *
 * ggml computes forward and backward; its own optimizer has one rate for all steps, and forgets
 * its state between runs. Here the graph's parameters and gradients are handed to Ravine once: any
 * rule, a rate that rises and falls, a checkpoint half way that a new run goes on from.
 *
 *     cc -std=c11 training.c -o training $(pkg-config --cflags --libs ravine) -lggml \
 *         -lggml-cpu -lggml-base -lm
 *
 * A net of one hidden layer learns y = sin(3 x) from 64 points. */
#include <ggml-cpu.h>
#include <ggml.h>
#include <math.h>
#include <ravine_checkpoint.h>
#include <ravine_doctor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 64, UNITS = 32, HALF = 300, PARAMS = 4, MEMORY = 16 << 20 };

typedef struct net {
    struct ggml_context *context;
    struct ggml_cgraph *graph;
    struct ggml_tensor *param[PARAMS], *loss;
    ravine_optimizer *optimizer;
    ravine_doctor *doctor;
} net;

static ravine_status check(ravine_status status) {
    if (status >= 0) return status;
    fprintf(stderr, "%s\n", ravine_errmsg());
    exit(1);
}

static struct ggml_tensor *parameter(net *n, int k, const char *name, int columns, int rows,
                                     float size) {
    struct ggml_tensor *t = ggml_new_tensor_2d(n->context, GGML_TYPE_F32, columns, rows);
    float *data = ggml_get_data_f32(t);
    for (int i = 0; i < columns * rows; i++) /* the same numbers in every run */
        data[i] = size * sinf(12.9898f * (float)(i + 1) + size);
    ggml_set_name(t, name);
    ggml_set_param(t);
    return n->param[k] = t;
}

static void build(net *n) {
    n->context = ggml_init((struct ggml_init_params){.mem_size = MEMORY});
    struct ggml_context *c = n->context;
    struct ggml_tensor *x = ggml_new_tensor_2d(c, GGML_TYPE_F32, 1, POINTS);
    struct ggml_tensor *y = ggml_new_tensor_2d(c, GGML_TYPE_F32, 1, POINTS);
    for (int i = 0; i < POINTS; i++) {
        const float at = 2 * (float)i / (POINTS - 1) - 1;
        ggml_get_data_f32(x)[i] = at;
        ggml_get_data_f32(y)[i] = sinf(3 * at);
    }
    struct ggml_tensor *h = ggml_mul_mat(c, parameter(n, 0, "hidden.weight", 1, UNITS, 3), x);
    h = ggml_silu(c, ggml_add(c, h, parameter(n, 1, "hidden.bias", UNITS, 1, 2)));
    h = ggml_mul_mat(c, parameter(n, 2, "out.weight", UNITS, 1, 0.2f), h);
    h = ggml_add(c, h, parameter(n, 3, "out.bias", 1, 1, 0));
    struct ggml_tensor *error = ggml_sub(c, h, y);
    n->loss = ggml_scale(c, ggml_sum(c, ggml_sqr(c, error)), 1.0f / POINTS);
    ggml_set_loss(n->loss);
    n->graph = ggml_new_graph_custom(c, GGML_DEFAULT_GRAPH_SIZE, true);
    ggml_build_forward_expand(n->graph, n->loss);
    ggml_build_backward_expand(c, n->graph, NULL);
}

static void hand_over(net *n, const char *rule, const char *lr) {
    ravine_env env;
    ravine_config config;
    ravine_schedule schedule;
    ravine_param params[PARAMS];
    ravine_env_init(&env);
    env.statistics = 1; /* for the doctor */
    for (int k = 0; k < PARAMS; k++)
        params[k] = (ravine_param){.size = sizeof *params,
                                   .dtype = RAVINE_F32,
                                   .name = ggml_get_name(n->param[k]),
                                   .data = n->param[k]->data,
                                   .grad = ggml_graph_get_grad(n->graph, n->param[k])->data,
                                   .len = ggml_nelements(n->param[k])};
    check(ravine_config_parse(&config, rule));
    check(ravine_schedule_parse(&schedule, lr));
    check(ravine_create(&n->optimizer, &config, &env));
    check(ravine_add(n->optimizer, params, PARAMS));
    check(ravine_set_schedule(n->optimizer, -1, RAVINE_LR, &schedule));
    check(ravine_doctor_create(&n->doctor, NULL, NULL));
}

static void begin(net *n, const char *rule, const char *lr) {
    build(n);
    hand_over(n, rule, lr);
}

static double train(net *n, int steps) {
    double loss = 0;
    for (int k = 0; k < steps; k++) {
        ravine_step_stats stats = {.size = sizeof stats};
        ggml_graph_reset(n->graph); /* gradients 0, that of the loss 1 */
        ggml_graph_compute_with_ctx(n->context, n->graph, 1);
        loss = ggml_get_data_f32(n->loss)[0];
        check(ravine_step(n->optimizer, &stats));
        check(ravine_doctor_observe(n->doctor, n->optimizer, loss));
        if (k % 100 == 0) printf("step %3d  lr %.5f  loss %.6f\n", (int)stats.step, stats.lr, loss);
    }
    return loss;
}

static void say(const net *n, const char *what, double loss) {
    ravine_diagnosis diagnosis = {.size = sizeof diagnosis};
    char text[RAVINE_SENTENCE_MAX];
    check(ravine_doctor_diagnose(n->doctor, &diagnosis));
    check(ravine_diagnosis_sentence(&diagnosis, "en", text, sizeof text, NULL));
    printf("%s: loss %.6f\n%s\n\n", what, loss, text);
}

static void end(net *n) {
    ravine_doctor_destroy(n->doctor);
    ravine_destroy(n->optimizer);
    ggml_free(n->context);
}

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "ggml_training.safetensors";
    const char *rule = "adamw", *lr = "warmup(20) cosine(580, to=0.0001) lr=0.05";
    net stuck = {0}, whole = {0}, first = {0}, second = {0};

    begin(&stuck, "sgd", "0.00001");
    say(&stuck, "a rate that is too low", train(&stuck, HALF));

    begin(&whole, rule, lr);
    say(&whole, "in one run", train(&whole, 2 * HALF));

    begin(&first, rule, lr);
    train(&first, HALF);
    check(ravine_save(first.optimizer, path, NULL)); /* parameters, state, rates: all of it */
    begin(&second, rule, lr);                        /* as in another process */
    check(ravine_load(second.optimizer, path, NULL));
    say(&second, "saved, loaded, gone on", train(&second, HALF));
    remove(path);

    const size_t bytes = ggml_nbytes(whole.param[0]);
    const int same = !memcmp(whole.param[0]->data, second.param[0]->data, bytes);
    printf("%s\n", same ? "the same bits" : "OTHER BITS");
    end(&stuck), end(&whole), end(&first), end(&second);
    return same ? 0 : 1;
}
