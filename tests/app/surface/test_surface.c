/* SPDX-License-Identifier: Apache-2.0 */
/* Every surface: gradient and Hessian against differences, minima, float32, texts, noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/failure.h"
#include "math/random.h"
#include "surface/matrix.h"
#include "surface/surface.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beside the defaults of every row. */
static const char *const more_specs[] = {
    "ravine steep=1e3 flat=1e-4",
    "quadratic size=7 condition=1e6 rotated=true seed=5",
    "quadratic size=5 condition=10",
    "noisy_quadratic size=3 rotated=true noise=0",
    "rastrigin size=4",
    "tanh_chain depth=2 target=-0.3",
    "tanh_chain depth=11",
    "logistic size=5 points=30 seed=9 decay=0.1",
};
enum { MORE = sizeof more_specs / sizeof *more_specs, POINTS = 20, SIZE_MAX_HERE = 16 };

static surface *make(const char *spec) {
    surface *s = NULL;
    if (surface_create(&s, spec)) fail_msg("%s: %s", spec, failure_text());
    assert_in_range(s->size, 2, SIZE_MAX_HERE);
    return s;
}

/* Surface number k of all defaults, then more_specs; NULL past the last. */
static surface *surface_number(int k) {
    int rows = 0;
    while (surface_table(rows)) rows++;
    if (k < rows) return make(surface_table(k)->name);
    return k - rows < MORE ? make(more_specs[k - rows]) : NULL;
}

/* Point number k within the picture. */
static void point(const surface *s, int k, double *theta) {
    for (int i = 0; i < s->size; i++) {
        const double *axis = s->row->axes[i > 0];
        const double u = ravine_random_uniform(7, (uint64_t)k, (uint64_t)i);
        theta[i] = axis[0] + u * (axis[1] - axis[0]);
    }
}

static double largest(const double *x, int n) {
    double most = 0;
    for (int i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
    return most;
}

/* The gradient is the central difference of the loss, to the order of the difference. */
static void gradients_are_differences_of_the_loss(void **state) {
    (void)state;
    surface *s;
    for (int k = 0; (s = surface_number(k)); k++) {
        for (int p = 0; p < POINTS; p++) {
            double theta[SIZE_MAX_HERE], gradient[SIZE_MAX_HERE], ignored[SIZE_MAX_HERE];
            point(s, p, theta);
            const double loss = s->row->gradient_f64(s, theta, gradient);
            assert_true(surface_loss(s, theta) == loss);
            const double scale = largest(gradient, s->size) + fabs(loss) + 1e-3;
            for (int i = 0; i < s->size; i++) {
                const double at = theta[i], h = 1e-5 * fmax(1, fabs(at));
                theta[i] = at + h;
                const double above = s->row->gradient_f64(s, theta, ignored);
                theta[i] = at - h;
                const double below = s->row->gradient_f64(s, theta, ignored);
                theta[i] = at;
                if (fabs((above - below) / (2 * h) - gradient[i]) > 1e-7 * scale)
                    fail_msg("%s, coordinate %d: %.17g, not %.17g", s->spec, i, gradient[i],
                             (above - below) / (2 * h));
            }
        }
        surface_destroy(s);
    }
}

static void hessians_are_differences_of_the_gradient(void **state) {
    (void)state;
    surface *s;
    for (int k = 0; (s = surface_number(k)); k++) {
        const int n = s->size;
        for (int p = 0; p < POINTS; p++) {
            double theta[SIZE_MAX_HERE], above[SIZE_MAX_HERE], below[SIZE_MAX_HERE];
            double hessian[SIZE_MAX_HERE * SIZE_MAX_HERE];
            point(s, p, theta);
            surface_hessian(s, theta, hessian);
            const double scale = largest(hessian, n * n) + 1e-3;
            for (int i = 0; i < n; i++) {
                const double at = theta[i], h = 1e-5 * fmax(1, fabs(at));
                theta[i] = at + h;
                s->row->gradient_f64(s, theta, above);
                theta[i] = at - h;
                s->row->gradient_f64(s, theta, below);
                theta[i] = at;
                for (int j = 0; j < n; j++) {
                    assert_true(hessian[i * n + j] == hessian[j * n + i]);
                    if (fabs((above[j] - below[j]) / (2 * h) - hessian[i * n + j]) > 1e-6 * scale)
                        fail_msg("%s, element %d %d: %.17g, not %.17g", s->spec, i, j,
                                 hessian[i * n + j], (above[j] - below[j]) / (2 * h));
                }
            }
        }
        surface_destroy(s);
    }
}

static void at_a_minimum_the_gradient_is_zero_and_nothing_is_lower(void **state) {
    (void)state;
    surface *s;
    int with_minimum = 0;
    for (int k = 0; (s = surface_number(k)); k++) {
        double gradient[SIZE_MAX_HERE], theta[SIZE_MAX_HERE];
        double hessian[SIZE_MAX_HERE * SIZE_MAX_HERE];
        for (int m = 0; m < s->minima; m++) {
            const double *at = s->minimum + m * s->size;
            const double loss = s->row->gradient_f64(s, at, gradient);
            surface_hessian(s, at, hessian);
            const double rounding =
                1e-14 * largest(hessian, s->size * s->size) * fmax(1, largest(at, s->size));
            if (largest(gradient, s->size) > 10 * rounding)
                fail_msg("%s, minimum %d: gradient %g", s->spec, m, largest(gradient, s->size));
            assert_true(fabs(loss - s->least) <= 1e-14 * fmax(1, fabs(s->least)));
            assert_true(surface_distance(s, at) == 0);
            assert_true(matrix_factor(hessian, s->size)); /* it is a minimum, no saddle */
            with_minimum++;
        }
        for (int p = 0; p < POINTS && !isnan(s->least); p++) {
            point(s, p, theta);
            assert_true(surface_loss(s, theta) >= s->least);
        }
        assert_true((s->minima == 0) == (s->row->no_minimum != NULL));
        assert_true(s->minima > 0 || isnan(surface_distance(s, s->start)));
        surface_destroy(s);
    }
    assert_true(with_minimum >= 15);
}

/* Within what rounding at each operation may do to the largest term. */
static void float32_is_float64_to_its_precision(void **state) {
    (void)state;
    surface *s;
    for (int k = 0; (s = surface_number(k)); k++) {
        for (int p = 0; p < POINTS; p++) {
            double theta[SIZE_MAX_HERE], gradient[SIZE_MAX_HERE];
            double hessian[SIZE_MAX_HERE * SIZE_MAX_HERE];
            float narrow[SIZE_MAX_HERE], gradient_f32[SIZE_MAX_HERE];
            point(s, p, theta);
            for (int i = 0; i < s->size; i++) theta[i] = narrow[i] = (float)theta[i];
            const double loss = s->row->gradient_f64(s, theta, gradient);
            const float loss_f32 = surface_gradient_f32(s, narrow, 0, gradient_f32);
            surface_hessian(s, theta, hessian);
            const double term = largest(hessian, s->size * s->size) * largest(theta, s->size) +
                                largest(gradient, s->size) + 1;
            for (int i = 0; i < s->size && s->noise == 0; i++)
                assert_true(fabs((double)gradient_f32[i] - gradient[i]) <
                            40 * (double)FLT_EPSILON * term);
            assert_true(fabs((double)loss_f32 - loss) <
                        40 * (double)FLT_EPSILON * (fabs(loss) + term * largest(theta, s->size)));
        }
        surface_destroy(s);
    }
}

static void the_lecture_is_the_lectures(void **state) {
    (void)state;
    surface *s = make("lecture");
    /* by the normal equations, in whole numbers: n = 10, sum x = 2510, sum y = 4816,
     * sum x^2 = 873408, sum x y = 1858556 */
    const double det = 10.0 * 873408 - 2510.0 * 2510;
    assert_true(fabs(s->minimum[1] - (10.0 * 1858556 - 2510.0 * 4816) / det) < 1e-14);
    assert_true(fabs(s->minimum[0] - (873408.0 * 4816 - 2510.0 * 1858556) / det) < 1e-11);
    assert_true(fabs(s->least - 101936.73) < 0.005);
    assert_true(surface_loss(s, s->start) == 36708190);
    double h[4];
    surface_hessian(s, s->start, h);
    assert_true(h[0] == 20 && h[1] == 5020 && h[3] == 1746816);
    const double along[2] = {h[0] * s->steep[0] + h[1] * s->steep[1],
                             h[2] * s->steep[0] + h[3] * s->steep[1]};
    assert_true(fabs(along[0] / s->steep[0] - 1746830.4) < 0.05);
    assert_true(fabs(along[1] / s->steep[1] - 1746830.4) < 0.05);
    assert_true(fabs(matrix_largest_eigenvalue(h, 2) - 1746830.4) < 0.05);
    surface_destroy(s);
}

/* Trace and squared norm are those of the eigenvalues, and the steep direction has eigenvalue 1. */
static void a_rotated_quadratic_has_its_eigenvalues(void **state) {
    (void)state;
    surface *s = make("quadratic size=6 condition=1e5 rotated=true seed=3");
    double trace = 0, squares = 0, off_diagonal = 0, sum = 0, sum_of_squares = 0;
    for (int i = 0; i < 6; i++) {
        const double lambda = pow(1e5, -i / 5.0);
        double product = 0;
        trace += lambda;
        squares += lambda * lambda;
        sum += s->data[7 * i];
        for (int j = 0; j < 6; j++) {
            sum_of_squares += s->data[6 * i + j] * s->data[6 * i + j];
            product += s->data[6 * i + j] * s->steep[j];
            if (i != j) off_diagonal = fmax(off_diagonal, fabs(s->data[6 * i + j]));
        }
        assert_true(fabs(product - s->steep[i]) < 1e-14);
    }
    assert_true(fabs(sum - trace) < 1e-14 && fabs(sum_of_squares - squares) < 1e-14);
    assert_true(off_diagonal > 0.05);
    assert_true(fabs(surface_across(s, s->steep) - 1) < 1e-14);
    surface_destroy(s);
}

/* Drawn for each step and coordinate, the same each time; mean 0, deviation 0.1. */
static void noise_is_seeded(void **state) {
    (void)state;
    enum { STEPS = 20000 };
    surface *s = make("noisy_quadratic noise=0.1 seed=4"), *other = make("noisy_quadratic seed=5");
    const double zero[2] = {0, 0};
    double g[2], again[2], different[2], sum = 0, squares = 0, product = 0;
    for (int t = 0; t < STEPS; t++) {
        assert_true(surface_gradient(s, zero, t, g) == 0);
        sum += g[0];
        squares += g[0] * g[0];
        product += g[0] * g[1];
    }
    assert_true(fabs(sum / STEPS) < 5 * 0.1 / sqrt(STEPS));
    assert_true(fabs(sqrt(squares / STEPS) - 0.1) < 5 * 0.1 / sqrt(2.0 * STEPS));
    assert_true(fabs(product / STEPS) < 5 * 0.01 / sqrt(STEPS));
    surface_gradient(s, zero, STEPS - 1, again);
    surface_gradient(other, zero, STEPS - 1, different);
    assert_true(again[0] == g[0] && again[1] == g[1] && different[0] != g[0]);
    surface_destroy(s);
    surface_destroy(other);
}

static void texts_are_read_and_written(void **state) {
    (void)state;
    static const char *const read[][2] = {
        {" crescent ", "crescent"},
        {"rosenbrock", "crescent"},
        {"quadratic condition=100", "quadratic"},
        {"quadratic  rotated=1 size=3", "quadratic size=3 rotated=true"},
        {"ravine flat=1e-3", "ravine flat=0.001"},
    };
    for (size_t k = 0; k < sizeof read / sizeof *read; k++) {
        surface *s = make(read[k][0]);
        assert_string_equal(s->spec, read[k][1]);
        surface_destroy(s);
    }
}

static void mistakes_are_named(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"", "empty"},
        {"cresent", "no surface cresent; the nearest is crescent"},
        {"zzzzzzzzzzzz", "--surfaces"},
        {"lecture size=3", "lecture has no setting size"},
        {"quadratic conditon=3", "the nearest is condition"},
        {"quadratic 3", "after surface quadratic stands 3"},
        {"quadratic size=1", "size of quadratic is 1; it must be a whole number in [2, 256]"},
        {"quadratic size=2.5", "whole number"},
        {"quadratic size=257", "[2, 256]"},
        {"quadratic condition=nan", "must be a number"},
        {"quadratic condition=0x10", "must be a number"},
        {"quadratic condition=1e999", "[1, 1000000000000]"},
        {"quadratic rotated=yes", "true or false"},
        {"ravine flat=", "must be a number"},
        {"quadratic condition=1111111111111111111111111111111111111111111111111111111111111111",
         "at most 63"},
    };
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        surface *s = NULL;
        assert_int_equal(surface_create(&s, wrong[k][0]), EXIT_USAGE);
        assert_null(s);
        if (!strstr(failure_text(), wrong[k][1]))
            fail_msg("\"%s\": %s", wrong[k][0], failure_text());
    }
}

/* The matrix 2, -1 beside the diagonal has eigenvalues 2 - 2 cos(pi k / (n + 1)). */
static void matrices_are_factored_and_solved(void **state) {
    (void)state;
    enum { N = 9 };
    for (int n = 2; n <= N; n++) {
        double a[N * N] = {0}, again[N * N], x[N];
        for (int i = 0; i < n; i++) {
            a[i * n + i] = 2;
            if (i > 0) a[i * n + i - 1] = a[(i - 1) * n + i] = -1;
        }
        /* turned by a reflection, so that it is dense: a <- (1 - 2 v v^T) a (1 - 2 v v^T) */
        for (int turn = 0; turn < 2; turn++)
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int i = 0; i < n; i++) sum += a[turn ? j * n + i : i * n + j];
                for (int i = 0; i < n; i++) a[turn ? j * n + i : i * n + j] -= 2 * sum / n;
            }
        memcpy(again, a, sizeof a);
        const double truth = 2 - 2 * cos(3.14159265358979323846 * n / (n + 1));
        assert_true(fabs(matrix_largest_eigenvalue(again, n) - truth) < 1e-14 * n);
        memcpy(again, a, sizeof a);
        for (int i = 0; i < n; i++) { /* the right-hand side of the solution 1, 2, ... n */
            x[i] = 0;
            for (int j = 0; j < n; j++) x[i] += a[i * n + j] * (j + 1);
        }
        assert_true(matrix_factor(again, n));
        matrix_solve(again, n, x);
        for (int i = 0; i < n; i++) assert_true(fabs(x[i] - (i + 1)) < 1e-12);
        memcpy(again, a, sizeof a);
        for (int i = 0; i < n; i++) again[i * n + i] -= truth * (1 - 1e-9);
        for (int i = 0; i < n * n; i++) again[i] = -again[i];
        assert_false(matrix_factor(again, n)); /* just above: the shift leaves one negative */
    }
}

static void the_page_has_every_surface(void **state) {
    (void)state;
    FILE *in = fopen(SOURCE_DIR "/docs/surfaces.md", "r");
    assert_non_null(in);
    static char text[1 << 16];
    assert_in_range(fread(text, 1, sizeof text - 1, in), 1, sizeof text - 2);
    fclose(in);
    const surface_row *row;
    for (int k = 0; (row = surface_table(k)); k++) {
        char name[64];
        snprintf(name, sizeof name, "| `%s`", row->name);
        if (!strstr(text, name)) fail_msg("docs/surfaces.md has no row %s", name);
        if (!strstr(text, row->formula)) fail_msg("docs/surfaces.md has no %s", row->formula);
        for (int p = 0; p < row->nparameters; p++) {
            snprintf(name, sizeof name, "`%s=%.15g`", row->parameter[p].name,
                     row->parameter[p].fallback);
            if (!strstr(text, name)) fail_msg("docs/surfaces.md has no %s", name);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_differences_of_the_loss),
        cmocka_unit_test(hessians_are_differences_of_the_gradient),
        cmocka_unit_test(at_a_minimum_the_gradient_is_zero_and_nothing_is_lower),
        cmocka_unit_test(float32_is_float64_to_its_precision),
        cmocka_unit_test(the_lecture_is_the_lectures),
        cmocka_unit_test(a_rotated_quadratic_has_its_eigenvalues),
        cmocka_unit_test(noise_is_seeded),
        cmocka_unit_test(texts_are_read_and_written),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(matrices_are_factored_and_solved),
        cmocka_unit_test(the_page_has_every_surface),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
