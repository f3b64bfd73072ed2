/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are wrong: each says what is wrong with it, and changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ravine_doctor.h"
#include "support/counting.h"
#include "support/make.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_says(const char *part) {
    if (!strstr(ravine_errmsg(), part))
        fail_msg("\"%s\" does not say \"%s\"", ravine_errmsg(), part);
}

static void assert_refused(ravine_status status, ravine_status expected, const char *part) {
    if (status != expected) fail_msg("status is %d, not %d: %s", status, expected, part);
    assert_says(part);
}

/* ---- a rule as text -------------------------------------------------------------------------- */

static void texts_of_a_rule(void **state) {
    (void)state;
    static const struct {
        const char *text;
        ravine_status status;
        const char *told;
    } bad[] = {
        {"", RAVINE_E_FORMAT, "the rule is empty; it must be NAME setting=value ..."},
        {" \t\n", RAVINE_E_FORMAT, "the rule is empty"},
        {"adem", RAVINE_E_ARG, "the rule is adem; the nearest known is adam"},
        {"torch.optim.AdamW", RAVINE_E_ARG, "; the nearest known is adamw"},
        {"AdamW(lr=0.1)", RAVINE_E_ARG, "write adamw, with settings behind it: lr=0.1"},
        {"torch.optim.SGD(p, lr=0.1)", RAVINE_E_ARG, "SGD(p,; write sgd, with settings"},
        {"()", RAVINE_E_ARG, "the rule is (); there is none like it"},
        {"...", RAVINE_E_ARG, "the rule is ...; there is none like it"},
        {"qqqqqqqqqqqq", RAVINE_E_ARG, "the rule is qqqqqqqqqqqq; there is none like it"},
        {"adam lr", RAVINE_E_FORMAT, "after adam stands lr; it must be setting=value"},
        {"adam bata1=0.5", RAVINE_E_ARG, "the setting is bata1; the nearest known is beta1"},
        {"adam learning_rate=1", RAVINE_E_ARG,
         "the setting is learning_rate; it is called lr here"},
        {"adam batch=1", RAVINE_E_ARG, "the setting is batch; there is none like it"},
        {"sgd beta1=0.5", RAVINE_E_ARG, "sgd has no setting beta1"},
        {"adam lr=fast", RAVINE_E_ARG, "lr is fast; it must be a number"},
        {"adam lr=1x", RAVINE_E_ARG, "lr is 1x; it must be a number"},
        {"adam lr=", RAVINE_E_ARG, "lr is ; it must be a number"},
        {"adam amsgrad=maybe", RAVINE_E_ARG, "amsgrad is maybe; it must be true or false"},
        {"adam eps_form=insde", RAVINE_E_ARG, "eps_form is insde; the nearest known is inside"},
        {"adam eps_form=qqqqqqqqqq", RAVINE_E_ARG, "it must be one of its words, such as outside"},
        {"adam beta1=1", RAVINE_E_RANGE, "beta1 of adam is 1; it must be in [0, 1)"},
        {"sgd nesterov=true", RAVINE_E_RANGE,
         "nesterov of sgd is 1 with momentum 0 and dampening 0; it needs momentum above 0"},
        {"sgd nesterov=true momentum=0.9 dampening=0.5", RAVINE_E_RANGE,
         "with momentum 0.9 and dampening 0.5; it needs momentum above 0 and dampening 0"},
        {"adamw lr=10 weight_decay=0.5", RAVINE_E_RANGE,
         "lr weight_decay of adamw is 5; above 1 the decay turns weights around"},
        {"adamw decay_form=independent weight_decay=2", RAVINE_E_RANGE,
         "weight_decay of adamw is 2; an independent decay must be in [0, 1]"},
        {"rprop step_min=2 step_max=1", RAVINE_E_RANGE,
         "step_min of rprop is 2; step_max, 1, is below it"},
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        ravine_config c, before;
        memset(&c, 0x5a, sizeof c);
        before = c;
        assert_refused(ravine_config_parse(&c, bad[k].text), bad[k].status, bad[k].told);
        assert_memory_equal(&c, &before, sizeof c);
    }
}

/* The other way: the text of a config, which parses back to it. */
static void texts_of_a_config(void **state) {
    (void)state;
    static const struct {
        const char *text, *bare, *all;
    } good[] = {
        {"lion", "lion lr=0.0001",
         "lion lr=0.0001 beta1=0.9 beta2=0.99 weight_decay=0 decay_form=decoupled clip_value=inf "
         "ema_decay=0 maximize=false"},
        {"signum maximize=true clip_value=0.5 lr=3e-4 decay_form=independent",
         "signum lr=0.0003 decay_form=independent clip_value=0.5 maximize=true",
         "signum lr=0.0003 momentum=0.9 weight_decay=0 decay_form=independent clip_value=0.5 "
         "ema_decay=0 maximize=true"},
        {"sgd lr=0.1000000000000000055", "sgd lr=0.1", NULL},
        {"sgd lr=0.30000000000000004 momentum=1e-300", "sgd lr=0.30000000000000004 momentum=1e-300",
         NULL},
    };
    char text[1024];
    size_t length;
    ravine_config c, again;
    for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
        assert_int_equal(ravine_config_parse(&c, good[k].text), RAVINE_OK);
        for (int32_t all = 0; all < 2; all++) {
            const char *expected = all ? good[k].all : good[k].bare;
            assert_int_equal(ravine_config_format(&c, all, text, sizeof text, &length), RAVINE_OK);
            if (expected) assert_string_equal(text, expected);
            assert_int_equal(length, strlen(text));
            assert_int_equal(ravine_config_parse(&again, text), RAVINE_OK);
            assert_memory_equal(&again, &c, sizeof c);
            assert_int_equal(ravine_config_format(&c, all, text, length + 1, NULL), RAVINE_OK);
            strcpy(text, "before");
            assert_refused(ravine_config_format(&c, all, text, length, NULL), RAVINE_E_RANGE,
                           "bytes; the text takes ");
            assert_string_equal(text, "before");
        }
    }
    assert_refused(ravine_config_format(NULL, 0, text, sizeof text, NULL), RAVINE_E_ARG, "NULL");
    assert_refused(ravine_config_format(&c, 0, NULL, 0, NULL), RAVINE_E_ARG, "the text is NULL");
    c.decay_form = 17;
    assert_refused(ravine_config_format(&c, 0, text, sizeof text, NULL), RAVINE_E_RANGE,
                   "decay_form");
    c.rule = -1;
    assert_refused(ravine_config_format(&c, 0, text, sizeof text, NULL), RAVINE_E_RANGE, "rule");
}

static void options_as_text(void **state) {
    (void)state;
    char text[200] = "before";
    size_t length;
    ravine_options o;
    ravine_options_init(&o);
    assert_int_equal(ravine_options_format(&o, text, sizeof text, &length), RAVINE_OK);
    assert_string_equal(text, "nonfinite=hold zero_grad=0 clip_norm=inf grad_scale=1");
    assert_int_equal(length, strlen(text));
    o.nonfinite = RAVINE_SKIP;
    o.zero_grad = 1;
    o.clip_norm = 0.1;
    o.grad_scale = 65536;
    assert_int_equal(ravine_options_format(&o, text, sizeof text, &length), RAVINE_OK);
    assert_string_equal(text, "nonfinite=skip zero_grad=1 clip_norm=0.1 grad_scale=65536");
    assert_int_equal(ravine_options_format(&o, text, length + 1, NULL), RAVINE_OK);
    strcpy(text, "before");
    assert_refused(ravine_options_format(&o, text, length, NULL), RAVINE_E_RANGE,
                   "the text takes ");
    assert_refused(ravine_options_format(NULL, text, sizeof text, NULL), RAVINE_E_ARG, "NULL");
    assert_refused(ravine_options_format(&o, NULL, 0, NULL), RAVINE_E_ARG, "the text is NULL");
    o.nonfinite = 3;
    assert_refused(ravine_options_format(&o, text, sizeof text, NULL), RAVINE_E_RANGE, "nonfinite");
    o.size = 3;
    assert_refused(ravine_options_format(&o, text, sizeof text, NULL), RAVINE_E_ARG, "size");
    assert_string_equal(text, "before");
}

static void configs(void **state) {
    (void)state;
    ravine_config c;
    assert_int_equal(ravine_config_init(&c, RAVINE_ADAM), RAVINE_OK);
    assert_refused(ravine_config_init(NULL, RAVINE_ADAM), RAVINE_E_ARG,
                   "the ravine_config is NULL");
    assert_refused(ravine_config_parse(NULL, "adam"), RAVINE_E_ARG, "an argument is NULL");
    assert_refused(ravine_config_parse(&c, NULL), RAVINE_E_ARG, "an argument is NULL");
    assert_refused(ravine_config_set(NULL, "lr", "1"), RAVINE_E_ARG, "an argument is NULL");
    assert_refused(ravine_config_set(&c, NULL, "1"), RAVINE_E_ARG, "an argument is NULL");
    assert_refused(ravine_config_set(&c, "lr", NULL), RAVINE_E_ARG, "an argument is NULL");
    assert_refused(ravine_config_check(NULL), RAVINE_E_ARG, "the ravine_config is NULL");
    assert_true(isnan(ravine_config_get(NULL, RAVINE_LR)));
    assert_true(isnan(ravine_config_get(&c, -1)));
    assert_true(isnan(ravine_config_get(&c, RAVINE_SETTING_COUNT)));
    c.rule = RAVINE_RULE_COUNT;
    assert_refused(ravine_config_set(&c, "lr", "1"), RAVINE_E_RANGE, "there is no such rule");
    assert_refused(ravine_config_check(&c), RAVINE_E_RANGE, "rule is ");
}

/* ---- environments ---------------------------------------------------------------------------- */

static int64_t bytes_with_threads(const char *variable) {
    ravine_config c;
    ravine_optimizer *o;
    assert_int_equal(setenv("RAVINE_THREADS", variable, 1), 0);
    assert_int_equal(ravine_config_init(&c, RAVINE_ADAM), RAVINE_OK);
    assert_int_equal(ravine_create(&o, &c, NULL), RAVINE_OK);
    const int64_t bytes = ravine_memory_bytes(o);
    ravine_destroy(o);
    return bytes;
}

static void threads_of_the_environment(void **state) {
    (void)state;
    static const char *const bad[] = {"0", "-1", "1025", "two", "2 "};
    const char *variable = getenv("RAVINE_THREADS");
    char *before = variable ? strdup(variable) : NULL;
    ravine_config c;
    ravine_optimizer *o = NULL;
    assert_int_equal(ravine_config_init(&c, RAVINE_ADAM), RAVINE_OK);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        char told[80];
        snprintf(told, sizeof told, "RAVINE_THREADS is %s; it must be in [1, 1024]", bad[k]);
        assert_int_equal(setenv("RAVINE_THREADS", bad[k], 1), 0);
        assert_refused(ravine_create(&o, &c, NULL), RAVINE_E_RANGE, told);
        assert_null(o);
    }
    assert_true(bytes_with_threads("2") > bytes_with_threads("1")); /* a pool, or none */
    assert_true(bytes_with_threads("") > 0);                        /* as if it was not there */
    if (before)
        setenv("RAVINE_THREADS", before, 1);
    else
        unsetenv("RAVINE_THREADS");
    free(before);
}

static void environments(void **state) {
    (void)state;
    ravine_config c;
    ravine_env env, good;
    counting books;
    ravine_optimizer *o = NULL;
    assert_int_equal(ravine_config_init(&c, RAVINE_ADAM), RAVINE_OK);
    ravine_env_init(&good);
    counting_env(&good, &books);
#define REFUSED(change, status, part)                          \
    env = good;                                                \
    change;                                                    \
    assert_refused(ravine_create(&o, &c, &env), status, part); \
    assert_null(o)
    REFUSED(env.size = 1, RAVINE_E_ARG, "size of a ravine_env is 1, not ");
    REFUSED(env.release = NULL, RAVINE_E_ARG, "env has one of allocate and release");
    REFUSED(env.allocate = NULL, RAVINE_E_ARG, "env has one of allocate and release");
    REFUSED(env.threads = -1, RAVINE_E_RANGE, "threads is -1");
    REFUSED(env.isa = "abacus", RAVINE_E_UNSUPPORTED, "isa is abacus; it must be one of");
#undef REFUSED
    assert_null(ravine_isa("abacus"));
    /* with a pool of threads, whichever allocation fails */
    good.threads = 2;
    for (int64_t at = 1;; at++) {
        books.calls = 0;
        books.fail_at = at;
        const ravine_status status = ravine_create(&o, &c, &good);
        if (status == RAVINE_OK) break;
        assert_int_equal(status, RAVINE_E_NOMEM);
        assert_null(o);
        assert_int_equal(books.live_bytes, 0);
    }
    assert_true(books.calls >= 3); /* the optimizer, its group, its pool */
    ravine_destroy(o);
    assert_int_equal(books.live_bytes, 0);
    assert_int_equal(books.misuse, 0);

    ravine_pool *pool = NULL;
    assert_refused(ravine_pool_create(NULL, 1), RAVINE_E_ARG, "out of ravine_pool_create is NULL");
    assert_refused(ravine_pool_create(&pool, 1025), RAVINE_E_RANGE, "threads is 1025");
    assert_null(pool);
    assert_int_equal(ravine_pool_create(&pool, 0), RAVINE_OK); /* one per processor */
    assert_true(ravine_pool_threads(pool) >= 1);
    ravine_pool_destroy(pool);
}

/* ---- an optimizer ---------------------------------------------------------------------------- */

static void no_optimizer(void **state) {
    (void)state;
    ravine_config c;
    ravine_schedule s;
    ravine_options options;
    ravine_step_stats stats = {.size = sizeof stats};
    ravine_param p = {.size = sizeof p};
    double value = 7;
    int64_t bytes = 7;
    assert_int_equal(ravine_config_init(&c, RAVINE_ADAM), RAVINE_OK);
    assert_int_equal(ravine_schedule_constant(&s, 1), RAVINE_OK);
    ravine_options_init(&options);
    assert_int_equal(ravine_add_group(NULL, &c, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_add(NULL, &p, 1), RAVINE_E_ARG);
    assert_int_equal(ravine_state_bytes(NULL, &p, 1, &bytes), RAVINE_E_ARG);
    assert_int_equal(ravine_bind(NULL, 0, 0, NULL, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_set(NULL, 0, RAVINE_LR, 1), RAVINE_E_ARG);
    assert_int_equal(ravine_set_schedule(NULL, 0, RAVINE_LR, &s), RAVINE_E_ARG);
    assert_int_equal(ravine_get(NULL, 0, RAVINE_LR, &value), RAVINE_E_ARG);
    assert_int_equal(ravine_set_options(NULL, &options), RAVINE_E_ARG);
    assert_int_equal(ravine_step(NULL, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_group_stats(NULL, 0, &stats), RAVINE_E_ARG);
    assert_int_equal(ravine_param_stats(NULL, 0, &stats), RAVINE_E_ARG);
    assert_int_equal(ravine_param_view(NULL, 0, &p), RAVINE_E_ARG);
    assert_int_equal(ravine_state_view(NULL, "w", "exp_avg", &p), RAVINE_E_ARG);
    assert_int_equal(ravine_sigma(NULL, "w", &value, 1), RAVINE_E_ARG);
    assert_int_equal(ravine_memory_bytes(NULL), 0);
    assert_int_equal(ravine_group_count(NULL), 0);
    assert_int_equal(ravine_param_count(NULL), 0);
    assert_int_equal(ravine_steps(NULL), 0);
    assert_int_equal(ravine_step_count(NULL, 0), -1);
    assert_true(value == 7 && bytes == 7);
    ravine_destroy(NULL);
}

static void parameters(void **state) {
    (void)state;
    static const int64_t huge[] = {INT64_MAX, 2}, one[] = {1};
    float data[1] = {1}, gradient[1] = {1};
    int64_t bytes = 7;
    ravine_param p;
    const ravine_param good = {.size = sizeof good,
                               .dtype = RAVINE_F32,
                               .name = "w",
                               .data = data,
                               .grad = gradient,
                               .len = 1,
                               .shape = one,
                               .ndim = 1};
    ravine_optimizer *o = make_optimizer("adam");
#define REFUSED(change, status, part)                   \
    p = good;                                           \
    change;                                             \
    assert_refused(ravine_add(o, &p, 1), status, part); \
    assert_int_equal(ravine_param_count(o), 0)
    REFUSED(p.ndim = -1, RAVINE_E_RANGE, "ndim of w is -1; it must be in [0, 64]");
    REFUSED(p.ndim = 65, RAVINE_E_RANGE, "ndim of w is 65; it must be in [0, 64]");
    REFUSED((p.shape = huge, p.ndim = 2), RAVINE_E_RANGE, "the shape of w has more than 9223372");
    REFUSED(p.grad_dtype = RAVINE_F64, RAVINE_E_UNSUPPORTED, "grad_dtype of w is F64");
    REFUSED(p.group = -1, RAVINE_E_RANGE, "group of w is -1; it must be in [0, 0]");
#undef REFUSED
    p = good;
    assert_refused(ravine_add(o, NULL, 1), RAVINE_E_ARG, "an argument is NULL");
    assert_refused(ravine_add(o, &p, -1), RAVINE_E_RANGE, "-1 parameters are added");
    assert_refused(ravine_state_bytes(o, &p, 1, NULL), RAVINE_E_ARG, "bytes of ravine_state_bytes");
    assert_int_equal(ravine_state_bytes(o, NULL, 0, &bytes), RAVINE_OK);
    assert_int_equal(bytes, 0);
    p.grad_dtype = RAVINE_F32;
    assert_int_equal(ravine_add(o, &p, 1), RAVINE_OK);
    void *const nothing[] = {NULL};
    assert_refused(ravine_bind(o, 0, 1, nothing, NULL), RAVINE_E_ARG, "data of w is NULL");
    void *const moved[] = {gradient};
    assert_int_equal(ravine_bind(o, 0, 1, moved, NULL), RAVINE_OK); /* gradients stay */
    assert_int_equal(ravine_param_view(o, 0, &p), RAVINE_OK);
    assert_true(p.data == gradient && p.grad == gradient);
    ravine_destroy(o);
}

static void questions(void **state) {
    (void)state;
    float data[1] = {1}, gradient[1] = {1};
    double sigma;
    ravine_step_stats stats = {.size = 3};
    ravine_param view = {.size = sizeof view};
    ravine_options options;
    ravine_optimizer *o = make_optimizer("adam");
    make_param(o, 0, "w", RAVINE_F32, data, gradient, 1);
    assert_refused(ravine_step(o, &stats), RAVINE_E_ARG, "size of a ravine_step_stats is 3");
    assert_int_equal(ravine_steps(o), 0);
    make_step(o, NULL);
    assert_refused(ravine_group_stats(o, 0, &stats), RAVINE_E_ARG,
                   "size of a ravine_step_stats is 3");
    assert_refused(ravine_group_stats(o, 0, NULL), RAVINE_E_ARG, "an argument is NULL");
    assert_refused(ravine_param_stats(o, 0, NULL), RAVINE_E_ARG, "an argument is NULL");
    assert_refused(ravine_get(o, 0, RAVINE_LR, NULL), RAVINE_E_ARG, "value of ravine_get is NULL");
    assert_refused(ravine_sigma(o, NULL, &sigma, 1), RAVINE_E_ARG, "an argument is NULL");
    assert_refused(ravine_sigma(o, "w", NULL, 1), RAVINE_E_ARG, "an argument is NULL");
    assert_refused(ravine_state_view(o, NULL, "step", &view), RAVINE_E_ARG, "an argument is NULL");
    assert_refused(ravine_state_view(o, "w", NULL, &view), RAVINE_E_ARG, "an argument is NULL");
    assert_refused(ravine_state_view(o, "w", "exp_avg", NULL), RAVINE_E_ARG, "is NULL");
    ravine_options_init(&options);
    options.size = 2;
    assert_refused(ravine_set_options(o, &options), RAVINE_E_ARG, "size of a ravine_options is 2");
    ravine_destroy(o);
}

/* A setting that is none, and memory for one group's schedule, but not for the next. */
static void schedules(void **state) {
    (void)state;
    ravine_config c;
    ravine_env env;
    counting books;
    ravine_schedule s;
    ravine_optimizer *o;
    double lr = 0;
    assert_int_equal(ravine_config_parse(&c, "adam lr=0.5"), RAVINE_OK);
    assert_int_equal(ravine_schedule_constant(&s, 0.25), RAVINE_OK);
    ravine_env_init(&env);
    counting_env(&env, &books);
    env.threads = 1;
    assert_int_equal(ravine_create(&o, &c, &env), RAVINE_OK);
    assert_int_equal(ravine_add_group(o, &c, NULL), RAVINE_OK);
    assert_refused(ravine_set_schedule(o, -1, RAVINE_SETTING_COUNT, &s), RAVINE_E_RANGE,
                   "setting is ");
    assert_refused(ravine_set_schedule(o, -1, -1, &s), RAVINE_E_RANGE, "setting is -1");
    assert_refused(ravine_set_schedule(o, -1, INT32_MAX, &s), RAVINE_E_RANGE, "setting is ");
    const int64_t live = books.live_bytes;
    books.calls = 0;
    books.fail_at = 2;
    assert_int_equal(ravine_set_schedule(o, -1, RAVINE_LR, &s), RAVINE_E_NOMEM);
    assert_int_equal(books.calls, 2);
    assert_int_equal(books.live_bytes, live);
    for (int32_t k = 0; k < 2; k++) {
        assert_int_equal(ravine_get(o, k, RAVINE_LR, &lr), RAVINE_OK);
        assert_true(lr == 0.5);
    }
    assert_int_equal(ravine_set_schedule(o, -1, RAVINE_LR, &s), RAVINE_OK);
    assert_int_equal(ravine_get(o, 1, RAVINE_LR, &lr), RAVINE_OK);
    assert_true(lr == 0.25);
    ravine_destroy(o);
    assert_int_equal(books.live_bytes, 0);
    assert_int_equal(books.misuse, 0);

    ravine_schedule_facts facts = {.size = sizeof facts};
    char text[64];
    assert_refused(ravine_schedule_format(&s, NULL, 0, NULL), RAVINE_E_ARG, "the text is NULL");
    assert_refused(ravine_schedule_constant(NULL, 1), RAVINE_E_ARG, "the ravine_schedule is NULL");
    assert_refused(ravine_schedule_describe(&s, NULL), RAVINE_E_ARG,
                   "the ravine_schedule_facts is NULL");
    assert_int_equal(ravine_schedule_describe(NULL, &facts), RAVINE_E_ARG);
    assert_int_equal(ravine_schedule_format(NULL, text, sizeof text, NULL), RAVINE_E_ARG);
}

/* ---- the doctor ------------------------------------------------------------------------------ */

static void doctor_options(void **state) {
    (void)state;
    ravine_doctor_options options;
    ravine_doctor *d = NULL;
    ravine_doctor_options_init(NULL); /* nothing happens */
    ravine_doctor_options_init(&options);
    options.budget = 77;
    assert_int_equal(ravine_doctor_create(&d, &options, NULL), RAVINE_OK);
    ravine_doctor_destroy(d);
    const ravine_env env = {.size = 1};
    assert_refused(ravine_doctor_create(&d, NULL, &env), RAVINE_E_ARG,
                   "size of a ravine_env is 1, not ");
}

static void doctor_questions(void **state) {
    (void)state;
    ravine_doctor *d;
    double number = 7;
    ravine_step_stats stats = {.size = sizeof stats};
    ravine_observation o;
    const ravine_observation good = {.size = sizeof good, .loss = 1, .stats = &stats};
    ravine_diagnosis diagnosis = {.size = sizeof diagnosis};
    ravine_warning warning = {.size = sizeof warning};
    ravine_probe probe = {.size = sizeof probe};
    assert_int_equal(ravine_doctor_create(&d, NULL, NULL), RAVINE_OK);
#define REFUSED(change, part) \
    o = good;                 \
    change;                   \
    assert_refused(ravine_doctor_feed(d, &o), RAVINE_E_ARG, part)
    REFUSED(o.size = 5, "size of a ravine_observation is 5");
    REFUSED(o.stats = NULL, "stats of the observation is NULL");
    REFUSED(stats.size = 6, "size of a ravine_step_stats is 6");
    stats.size = sizeof stats;
    REFUSED(o.nparts = -1, "nparts is -1 and part_stats is NULL");
    REFUSED(o.nparts = 1, "nparts is 1 and part_stats is NULL");
#undef REFUSED
    assert_refused(ravine_doctor_tell(NULL, RAVINE_FACT_CLASSES, 10), RAVINE_E_ARG,
                   "the doctor is NULL");
    assert_refused(ravine_doctor_tell(d, -1, 10), RAVINE_E_RANGE, "fact is -1; it must be in [0, ");
    assert_refused(ravine_doctor_tell(d, RAVINE_FACT_COUNT, 10), RAVINE_E_RANGE, "fact is ");
    assert_int_equal(ravine_doctor_feed(NULL, &good), RAVINE_E_ARG);
    assert_int_equal(ravine_doctor_feed(d, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_doctor_observe(NULL, NULL, 1), RAVINE_E_ARG);
    assert_int_equal(ravine_doctor_diagnose(NULL, &diagnosis), RAVINE_E_ARG);
    assert_int_equal(ravine_doctor_diagnose(d, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_doctor_warning(NULL, &warning), RAVINE_E_ARG);
    assert_int_equal(ravine_doctor_warning(d, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_doctor_take_probe(NULL, &probe), RAVINE_E_ARG);
    assert_int_equal(ravine_doctor_take_probe(d, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_doctor_export(NULL, &number, 1), RAVINE_E_ARG);
    assert_int_equal(ravine_doctor_export(d, NULL, 1), RAVINE_E_ARG);
    assert_refused(ravine_doctor_export(d, &number, 1), RAVINE_E_ARG,
                   "length is 1; the doctor's memory has ");
    assert_int_equal(ravine_doctor_import(NULL, &number, 1), RAVINE_E_ARG);
    assert_int_equal(ravine_doctor_import(d, NULL, 1), RAVINE_E_ARG);
    assert_int_equal(ravine_doctor_state_length(NULL), 0);
    assert_true(isnan(ravine_doctor_path_efficiency(NULL)));
    assert_true(number == 7);
    ravine_doctor_destroy(d);
    ravine_doctor_destroy(NULL);
}

/* ---- words ----------------------------------------------------------------------------------- */

static void status_texts(void **state) {
    (void)state;
#define RAVINE_X(name, value, text) \
    assert_int_equal(name, value);  \
    assert_string_equal(ravine_status_text(name), text);
    RAVINE_STATUS_LIST(RAVINE_X)
#undef RAVINE_X
    assert_string_equal(ravine_status_text((ravine_status)99), "unknown status");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_a_rule),
        cmocka_unit_test(texts_of_a_config),
        cmocka_unit_test(options_as_text),
        cmocka_unit_test(configs),
        cmocka_unit_test(threads_of_the_environment),
        cmocka_unit_test(environments),
        cmocka_unit_test(no_optimizer),
        cmocka_unit_test(parameters),
        cmocka_unit_test(questions),
        cmocka_unit_test(schedules),
        cmocka_unit_test(doctor_options),
        cmocka_unit_test(doctor_questions),
        cmocka_unit_test(status_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
