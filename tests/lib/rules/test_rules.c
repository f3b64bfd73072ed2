/* SPDX-License-Identifier: Apache-2.0 */
/* test_rules.c - every rule against tests/support/reference.c, one step at a time.
 *
 * 500 random configurations per rule and type. The reference starts each step from the numbers that
 * the library holds, so errors cannot add up and the check is about one step alone. A parameter is
 * right within 2 ULP of max(|before|, |after|, |update|), a state within 2 ULP of its value.
 *
 * Where a formula cancels (m when g turns, v - a^2, g - m) or jumps (sign), no arithmetic of the
 * parameter's type can keep 2 ULP. There the result is judged as numerical analysis does, by mixed
 * forward and backward error: it must be within 2 ULP of what the reference gives when its inputs
 * (gradient, parameter, states, and the settings that stand in long chains) are moved by some
 * roundings, see after_moving(). The share of elements that needed this is printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "math/random.h"
#include "support/numbers.h"
#include "support/random_case.h"
#include "support/reference.h"

enum { STEPS_MOST = 4, STEPS_MORE = 6, KEYS_MOST = 8, CHECKED_MOST = 160 };

/* What a step is about: one parameter of one optimizer, and copies of its numbers before a step. */
typedef struct trial {
    ravine_config c;
    int32_t dtype;
    int64_t len, t;
    gradient_kind kind;
    uint64_t seed;
    void *data, *grad, *before;
    int nkeys;
    const char *key[KEYS_MOST];
    ravine_param state[KEYS_MOST];
    void *state_before[KEYS_MOST];
    ravine_optimizer *o;
} trial;

typedef struct tally {
    long elements, held, conditioned;
    long double worst, worst_state; /* ULP, of the elements that were not judged by conditioning */
} tally;

static void *allocate(int32_t dtype, int64_t len) {
    void *const memory = calloc((size_t)len + 1, number_bytes(dtype));
    assert_non_null(memory);
    return memory;
}

static void copy(const trial *k, void *to, const void *from, int64_t len) {
    memcpy(to, from, (size_t)len * number_bytes(k->dtype));
}

static void begin(trial *k) {
    k->data = allocate(k->dtype, k->len);
    k->grad = allocate(k->dtype, k->len);
    k->before = allocate(k->dtype, k->len);
    const double scale = pow(10, -3 + 4 * ravine_random_uniform(k->seed, 6, 0));
    for (int64_t i = 0; i < k->len; i++) {
        const double x = scale * ravine_random_normal(k->seed, 7, (uint64_t)i);
        number_set(k->data, k->dtype, i, i % 16 == 7 ? 0 : (long double)x);
    }
    ravine_env env;
    ravine_env_init(&env);
    env.threads = 1;
    const ravine_param p = {.size = sizeof p,
                            .dtype = k->dtype,
                            .name = "w",
                            .data = k->data,
                            .grad = k->grad,
                            .len = k->len};
    assert_int_equal(ravine_create(&k->o, &k->c, &env), RAVINE_OK);
    assert_int_equal(ravine_add(k->o, &p, 1), RAVINE_OK);
    for (k->nkeys = 0; ravine_state_key(k->o, 0, k->nkeys) != NULL; k->nkeys++) {
        const int j = k->nkeys;
        assert_true(j < KEYS_MOST);
        k->key[j] = ravine_state_key(k->o, 0, j);
        k->state[j].size = sizeof k->state[j];
        assert_int_equal(ravine_state_view(k->o, "w", k->key[j], &k->state[j]), RAVINE_OK);
        k->state_before[j] = allocate(k->state[j].dtype, k->state[j].len);
    }
}

static void finish(trial *k) {
    ravine_destroy(k->o);
    for (int j = 0; j < k->nkeys; j++) free(k->state_before[j]);
    free(k->data);
    free(k->grad);
    free(k->before);
}

/* Whether key j has one number per element; else it is one number of the whole parameter. */
static int elementwise(const trial *k, int j) {
    return k->state[j].len == k->len && strcmp(k->key[j], "mu_product") != 0 &&
           strcmp(k->key[j], "eta") != 0 && strcmp(k->key[j], "mu") != 0;
}

/* Element i as it was before the step. */
static reference element(const trial *k, int64_t i) {
    reference e = reference_start(&k->c, number_get(k->before, k->dtype, i));
    for (int j = 0; j < k->nkeys; j++) {
        long double *const field = reference_field(&e, k->key[j]);
        if (field == NULL) fail_msg("state key %s is not known to the reference", k->key[j]);
        *field = number_get(k->state_before[j], k->state[j].dtype, elementwise(k, j) ? i : 0);
    }
    return e;
}

/* The input number `which` of a step: 0 is theta, then the states; NULL past the last. */
static long double *input(const trial *k, reference *e, int which) {
    if (which == 0) return &e->theta;
    return which <= k->nkeys ? reference_field(e, k->key[which - 1]) : NULL;
}

static reference after(const trial *k, reference e, long double g, const ravine_config *c) {
    (void)reference_step(&e, c, k->t, g, 1, INFINITY);
    return e;
}

/* Input number `moved` of a step, changed one way: the gradient and what the element holds by 2 ULP
 * (4 in nadam, where gradient and m have coefficients with chains of their own, and where sigma is
 * the root of a difference of two states, each rounded once more); lr and eps by 4 roundings, the
 * length of the chain they stand in; clip_value by 2; squares by what they lose when they are
 * denormal. */
enum { MOVED_LR = -5, MOVED_EPS, MOVED_CLIP, MOVED_SQUARES, MOVED_GRADIENT, MOVED_THETA };

/* How many ULP inputs are moved by. */
static int reach(const trial *k) {
    return k->c.rule == RAVINE_NADAM || k->c.centered != 0 ? 4 : 2;
}

/* As many ULP, or what is lost where lr g or sqrt(eps) g is denormal. */
static long double gradient_noise(const trial *k, long double g) {
    const long double least = number_spacing(k->dtype, 0);
    const long double root = k->c.eps > 0 ? sqrtl((long double)k->c.eps) : 1;
    const long double factor = k->c.lr > 0 ? fminl((long double)k->c.lr, root) : root;
    const long double corrected = factor * sqrtl(1 - (long double)k->c.beta2);
    return fmaxl(reach(k) * number_spacing(k->dtype, g), 4 * least / corrected);
}

static reference after_moving(const trial *k, reference e, long double g, int moved, int way) {
    const double rounding = (double)number_spacing(k->dtype, 1) / 2;
    ravine_config c = k->c;
    if (moved == MOVED_LR) {
        c.lr *= 1 + 4 * way * rounding;
    } else if (moved == MOVED_EPS) {
        c.eps *= 1 + 4 * way * rounding;
    } else if (moved == MOVED_CLIP) {
        c.clip_value *= 1 + 2 * way * rounding;
    } else if (moved == MOVED_SQUARES) {
        reference_underflow = 2 * way * number_spacing(k->dtype, 0);
    } else if (moved == MOVED_GRADIENT) {
        g += way * gradient_noise(k, g);
    } else {
        long double *const x = input(k, &e, moved);
        const bool square = *x >= 0 && x != &e.theta && x != &e.mean && x != &e.buffer;
        *x += reach(k) * way * number_spacing(k->dtype, *x);
        if (square && *x < 0) *x = 0;
    }
    const reference end = after(k, e, g, &c);
    reference_underflow = 0;
    return end;
}

/* States that hold steps, not gradients: what they take in ends the same chain as theta, and
 * adadelta squares it; the average of the weights takes in theta, which may be off by 2 ULP. How
 * far y, which was `old`, may be off for that. */
static long double chain(const trial *k, int which, long double old, long double y) {
    const char *const key = which == 0 ? "" : k->key[which - 1];
    const long double rounding = number_spacing(k->dtype, 1) / 2;
    if (k->c.rule == RAVINE_RMSPROP && strcmp(key, "momentum_buffer") == 0)
        return 4 * rounding * fabsl(y - (long double)k->c.momentum * old);
    if (k->c.rule == RAVINE_ADOPT && strcmp(key, "exp_avg") == 0)
        return 4 * rounding * fabsl(y - (long double)k->c.beta1 * old);
    if (k->c.rule == RAVINE_ADADELTA && strcmp(key, "acc_delta") == 0)
        return 8 * rounding * fabsl(y - (long double)k->c.rho * old);
    if (strcmp(key, "ema") == 0)
        return 2 * number_spacing(k->dtype, y - (long double)k->c.ema_decay * old);
    return 0;
}

/* How far output `which` of the step moves with its inputs: the sum over them of the larger way. */
static long double slack(const trial *k, reference start, long double g, int which) {
    reference plain = after(k, start, g, &k->c);
    const long double y = *input(k, &plain, which);
    long double sum = chain(k, which, *input(k, &start, which), y);
    for (int moved = MOVED_LR; moved <= k->nkeys; moved++) {
        if (moved > MOVED_THETA && !elementwise(k, moved - 1)) continue;
        reference down = after_moving(k, start, g, moved, -1);
        reference up = after_moving(k, start, g, moved, 1);
        const long double below = fabsl(*input(k, &down, which) - y);
        const long double above = fabsl(*input(k, &up, which) - y);
        sum += below > above ? below : above;
    }
    return sum;
}

static void explain(const trial *k, int64_t i, const char *what, const reference *start,
                    long double got, long double wanted, long double limit) {
    print_error(
        "%s\n  %s, step %lld of seed %llu, len %lld, index %lld: %s is %s, not %s (+- %s)\n",
        config_text(&k->c), k->dtype == RAVINE_F32 ? "float32" : "float64", (long long)k->t,
        (unsigned long long)k->seed, (long long)k->len, (long long)i, what, number_text(got),
        number_text(wanted), number_text(limit));
    print_error("  before: theta %s, gradient %s\n", number_text(start->theta),
                number_text(number_get(k->grad, k->dtype, i)));
    for (int j = 0; j < k->nkeys; j++) {
        if (!elementwise(k, j)) continue;
        print_error("  %s %s -> %s\n", k->key[j],
                    number_text(number_get(k->state_before[j], k->dtype, i)),
                    number_text(number_get(k->state[j].data, k->dtype, i)));
    }
    fail();
}

/* Output `which` of element i: the parameter or a state. */
static void check_number(const trial *k, int64_t i, int which, const reference *start, tally *sum) {
    const long double g = number_get(k->grad, k->dtype, i);
    const char *const what = which == 0 ? "theta" : k->key[which - 1];
    const void *const array = which == 0 ? k->data : k->state[which - 1].data;
    const long double got = number_get(array, k->dtype, i);
    reference end = after(k, *start, g, &k->c), from = *start;
    const long double wanted = *input(k, &end, which), old = *input(k, &from, which);
    const long double largest = number_largest(k->dtype);
    if (fabsl(wanted) > largest && isinf(got)) return; /* no finite number of the type is near */

    long double size = fabsl(wanted);
    if (which == 0) size = fmaxl(fmaxl(size, fabsl(old)), fabsl(wanted - old));
    const long double ulp = number_spacing(k->dtype, size), error = fabsl(got - wanted);
    long double *const worst = which == 0 ? &sum->worst : &sum->worst_state;
    if (error <= 2 * ulp) {
        *worst = fmaxl(*worst, error / ulp);
        return;
    }
    const long double limit = 2 * ulp + slack(k, *start, g, which);
    if (!(error <= limit)) explain(k, i, what, start, got, wanted, limit);
    sum->conditioned++;
}

/* Whether m / sigma overflows: lr = 1 shows it, also where lr m / sigma would not. */
static bool quotient_overflows(const trial *k, reference start, long double g) {
    ravine_config c = k->c;
    c.lr = 1;
    const reference end = after(k, start, g, &c);
    return fabsl(end.theta - start.theta) > number_largest(k->dtype);
}

/* Whether state number `which` is too large for the type, and became infinite; or, where no eps
 * keeps sigma from 0, too small for it, and became 0. */
static bool state_is_lost(const trial *k, int64_t i, int which, reference *end) {
    const long double wanted = *input(k, end, which);
    const long double got = number_get(k->state[which - 1].data, k->dtype, i);
    if (fabsl(wanted) > number_largest(k->dtype)) return isinf(got);
    return k->c.eps == 0 && got == 0 && wanted != 0 && fabsl(wanted) < number_spacing(k->dtype, 0);
}

/* Elements that have left the range of the type, in PyTorch as here: one that is not finite any
 * more, or has lost a state in this step; coupled decay of a parameter whose own square overflows;
 * m / sigma that overflows. */
static bool has_diverged(const trial *k, int64_t i, const reference *start, const reference *end) {
    reference before = *start, now = *end;
    for (int which = 0; which <= k->nkeys; which++) {
        if (which > 0 && !elementwise(k, which - 1)) continue;
        if (!isfinite(*input(k, &before, which))) return true;
        if (which > 0 && state_is_lost(k, i, which, &now)) return true;
    }
    const long double pull = (long double)k->c.weight_decay * start->theta;
    if (reference_squares(k->c.rule) && 16 * pull * pull > number_largest(k->dtype)) return true;
    return !isfinite(number_get(k->data, k->dtype, i)) &&
           quotient_overflows(k, *start, number_get(k->grad, k->dtype, i));
}

/* Whether sigma is the rounding of v - a^2 and nothing else, with no eps to outweigh it. */
static bool sigma_is_rounding(const trial *k, const reference *end) {
    const long double variance = end->square - end->center * end->center;
    return k->c.centered != 0 && k->c.eps == 0 &&
           variance < 8 * number_spacing(k->dtype, end->square);
}

static long double held_number(const trial *k, int64_t i, int which) {
    return number_get(which == 0 ? k->data : k->state[which - 1].data, k->dtype, i);
}

static void check_element(const trial *k, int64_t i, tally *sum) {
    const reference start = element(k, i);
    reference end = start;
    sum->elements++;
    const long double g = number_get(k->grad, k->dtype, i);
    if (reference_step(&end, &k->c, k->t, g, 1, number_largest(k->dtype))) {
        if (has_diverged(k, i, &start, &end) || sigma_is_rounding(k, &end)) return;
        for (int which = 0; which <= k->nkeys; which++) {
            if (which == 0 || elementwise(k, which - 1)) check_number(k, i, which, &start, sum);
        }
        return;
    }
    sum->held++;
    for (int which = 0; which <= k->nkeys; which++) {
        if (which > 0 && (!elementwise(k, which - 1) || strcmp(k->key[which - 1], "ema") == 0))
            continue;
        const long double was = *input(k, (reference[]){start}, which),
                          is = held_number(k, i, which);
        if (is != was && !(isnan(is) && isnan(was)))
            explain(k, i, "an element to be held", &start, is, was, 0);
    }
}

/* One step, and all of its numbers, or those of some elements if there are very many. */
static void step_and_check(trial *k, tally *sum) {
    random_gradient(k->grad, k->dtype, k->len, k->kind, k->seed, k->t);
    copy(k, k->before, k->data, k->len);
    for (int j = 0; j < k->nkeys; j++) {
        memcpy(k->state_before[j], k->state[j].data,
               (size_t)k->state[j].len * number_bytes(k->state[j].dtype));
    }
    const ravine_status status = ravine_step(k->o, NULL);
    if (status < 0) fail_msg("%s: %s", config_text(&k->c), ravine_errmsg());
    const int64_t checked = k->len < CHECKED_MOST ? k->len : CHECKED_MOST;
    for (int64_t n = 0; n < checked; n++) {
        const int64_t i = k->len == checked ? n
                                            : (int64_t)ravine_random_below(k->seed, 8, (uint64_t)n,
                                                                           (uint64_t)k->len);
        check_element(k, i, sum);
    }
}

static void one_configuration(int rule, int32_t dtype, uint64_t seed, tally *sum) {
    trial k = {.dtype = dtype, .seed = seed, .len = random_length(seed)};
    k.kind = (gradient_kind)ravine_random_below(seed, 9, 0, GRADIENT_KINDS);
    random_config(&k.c, rule, seed);
    begin(&k);
    /* Now and then beyond step 6, where radam begins to divide. */
    const int64_t more = ravine_random_below(seed, 9, 3, 8) == 0 ? STEPS_MORE : 0;
    const int64_t steps = 1 + more + (int64_t)ravine_random_below(seed, 9, 1, STEPS_MOST);
    const int changing = ravine_random_below(seed, 9, 2, 2) == 0;
    for (k.t = 1; k.t <= steps; k.t++) {
        if (changing && k.t > 1) {
            k.c.lr = random_lr(seed + (uint64_t)k.t);
            assert_int_equal(ravine_set(k.o, -1, RAVINE_LR, k.c.lr), RAVINE_OK);
        }
        step_and_check(&k, sum);
    }
    finish(&k);
}

/* 500; with `make test-long` 20,000. */
static uint64_t configurations;

static void one_step(void **state) {
    const int rule = *(const int *)*state;
    for (int32_t dtype = RAVINE_F32; dtype <= RAVINE_F64; dtype++) {
        tally sum = {0};
        for (uint64_t n = 0; n < configurations; n++) {
            one_configuration(rule, dtype, n + 1000 * (uint64_t)rule, &sum);
        }
        print_message("%-12s %s: %ld elements, worst %.2Lf ULP, states %.2Lf; %ld numbers "
                      "judged by conditioning, %ld elements held\n",
                      ravine_rule_describe(rule)->name, dtype == RAVINE_F32 ? "float32" : "float64",
                      sum.elements, sum.worst, sum.worst_state, sum.conditioned, sum.held);
        assert_true(sum.elements > (long)configurations);
    }
}

int main(void) {
    configurations = getenv("RAVINE_TEST_LONG") ? 20000 : 500;
    static int rules[RAVINE_RULE_COUNT];
    static struct CMUnitTest tests[RAVINE_RULE_COUNT];
    size_t count = 0;
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++) {
        if (!reference_knows(rule)) continue;
        rules[rule] = rule;
        tests[count++] = (struct CMUnitTest){.name = ravine_rule_describe(rule)->name,
                                             .test_func = one_step,
                                             .initial_state = &rules[rule]};
    }
    return _cmocka_run_group_tests("rules", tests, count, NULL, NULL);
}
