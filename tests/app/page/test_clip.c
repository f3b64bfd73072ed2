/* SPDX-License-Identifier: Apache-2.0 */
/* The clip against a slow search in long double, on lines far beyond any picture, and in the cases
 * that are known. */
#include "page/clip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <string.h>

/* cmocka 1.1.5 compares floats alone. */
#define assert_near(a, b, room) assert_true(fabs((double)(a) - (double)(b)) <= (room))

static const clip_box unit = {{-1, -1}, {1, 1}};

/* ---- a slow reference: no cut, only points of the line that are looked at ---- */

typedef long double real;

typedef struct slow_line {
    const clip_box *box;
    const double *a, *b;
} slow_line;

/* How far the point at `share` of the line lies outside, in halves of the box; <= 0: inside. */
static real outside(const slow_line *l, real share) {
    real worst = -1;
    for (int i = 0; i < 2; i++) {
        const real middle = ((real)l->box->least[i] + l->box->most[i]) / 2;
        const real half = ((real)l->box->most[i] - l->box->least[i]) / 2;
        const real at = l->a[i] * (1 - share) + l->b[i] * share;
        worst = fmaxl(worst, fabsl(at - middle) / half - 1);
    }
    return worst;
}

/* outside() is convex: the least of it, by golden sections. */
static real most_inside(const slow_line *l) {
    const real golden = (sqrtl(5) - 1) / 2;
    real low = 0, high = 1;
    for (int k = 0; k < 150; k++) {
        const real one = high - golden * (high - low), other = low + golden * (high - low);
        if (outside(l, one) < outside(l, other))
            high = other;
        else
            low = one;
    }
    return (low + high) / 2;
}

/* Between an inside and an outside: the border. */
static real border(const slow_line *l, real inside, real beyond) {
    if (outside(l, beyond) <= 0) return beyond;
    for (int k = 0; k < 150; k++) {
        const real middle = (inside + beyond) / 2;
        if (outside(l, middle) <= 0)
            inside = middle;
        else
            beyond = middle;
    }
    return inside;
}

/* ---- random lines ---- */

static uint64_t random_state = 20211;

static double uniform(void) {
    random_state = random_state * 6364136223846793005U + 1442695040888963407U;
    return (double)(random_state >> 11) * 0x1p-53;
}

/* Of either sign, evenly spread over the powers of ten. */
static double anything(double least, double most) {
    const double size = least * pow(most / least, uniform());
    return uniform() < 0.5 ? -size : size;
}

static void random_lines_are_cut_as_a_search_does(void **state) {
    (void)state;
    int cut = 0, missed = 0;
    for (int k = 0; k < 20000; k++) {
        clip_box box;
        double a[2], b[2], far = 1;
        for (int i = 0; i < 2; i++) {
            const double middle = anything(1e-3, 1e3), half = fabs(anything(1e-2, 1e2));
            box.least[i] = middle - half;
            box.most[i] = middle + half;
            a[i] = middle + half * anything(1e-2, 1e5);
            b[i] = middle + half * anything(1e-2, 1e5);
            if (k % 16 == i) b[i] = a[i]; /* upright, level, or both */
            far = fmax(far, fmax(fabs(a[i] - middle), fabs(b[i] - middle)) / half);
        }
        const slow_line l = {&box, a, b};
        const real middle = most_inside(&l), depth = outside(&l, middle);
        if (fabsl(depth) < 1e-9) continue; /* a corner is touched: either is right */
        double from[2], to[2];
        memcpy(from, a, sizeof from);
        memcpy(to, b, sizeof to);
        const bool seen = clip_line(&box, from, to);
        assert_true(seen == (depth < 0));
        missed += !seen;
        if (!seen) continue;
        cut++;
        const real start = border(&l, middle, 0), end = border(&l, middle, 1);
        for (int i = 0; i < 2; i++) {
            const double room = 1e-12 * far * (box.most[i] - box.least[i]) + 1e-12 * fabs(a[i]);
            assert_near(from[i], a[i] * (1 - start) + b[i] * start, room);
            assert_near(to[i], a[i] * (1 - end) + b[i] * end, room);
        }
        assert_true(clip_holds(&box, from) && clip_holds(&box, to));
        if (clip_holds(&box, a)) assert_memory_equal(from, a, sizeof a);
        if (clip_holds(&box, b)) assert_memory_equal(to, b, sizeof b);
    }
    assert_true(cut > 3000 && missed > 3000);
}

/* ---- known cases ---- */

static void known_lines_are_cut_where_they_cross(void **state) {
    (void)state;
    static const struct {
        double a[2], b[2];
        bool seen;
        double from[2], to[2];
    } row[] = {
        {{-0.5, 0.25}, {0.5, -0.25}, true, {-0.5, 0.25}, {0.5, -0.25}}, /* inside */
        {{-3, 0.5}, {3, 0.5}, true, {-1, 0.5}, {1, 0.5}},               /* level */
        {{0.5, 7}, {0.5, -0.5}, true, {0.5, 1}, {0.5, -0.5}},           /* upright */
        {{-2, -3}, {2, 3}, true, {-2.0 / 3, -1}, {2.0 / 3, 1}},
        {{0, 3}, {3, 0}, false, {0}, {0}},      /* past the corner */
        {{-3, 1.5}, {3, 1.5}, false, {0}, {0}}, /* beside it */
        {{2, 0}, {5, 0}, false, {0}, {0}},      /* it would come there */
        {{0.5, 0.5}, {0.5, 0.5}, true, {0.5, 0.5}, {0.5, 0.5}},
        {{2, 0.5}, {2, 0.5}, false, {0}, {0}},
        {{1, -5}, {1, 5}, true, {1, -1}, {1, 1}}, /* along the border */
    };
    for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
        double a[2], b[2];
        memcpy(a, row[k].a, sizeof a);
        memcpy(b, row[k].b, sizeof b);
        assert_true(clip_line(&unit, a, b) == row[k].seen);
        for (int i = 0; i < 2 && row[k].seen; i++) {
            assert_near(a[i], row[k].from[i], 1e-15);
            assert_near(b[i], row[k].to[i], 1e-15);
        }
    }
}

/* However far an end is, the line leaves where its direction leads. */
static void far_ends_keep_the_direction(void **state) {
    (void)state;
    static const double far[] = {1e6, 1e17, 1e100, 1e155, 1e300, DBL_MAX};
    for (size_t k = 0; k < sizeof far / sizeof *far; k++)
        for (int side = 0; side < 4; side++) {
            const double x = side & 1 ? -1 : 1, y = side & 2 ? -1 : 1;
            double a[2] = {0.25 * x, 0}, b[2] = {far[k] / 4 * x, far[k] * y};
            assert_true(clip_line(&unit, a, b)); /* 0.25 + 1/4 when it is 1 up */
            assert_true(a[0] == 0.25 * x && a[1] == 0 && b[1] == y);
            assert_near(b[0], 0.5 * x, 1e-6); /* of 1e6 a quarter is not all */
            double c[2] = {-far[k] * x, -far[k] * y}, d[2] = {far[k] * x, far[k] * y};
            assert_true(clip_line(&unit, c, d)); /* from corner to corner */
            assert_near(c[0], -x, 1e-15);
            assert_near(c[1], -y, 1e-15);
            assert_near(d[0], x, 1e-15);
            assert_near(d[1], y, 1e-15);
            double e[2] = {far[k] * x, -far[k]}, f[2] = {far[k] * x, far[k]};
            assert_false(clip_line(&unit, e, f));
        }
}

/* Step t of gradient descent across a ravine: both ends far out, growing a thousandfold, on walls
 * that lean by 1/256. Every number is a dyadic fraction that float64 has exactly. */
static void a_divergence_passes_where_it_crosses(void **state) {
    (void)state;
    double size = 1;
    for (int t = 0; t < 16; t++, size *= -1024) {
        const double aside = 0.5 - 0.0625 * t; /* where it crosses height 0 */
        double a[2] = {aside + size / 256, size}, b[2] = {aside - 4 * size, -1024 * size};
        if (a[0] - aside != size / 256) break; /* more digits than float64 has */
        assert_true(clip_line(&unit, a, b));
        const double share = a[1] / (a[1] - b[1]);
        assert_near(a[0] + share * (b[0] - a[0]), aside, 1e-9 + fabs(size) * 0x1p-58);
        assert_near((b[0] - a[0]) / (b[1] - a[1]), 1.0 / 256, 1e-9);
        assert_true(t == 0 || (fabs(a[1]) == 1 && fabs(b[1]) == 1));
    }
    assert_true(fabs(size) > 1e15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_lines_are_cut_as_a_search_does),
        cmocka_unit_test(known_lines_are_cut_where_they_cross),
        cmocka_unit_test(far_ends_keep_the_direction),
        cmocka_unit_test(a_divergence_passes_where_it_crosses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
