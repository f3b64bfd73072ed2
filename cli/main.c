/* main.c - reads the command line, runs one command, and answers for what it wrote. */
#include "ravine.h"
#include "table.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* One line, whatever a file name or a cell of a table may hold: control characters as \xNN. */
static void print_failure(void) {
    fputs("ravine: ", stderr);
    for (const char *c = failure_text(); *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            fprintf(stderr, "\\x%02X", (unsigned)(unsigned char)*c);
        else
            fputc(*c, stderr);
    }
    fputc('\n', stderr);
}

static int run(const cli_args *args) {
    if (cli_is_given(args, CLI_SHOW_HELP)) {
        cli_print_help(stdout, args->command);
        return 0;
    }
    if (cli_is_given(args, CLI_SHOW_VERSION)) {
        printf("ravine %s\n", ravine_version());
        return 0;
    }
    if (args->command == CLI_COMMAND_COUNT)
        return failure(EXIT_USAGE, "no command is given; see ravine --help");
    return cli_commands[args->command].run(args);
}

/* A full disk or a closed pipe is often noticed only when the last bytes leave. */
static int close_stdout(void) {
    bool failed = ferror(stdout);
    errno = 0;
    if (fclose(stdout)) failed = true;
    if (!failed) return 0;
    return failure(EXIT_INPUT, "cannot write to stdout: %s",
                   errno ? strerror(errno) : "an earlier write failed");
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write(), told like any other */
    cli_args args;
    int status = cli_parse(&args, argc, (const char *const *)argv);
    if (!status) status = run(&args);
    if (status) print_failure();
    int unwritten = close_stdout();
    if (unwritten && !status) {
        print_failure();
        status = unwritten;
    }
    cli_args_free(&args);
    return status;
}
