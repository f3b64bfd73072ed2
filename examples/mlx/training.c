/* SPDX-License-Identifier: Apache-2.0 */
/* The gradients of MLX, stepped by Ravine, with a doctor beside it.
 *
 * MLX differentiates a function of arrays, in C through MLX-C, which has no optimizer. Its arrays
 * never change, so the parameters lie in memory of this program: each step makes arrays of them,
 * asks for loss and gradients, and lets Ravine step.
 *
 *     cc -std=c11 training.c -o training $(pkg-config --cflags --libs ravine) -lmlxc -lmlx -lm
 *
 * A net of one hidden layer learns y = sin(3 x) from 64 points. */
#include <math.h>
#include <mlx/c/mlx.h>
#include <ravine_checkpoint.h>
#include <ravine_doctor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 64, UNITS = 32, HALF = 300, PARAMS = 4 };

static const char *const name[PARAMS] = {"hidden.weight", "hidden.bias", "out.weight", "out.bias"};
static const int shape[PARAMS][2] = {{1, UNITS}, {1, UNITS}, {UNITS, 1}, {1, 1}};
static const float size[PARAMS] = {3, 2, 0.2F, 0};

typedef struct net {
    float data[PARAMS][UNITS], grad[PARAMS][UNITS];
    mlx_stream stream;
    mlx_array x, y;
    mlx_closure_value_and_grad gradient;
    ravine_optimizer *optimizer;
    ravine_doctor *doctor;
} net;

static ravine_status check(ravine_status status) {
    if (status >= 0) return status;
    fprintf(stderr, "%s\n", ravine_errmsg());
    exit(1);
}

/* The loss of the parameters: what MLX differentiates. What MLX cannot do it says itself, and ends
 * the program. */
static int loss_of(mlx_vector_array *result, const mlx_vector_array params, void *payload) {
    const net *n = payload;
    mlx_array p[PARAMS], h = mlx_array_new();
    for (size_t k = 0; k < PARAMS; k++) {
        p[k] = mlx_array_new();
        mlx_vector_array_get(&p[k], params, k);
    }
    mlx_matmul(&h, n->x, p[0], n->stream);
    mlx_add(&h, h, p[1], n->stream);
    mlx_tanh(&h, h, n->stream);
    mlx_matmul(&h, h, p[2], n->stream);
    mlx_add(&h, h, p[3], n->stream);
    mlx_subtract(&h, h, n->y, n->stream);
    mlx_square(&h, h, n->stream);
    mlx_mean(&h, h, false, n->stream);
    const int status = mlx_vector_array_set_value(result, h);
    for (size_t k = 0; k < PARAMS; k++) mlx_array_free(p[k]);
    mlx_array_free(h);
    return status;
}

/* Loss and gradients of the parameters as they are now. */
static double differentiate(net *n) {
    mlx_vector_array params = mlx_vector_array_new(), value = mlx_vector_array_new();
    mlx_vector_array gradients = mlx_vector_array_new();
    mlx_array a = mlx_array_new();
    float loss = 0;
    for (size_t k = 0; k < PARAMS; k++) {
        const mlx_array copy = mlx_array_new_data(n->data[k], shape[k], 2, MLX_FLOAT32);
        mlx_vector_array_append_value(params, copy);
        mlx_array_free(copy);
    }
    mlx_closure_value_and_grad_apply(&value, &gradients, n->gradient, params);
    mlx_vector_array_get(&a, value, 0);
    mlx_array_item_float32(&loss, a);
    for (size_t k = 0; k < PARAMS; k++) {
        mlx_vector_array_get(&a, gradients, k);
        mlx_contiguous(&a, a, false, n->stream); /* it may be the transpose of something */
        mlx_array_eval(a);
        memcpy(n->grad[k], mlx_array_data_float32(a), mlx_array_nbytes(a));
    }
    mlx_array_free(a);
    mlx_vector_array_free(params), mlx_vector_array_free(value), mlx_vector_array_free(gradients);
    return loss;
}

static void build(net *n) {
    static const int which[PARAMS] = {0, 1, 2, 3};
    float x[POINTS], y[POINTS];
    for (int i = 0; i < POINTS; i++) {
        x[i] = 2 * (float)i / (POINTS - 1) - 1;
        y[i] = sinf(3 * x[i]);
    }
    n->stream = mlx_default_cpu_stream_new();
    n->x = mlx_array_new_data(x, (const int[]){POINTS, 1}, 2, MLX_FLOAT32);
    n->y = mlx_array_new_data(y, (const int[]){POINTS, 1}, 2, MLX_FLOAT32);
    for (int k = 0; k < PARAMS; k++)
        for (int i = 0; i < UNITS; i++) /* the same numbers in every run */
            n->data[k][i] = size[k] * sinf(12.9898F * (float)(i + 1) + size[k]);
    const mlx_closure loss = mlx_closure_new_func_payload(loss_of, n, NULL);
    n->gradient = mlx_closure_value_and_grad_new();
    mlx_value_and_grad(&n->gradient, loss, which, PARAMS);
    mlx_closure_free(loss);
}

static void begin(net *n, const char *rule, const char *lr) {
    ravine_env env;
    ravine_config config;
    ravine_schedule schedule;
    ravine_param params[PARAMS];
    build(n);
    ravine_env_init(&env);
    env.statistics = 1; /* for the doctor */
    for (int k = 0; k < PARAMS; k++)
        params[k] = (ravine_param){.size = sizeof *params,
                                   .dtype = RAVINE_F32,
                                   .name = name[k],
                                   .data = n->data[k],
                                   .grad = n->grad[k],
                                   .len = shape[k][0] * shape[k][1]};
    check(ravine_config_parse(&config, rule));
    check(ravine_schedule_parse(&schedule, lr));
    check(ravine_create(&n->optimizer, &config, &env));
    check(ravine_add(n->optimizer, params, PARAMS));
    check(ravine_set_schedule(n->optimizer, -1, RAVINE_LR, &schedule));
    check(ravine_doctor_create(&n->doctor, NULL, NULL));
}

static double train(net *n, int steps) {
    double loss = 0;
    for (int k = 0; k < steps; k++) {
        ravine_step_stats stats = {.size = sizeof stats};
        loss = differentiate(n);
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
    mlx_closure_value_and_grad_free(n->gradient);
    mlx_array_free(n->x), mlx_array_free(n->y);
    mlx_stream_free(n->stream);
}

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "mlx_training.safetensors";
    const char *rule = "adamw", *lr = "warmup(20) cosine(580, to=0.0001) lr=0.05";
    static net stuck, whole, first, second;

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

    const int same = !memcmp(whole.data, second.data, sizeof whole.data);
    printf("%s\n", same ? "the same bits" : "OTHER BITS");
    end(&stuck), end(&whole), end(&first), end(&second);
    return same ? 0 : 1;
}
