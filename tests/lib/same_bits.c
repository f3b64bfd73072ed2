/* SPDX-License-Identifier: Apache-2.0 */
/* The same bits on every processor: one number that stands for every bit of every rule's parameters
 * and state after 60 steps, float32 and float64. The compiler, its flags and the machine must not
 * matter: gcc, clang, x86-64 and aarch64 (under qemu) gave this one.
 *
 * It is a plain program, not a cmocka test, so that it can be built for a machine whose C library
 * is all there is: cmake --preset aarch64.
 *
 * Change it only with a change of a formula, and say so in CHANGELOG.md: resumed runs change too.
 */
#include "math/random.h"
#include "ravine.h"

#include <stdio.h>
#include <stdlib.h>

enum { LENGTH = 5003, STEPS = 60 };
#define EXPECTED 0x71a651b446773077u
/* And of the rules that came later, of matrices too: RAVINE_LAMB on. */
#define EXPECTED_LATER 0x8c6a2778cb954cabu

static void expect(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "%s: %s\n", what, ravine_errmsg());
    exit(1);
}
#define EXPECT(condition) expect(condition, #condition)

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n) {
    const unsigned char *b = bytes;
    for (size_t i = 0; i < n; i++) hash = (hash ^ b[i]) * 1099511628211u;
    return hash;
}

/* Numbers over many sizes, made without the C library's functions. */
static double draw(uint64_t stream, int64_t i) {
    const double x = ravine_random_uniform(7, stream, (uint64_t)i) - 0.5;
    return i % 16 == 0 ? x * 1e-6 : x;
}

static double f64[2][LENGTH];
static float f32[2][LENGTH];

static void fill(int which, uint64_t stream) {
    for (int64_t i = 0; i < LENGTH; i++) {
        f64[which][i] = draw(stream, i);
        f32[which][i] = (float)f64[which][i];
    }
}

static uint64_t hash_state(ravine_optimizer *o, uint64_t hash) {
    for (int64_t p = 0; p < ravine_param_count(o); p++) {
        ravine_param view;
        EXPECT(ravine_param_view(o, p, &view) == RAVINE_OK);
        const size_t size = view.dtype == RAVINE_F64 ? sizeof(double) : sizeof(float);
        hash = hash_bytes(hash, view.data, (size_t)view.len * size);
        const char *key;
        for (int32_t k = 0; (key = ravine_state_key(o, p, k)); k++) {
            ravine_param state;
            EXPECT(ravine_state_view(o, view.name, key, &state) == RAVINE_OK);
            hash = hash_bytes(hash, state.data,
                              (size_t)state.len * (state.dtype == RAVINE_F64 ? 8 : 4));
        }
    }
    return hash;
}

/* What the parameters are: vectors, matrices, many of these. */
typedef struct sides {
    int64_t len;
    int32_t ndim;
    int64_t side[3];
} sides;
static const sides vector = {LENGTH, 1, {LENGTH}}, matrix = {4970, 2, {71, 70}},
                   filters = {4995, 3, {555, 3, 3}};

static uint64_t hash_run(const char *rule, const char *lr, const sides *s) {
    ravine_config c;
    ravine_schedule schedule;
    ravine_optimizer *o;
    EXPECT(ravine_config_parse(&c, rule) == RAVINE_OK);
    EXPECT(ravine_schedule_parse(&schedule, lr) == RAVINE_OK);
    EXPECT(ravine_create(&o, &c, NULL) == RAVINE_OK);
    fill(0, 1);
    const ravine_param p[] = {
        {sizeof *p, RAVINE_F32, 0, 0, "a", f32[0], f32[1], s->len, s->side, s->ndim, 0},
        {sizeof *p, RAVINE_F64, 0, 0, "b", f64[0], f64[1], s->len, s->side, s->ndim, 0},
    };
    EXPECT(ravine_add(o, p, 2) == RAVINE_OK);
    EXPECT(ravine_set_schedule(o, 0, RAVINE_LR, &schedule) == RAVINE_OK);
    ravine_options options;
    ravine_options_init(&options);
    options.clip_norm = 20;
    options.grad_scale = 1.5;
    EXPECT(ravine_set_options(o, &options) == RAVINE_OK);
    ravine_step_stats stats = {.size = sizeof stats};
    uint64_t hash = 14695981039346656037u;
    for (int step = 0; step < STEPS; step++) {
        fill(1, 2 + (uint64_t)step);
        EXPECT(ravine_step(o, &stats) >= 0);
        hash = hash_bytes(hash, &stats.grad_norm, 3 * sizeof stats.grad_norm);
    }
    hash = hash_state(o, hash);
    ravine_destroy(o);
    return hash;
}

static uint64_t hash_later(void) {
    const sides *const shapes[] = {&vector, &matrix, &filters};
    uint64_t hash = 0;
    for (int rule = RAVINE_LAMB; rule < RAVINE_RULE_COUNT; rule++)
        for (int k = 0; k < 3; k++) {
            const char *name = ravine_rule_describe(rule)->name;
            const uint64_t one = hash_run(name, "warmup(10) cosine(40) lr=1e-2", shapes[k]);
            printf("%-14s %016llx\n", name, (unsigned long long)one);
            hash = hash * 31 + one;
        }
    return hash;
}

static int is_expected(uint64_t hash, uint64_t expected) {
    if (hash == expected) return 1;
    fprintf(stderr, "not the bits of other machines: %016llx, not %016llx\n",
            (unsigned long long)hash, (unsigned long long)expected);
    return 0;
}

int main(void) {
    static const char *const more[] = {"sgd momentum=0.9 nesterov=true weight_decay=0.1",
                                       "rmsprop centered=true momentum=0.9",
                                       "adam amsgrad=true eps_form=inside clip_value=0.1",
                                       "adamw ema_decay=0.99 eps_form=hat",
                                       "adan weight_decay=0.02",
                                       "asgd average_start=3"};
    static const char *const lr[] = {"warmup(10) cosine(40, to=1e-4) lr=1e-2",
                                     "inverse_sqrt(timescale=10) lr=1e-3"};
    uint64_t hash = 0;
    for (int rule = 0; rule < RAVINE_LAMB; rule++) {
        const uint64_t one = hash_run(ravine_rule_describe(rule)->name, lr[rule % 2], &vector);
        printf("%-14s %016llx\n", ravine_rule_describe(rule)->name, (unsigned long long)one);
        hash = hash * 31 + one;
    }
    for (size_t k = 0; k < sizeof more / sizeof *more; k++)
        hash = hash * 31 + hash_run(more[k], lr[k % 2], &vector);
    printf("all            %016llx\n", (unsigned long long)hash);
    return is_expected(hash, EXPECTED) && is_expected(hash_later(), EXPECTED_LATER) ? 0 : 1;
}
