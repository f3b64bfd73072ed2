/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: precedence, every kind of value, every message that names place and limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/failure.h"
#include "run/config.h"
#include "support/temporary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char folder[TEMPORARY_MAX];
static char path[TEMPORARY_MAX + 16];

static int make_folder(void **state) {
    (void)state;
    temporary_template(folder, "config");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/c.yaml", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_file(const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static int read_text(run_config *c, const char *text) {
    assert_int_equal(config_init(c), 0);
    write_file(text);
    return config_read_file(c, path);
}

static void assert_message_holds(const char *part) {
    if (!strstr(failure_text(), part))
        fail_msg("\"%s\" does not hold \"%s\"", failure_text(), part);
}

/* `times` repetitions of a text, between a head and a tail. */
static char *repeated(const char *head, const char *text, int times, const char *tail) {
    const size_t before = strlen(head), length = strlen(text);
    char *all = malloc(before + length * (size_t)times + strlen(tail) + 1);
    assert_non_null(all);
    strcpy(all, head);
    for (int k = 0; k < times; k++) memcpy(all + before + length * (size_t)k, text, length);
    strcpy(all + before + length * (size_t)times, tail);
    return all;
}

static void test_defaults(void **state) {
    (void)state;
    run_config c;
    assert_int_equal(config_init(&c), 0);
    assert_int_equal(config_check(&c), 0);
    assert_string_equal(c.name, "run");
    assert_int_equal(c.epochs, 10);
    assert_int_equal(c.model_widths.count, 2);
    assert_int_equal(c.model_widths.item[0], 256);
    assert_int_equal(c.model_widths.item[1], 128);
    assert_int_equal(c.data_numeric_columns.count, 0);
    assert_true(c.no_decay_on_vectors);
    assert_true(isinf(c.clip_norm));
    assert_int_equal(c.loss, -1);
    assert_null(c.schedule_lr);
    config_free(&c);
}

static void test_file(void **state) {
    (void)state;
    run_config c;
    assert_int_equal(read_text(&c, "epochs: 5\n"
                                   "model: {name: resnet, widths: [16, 32, 64], dropout: 0.25}\n"
                                   "data:\n"
                                   "  numeric_columns: [age, 'a, b']\n"
                                   "  delimiter: ;\n"
                                   "optimizer: sgd lr=0.1 momentum=0.9\n"
                                   "schedule:\n"
                                   "  momentum: linear(10) from=0.8\n"
                                   "no_decay_on_vectors: false\n"
                                   "loss: cross_entropy\n"
                                   "clip_norm: 1e0\n"),
                     0);
    assert_int_equal(c.epochs, 5);
    assert_int_equal(c.model_name, NET_RESNET);
    assert_int_equal(c.model_widths.count, 3);
    assert_int_equal(c.model_widths.item[2], 64);
    assert_true(c.model_dropout == 0.25);
    assert_int_equal(c.data_numeric_columns.count, 2);
    assert_string_equal(c.data_numeric_columns.item[1], "a, b");
    assert_string_equal(c.data_delimiter, ";");
    assert_string_equal(c.schedule_momentum, "linear(10) from=0.8");
    assert_false(c.no_decay_on_vectors);
    assert_int_equal(c.loss, NET_CROSS_ENTROPY);
    assert_true(c.clip_norm == 1);
    assert_non_null(strstr(c.origin[CONFIG_KEY_model_dropout], "c.yaml:2:"));
    config_free(&c);
}

static void test_precedence(void **state) {
    (void)state;
    run_config c;
    assert_int_equal(read_text(&c, "epochs: 5\nseed: 5\nbatch_size: 5\n"), 0);
    setenv("RAVINE_EPOCHS", "6", 1);
    setenv("RAVINE_SEED", "6", 1);
    setenv("RAVINE_MODEL_WIDTHS", "7,8", 1);
    int status = config_read_variables(&c);
    unsetenv("RAVINE_EPOCHS");
    unsetenv("RAVINE_SEED");
    unsetenv("RAVINE_MODEL_WIDTHS");
    assert_int_equal(status, 0);
    assert_int_equal(config_set(&c, "epochs=7"), 0);
    assert_int_equal(c.batch_size, 5);
    assert_int_equal(c.seed, 6);
    assert_int_equal(c.epochs, 7);
    assert_int_equal(c.model_widths.item[1], 8);
    assert_string_equal(c.origin[CONFIG_KEY_epochs], "--set");
    assert_string_equal(c.origin[CONFIG_KEY_seed], "RAVINE_SEED");
    assert_string_equal(c.origin[CONFIG_KEY_threads], "default");
    config_free(&c);
}

typedef struct bad {
    const char *text;
    int status;
    const char *message; /* a part of it */
} bad;

static void test_bad_files(void **state) {
    (void)state;
    static const bad list[] = {
        {"", FAILURE_INPUT, "empty"},
        {"# only a comment\n", FAILURE_INPUT, "no keys"},
        {"epochs: [1\n", FAILURE_INPUT, "not YAML"},
        {"- 1\n", FAILURE_INPUT, "KEY: VALUE"},
        {"epochs: 1\n---\nepochs: 2\n", FAILURE_INPUT, "second document"},
        {"x: \xff\n", FAILURE_INPUT, "UTF-8"},
        {"epochs: 1\nlerning: 2\n", FAILURE_USAGE, "c.yaml:2:1: unknown key lerning"},
        {"epohcs: 1\n", FAILURE_USAGE, "nearest is epochs"},
        {"modle:\n  name: mlp\n", FAILURE_USAGE, "nearest is model"},
        {"model:\n  widhts: [1]\n", FAILURE_USAGE,
         "c.yaml:2:3: unknown key model.widhts; nearest is "
         "model.widths"},
        {"widths: [1]\n", FAILURE_USAGE, "it is model.widths"},
        {"train:\n  batch_size: 8\n", FAILURE_USAGE,
         "c.yaml:2:3: unknown key train.batch_size; it is batch_size"},
        {"learning_rate: 0.1\n", FAILURE_USAGE,
         "c.yaml:1:1: learning_rate is called lr here; in a file it stands in optimizer: \"RULE "
         "lr=VALUE\""},
        {"train:\n  LearningRate: 0.1\n", FAILURE_USAGE,
         "train.LearningRate is called lr here; in a file"},
        {"lr: 0.1\n", FAILURE_USAGE,
         "c.yaml:1:1: unknown key lr; in a file it stands in optimizer: \"RULE lr=VALUE\""},
        {"wieght_decay: 0.1\n", FAILURE_USAGE,
         "nearest is weight_decay, but in a file it stands in optimizer: \"RULE weight_decay="},
        {"model:\n  hidden_sizes: [1]\n", FAILURE_USAGE,
         "model.hidden_sizes is called model.widths here"},
        {"optimizer: {name: adam, lr: 0.1}\n", FAILURE_USAGE,
         "optimizer must be a single value: rule and settings, e.g. \"adamw lr=1e-3"},
        {"model: mlp\n", FAILURE_USAGE, "model is a section"},
        {"epochs: 1\nepochs: 2\n", FAILURE_USAGE, "c.yaml:2:1: epochs is given a second time"},
        {"epochs: 0\n", FAILURE_USAGE,
         "c.yaml:1:9: epochs is 0; it must be a whole number in [1, "},
        {"epochs: 1.5\n", FAILURE_USAGE, "whole number"},
        {"epochs: many\n", FAILURE_USAGE, "\"many\""},
        {"epochs: [1, 2]\n", FAILURE_USAGE, "single value"},
        {"epochs:\n", FAILURE_USAGE, "epochs"},
        {"optimizer:\n", FAILURE_USAGE, "no value"},
        {"model: {dropout: 1}\n", FAILURE_USAGE, "model.dropout is 1; it must be in [0, 1)"},
        {"clip_norm: nan\n", FAILURE_USAGE, "(0, inf]"},
        {"data: {test_share: 1}\n", FAILURE_USAGE, "(0, 1)"},
        {"model: {name: mpl}\n", FAILURE_USAGE, "one of mlp, cnn, resnet"},
        {"model: {widths: [1, 0]}\n", FAILURE_USAGE, "model.widths is 0"},
        {"model: {widths: [1, [2]]}\n", FAILURE_USAGE, "item 2 of model.widths"},
        {"no_decay_on_vectors: 1\n", FAILURE_USAGE, "true or false"},
        {"name: \"a\\0b\"\n", FAILURE_USAGE, "single value"},
        {"model: &m\n  widths: *m\n", FAILURE_USAGE, "must be a list"},
    };
    for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
        run_config c;
        int status = read_text(&c, list[k].text);
        if (status != list[k].status)
            fail_msg("%s gave %d: %s", list[k].text, status, failure_text());
        assert_message_holds(list[k].message);
        config_free(&c);
    }
    run_config c;
    assert_int_equal(config_init(&c), 0);
    assert_int_equal(config_read_file(&c, "/nowhere/c.yaml"), FAILURE_INPUT);
    assert_message_holds("/nowhere/c.yaml");
    config_free(&c);
}

static void test_bad_sets_change_nothing(void **state) {
    (void)state;
    static const bad list[] = {
        {"epochs", FAILURE_USAGE, "KEY=VALUE"},
        {"=3", FAILURE_USAGE, "KEY=VALUE"},
        {"schedule=cosine(10) lr=3", FAILURE_USAGE,
         "--set: schedule is a section; its keys are schedule.lr and others"},
        {"epohcs=3", FAILURE_USAGE, "--set: unknown key epohcs; nearest is epochs"},
        {"widths=1", FAILURE_USAGE, "it is model.widths"},
        {"learning_rate=0.1", FAILURE_USAGE, "--set: learning_rate is called lr here"},
        {"betas=0.9", FAILURE_USAGE, "--set: betas is called beta1 and beta2 here"},
        {"num-epochs=3", FAILURE_USAGE, "--set: num-epochs is called epochs here"},
        {"wieght_decay=0", FAILURE_USAGE, "unknown key wieght_decay; nearest is weight_decay"},
        {"train.lr=1", FAILURE_USAGE, "unknown key train.lr; it is lr"},
        {"lr=", FAILURE_USAGE, "lr is \"\"; it must be one number or word"},
        {"lr=1 beta1=0", FAILURE_USAGE, "lr is \"1 beta1=0\"; it must be one number or word"},
        {"model.widths=[1", FAILURE_USAGE, "must be a list"},
        {"model.widths=1,x", FAILURE_USAGE, "\"x\""},
        {"epochs=-1", FAILURE_USAGE, "[1, 1000000]"},
        {"epochs=1e99", FAILURE_USAGE, "[1, 1000000]"},
        {"seed=9007199254740993e3", FAILURE_USAGE, "[0, 9007199254740992]"},
        {"name=\"a\" \"b\"", FAILURE_USAGE, "name is \"\"a\" \"b\"\"; it must be a single value"},
        {"epochs=\"ten\"", FAILURE_USAGE, "epochs is \"ten\"; it must be a whole number"},
    };
    run_config c;
    assert_int_equal(config_init(&c), 0);
    for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
        assert_int_equal(config_set(&c, list[k].text), list[k].status);
        assert_message_holds(list[k].message);
    }
    assert_int_equal(c.epochs, 10);
    assert_int_equal(c.model_widths.count, 2);
    for (int k = 0; k < CONFIG_KEY_COUNT; k++)
        if (c.origin[k]) assert_string_equal(c.origin[k], "default");
    config_free(&c);
}

/* Each row of called.def leads to what there is, and from what there is not. */
static void test_names_of_others(void **state) {
    (void)state;
    static const struct {
        const char *there, *here;
    } rows[] = {
#define CALLED(there, here) {there, here},
#include "text/called.def"
#undef CALLED
    };
    run_config c;
    assert_int_equal(config_init(&c), 0);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        char text[160];
        snprintf(text, sizeof text, "%s=1", rows[k].there);
        assert_int_equal(config_set(&c, text), FAILURE_USAGE);
        snprintf(text, sizeof text, "%s is called %s here", rows[k].there, rows[k].here);
        assert_message_holds(text);
        snprintf(text, sizeof text, "%.*s", (int)strcspn(rows[k].here, ", "), rows[k].here);
        if (ravine_setting_find(text) < 0 && config_look_up(text) == CONFIG_KEY_COUNT)
            fail_msg("%s leads to %s, which is no key and no setting", rows[k].there, text);
    }
    config_free(&c);
}

/* By its own name, wherever it stands. */
static void test_settings_of_the_rule(void **state) {
    (void)state;
    static const struct {
        const char *optimizer, *schedule, *set, *then, *then_schedule;
    } cases[] = {
        {"optimizer=adamw", NULL, "lr=0.1", "adamw lr=0.1", NULL},
        {"optimizer=sgd lr=1 momentum=0.9", NULL, "lr=2", "sgd lr=2 momentum=0.9", NULL},
        {"optimizer=sgd lr=1 momentum=0.9", NULL, "momentum=0", "sgd lr=1 momentum=0", NULL},
        {"optimizer=sgd lr=1", NULL, "nesterov=true", "sgd lr=1 nesterov=true", NULL},
        {"optimizer=asgd lr_decay=1", NULL, "lr=3", "asgd lr_decay=1 lr=3", NULL},
        {"optimizer=adam", "schedule.lr=cosine(95%) lr=1", "lr=3", "adam", "cosine(95%) lr=3"},
        {"optimizer=adam", "schedule.lr=lr = 1 warmup(5)", "lr=3", "adam", "lr=3 warmup(5)"},
        {"optimizer=adam", "schedule.lr=lr=1 warmup(5)", "beta1=0.5", "adam beta1=0.5",
         "lr=1 warmup(5)"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        run_config c;
        assert_int_equal(config_init(&c), 0);
        assert_int_equal(config_set(&c, cases[k].optimizer), 0);
        if (cases[k].schedule) assert_int_equal(config_set(&c, cases[k].schedule), 0);
        assert_int_equal(config_set(&c, cases[k].set), 0);
        assert_string_equal(c.optimizer, cases[k].then);
        if (cases[k].schedule) assert_string_equal(c.schedule_lr, cases[k].then_schedule);
        config_free(&c);
    }
    run_config c;
    assert_int_equal(config_init(&c), 0);
    assert_int_equal(config_set(&c, "schedule.lr=noam(100, width=8)"), 0);
    assert_int_equal(config_set(&c, "lr=1"), FAILURE_USAGE);
    assert_message_holds("which has no lr= to put it into");
    config_free(&c);
}

static void test_values_in_quotes(void **state) {
    (void)state;
    static const struct {
        const char *set, *value;
    } cases[] = {{"data.delimiter=;", ";"},         {"data.delimiter=\";\"", ";"},
                 {"data.delimiter=';'", ";"},       {"data.delimiter=\"\\t\"", "\t"},
                 {"data.delimiter=\"\\\"\"", "\""}, {"data.delimiter=\"", "\""}};
    run_config c;
    assert_int_equal(config_init(&c), 0);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        assert_int_equal(config_set(&c, cases[k].set), 0);
        assert_string_equal(c.data_delimiter, cases[k].value);
        assert_string_equal(c.origin[CONFIG_KEY_data_delimiter], "--set");
    }
    assert_int_equal(config_set(&c, "epochs='3'"), 0);
    assert_int_equal(c.epochs, 3);
    config_free(&c);
}

static void test_check(void **state) {
    (void)state;
    char *many = repeated("model.widths=1", ",1", 256, "");
    const struct {
        const char *set[3], *message;
    } list[] = {
        {{"name=a/b"}, "name of a folder"},
        {{"name=.."}, "name of a folder"},
        {{"data.format=csv"}, "data.file is not set"},
        {{"data.format=csv", "data.file=x"}, "data.target is not set"},
        {{"data.task=regression"}, "must be classification"},
        {{"loss=mean_squared_error"}, "needs cross_entropy"},
        {{"data.delimiter=ab"}, "one character"},
        {{many}, "has 257 numbers; it may have 256"},
    };
    for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
        run_config c;
        assert_int_equal(config_init(&c), 0);
        for (int s = 0; s < 3 && list[k].set[s]; s++)
            assert_int_equal(config_set(&c, list[k].set[s]), 0);
        assert_int_equal(config_check(&c), FAILURE_USAGE);
        assert_message_holds(list[k].message);
        config_free(&c);
    }
    free(many);
}

/* What is printed is a configuration that means the same. */
static void test_print_reads_back(void **state) {
    (void)state;
    static const char *const sets[] = {"name=x: y#",
                                       "model.widths=[1, 2, 3]",
                                       "data.delimiter=,",
                                       "data.target=\"quoted\" \\ text",
                                       "data.numeric_columns=[a, 'b, c', 'd: e', '1']",
                                       "ema=0.1",
                                       "clip_norm=inf",
                                       "schedule.lr=warmup(5%) cosine(95%, to=0) lr=1e-3",
                                       "loss=cross_entropy"};
    run_config c, again;
    assert_int_equal(config_init(&c), 0);
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++)
        assert_int_equal(config_set(&c, sets[k]), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    config_print(&c, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(config_init(&again), 0);
    assert_int_equal(config_read_file(&again, path), 0);
    json_t *first = config_json(&c, false), *second = config_json(&again, false);
    assert_true(json_equal(first, second));
    assert_string_equal(json_string_value(json_object_get(first, "name")), "x: y#");
    json_decref(first);
    json_decref(second);
    config_free(&c);
    config_free(&again);
}

static void test_shares_of_the_total(void **state) {
    (void)state;
    run_config c;
    ravine_schedule s;
    bool given;
    assert_int_equal(config_init(&c), 0);
    assert_int_equal(config_schedule(&c, RAVINE_LR, 100, &s, &given), 0);
    assert_false(given);
    assert_int_equal(config_set(&c, "schedule.lr=linear(25%, from=1, to=0)"), 0);
    assert_int_equal(config_schedule(&c, RAVINE_LR, 400, &s, &given), 0);
    assert_true(given);
    ravine_schedule_facts facts = {.size = sizeof facts};
    assert_true(ravine_schedule_describe(&s, &facts) >= 0);
    assert_int_equal(facts.total, 100);
    assert_true(ravine_schedule_at(&s, 0) == 1);
    assert_true(ravine_schedule_at(&s, 50) == 0.5);
    assert_int_equal(config_set(&c, "schedule.lr=cosin(10)"), 0);
    assert_int_equal(config_schedule(&c, RAVINE_LR, 400, &s, &given), FAILURE_USAGE);
    assert_message_holds("--set: schedule.lr \"cosin(10)\"");
    config_free(&c);
}

/* Texts that are small and would keep the reader busy for minutes. */
static void test_refused_at_once(void **state) {
    (void)state;
    static const struct {
        const char *head, *text;
        int times;
        const char *told;
    } cases[] = {
        {"epochs: 1\nmodel: ", "[", 200000,
         "c.yaml:2:15: lists and sections are 9 deep; the limit is 8"},
        {"epochs: 1\nmodel: ", "{a: ", 60000, "c.yaml:2:36: lists and sections are 9 deep"},
        {"", "- ", 100000, "c.yaml:1:17: lists and sections are 9 deep"},
        {"model: {widths: [", "&a 1,", 40000, "c.yaml: more than 10000 keys, values"},
        {"name: ", "x", 262144, "c.yaml: holds more than 262144 bytes, the limit"},
    };
    const clock_t began = clock();
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        run_config c;
        char *text = repeated(cases[k].head, cases[k].text, cases[k].times, "\n");
        assert_int_equal(read_text(&c, text), FAILURE_INPUT);
        assert_message_holds(cases[k].told);
        config_free(&c);
        free(text);
    }
    run_config c;
    char *list = repeated("model.widths=", "[", 50000, "");
    assert_int_equal(config_init(&c), 0);
    assert_int_equal(config_set(&c, list), FAILURE_USAGE);
    assert_message_holds("--set:1:9: lists and sections are 9 deep; the limit is 8");
    config_free(&c);
    free(list);
    assert_true(clock() - began < 5 * CLOCKS_PER_SEC);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),         cmocka_unit_test(test_file),
        cmocka_unit_test(test_precedence),       cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_refused_at_once),  cmocka_unit_test(test_bad_sets_change_nothing),
        cmocka_unit_test(test_names_of_others),  cmocka_unit_test(test_settings_of_the_rule),
        cmocka_unit_test(test_values_in_quotes), cmocka_unit_test(test_check),
        cmocka_unit_test(test_print_reads_back), cmocka_unit_test(test_shares_of_the_total),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
