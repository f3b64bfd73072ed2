/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - options.def as arrays, and the parser that they drive. */
#include "cli/table.h"
#include "text/nearest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A name as it is typed, where that is no name of a function. */
/* clang-format off */
#define find_lr find-lr
/* clang-format on */
#define TYPED(name) #name
#define COMMAND(NAME, name, operands, most, completes, summary, text) \
    {TYPED(name), operands, most, CLI_COMPLETES_##completes, summary, text},
const cli_command_row cli_commands[CLI_COMMAND_COUNT] = {
#include "options.def"
};

/* The words of the column `commands`. */
#define COMMAND(NAME, ...) NAME = 1u << CLI_##NAME##_COMMAND,
enum {
#include "options.def"
    ALL = (1u << (CLI_COMMAND_COUNT + 1)) - 1
};
#define OPTION(NAME, name, letter, metavar, kind, least, greatest, fallback, variable, commands, \
               text)                                                                             \
    {#name, letter, metavar, CLI_KIND_##kind, least, greatest, fallback, variable, commands, text},
const cli_option_row cli_options[CLI_OPTION_COUNT] = {
#include "options.def"
};

bool cli_takes(cli_command command, cli_option option) {
    return cli_options[option].commands >> command & 1;
}

/* " of train", or "" before a command is named; and what to read next. */
static const char *of_command(cli_command command) {
    static char text[64];
    if (command == CLI_COMMAND_COUNT) return "";
    snprintf(text, sizeof text, " of %s", cli_commands[command].name);
    return text;
}

static const char *see_help(cli_command command) {
    static char text[64];
    if (command == CLI_COMMAND_COUNT) return "see ravine --help";
    snprintf(text, sizeof text, "see ravine %s --help", cli_commands[command].name);
    return text;
}

int cli_find_command(const char *name, cli_command *command) {
    ravine_nearest nearest = ravine_nearest_to(name);
    for (int c = 0; c < CLI_COMMAND_COUNT; c++) {
        if (!strcmp(name, cli_commands[c].name)) {
            *command = (cli_command)c;
            return 0;
        }
        ravine_nearest_offer(&nearest, cli_commands[c].name);
    }
    if (nearest.name)
        return failure(FAILURE_USAGE, "unknown command %s; nearest is %s", name, nearest.name);
    return failure(FAILURE_USAGE, "unknown command %s; see ravine --help", name);
}

/* `name` is the long option's, [length] without dashes. */
static int find_long(cli_command command, const char *name, size_t length, cli_option *option) {
    char wanted[RAVINE_NEAREST_MAX];
    snprintf(wanted, sizeof wanted, "%.*s", (int)(length < sizeof wanted ? length : sizeof wanted),
             name);
    ravine_nearest nearest = ravine_nearest_to(wanted);
    for (int o = 0; o < CLI_OPTION_COUNT; o++) {
        if (!cli_takes(command, (cli_option)o)) continue;
        const char *known = cli_options[o].name;
        if (strlen(known) == length && !memcmp(known, name, length)) {
            *option = (cli_option)o;
            return 0;
        }
        ravine_nearest_offer(&nearest, known);
    }
    if (nearest.name)
        return failure(FAILURE_USAGE, "unknown option --%s%s; nearest is --%s", wanted,
                       of_command(command), nearest.name);
    if (cli_takes(command, CLI_CONFIG_SET))
        return failure(
            FAILURE_USAGE,
            "unknown option --%s%s; a key of the configuration is given as --set %.*s=VALUE",
            wanted, of_command(command), (int)strcspn(wanted, "="), wanted);
    return failure(FAILURE_USAGE, "unknown option --%s%s; %s", wanted, of_command(command),
                   see_help(command));
}

static int find_short(cli_command command, char letter, cli_option *option) {
    for (int o = 0; o < CLI_OPTION_COUNT; o++)
        if (cli_takes(command, (cli_option)o) && cli_options[o].letter == letter) {
            *option = (cli_option)o;
            return 0;
        }
    return failure(FAILURE_USAGE, "unknown option -%c%s; %s", letter, of_command(command),
                   see_help(command));
}

/* Checks a COUNT; `what` names it in the message: "--steps" or "RAVINE_THREADS". */
static int read_count(const cli_option_row *row, const char *dashes, const char *what,
                      const char *value, int64_t *count) {
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (end == value || *end)
        return failure(FAILURE_USAGE, "%s%s is \"%s\"; it must be a whole number", dashes, what,
                       value);
    if (errno == ERANGE || number < row->least || number > row->greatest)
        return failure(FAILURE_USAGE, "%s%s is %s; it must be in [%" PRId64 ", %" PRId64 "]",
                       dashes, what, value, row->least, row->greatest);
    *count = number;
    return 0;
}

static int add_given(cli_args *args, cli_option option, const char *value) {
    const cli_option_row *row = &cli_options[option];
    int64_t count;
    if (row->kind == CLI_KIND_COUNT) {
        int status = read_count(row, "--", row->name, value, &count);
        if (status) return status;
    }
    args->given[args->ngiven++] = (cli_given){option, value};
    return 0;
}

/* One "--name", "--name=value" or "--name value"; *k is advanced past a value of its own. */
static int parse_long(cli_args *args, const char *const *argv, int *k) {
    const char *name = argv[*k] + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    cli_option option = CLI_OPTION_COUNT;
    int status = find_long(args->command, name, length, &option);
    if (status) return status;
    const cli_option_row *row = &cli_options[option];
    if (row->kind == CLI_KIND_FLAG) {
        if (equals) return failure(FAILURE_USAGE, "option --%s takes no value", row->name);
        return add_given(args, option, NULL);
    }
    const char *value = equals ? equals + 1 : argv[++*k];
    if (!value)
        return failure(FAILURE_USAGE, "option --%s needs a value: --%s %s", row->name, row->name,
                       row->metavar);
    return add_given(args, option, value);
}

/* "-abc", "-n5", "-n 5": flags may be bundled, a value ends the bundle. */
static int parse_short(cli_args *args, const char *const *argv, int *k) {
    for (const char *letter = argv[*k] + 1; *letter; letter++) {
        cli_option option = CLI_OPTION_COUNT;
        int status = find_short(args->command, *letter, &option);
        if (status) return status;
        const cli_option_row *row = &cli_options[option];
        if (row->kind != CLI_KIND_FLAG) {
            const char *value = letter[1] ? letter + 1 : argv[++*k];
            if (!value)
                return failure(FAILURE_USAGE, "option -%c needs a value: -%c %s", *letter, *letter,
                               row->metavar);
            return add_given(args, option, value);
        }
        status = add_given(args, option, NULL);
        if (status) return status;
    }
    return 0;
}

static int check_variables(const cli_args *args) {
    for (int o = 0; o < CLI_OPTION_COUNT; o++) {
        const cli_option_row *row = &cli_options[o];
        if (!row->variable || row->kind != CLI_KIND_COUNT) continue;
        if (!cli_takes(args->command, (cli_option)o)) continue;
        const char *value = getenv(row->variable);
        int64_t count;
        int status = value ? read_count(row, "", row->variable, value, &count) : 0;
        if (status) return status;
    }
    return 0;
}

static int add_operand(cli_args *args, const char *text) {
    if (args->command == CLI_COMMAND_COUNT) return cli_find_command(text, &args->command);
    const cli_command_row *row = &cli_commands[args->command];
    if (args->noperands == row->most)
        return failure(FAILURE_USAGE, "%s does not take \"%s\": usage: ravine %s [OPTION...]%s%s",
                       row->name, text, row->name, *row->operands ? " " : "", row->operands);
    args->operand[args->noperands++] = text;
    return 0;
}

int cli_parse(cli_args *args, int argc, const char *const *argv) {
    *args = (cli_args){.command = CLI_COMMAND_COUNT};
    args->operand = calloc((size_t)argc + 1, sizeof *args->operand);
    /* A bundle of short flags may hold more options than there are arguments. */
    size_t most = 1;
    for (int k = 1; k < argc; k++) most += strlen(argv[k]) + 1;
    args->given = calloc(most, sizeof *args->given);
    if (!args->operand || !args->given) return failure(FAILURE_INPUT, "out of memory");

    bool only_operands = false;
    for (int k = 1; k < argc; k++) {
        int status;
        if (only_operands || argv[k][0] != '-' || !argv[k][1])
            status = add_operand(args, argv[k]);
        else if (!strcmp(argv[k], "--"))
            only_operands = true, status = 0;
        else if (argv[k][1] == '-')
            status = parse_long(args, argv, &k);
        else
            status = parse_short(args, argv, &k);
        if (status) return status;
    }
    return check_variables(args);
}

void cli_args_free(cli_args *args) {
    free(args->operand);
    free(args->given);
}

static const cli_given *last_given(const cli_args *args, cli_option option) {
    for (int k = args->ngiven - 1; k >= 0; k--)
        if (args->given[k].option == option) return &args->given[k];
    return NULL;
}

bool cli_is_given(const cli_args *args, cli_option option) {
    return last_given(args, option);
}

const char *cli_text(const cli_args *args, cli_option option) {
    const cli_given *given = last_given(args, option);
    if (given) return given->value;
    const cli_option_row *row = &cli_options[option];
    const char *value = row->variable ? getenv(row->variable) : NULL;
    return value ? value : row->fallback;
}

int64_t cli_count(const cli_args *args, cli_option option, int64_t otherwise) {
    const char *text = cli_text(args, option);
    return text ? strtoll(text, NULL, 10) : otherwise; /* cli_parse() checked it */
}

bool cli_terminal(FILE *stream) {
    const char *term = getenv("TERM");
    return term && strcmp(term, "dumb") && isatty(fileno(stream));
}

bool cli_color(FILE *stream) {
    const char *no_color = getenv("NO_COLOR");
    return !(no_color && *no_color) && cli_terminal(stream);
}

int cli_width(FILE *stream) {
    struct winsize size;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

int cli_print_json(json_t *object) {
    if (!object) return failure(FAILURE_INPUT, "out of memory");
    json_dumpf(object, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(object);
    return 0;
}
