/* SPDX-License-Identifier: Apache-2.0 */
/* test_rules_table.c - what the table of rules says: defaults (PyTorch 2.13's where PyTorch has the
 * rule, read from its signatures; else the paper's or its authors' code), and the state keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "support/make.h"
#include "support/random_case.h"

/* Each text sets every number that the rule uses to its expected default: nothing may change. */
static const char *const usual[RAVINE_RULE_COUNT] = {
    [RAVINE_SGD] = "lr=0.001 momentum=0 dampening=0 weight_decay=0 nesterov=false",
    [RAVINE_ADAGRAD] = "lr=0.01 lr_decay=0 weight_decay=0 initial=0 eps=1e-10",
    [RAVINE_ADAGRAD_MEAN] = "lr=0.01 eps=0 weight_decay=0",
    [RAVINE_RMSPROP] = "lr=0.01 alpha=0.99 eps=1e-8 weight_decay=0 momentum=0 centered=false "
                       "eps_form=outside initial_form=value",
    [RAVINE_ADADELTA] = "lr=1 rho=0.9 eps=1e-6 weight_decay=0",
    [RAVINE_ADAM] = "lr=0.001 beta1=0.9 beta2=0.999 eps=1e-8 weight_decay=0 decay_form=coupled "
                    "amsgrad=false eps_form=outside bias_correction=true",
    [RAVINE_ADAMW] = "lr=0.001 beta1=0.9 beta2=0.999 eps=1e-8 weight_decay=0.01 "
                     "decay_form=decoupled amsgrad=false eps_form=outside bias_correction=true",
    [RAVINE_ADAMAX] = "lr=0.002 beta1=0.9 beta2=0.999 eps=1e-8 weight_decay=0 decay_form=coupled",
    [RAVINE_NADAM] = "lr=0.002 beta1=0.9 beta2=0.999 eps=1e-8 weight_decay=0 momentum_decay=0.004 "
                     "decay_form=coupled eps_form=outside",
    [RAVINE_RADAM] = "lr=0.001 beta1=0.9 beta2=0.999 eps=1e-8 weight_decay=0 decay_form=coupled "
                     "eps_form=hat",
    [RAVINE_ASGD] = "lr=0.01 lambd=0.0001 power=0.75 average_start=1e6 weight_decay=0",
    [RAVINE_RPROP] = "lr=0.01 eta_minus=0.5 eta_plus=1.2 step_min=1e-6 step_max=50",
    [RAVINE_LION] = "lr=0.0001 beta1=0.9 beta2=0.99 weight_decay=0 decay_form=decoupled",
    [RAVINE_SIGNUM] = "momentum=0.9 weight_decay=0 decay_form=decoupled",
    [RAVINE_ADABELIEF] = "lr=0.001 beta1=0.9 beta2=0.999 eps=1e-16 weight_decay=0 "
                         "decay_form=decoupled bias_correction=true",
    [RAVINE_YOGI] = "lr=0.01 beta1=0.9 beta2=0.999 eps=1e-3 initial=1e-6 weight_decay=0 "
                    "bias_correction=false",
    [RAVINE_ADAN] = "lr=0.001 beta1=0.98 beta2=0.92 beta3=0.99 eps=1e-8 weight_decay=0 "
                    "decay_form=proximal bias_correction=true",
    [RAVINE_ADOPT] = "lr=0.001 beta1=0.9 beta2=0.9999 eps=1e-6 weight_decay=0 "
                     "decay_form=decoupled",
    [RAVINE_LAMB] = "lr=0.001 beta1=0.9 beta2=0.999 eps=1e-6 weight_decay=0.01 "
                    "decay_form=decoupled eps_form=outside bias_correction=true",
    [RAVINE_ADAFACTOR] = "lr=0.01 beta2_decay=-0.8 eps1=0 eps2=1e-3 clip_update=1 weight_decay=0 "
                         "decay_form=decoupled",
};

static void defaults_are_those_of_the_sources(void **state) {
    (void)state;
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++) {
        ravine_config plain, told;
        char text[512];
        (void)snprintf(text, sizeof text, "%s %s clip_value=inf ema_decay=0 maximize=false",
                       ravine_rule_describe(rule)->name, usual[rule]);
        assert_int_equal(ravine_config_init(&plain, rule), RAVINE_OK);
        if (ravine_config_parse(&told, text) < 0) fail_msg("%s: %s", text, ravine_errmsg());
        for (int s = 0; s < RAVINE_SETTING_COUNT; s++) {
            if (ravine_config_get(&plain, s) == ravine_config_get(&told, s)) continue;
            fail_msg("%s: %s is %g, not %g", ravine_rule_describe(rule)->name,
                     ravine_setting_describe(s)->name, ravine_config_get(&plain, s),
                     ravine_config_get(&told, s));
        }
        assert_int_equal(ravine_config_check(&plain), RAVINE_OK);
    }
}

/* State of the type of the parameter, one number per element; scalars of a parameter come besides.
 */
static const struct {
    const char *rule, *keys;
} state_of[] = {
    {"sgd", ""},
    {"sgd momentum=0.9", "momentum_buffer"},
    {"adagrad", "sum"},
    {"adagrad_mean", "sum"},
    {"rmsprop", "square_avg"},
    {"rmsprop momentum=0.9 centered=true", "square_avg momentum_buffer grad_avg"},
    {"adadelta", "square_avg acc_delta"},
    {"adam", "exp_avg exp_avg_sq"},
    {"adamw amsgrad=true", "exp_avg exp_avg_sq max_exp_avg_sq"},
    {"adamax", "exp_avg exp_inf"},
    {"nadam", "exp_avg exp_avg_sq"},
    {"radam", "exp_avg exp_avg_sq"},
    {"asgd", "ax"},
    {"rprop", "prev step_size"},
    {"lion", "exp_avg"},
    {"lion ema_decay=0.9", "exp_avg ema"},
    {"yogi", "exp_avg exp_avg_sq"},
    {"adopt", "exp_avg exp_avg_sq"},
    {"lamb", "exp_avg exp_avg_sq"},
    {"adafactor", ""},
};

static int count_words(const char *text) {
    int words = *text != 0;
    for (; *text != 0; text++) words += *text == ' ';
    return words;
}

static void state_has_the_keys_of_pytorch(void **state) {
    (void)state;
    const int64_t shape[2] = {2, 3};
    for (size_t k = 0; k < sizeof state_of / sizeof *state_of; k++) {
        double a[6] = {0}, g[6] = {0};
        ravine_optimizer *const o = make_optimizer(state_of[k].rule);
        const ravine_param p = {.size = sizeof p,
                                .dtype = RAVINE_F64,
                                .name = "w",
                                .data = a,
                                .grad = g,
                                .len = 6,
                                .shape = shape,
                                .ndim = 2};
        assert_int_equal(ravine_add(o, &p, 1), RAVINE_OK);
        int found = 0;
        const char *key;
        for (int32_t j = 0; (key = ravine_state_key(o, 0, j)) != NULL; j++) {
            ravine_param view = {.size = sizeof view};
            assert_int_equal(ravine_state_view(o, "w", key, &view), RAVINE_OK);
            if (view.len != 6) continue;
            if (strstr(state_of[k].keys, key) == NULL) fail_msg("%s: %s", state_of[k].rule, key);
            assert_true(view.dtype == RAVINE_F64 && view.data != NULL && view.ndim == 2);
            assert_true(view.shape[0] == 2 && view.shape[1] == 3);
            found++;
        }
        if (found != count_words(state_of[k].keys)) fail_msg("%s: few keys", state_of[k].rule);
        ravine_destroy(o);
    }
}

/* Names find rules and settings; what a rule uses is listed once and can be set. */
static void names_and_descriptions(void **state) {
    (void)state;
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++) {
        const ravine_rule_info *const info = ravine_rule_describe(rule);
        assert_int_equal(ravine_rule_find(info->name), rule);
        assert_true(*info->title != 0 && *info->formula != 0 && *info->paper != 0);
        assert_true(info->nsettings > 0);
        char path[256];
        (void)snprintf(path, sizeof path, "%s/docs/rules/%s.md", SOURCE_DIR, info->name);
        FILE *const page = fopen(path, "r");
        if (page == NULL) fail_msg("there is no %s", path);
        (void)fclose(page);
        for (int32_t k = 0; k < info->nsettings; k++) {
            for (int32_t j = 0; j < k; j++) assert_true(info->setting[j] != info->setting[k]);
        }
    }
    for (int s = 0; s < RAVINE_SETTING_COUNT; s++) {
        const ravine_setting_info *const info = ravine_setting_describe(s);
        assert_int_equal(ravine_setting_find(info->name), s);
        assert_true(info->least <= info->greatest && *info->text != 0);
        assert_true((info->kind == RAVINE_KIND_CHOICE) == (info->nchoices > 0));
    }
    assert_null(ravine_rule_describe(-1));
    assert_null(ravine_rule_describe(RAVINE_RULE_COUNT));
    assert_null(ravine_setting_describe(-1));
    assert_null(ravine_setting_describe(RAVINE_SETTING_COUNT));
    assert_int_equal(ravine_rule_find("adamm"), -1);
    assert_int_equal(ravine_setting_find("beta"), -1);
}

/* What ravine_sigma says after one step is what the column of the rule says. */
static void sigma_is_of_its_kind(void **state) {
    (void)state;
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++) {
        const ravine_rule_info *info = ravine_rule_describe(rule);
        ravine_optimizer *o = make_optimizer(info->name);
        double theta[] = {1, -2}, gradient[] = {0.25, -3}, sigma[2];
        make_param(o, 0, "p", RAVINE_F64, theta, gradient, 2);
        make_step(o, NULL);
        const ravine_status status = ravine_sigma(o, "p", sigma, 2);
        const bool is_one = sigma[0] == 1 && sigma[1] == 1;
        const bool signs = info->sigma == RAVINE_SIGMA_SIGNS;
        const bool one = info->sigma == RAVINE_SIGMA_ONE || info->sigma == RAVINE_SIGMA_LATE;
        if (status != (signs ? RAVINE_E_UNSUPPORTED : RAVINE_OK) || (!signs && is_one != one))
            fail_msg("%s: %d, sigma %g %g", info->name, status, sigma[0], sigma[1]);
        ravine_destroy(o);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_sources),
        cmocka_unit_test(state_has_the_keys_of_pytorch),
        cmocka_unit_test(names_and_descriptions),
        cmocka_unit_test(sigma_is_of_its_kind),
    };
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
