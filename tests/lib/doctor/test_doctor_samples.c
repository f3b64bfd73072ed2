/* SPDX-License-Identifier: Apache-2.0 */
/* A doctor that is given copies of numbers sees what one sees that looks at the library's own
 * steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/watch/watch_memory.h"
#include "support/make.h"

#include <math.h>
#include <string.h>

enum { PARTS = 2, LEN = 300, STEPS = 300 };

typedef struct both {
    ravine_optimizer *o;
    ravine_doctor *own, *copied;
    double theta[PARTS][LEN], g[PARTS][LEN];
    double momentum[PARTS][LEN], variance[PARTS][LEN];
    double notes[PARTS][RAVINE_SAMPLES_NOTES * LEN];
    ravine_samples samples[PARTS];
} both;

static const char *const NAMES[PARTS] = {"a", "b"};

static void begin(both *b, const char *rule) {
    ravine_config c;
    ravine_env env;
    ravine_param p[PARTS] = {{0}};
    memset(b, 0, sizeof *b);
    assert_int_equal(ravine_config_parse(&c, rule), RAVINE_OK);
    ravine_env_init(&env);
    env.statistics = 1;
    assert_int_equal(ravine_create(&b->o, &c, &env), RAVINE_OK);
    for (int k = 0; k < PARTS; k++) {
        for (int i = 0; i < LEN; i++) b->theta[k][i] = cos(3.0 * i + k);
        p[k] = (ravine_param){.size = sizeof *p,
                              .dtype = RAVINE_F64,
                              .name = NAMES[k],
                              .data = b->theta[k],
                              .len = LEN};
        b->samples[k] = (ravine_samples){.size = sizeof *b->samples,
                                         .dtype = RAVINE_F64,
                                         .state_dtype = RAVINE_F64,
                                         .elements = LEN,
                                         .len = LEN,
                                         .pitch = RAVINE_SAMPLES_CHUNK,
                                         .data = b->theta[k],
                                         .gradient = b->g[k],
                                         .variance_scale = 1,
                                         .eps_variance = NAN,
                                         .gradient_scale = 1,
                                         .grad_norm = NAN,
                                         .notes = b->notes[k]};
    }
    assert_int_equal(ravine_add(b->o, p, PARTS), RAVINE_OK);
    for (int k = 0; k < PARTS; k++) make_grad(b->o, k, b->g[k]);
    assert_int_equal(ravine_doctor_create(&b->own, NULL, NULL), RAVINE_OK);
    assert_int_equal(ravine_doctor_create(&b->copied, NULL, NULL), RAVINE_OK);
}

/* Gradients of a bowl with noise; a few elements never have any. */
static void fill_gradients(both *b, int step) {
    for (int k = 0; k < PARTS; k++)
        for (int i = 0; i < LEN; i++)
            b->g[k][i] = i % 7 == 0 ? 0 : (1 + i % 5) * b->theta[k][i] + sin(7.0 * i * step + k);
}

static void copy_state(both *b, int k, const char *key, double *to) {
    ravine_param view;
    assert_int_equal(ravine_state_view(b->o, NAMES[k], key, &view), RAVINE_OK);
    memcpy(to, view.data, sizeof b->theta[k]);
}

static void step(both *b, int t, bool adam) {
    ravine_step_stats stats = {.size = sizeof stats};
    fill_gradients(b, t);
    for (int k = 0; k < PARTS && adam; k++) {
        copy_state(b, k, "exp_avg_sq", b->variance[k]);
        b->samples[k].variance = t > 0 ? b->variance[k] : NULL;
        b->samples[k].variance_scale = 1 / (1 - pow(0.999, t));
    }
    assert_int_equal(ravine_samples_take(b->samples, PARTS), RAVINE_OK);
    assert_int_equal(ravine_step(b->o, &stats), RAVINE_OK);
    for (int k = 0; k < PARTS; k++) {
        copy_state(b, k, adam ? "exp_avg" : "momentum_buffer", b->momentum[k]);
        b->samples[k].momentum = b->momentum[k];
    }
    assert_int_equal(ravine_doctor_observe(b->own, b->o, 1), RAVINE_OK);
    const ravine_observation seen = {.size = sizeof seen,
                                     .nparts = PARTS,
                                     .loss = 1,
                                     .path_efficiency = NAN,
                                     .stats = &stats,
                                     .part_name = NAMES};
    assert_int_equal(ravine_doctor_observe_samples(b->copied, &seen, b->samples), RAVINE_OK);
}

static void assert_near(const char *what, int t, double a, double b) {
    if (isnan(a) && isnan(b)) return;
    if (!(fabs(a - b) <= 1e-9 * (1 + fabs(a))))
        fail_msg("%s at step %d: %.17g, %.17g", what, t, a, b);
}

static void compare(const both *b, int t) {
    const doctor_step *x = ravine_doctor_back(b->own, 0), *y = ravine_doctor_back(b->copied, 0);
#define NEAR(name) assert_near(#name, t, x->name, y->name)
    NEAR(step), NEAR(lr), NEAR(gradient), NEAR(update), NEAR(param), NEAR(slope),
        NEAR(line_position);
    NEAR(sign_change_rate), NEAR(sign_change_rate_lag2), NEAR(momentum), NEAR(sigma_ratio),
        NEAR(zero_share);
    NEAR(quiet_share), NEAR(underflow_share), NEAR(update_max);
#undef NEAR
    for (int k = 0; k < PARTS; k++) {
        assert_near("gradient of a part", t, b->own->parts[k].gradient,
                    b->copied->parts[k].gradient);
        assert_string_equal(b->copied->part_name[k], NAMES[k]);
    }
}

static void end(both *b) {
    ravine_doctor_destroy(b->own);
    ravine_doctor_destroy(b->copied);
    ravine_destroy(b->o);
}

static void same_statistics(const char *rule, bool adam) {
    static both b;
    begin(&b, rule);
    for (int t = 0; t < STEPS; t++) {
        step(&b, t, adam);
        compare(&b, t);
    }
    end(&b);
}

static void momentum(void **state) {
    (void)state;
    same_statistics("sgd lr=0.05 momentum=0.9", false);
}

static void adam(void **state) {
    (void)state;
    same_statistics("adam lr=0.05", true);
}

/* Norms of a parameter of which a part is copied are those of the whole, about. */
static void a_part_stands_for_the_whole(void **state) {
    (void)state;
    static both b;
    begin(&b, "sgd lr=0.05 momentum=0.9");
    for (int k = 0; k < PARTS; k++) b.samples[k].elements = 4 * LEN;
    step(&b, 0, false);
    const doctor_step *x = ravine_doctor_back(b.own, 0), *y = ravine_doctor_back(b.copied, 0);
    assert_near("gradient", 0, 2 * x->gradient, y->gradient);
    assert_near("update", 0, 2 * x->update, y->update);
    assert_near("slope", 0, 4 * x->slope, y->slope);
    b.samples[0].grad_norm = 3, b.samples[1].grad_norm = 4; /* known from elsewhere */
    step(&b, 1, false);
    assert_near("gradient", 1, 5, ravine_doctor_back(b.copied, 0)->gradient);
    end(&b);
}

/* A gradient that is not finite is told, with its parameter. */
static void not_finite(void **state) {
    (void)state;
    static both b;
    begin(&b, "sgd lr=0.05 momentum=0.9");
    step(&b, 0, false);
    ravine_step_stats stats = {.size = sizeof stats, .step = 2, .attempts = 2};
    const ravine_observation seen = {
        .size = sizeof seen, .nparts = PARTS, .loss = 1, .path_efficiency = NAN, .stats = &stats};
    b.g[1][5] = INFINITY, b.g[1][6] = NAN;
    assert_int_equal(ravine_samples_take(b.samples, PARTS), RAVINE_OK);
    assert_int_equal(ravine_doctor_observe_samples(b.copied, &seen, b.samples), RAVINE_OK);
    assert_true(b.copied->h.nonfinite_first == 1);
    assert_true(b.copied->h.nonfinite_count == 2 && b.copied->h.nonfinite_param == 1);
    assert_true(b.copied->h.nonfinite_index == 5);
    end(&b);
}

/* Numbers of every type, in chunks with gaps between them. */
static void read(int32_t dtype, const void *data, const double *expected) {
    enum { N = 3 * RAVINE_SAMPLES_CHUNK };
    static double notes[RAVINE_SAMPLES_NOTES * N];
    ravine_samples s = {.size = sizeof s,
                        .dtype = dtype,
                        .elements = 2 * N,
                        .len = N,
                        .pitch = 2 * RAVINE_SAMPLES_CHUNK,
                        .data = data,
                        .gradient = data,
                        .gradient_scale = 2,
                        .notes = notes};
    assert_int_equal(ravine_samples_take(&s, 1), RAVINE_OK);
    for (int i = 0; i < N; i++) {
        const double x = expected[i / RAVINE_SAMPLES_CHUNK * s.pitch + i % RAVINE_SAMPLES_CHUNK];
        assert_true(notes[i] == x && notes[N + i] == x / 2);
    }
}

static void numbers_of_every_type(void **state) {
    (void)state;
    enum { N = 6 * RAVINE_SAMPLES_CHUNK };
    static double wide[N];
    static float single[N];
    static uint16_t bf16[N], half[N];
    for (int i = 0; i < N; i++) wide[i] = single[i] = (float)sin(i);
    read(RAVINE_F64, wide, wide);
    read(RAVINE_F32, single, wide);
    for (int i = 0; i < N; i++) {
        bf16[i] = (uint16_t)(0x3f80 + i % 128 + (i % 2 << 15)); /* 1 to 2, of both signs */
        wide[i] = (1 + i % 128 / 128.0) * (i % 2 ? -1 : 1);
    }
    read(RAVINE_BF16, bf16, wide);
    for (int i = 0; i < N; i++) {
        half[i] = (uint16_t)i; /* numbers below 2^-14 too: i 2^-24 up to there */
        wide[i] = i * 0x1p-24;
    }
    read(RAVINE_F16, half, wide);
    half[0] = 0x7c00, half[1] = 0xfc00, half[2] = 0x3c00, half[3] = 0xc500, half[4] = 0x7bff;
    wide[0] = INFINITY, wide[1] = -INFINITY, wide[2] = 1, wide[3] = -5, wide[4] = 65504;
    read(RAVINE_F16, half, wide);
}

/* Two processes that have a part of every parameter each, one of them all of the second: their
 * doctors see what one process sees. */
enum { PROCESSES = 2, CUT = 104 };

typedef struct shared {
    ravine_samples samples[PROCESSES][PARTS];
    double notes[PROCESSES][PARTS][RAVINE_SAMPLES_NOTES * LEN];
    double momentum[PARTS][LEN], variance[PARTS][LEN];
    ravine_doctor *doctor;
} shared;

static void share_out(shared *s, both *b) {
    for (int k = 0; k < PARTS; k++) {
        memcpy(s->momentum[k], b->momentum[k], sizeof s->momentum[k]);
        memcpy(s->variance[k], b->variance[k], sizeof s->variance[k]);
        for (int r = 0; r < PROCESSES; r++) {
            const int cut = k == 0 ? CUT : LEN, from = r == 0 ? 0 : cut;
            ravine_samples *mine = &s->samples[r][k];
            const ravine_samples before = *mine;
            *mine = b->samples[k];
            mine->elements = mine->len = r == 0 ? cut : LEN - cut;
            mine->data = b->theta[k] + from;
            mine->gradient = b->g[k] + from;
            mine->notes = s->notes[r][k];
            if (mine->variance) mine->variance = s->variance[k] + from;
            if (mine->momentum) mine->momentum = s->momentum[k] + from;
            mine->slope = before.slope, mine->steps = before.steps;
        }
    }
}

static void step_shared(shared *s, both *b, int t) {
    enum { SUMS = PARTS * RAVINE_SAMPLES_SUMS };
    double sums[SUMS], all[SUMS] = {0};
    const ravine_step_stats stats = {.size = sizeof stats, .step = t + 1, .lr = 0.05};
    const int64_t elements[PARTS] = {LEN, LEN};
    for (int r = 0; r < PROCESSES; r++) {
        assert_int_equal(ravine_samples_measure(s->samples[r], PARTS, sums), RAVINE_OK);
        for (int i = 0; i < SUMS; i++) all[i] += sums[i];
    }
    const ravine_observation seen = {.size = sizeof seen,
                                     .nparts = PARTS,
                                     .loss = 1,
                                     .path_efficiency = NAN,
                                     .stats = &stats,
                                     .part_elements = elements,
                                     .part_name = NAMES};
    assert_int_equal(ravine_doctor_observe_sums(s->doctor, &seen, all), RAVINE_OK);
    const doctor_step *x = ravine_doctor_back(b->copied, 0), *y = ravine_doctor_back(s->doctor, 0);
#define NEAR(name) assert_near(#name, t, x->name, y->name)
    NEAR(gradient), NEAR(update), NEAR(param), NEAR(slope), NEAR(momentum), NEAR(sigma_ratio);
    NEAR(line_position), NEAR(sign_change_rate), NEAR(sign_change_rate_lag2);
    NEAR(zero_share), NEAR(quiet_share), NEAR(underflow_share), NEAR(eps_share);
#undef NEAR
    assert_true(isnan(y->update_max)); /* the greatest of all is no sum */
    for (int k = 0; k < PARTS; k++) {
        assert_near("a part", t, b->copied->parts[k].update, s->doctor->parts[k].update);
        assert_true(s->doctor->parts[k].elements == LEN);
    }
}

static void sums_of_several_processes(void **state) {
    (void)state;
    static both b;
    static shared s;
    begin(&b, "adam lr=0.05");
    memset(&s, 0, sizeof s);
    assert_int_equal(ravine_doctor_create(&s.doctor, NULL, NULL), RAVINE_OK);
    b.samples[0].twins = 1;
    for (int t = 0; t < STEPS; t++) {
        fill_gradients(&b, t);
        for (int k = 0; k < PARTS; k++) {
            copy_state(&b, k, "exp_avg_sq", b.variance[k]);
            b.samples[k].variance = t > 0 ? b.variance[k] : NULL;
            b.samples[k].variance_scale = 1 / (1 - pow(0.999, t));
        }
        share_out(&s, &b);
        for (int r = 0; r < PROCESSES; r++)
            assert_int_equal(ravine_samples_take(s.samples[r], PARTS), RAVINE_OK);
        step(&b, t, true);
        for (int k = 0; k < PARTS; k++) {
            memcpy(s.momentum[k], b.momentum[k], sizeof s.momentum[k]);
            s.samples[0][k].momentum = s.momentum[k];
            s.samples[1][k].momentum = s.momentum[k] + s.samples[0][k].len;
        }
        step_shared(&s, &b, t);
    }
    assert_true(s.doctor->parts[0].twins == 1 && s.doctor->parts[1].twins == 0);
    ravine_doctor_destroy(s.doctor);
    end(&b);
}

static void assert_refused(ravine_status status, const char *part) {
    assert_int_equal(status, RAVINE_E_ARG);
    if (!strstr(ravine_errmsg(), part)) fail_msg("%s", ravine_errmsg());
}

static void refused(void **state) {
    (void)state;
    static both b;
    begin(&b, "sgd lr=0.05 momentum=0.9");
    ravine_step_stats stats = {.size = sizeof stats, .step = 1};
    ravine_observation seen = {.size = sizeof seen, .nparts = PARTS, .stats = &stats};
#define REFUSED(samples, part)                                 \
    assert_refused(ravine_samples_take(samples, PARTS), part); \
    assert_refused(ravine_doctor_observe_samples(b.copied, &seen, samples), part)
    REFUSED(NULL, "nparts is 2 and there are no samples");
    b.samples[1].len = LEN + 1;
    REFUSED(b.samples, "samples 1 have 301 of 300 elements");
    b.samples[1].len = LEN;
    b.samples[1].notes = NULL;
    REFUSED(b.samples, "data or notes of samples 1 are NULL");
    b.samples[1].notes = b.notes[1];
    b.samples[1].pitch = 1;
    REFUSED(b.samples, "pitch of samples 1 is 1; it must be 128 or more");
    b.samples[1].pitch = RAVINE_SAMPLES_CHUNK;
    b.samples[0].dtype = RAVINE_I32;
    REFUSED(b.samples, "samples 0 are neither F32, F64, BF16 nor F16");
    b.samples[0].dtype = RAVINE_F64;
    b.samples[0].size = 3;
    REFUSED(b.samples, "size of a ravine_samples is 3");
#undef REFUSED
    assert_int_equal(ravine_doctor_observe_samples(NULL, &seen, b.samples), RAVINE_E_ARG);
    assert_int_equal(ravine_doctor_observe_samples(b.copied, NULL, b.samples), RAVINE_E_ARG);
    double sums[PARTS * RAVINE_SAMPLES_SUMS] = {0};
    const int64_t elements[PARTS] = {LEN, LEN};
    b.samples[0].size = sizeof *b.samples;
    assert_refused(ravine_samples_measure(b.samples, PARTS, NULL), "the sums are NULL");
    assert_refused(ravine_samples_measure(NULL, PARTS, sums), "there are no samples");
    assert_refused(ravine_doctor_observe_sums(b.copied, &seen, sums), "part_elements are NULL");
    seen.part_elements = elements;
    assert_refused(ravine_doctor_observe_sums(b.copied, &seen, NULL), "the sums or");
    seen.nparts = -1;
    assert_refused(ravine_doctor_observe_sums(b.copied, &seen, sums), "nparts is -1");
    assert_int_equal(ravine_doctor_observe_sums(NULL, &seen, sums), RAVINE_E_ARG);
    assert_true(b.copied->h.observed == 0);
    seen.nparts = PARTS;
    for (int i = 0; i < PARTS * RAVINE_SAMPLES_SUMS; i++) sums[i] = i % 2 ? NAN : -1e300;
    assert_int_equal(ravine_doctor_observe_sums(b.copied, &seen, sums), RAVINE_OK);
    end(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(momentum),
        cmocka_unit_test(adam),
        cmocka_unit_test(not_finite),
        cmocka_unit_test(a_part_stands_for_the_whole),
        cmocka_unit_test(numbers_of_every_type),
        cmocka_unit_test(sums_of_several_processes),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
