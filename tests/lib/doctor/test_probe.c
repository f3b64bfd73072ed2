/* SPDX-License-Identifier: Apache-2.0 */
/* Probes of problems whose curvature is known: docs/internals/probes.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ravine_doctor.h"
#include "support/make.h"
#include "support/quadratic.h"

#include <math.h>
#include <string.h>

static quadratic q;

static ravine_probe probe(ravine_optimizer *o, int64_t nbatches,
                          const ravine_probe_options *options) {
    const ravine_problem problem = quadratic_problem(&q, nbatches);
    ravine_probe r = {.size = sizeof r};
    if (ravine_probe_run(o, &problem, options, &r) != RAVINE_OK) fail_msg("%s", ravine_errmsg());
    return r;
}

static void expect_near(const char *what, double value, double expected, double error) {
    if (!(fabs(value - expected) <= error))
        fail_msg("%s is %.12g, not %.12g within %.2g", what, value, expected, error);
}

/* G21: a power iteration would meet -3 alone and call it the largest, or miss it. */
static void both_ends_with_their_signs(void **state) {
    (void)state;
    double d[40], x[40];
    for (int i = 0; i < 40; i++) {
        d[i] = i ? 0.1 + 1.9 * (i - 1) / 38.0 : -3;
        x[i] = 1 + i % 3;
    }
    quadratic_diagonal(&q, 40, d);
    quadratic_rotate(&q, 3);
    quadratic_place(&q, x);
    ravine_optimizer *o = quadratic_optimizer(&q, "sgd lr=0.1");
    const ravine_probe r = probe(o, 0, NULL);
    expect_near("lambda_max", r.lambda_max, 2, 1e-4);
    expect_near("lambda_max", r.lambda_max, 2, r.lambda_max_residual + 1e-9);
    expect_near("lambda_min", r.lambda_min, -3, 1e-8);
    assert_true(r.lambda_min < -r.curvature_noise && r.curvature_noise < 1e-5);
    assert_int_equal(r.lanczos, 20);
    assert_int_equal(r.elements, 40);
    assert_int_equal(r.flat, 0);
    ravine_destroy(o);
}

/* G22: 122 directions without curvature, of which float32 shows some as negative. */
static void flat_is_not_negative(void **state) {
    (void)state;
    double d[128] = {5, 4, 3, 2.5, 2, 1}, x[128];
    for (int i = 0; i < 128; i++) x[i] = sin(i);
    quadratic_diagonal(&q, 128, d);
    quadratic_rotate(&q, 7);
    q.dtype = RAVINE_F32;
    quadratic_place(&q, x);
    ravine_optimizer *o = quadratic_optimizer(&q, "sgd lr=0.1");
    ravine_probe_options options;
    ravine_probe_options_init(&options);
    options.lanczos = 128;
    const ravine_probe r = probe(o, 0, &options);
    assert_int_equal(r.lanczos, 128);
    assert_int_equal(r.flat, 122);
    assert_true(r.lambda_min >= -r.curvature_noise && r.lambda_min < 0.1);
    assert_true(r.curvature_noise < 1e-2);
    expect_near("lambda_max", r.lambda_max, 5, 5e-4);
    assert_true(isnan(r.escape_offset) && isnan(r.escape_loss[0]));
    ravine_destroy(o);
}

/* G2: 1/2 x^2 - 1/2 y^2 + 1/4 y^4 has its saddle at 0 and minima 1/4 below it at y = -+1. */
static void a_saddle_has_a_way_down(void **state) {
    (void)state;
    static const double starts[3][2] = {{0, 0}, {0, 1e-60}, {1e-9, 1e-12}};
    for (int k = 0; k < 3; k++) {
        quadratic_diagonal(&q, 2, (double[]){1, -1});
        q.quartic = 1;
        quadratic_place(&q, starts[k]);
        ravine_optimizer *o = quadratic_optimizer(&q, "sgd lr=0.1");
        const ravine_problem problem = quadratic_problem(&q, 0);
        const ravine_probe r = probe(o, 0, NULL);
        expect_near("lambda_min", r.lambda_min, -1, 1e-5);
        expect_near("lambda_max", r.lambda_max, 1, 1e-5);
        assert_true(r.lanczos == 2 && r.lambda_min_residual < 1e-6);
        const double lower = fmin(r.escape_loss[0], r.escape_loss[1]);
        assert_true(lower < -0.15 && lower >= -0.25 - 1e-12); /* doubling: within a factor 2 */
        assert_true(lower == r.escape_loss[r.escape_offset > 0]);
        assert_int_equal(ravine_escape(o, &problem, NULL, r.escape_offset), RAVINE_OK);
        expect_near("loss after the escape", quadratic_loss(&q), lower, 1e-12);
        const double y = q.x[1];
        expect_near("|y|", fabs(y), fabs(r.escape_offset), 1e-4);
        ravine_destroy(o);
    }
}

static void no_escape_from_a_minimum(void **state) {
    (void)state;
    quadratic_diagonal(&q, 2, (double[]){2, 1});
    quadratic_place(&q, (double[]){1, 1});
    ravine_optimizer *o = quadratic_optimizer(&q, "sgd");
    const ravine_problem problem = quadratic_problem(&q, 0);
    assert_int_equal(ravine_escape(o, &problem, NULL, 1), RAVINE_E_STATE);
    assert_int_equal(ravine_escape(o, &problem, NULL, HUGE_VAL), RAVINE_E_RANGE);
    assert_true(q.x[0] == 1 && q.x[1] == 1);
    ravine_destroy(o);
}

/* In other units of loss and parameters the same curvature in those units: H scales by loss /
 * parameter^2. */
static void units_do_not_matter(void **state) {
    (void)state;
    for (int k = -6; k <= 6; k += 3) {
        const double unit = pow(10, k), loss_unit = pow(10, -k / 2.0);
        const double h = loss_unit / (unit * unit);
        for (int dtype = RAVINE_F32; dtype <= RAVINE_F64; dtype++) {
            quadratic_diagonal(&q, 3, (double[]){3 * h, -h, 0.5 * h});
            quadratic_rotate(&q, 1);
            q.dtype = dtype;
            q.quartic = 1e-3 * h / (unit * unit);
            quadratic_place(&q, (double[]){unit, 2 * unit, -unit});
            ravine_optimizer *o = quadratic_optimizer(&q, "sgd");
            const ravine_probe r = probe(o, 0, NULL);
            static double expected[2][3];
            const double seen[3] = {r.lambda_max / h, r.lambda_min / h,
                                    r.krylov_decrease / loss_unit};
            for (int i = 0; i < 3; i++) {
                if (k == -6) expected[dtype - 1][i] = seen[i];
                expect_near("a number in its units", seen[i], expected[dtype - 1][i],
                            dtype == RAVINE_F32 ? 5e-3 : 1e-6);
            }
            ravine_destroy(o);
        }
    }
}

/* On a quadratic that it sees whole, the decrease to come is the whole loss; the sharpness of
 * gradient descent is lambda_max, and the critical lr is 2 g'g / g'Hg. */
static void a_quadratic_is_known_whole(void **state) {
    (void)state;
    const double d[6] = {10, 7, 4, 2, 1, 0.1}, x[6] = {1, -1, 2, 3, -2, 5};
    quadratic_diagonal(&q, 6, d);
    quadratic_rotate(&q, 2);
    quadratic_place(&q, x);
    ravine_optimizer *o = quadratic_optimizer(&q, "sgd lr=1e-3");
    const ravine_probe r = probe(o, 0, NULL);
    expect_near("loss", r.loss, quadratic_loss(&q), 1e-14);
    expect_near("krylov_decrease", r.krylov_decrease, r.loss, 1e-6 * r.loss);
    expect_near("sharpness", r.sharpness, 10, 1e-7);
    assert_true(r.lr == 1e-3 && r.limit == 2);
    double g[6], gg = 0, ghg = 0;
    for (int i = 0; i < 6; i++) {
        g[i] = 0;
        for (int k = 0; k < 6; k++) g[i] += q.h[i * 6 + k] * x[k];
        gg += g[i] * g[i];
    }
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 6; k++) ghg += g[i] * q.h[i * 6 + k] * g[k];
    expect_near("critical_lr", r.critical_lr, 2 * gg / ghg, 2e-3 * gg / ghg);
    expect_near("grad_norm", r.grad_norm, sqrt(gg), 1e-12 * sqrt(gg));
    expect_near("param_norm", r.param_norm, sqrt(44), 1e-13);
    assert_true(isnan(r.noise_scale) && isnan(r.signal));
    ravine_destroy(o);
}

/* Adam's sigma after a step from zero state is |g|; diag(h): h_i / |g_i| = 1 / |x_i|. */
static void sharpness_is_under_sigma(void **state) {
    (void)state;
    const double d[3] = {1000, 10, 0.1}, x[3] = {4, -2, 5};
    static const char *const rules[] = {
        "adam lr=0.01 eps=0",    "adamw lr=0.01 eps=0 weight_decay=0",
        "adamax lr=0.01 eps=0",  "rmsprop lr=0.01 eps=0 initial_form=gradient",
        "adagrad lr=0.01 eps=0", "adagrad_mean lr=0.01",
        "nadam lr=0.01 eps=0"};
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
        ravine_config c;
        quadratic_diagonal(&q, 3, d);
        quadratic_place(&q, x);
        ravine_optimizer *o = quadratic_optimizer(&q, rules[k]);
        const ravine_probe r = probe(o, 0, NULL);
        expect_near(rules[k], r.sharpness, 0.5, 1e-6);
        assert_int_equal(ravine_config_parse(&c, rules[k]), RAVINE_OK);
        assert_true(r.limit == ravine_stability_limit(&c, 0.01, 0) && r.lr == 0.01);
        assert_int_equal(ravine_steps(o), 0);
        ravine_destroy(o);
    }
    static const char *const signs[] = {"lion", "signum", "rprop"};
    for (size_t k = 0; k < 3; k++) {
        ravine_optimizer *o = quadratic_optimizer(&q, signs[k]);
        const ravine_probe r = probe(o, 0, NULL);
        assert_true(isnan(r.sharpness) && isnan(r.limit) && r.critical_lr > 0);
        ravine_destroy(o);
    }
}

/* A coupled decay is curvature, a climb turns it over, and a group with five times the lr is five
 * times as sharp. */
static void sharpness_is_what_the_step_sees(void **state) {
    (void)state;
    quadratic_diagonal(&q, 2, (double[]){3, -7});
    quadratic_place(&q, (double[]){1, 1});
    ravine_optimizer *o = quadratic_optimizer(&q, "sgd lr=0.1 weight_decay=0.5");
    expect_near("with decay", probe(o, 0, NULL).sharpness, 3.5, 1e-6);
    ravine_destroy(o);
    o = quadratic_optimizer(&q, "sgd lr=0.1 maximize=true");
    expect_near("climbing", probe(o, 0, NULL).sharpness, 7, 1e-6);
    ravine_destroy(o);

    quadratic_diagonal(&q, 2, (double[]){3, 1});
    quadratic_place(&q, (double[]){1, 1});
    o = make_optimizer("sgd lr=0.1");
    make_param(o, 0, "a", RAVINE_F64, q.x, q.g, 1);
    make_param(o, make_group(o, "sgd lr=0.5"), "b", RAVINE_F64, q.x + 1, q.g + 1, 1);
    const ravine_probe r = probe(o, 0, NULL);
    expect_near("two groups", r.sharpness, 5, 1e-6);
    assert_true(r.lr == 0.1 && r.limit == 2);
    ravine_destroy(o);
}

/* Float32 and float64 side by side, one without gradient, one empty. */
static void parameters_of_any_kind(void **state) {
    (void)state;
    quadratic_diagonal(&q, 4, (double[]){4, 3, 2, 1});
    quadratic_place(&q, (double[]){1, 2, 3, 4});
    ravine_optimizer *o = make_optimizer("sgd lr=0.1");
    float frozen[2] = {5, 6};
    make_param(o, 0, "a", RAVINE_F64, q.x, q.g, 2);
    make_param(o, 0, "frozen", RAVINE_F32, frozen, NULL, 2);
    make_param(o, 0, "empty", RAVINE_F32, NULL, NULL, 0);
    make_param(o, 0, "b", RAVINE_F64, q.x + 2, q.g + 2, 1); /* element 3 is no parameter */
    const ravine_probe r = probe(o, 0, NULL);
    assert_int_equal(r.elements, 3);
    expect_near("lambda_max", r.lambda_max, 4, 1e-6);
    expect_near("lambda_min", r.lambda_min, 2, 1e-6);
    assert_true(frozen[0] == 5 && frozen[1] == 6);
    ravine_destroy(o);
}

/* G16: gradients G + noise: tr = n noise^2, |G|^2 known. */
static void noise_is_measured_without_bias(void **state) {
    (void)state;
    double d[100], x[100], truth = 0;
    for (int i = 0; i < 100; i++) {
        d[i] = 1;
        x[i] = 0.05 * (i % 7);
        truth += x[i] * x[i];
    }
    quadratic_diagonal(&q, 100, d);
    quadratic_place(&q, x);
    q.noise = 0.3;
    ravine_optimizer *o = quadratic_optimizer(&q, "sgd");
    ravine_probe_options options;
    ravine_probe_options_init(&options);
    options.lanczos = options.preconditioned = 0;
    options.noise = 1000;
    const ravine_probe r = probe(o, 1000, &options);
    expect_near("noise_trace", r.noise_trace, 9, 0.05 * 9);
    expect_near("signal", r.signal, truth, 0.05 * truth);
    expect_near("noise_scale", r.noise_scale, 9 / truth, 0.05 * 9 / truth);
    assert_int_equal(r.gradients, 1001);
    ravine_destroy(o);

    /* The signal's estimate is unbiased: at a minimum its mean is 0, and then there is no scale. */
    quadratic_place(&q, (double[100]){0});
    o = quadratic_optimizer(&q, "sgd");
    options.noise = 10;
    const ravine_probe none = probe(o, 10, &options);
    assert_true(fabs(none.signal) < 0.5 * none.noise_trace / 10);
    assert_true(none.signal > 0 || isinf(none.noise_scale));
    options.noise = 1;
    assert_true(isnan(probe(o, 10, &options).noise_trace));
    ravine_destroy(o);
}

/* What it costs is what is stated: 1 + 2 lanczos + 2 preconditioned + noise. */
static void costs_are_counted(void **state) {
    (void)state;
    double d[50], x[50];
    for (int i = 0; i < 50; i++) {
        d[i] = i + 1;
        x[i] = 1;
    }
    quadratic_diagonal(&q, 50, d);
    quadratic_place(&q, x);
    ravine_probe_options options;
    ravine_probe_options_init(&options);
    assert_true(options.lanczos == 20 && options.preconditioned == 20 && options.noise == 8);
    static const char *const rules[] = {"adam", "sgd"};
    static const int64_t gradients[] = {1 + 40 + 40 + 8, 1 + 40 + 8}; /* sgd: the same spectrum */
    for (int k = 0; k < 2; k++) {
        ravine_optimizer *o = quadratic_optimizer(&q, rules[k]);
        q.gradients = q.losses = 0;
        const ravine_probe r = probe(o, 100, &options);
        assert_int_equal(r.gradients, gradients[k]);
        assert_true(r.gradients == q.gradients && r.losses == q.losses);
        assert_true(r.losses <= 20);
        ravine_destroy(o);
    }
    options = (ravine_probe_options){.size = sizeof options};
    ravine_optimizer *o = quadratic_optimizer(&q, "adam");
    const ravine_probe r = probe(o, 100, &options);
    assert_int_equal(r.gradients, 1);
    assert_true(isnan(r.lambda_max) && isnan(r.sharpness) && isnan(r.noise_scale));
    assert_true(r.limit > 37.9 && r.critical_lr > 0);
    ravine_destroy(o);
}

/* Who can multiply with H is asked for that: in float32, too, the ends are exact then, and nothing
 * is lost where rounding leaves differences of gradients nothing. */
static void products_of_the_problem_are_used(void **state) {
    (void)state;
    double d[40], x[40];
    for (int i = 0; i < 40; i++) {
        d[i] = i ? 0.1 + 1.9 * (i - 1) / 38.0 : -3;
        x[i] = 1e4 + i % 3;
    }
    quadratic_diagonal(&q, 40, d);
    quadratic_rotate(&q, 3);
    q.dtype = RAVINE_F32;
    quadratic_place(&q, x);
    ravine_optimizer *o = quadratic_optimizer(&q, "adam lr=0.1");
    const ravine_problem problem = quadratic_problem_with_product(&q, 0);
    ravine_probe_options options;
    ravine_probe_options_init(&options);
    options.lanczos = options.preconditioned = 40;
    ravine_probe r = {.size = sizeof r};
    assert_int_equal(ravine_probe_run(o, &problem, &options, &r), RAVINE_OK);
    expect_near("lambda_max", r.lambda_max, 2, 1e-12);
    expect_near("lambda_min", r.lambda_min, -3, 1e-12);
    assert_int_equal(q.products, 80);
    assert_int_equal(q.gradients, 1);
    assert_int_equal(r.gradients, 1 + 2 * 80);
    for (int i = 0; i < 40; i++) assert_true(q.x32[i] == (float)x[i]);

    q.products = 0; /* what it answers is looked at */
    q.fail_product_at = 3;
    assert_int_equal(ravine_probe_run(o, &problem, &options, &r), RAVINE_E_STATE);
    assert_non_null(strstr(ravine_errmsg(), "answered 7 for a product with batch 0's Hessian"));
    q.products = q.fail_product_at = 0;
    q.bad_product_at = 3;
    assert_int_equal(ravine_probe_run(o, &problem, &options, &r), RAVINE_E_STATE);
    assert_non_null(strstr(ravine_errmsg(), "product with batch 0's Hessian is not finite"));
    ravine_destroy(o);
}

/* Along an eigenvector of a quadratic the slice is a parabola of its eigenvalue. */
static void slices_are_the_loss_along_a_line(void **state) {
    (void)state;
    quadratic_diagonal(&q, 3, (double[]){8, -0.05, 1});
    quadratic_rotate(&q, 4);
    quadratic_place(&q, (double[]){1, 2, 3});
    ravine_optimizer *o = quadratic_optimizer(&q, "sgd lr=0.01");
    ravine_probe_options options;
    ravine_probe_options_init(&options);
    options.slice = 21;
    const ravine_probe r = probe(o, 0, &options);
    const ravine_slice *slices[] = {&r.along_max, &r.along_min};
    for (int k = 0; k < 2; k++) {
        const ravine_slice *s = slices[k];
        assert_int_equal(s->count, 21);
        assert_true(s->offset[10] == 0 && s->offset[20] == -s->offset[0] && s->offset[20] > 0);
        expect_near("middle", s->loss[10], r.loss, 1e-12);
        const double h = s->offset[20];
        const double bend = (s->loss[20] + s->loss[0] - 2 * s->loss[10]) / (h * h);
        expect_near("curvature of the slice", bend, k ? -0.05 : 8, 1e-5);
    }
    assert_int_equal(r.along_update.count, 21);
    assert_true(r.along_update.loss[11] < r.along_update.loss[10]);
    assert_true(r.along_update.loss[20] > r.along_update.loss[10]); /* beyond the critical lr */
    ravine_destroy(o);
}

static void at_a_point_without_gradient(void **state) {
    (void)state;
    quadratic_diagonal(&q, 3, (double[]){5, 2, 1});
    quadratic_place(&q, (double[]){0, 0, 0});
    static const char *const rules[] = {"sgd lr=0.1", "adam lr=0.1"};
    for (int k = 0; k < 2; k++) {
        ravine_optimizer *o = quadratic_optimizer(&q, rules[k]);
        const ravine_probe r = probe(o, 0, NULL);
        expect_near("lambda_max", r.lambda_max, 5, 1e-6);
        expect_near("lambda_min", r.lambda_min, 1, 1e-6);
        assert_true(r.krylov_decrease == 0 && r.grad_norm == 0 && isnan(r.critical_lr));
        ravine_destroy(o);
    }
}

/* No curvature at all: everything is flat, nothing is negative. */
static void a_plane_is_flat(void **state) {
    (void)state;
    quadratic_diagonal(&q, 3, (double[]){0, 0, 0});
    quadratic_place(&q, (double[]){1, 1, 1});
    ravine_optimizer *o = quadratic_optimizer(&q, "sgd lr=0.1");
    ravine_probe_options options;
    ravine_probe_options_init(&options);
    options.slice = 5;
    const ravine_probe r = probe(o, 0, &options);
    assert_true(r.lambda_max == 0 && r.lambda_min == 0 && r.flat == 3);
    assert_true(isnan(r.escape_offset) && isfinite(r.krylov_decrease));
    ravine_destroy(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_with_their_signs),
        cmocka_unit_test(flat_is_not_negative),
        cmocka_unit_test(a_saddle_has_a_way_down),
        cmocka_unit_test(no_escape_from_a_minimum),
        cmocka_unit_test(units_do_not_matter),
        cmocka_unit_test(a_quadratic_is_known_whole),
        cmocka_unit_test(sharpness_is_under_sigma),
        cmocka_unit_test(sharpness_is_what_the_step_sees),
        cmocka_unit_test(parameters_of_any_kind),
        cmocka_unit_test(noise_is_measured_without_bias),
        cmocka_unit_test(costs_are_counted),
        cmocka_unit_test(products_of_the_problem_are_used),
        cmocka_unit_test(slices_are_the_loss_along_a_line),
        cmocka_unit_test(at_a_point_without_gradient),
        cmocka_unit_test(a_plane_is_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
