/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: the parser and the help, both driven by options.def. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/help.c"
#include "cli/options.c"

static void assert_message_holds(const char *part) {
    if (!strstr(failure_text(), part))
        fail_msg("\"%s\" does not hold \"%s\"", failure_text(), part);
}

/* Parses "ravine" and the words that follow, up to NULL. */
static int parse(cli_args *args, const char *const *words) {
    const char *argv[16] = {"ravine"};
    int argc = 1;
    while (words[argc - 1] && argc < 15) {
        argv[argc] = words[argc - 1];
        argc++;
    }
    return cli_parse(args, argc, argv);
}
#define PARSE(args, ...) parse(args, (const char *const[]){__VA_ARGS__, NULL})

static void test_values(void **state) {
    (void)state;
    cli_args args;
    assert_int_equal(PARSE(&args, "schedule", "--steps=5", "-k", "2", "cosine(3)", "-j"), 0);
    assert_int_equal(args.command, CLI_SCHEDULE_COMMAND);
    assert_int_equal(args.noperands, 1);
    assert_string_equal(args.operand[0], "cosine(3)");
    assert_null(args.operand[1]);
    assert_int_equal(cli_count(&args, CLI_STEPS, 9), 5);
    assert_int_equal(cli_count(&args, CLI_EVERY, 9), 2);
    assert_true(cli_is_given(&args, CLI_JSON));
    assert_string_equal(cli_text(&args, CLI_OUTPUT), "-"); /* the fallback */
    cli_args_free(&args);

    assert_int_equal(PARSE(&args, "schedule", "-jn7", "--steps", "8"), 0); /* the last one counts */
    assert_int_equal(cli_count(&args, CLI_STEPS, 9), 8);
    assert_int_equal(cli_count(&args, CLI_EVERY, 9), 9);
    cli_args_free(&args);

    assert_int_equal(PARSE(&args, "train", "--set", "a=1", "--set=b=2", "--", "-x.yaml"), 0);
    assert_int_equal(args.ngiven, 2);
    assert_string_equal(args.given[1].value, "b=2");
    assert_string_equal(args.operand[0], "-x.yaml");
    cli_args_free(&args);
}

static void test_same_name_in_two_commands(void **state) {
    (void)state;
    cli_args args;
    assert_int_equal(PARSE(&args, "bench", "--threads", "1,2"), 0);
    assert_string_equal(cli_text(&args, CLI_THREADS_LIST), "1,2");
    cli_args_free(&args);
    assert_int_equal(PARSE(&args, "train", "--threads", "1,2"), FAILURE_USAGE);
    cli_args_free(&args);
}

static void test_variables(void **state) {
    (void)state;
    cli_args args;
    setenv("RAVINE_THREADS", "3", 1);
    assert_int_equal(PARSE(&args, "train"), 0);
    assert_int_equal(cli_count(&args, CLI_THREADS, 1), 3);
    cli_args_free(&args);
    assert_int_equal(PARSE(&args, "train", "-t2"), 0);
    assert_int_equal(cli_count(&args, CLI_THREADS, 1), 2);
    cli_args_free(&args);
    setenv("RAVINE_THREADS", "many", 1);
    assert_int_equal(PARSE(&args, "train"), FAILURE_USAGE);
    assert_message_holds("RAVINE_THREADS is \"many\"");
    cli_args_free(&args);
    unsetenv("RAVINE_THREADS");
}

static void test_errors(void **state) {
    (void)state;
    static const struct {
        const char *words[4], *message;
    } list[] = {
        {{"trian"}, "unknown command trian; nearest is train"},
        {{"xyzzy"}, "see ravine --help"},
        {{"train", "--thread", "2"}, "unknown option --thread of train; nearest is --threads"},
        {{"train", "--xyzzyxyzzy=1"}, "is given as --set xyzzyxyzzy=VALUE"},
        {{"race", "--xyzzyxyzzy"}, "see ravine race --help"},
        {{"--steps", "3"}, "unknown option --steps"},
        {{"train", "-z"}, "unknown option -z of train"},
        {{"schedule", "--steps"}, "--steps needs a value"},
        {{"schedule", "-n"}, "-n needs a value"},
        {{"schedule", "--json=1"}, "--json takes no value"},
        {{"schedule", "--steps=0"}, "--steps is 0; it must be in [1, 1000000000]"},
        {{"schedule", "--steps=99999999999999999999"}, "it must be in [1, "},
        {{"schedule", "--steps=ten"}, "must be a whole number"},
        {{"schedule", "--steps="}, "must be a whole number"},
        {{"schedule", "a", "b"}, "schedule does not take \"b\""},
        {{"bench", "x"}, "usage: ravine bench"},
    };
    for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
        cli_args args;
        assert_int_equal(parse(&args, list[k].words), FAILURE_USAGE);
        assert_message_holds(list[k].message);
        cli_args_free(&args);
    }
}

/* No two options of a command share a name or a letter. */
static void test_names_are_unique(void **state) {
    (void)state;
    for (int c = 0; c <= CLI_COMMAND_COUNT; c++)
        for (int a = 0; a < CLI_OPTION_COUNT; a++)
            for (int b = 0; b < a; b++) {
                if (!cli_takes((cli_command)c, (cli_option)a)) continue;
                if (!cli_takes((cli_command)c, (cli_option)b)) continue;
                assert_string_not_equal(cli_options[a].name, cli_options[b].name);
                if (cli_options[a].letter)
                    assert_int_not_equal(cli_options[a].letter, cli_options[b].letter);
            }
}

static char *text_of(void (*print)(FILE *, cli_command), cli_command command) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    print(out, command);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_help_fits_and_names_every_option(void **state) {
    (void)state;
    for (int c = 0; c <= CLI_COMMAND_COUNT; c++) {
        char *text = text_of(cli_print_help, (cli_command)c);
        char *man = text_of(print_man, (cli_command)c);
        for (int o = 0; o < CLI_OPTION_COUNT; o++) {
            if (!cli_takes((cli_command)c, (cli_option)o)) continue;
            char name[64];
            snprintf(name, sizeof name, "--%s", cli_options[o].name);
            assert_non_null(strstr(text, name));
        }
        for (char *line = text; *line;) {
            size_t length = strcspn(line, "\n");
            if (length > 79) fail_msg("%.*s", (int)length, line);
            if (length) assert_int_not_equal(line[length - 1], ' ');
            line += length + 1;
        }
        assert_int_equal(strncmp(man, ".TH", 3), 0);
        free(text);
        free(man);
    }
}

static void test_nearest(void **state) {
    (void)state;
    assert_int_equal(ravine_nearest_distance("", ""), 0);
    assert_int_equal(ravine_nearest_distance("kitten", "sitting"), 3);
    assert_int_equal(ravine_nearest_distance("trian", "train"), 1); /* one swap */
    assert_int_equal(ravine_nearest_distance("", "abc"), 3);
    ravine_nearest nearest = ravine_nearest_to("abc");
    ravine_nearest_offer(&nearest, "xyz");
    assert_null(nearest.name);
    ravine_nearest_offer(&nearest, "abcdefghij"); /* it begins so, by chance */
    assert_null(nearest.name);
    ravine_nearest_offer(&nearest, "abd");
    ravine_nearest_offer(&nearest, "abcd");
    assert_string_equal(nearest.name, "abd"); /* the first of equals */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_same_name_in_two_commands),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_names_are_unique),
        cmocka_unit_test(test_help_fits_and_names_every_option),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
