/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: the words are the lines of the input. What is accepted keeps the promises of
 * cli.h: counts within their bounds, options that the command takes. */
#include "cli/options.c"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth) {
    if (!truth) abort();
}

static void check(const cli_args *args, int argc) {
    require(args->command >= 0 && args->command <= CLI_COMMAND_COUNT);
    require(args->noperands < argc && args->operand[args->noperands] == NULL);
    for (int k = 0; k < args->ngiven; k++) {
        const cli_option option = args->given[k].option;
        require(cli_takes(args->command, option) && cli_is_given(args, option));
        require((cli_options[option].kind == CLI_KIND_FLAG) == (args->given[k].value == NULL));
    }
    for (int o = 0; o < CLI_OPTION_COUNT; o++) {
        if (cli_options[o].kind != CLI_KIND_COUNT || !cli_text(args, (cli_option)o)) continue;
        const int64_t count = cli_count(args, (cli_option)o, 0);
        require(count >= cli_options[o].least && count <= cli_options[o].greatest);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { WORDS_MAX = 64 };
    const char *argv[WORDS_MAX + 2] = {"ravine"};
    int argc = 1;
    char *text = malloc(size + 1), *rest = text;
    require(text != NULL);
    if (size) memcpy(text, data, size);
    text[size] = '\0';
    for (char *word; argc <= WORDS_MAX && (word = strsep(&rest, "\n"));) argv[argc++] = word;
    cli_args args;
    if (cli_parse(&args, argc, argv) == 0)
        check(&args, argc);
    else
        require(*failure_text());
    cli_args_free(&args);
    free(text);
    return 0;
}
