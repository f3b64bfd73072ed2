/* SPDX-License-Identifier: Apache-2.0 */
/* Resume is exact: k steps, save, load into an optimizer made anew, n - k steps give the bits of n
 * steps, for every rule, several random settings and schedules of each, float32 and float64, every
 * k.
 *
 * What is trained is built to touch everything that a step depends on: two groups, a parameter that
 * joins at step 20, one that has no gradient in some steps, gradients that are not finite, clipping
 * by norm, skipped steps. What is compared are the bits of parameters, of every state array, the
 * step counts, and the statistics of the last step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file/files.h"
#include "math/random.h"
#include "ravine_checkpoint.h"
#include "support/numbers.h"
#include "support/random_case.h"
#include "support/temporary.h"

enum { STEPS = 50, JOINS = 20, PARAMS = 3, LENGTH_MAX = 7 };

static char path[TEMPORARY_MAX];

static int no_sync(int fd) { /* the disk is not what is tested here, and it is slow */
    (void)fd;
    return 0;
}

static int set_up(void **state) {
    (void)state;
    temporary_template(path, "resume");
    const int fd = mkstemp(path);
    ravine_files.fsync = no_sync;
    return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state) {
    (void)state;
    return unlink(path);
}

static void done(ravine_status status) {
    if (status < 0) fail_msg("%s: %s", ravine_status_text(status), ravine_errmsg());
}

/* ---- one training ---- */

typedef struct subject {
    int rule;
    uint64_t seed;
    int32_t dtype;
    int schedule; /* 0: none */
} subject;

typedef struct training {
    ravine_optimizer *o;
    double data[PARAMS][LENGTH_MAX], grad[PARAMS][LENGTH_MAX]; /* of either type */
} training;

static const int64_t lengths[PARAMS] = {5, 6, 1};
static const int64_t shape[2] = {2, 3}; /* of parameter 1 */

static uint64_t bit(const subject *s, unsigned which) {
    return s->seed >> which & 1;
}

static void add_param(training *t, const subject *s, int index) {
    static const char *const names[PARAMS] = {"layer.weight", "w\xc3\xa4rme", "late"};
    ravine_param p = {.size = sizeof p,
                      .dtype = s->dtype,
                      .group = index == 1,
                      .name = names[index],
                      .data = t->data[index],
                      .len = lengths[index]};
    if (index == 1) {
        p.shape = shape;
        p.ndim = 2;
    }
    done(ravine_add(t->o, &p, 1));
    for (int64_t i = 0; i < p.len; i++) {
        const double value = ravine_random_normal(s->seed, 90 + (uint64_t)index, (uint64_t)i);
        number_set(t->data[index], s->dtype, i, (long double)value);
    }
}

static void schedule(training *t, const subject *s) {
    static const char *const texts[] = {
        NULL,
        "warmup(5) cosine(30, to=1e-4) linear(10, to=2e-3) lr=1e-2",
        "cyclic(from=1e-4, to=1e-2, half_cycle=4, gamma=0.9)",
        "step(every=7, gamma=0.5, from=0.013)",
    };
    if (!s->schedule) return;
    ravine_schedule lr;
    done(ravine_schedule_parse(&lr, texts[s->schedule]));
    done(ravine_set_schedule(t->o, bit(s, 5) ? -1 : 1, RAVINE_LR, &lr));
}

/* The optimizer as it is set up; `params` of the parameters are there. */
static void create(training *t, const subject *s, int params, int threads) {
    ravine_config c[2];
    ravine_env env;
    random_config(&c[0], s->rule, s->seed);
    random_config(&c[1], s->rule, s->seed + 1);
    ravine_env_init(&env);
    env.threads = threads;
    env.statistics = (int32_t)bit(s, 4);
    memset(t, 0, sizeof *t);
    done(ravine_create(&t->o, &c[0], &env));
    done(ravine_add_group(t->o, &c[1], NULL));
    schedule(t, s);
    ravine_options options;
    ravine_options_init(&options);
    options.nonfinite = (int32_t)(s->seed % 3);
    if (options.nonfinite == RAVINE_PROPAGATE) options.nonfinite = RAVINE_HOLD;
    if (bit(s, 1)) options.clip_norm = 0.7;
    if (bit(s, 2)) options.grad_scale = 0.3;
    options.zero_grad = (int32_t)bit(s, 3);
    done(ravine_set_options(t->o, &options));
    for (int k = 0; k < params; k++) add_param(t, s, k);
}

static int params_at(int step) {
    return step < JOINS ? PARAMS - 1 : PARAMS;
}

static void step(training *t, const subject *s, int at, ravine_step_stats *stats) {
    if (at == JOINS && ravine_param_count(t->o) < PARAMS) add_param(t, s, PARAMS - 1);
    for (int k = 0; k < params_at(at); k++) {
        const bool broken = at % 11 == 4 + k;
        random_gradient(t->grad[k], s->dtype, lengths[k],
                        broken ? GRADIENT_BROKEN : GRADIENT_GAUSSIAN, s->seed + (uint64_t)k, at);
        void *grad = k == 1 && at % 7 == 3 ? NULL : (void *)t->grad[k];
        done(ravine_bind(t->o, k, 1, NULL, &grad));
    }
    *stats = (ravine_step_stats){.size = sizeof *stats};
    done(ravine_step(t->o, stats));
}

/* Everything that can be seen, as bytes. */
typedef struct picture {
    unsigned char bytes[8192];
    size_t used;
} picture;

static void paint(picture *p, const void *bytes, size_t size) {
    assert_true(p->used + size <= sizeof p->bytes);
    memcpy(p->bytes + p->used, bytes, size);
    p->used += size;
}

static void take_picture(picture *p, const training *t, const ravine_step_stats *stats) {
    memset(p, 0, sizeof *p);
    for (int64_t i = 0; i < ravine_param_count(t->o); i++) {
        ravine_param view = {.size = sizeof view};
        const int64_t step_count = ravine_step_count(t->o, i);
        const char *key;
        done(ravine_param_view(t->o, i, &view));
        const char *name = view.name;
        paint(p, view.data, (size_t)view.len * number_bytes(view.dtype));
        paint(p, &step_count, sizeof step_count);
        for (int32_t k = 0; (key = ravine_state_key(t->o, i, k)); k++) {
            done(ravine_state_view(t->o, name, key, &view));
            paint(p, view.data, (size_t)view.len * (size_t)ravine_dtype_bits(view.dtype) / 8);
        }
    }
    const int64_t steps = ravine_steps(t->o);
    paint(p, &steps, sizeof steps);
    paint(p, stats, sizeof *stats);
}

static void describe(const subject *s, int k) {
    ravine_config c;
    random_config(&c, s->rule, s->seed);
    print_error("k = %d of %s, seed %llu, schedule %d, %s\n", k, config_text(&c),
                (unsigned long long)s->seed, s->schedule, ravine_dtype_name(s->dtype));
}

/* ---- the test ---- */

static int64_t resumes, lost;

/* Saves after k steps of `whole`, loads, and trains on to the end. */
static void resume_at(training *whole, const subject *s, int k, const picture *end) {
    training t;
    picture p;
    ravine_step_stats stats = {.size = sizeof stats};
    done(ravine_save(whole->o, path, NULL));
    create(&t, s, params_at(k), 1);
    done(ravine_load(t.o, path, NULL));
    for (int at = k; at < STEPS; at++) step(&t, s, at, &stats);
    resumes++;
    if (k < STEPS) {
        take_picture(&p, &t, &stats);
        if (p.used != end->used || memcmp(p.bytes, end->bytes, p.used) != 0) {
            lost++;
            describe(s, k);
        }
    }
    ravine_destroy(t.o);
}

static void check(const subject *s) {
    training t;
    picture end, loaded, saved;
    ravine_step_stats stats, none = {.size = sizeof none};
    create(&t, s, params_at(0), 1);
    for (int at = 0; at < STEPS; at++) step(&t, s, at, &stats);
    take_picture(&end, &t, &stats);
    done(ravine_save(t.o, path, NULL));
    take_picture(&saved, &t, &none);
    ravine_destroy(t.o);
    create(&t, s, PARAMS, 1); /* k = n: nothing is left to do */
    done(ravine_load(t.o, path, NULL));
    take_picture(&loaded, &t, &none);
    assert_int_equal(loaded.used, saved.used);
    assert_memory_equal(loaded.bytes, saved.bytes, saved.used);
    ravine_destroy(t.o);

    create(&t, s, params_at(0), 1);
    for (int at = 0; at <= STEPS; at++) {
        /* at JOINS the parameter may be there already, or not yet */
        if (at == JOINS) add_param(&t, s, PARAMS - 1);
        resume_at(&t, s, at, &end);
        if (at < STEPS) step(&t, s, at, &stats);
    }
    ravine_destroy(t.o);
}

static void test_every_rule(void **state) {
    (void)state;
    const int variants = getenv("RAVINE_TEST_LONG") ? 40 : 4;
    resumes = lost = 0;
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++)
        for (int k = 0; k < variants; k++) {
            const subject s = {.rule = rule,
                               .seed = ravine_random_bits(7, (uint64_t)rule, (uint64_t)k).word[0],
                               .dtype = k % 2 ? RAVINE_F64 : RAVINE_F32,
                               .schedule = k % 4};
            check(&s);
        }
    print_message("counter resumes %lld lost %lld\n", (long long)resumes, (long long)lost);
    assert_true(resumes == (int64_t)RAVINE_RULE_COUNT * variants * (STEPS + 1));
    assert_int_equal(lost, 0);
}

/* ---- large parameters: another number of threads after the resume ---- */

enum { LARGE = 300007 };

static void train_large(ravine_optimizer *o, float *grad, int from, int to) {
    for (int at = from; at < to; at++) {
        random_gradient(grad, RAVINE_F32, LARGE, GRADIENT_GAUSSIAN, 3, at);
        done(ravine_step(o, NULL));
    }
}

static ravine_optimizer *create_large(float *data, float *grad, int threads) {
    ravine_config c;
    ravine_env env;
    ravine_optimizer *o;
    ravine_env_init(&env);
    env.threads = threads;
    done(ravine_config_parse(&c, "adamw lr=1e-3 amsgrad=true ema_decay=0.9"));
    done(ravine_create(&o, &c, &env));
    const ravine_param p = {.size = sizeof p,
                            .dtype = RAVINE_F32,
                            .name = "w",
                            .data = data,
                            .grad = grad,
                            .len = LARGE};
    done(ravine_add(o, &p, 1));
    return o;
}

static void test_threads(void **state) {
    (void)state;
    float *a = calloc(LARGE, sizeof *a), *b = calloc(LARGE, sizeof *b);
    float *grad = calloc(LARGE, sizeof *grad);
    assert_true(a && b && grad);
    ravine_optimizer *o = create_large(a, grad, 1), *resumed = create_large(b, grad, 3);
    train_large(o, grad, 0, 3);
    done(ravine_save(o, path, NULL));
    train_large(o, grad, 3, 6);
    done(ravine_load(resumed, path, NULL));
    train_large(resumed, grad, 3, 6);
    assert_memory_equal(a, b, LARGE * sizeof *a);
    assert_true(a[17] != 0);
    ravine_destroy(o);
    ravine_destroy(resumed);
    free(a);
    free(b);
    free(grad);
}

/* sigma of the step before the save can be asked for after the load. */
static void test_sigma(void **state) {
    (void)state;
    const subject s = {.rule = RAVINE_ADAM, .seed = 5, .dtype = RAVINE_F64, .schedule = 1};
    training t, u;
    ravine_step_stats stats;
    double sigma[2][5];
    ravine_schedule beta2;
    done(ravine_schedule_parse(&beta2, "linear(20, from=0.5, to=0.99)"));
    create(&t, &s, params_at(0), 1);
    done(ravine_set_schedule(t.o, -1, RAVINE_BETA2, &beta2));
    done(ravine_set(t.o, -1, RAVINE_BIAS_CORRECTION, 1)); /* sigma depends on beta2 */
    for (int at = 0; at < 9; at++) step(&t, &s, at, &stats);
    done(ravine_save(t.o, path, NULL));
    create(&u, &s, params_at(0), 1);
    done(ravine_set_schedule(u.o, -1, RAVINE_BETA2, &beta2));
    done(ravine_set(u.o, -1, RAVINE_BIAS_CORRECTION, 1));
    done(ravine_load(u.o, path, NULL));
    done(ravine_sigma(t.o, "layer.weight", sigma[0], 5));
    done(ravine_sigma(u.o, "layer.weight", sigma[1], 5));
    assert_memory_equal(sigma[0], sigma[1], sizeof sigma[0]);
    ravine_destroy(t.o);
    ravine_destroy(u.o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rule),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_sigma),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
