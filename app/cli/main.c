/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - reads the command line, runs one command, and answers for what it wrote. */
#include "cli/interrupt.h"
#include "cli/table.h"
#include "file/atomic_file.h"
#include "network/product.h"
#include "page/printable.h"
#include "ravine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMAND(NAME, name, ...) [CLI_##NAME##_COMMAND] = cmd_##name,
static int (*const run_command[CLI_COMMAND_COUNT])(const cli_args *args) = {
#include "options.def"
};

/* One line, whatever a file name or a cell of a table may hold; none where a verdict is the
 * answer. */
static void print_failure(void) {
    if (!*failure_text()) return;
    fputs("ravine: ", stderr);
    printable_put(stderr, failure_text());
    fputc('\n', stderr);
}

/* A report of a fault or of a speed wants to know what ran. */
static int print_version(void) {
    char kernels[256];
    const int status = failure_of(ravine_kernels_describe(NULL, kernels, sizeof kernels));
    if (status) return status;
    printf("ravine %s\nkernels: %s\nproducts of matrices: %s\n", ravine_version(), kernels,
           product_library());
    return 0;
}

static int run(const cli_args *args) {
    if (cli_is_given(args, CLI_SHOW_HELP)) {
        cli_print_help(stdout, args->command);
        return 0;
    }
    if (cli_is_given(args, CLI_SHOW_VERSION)) {
        return print_version();
    }
    if (args->command == CLI_COMMAND_COUNT)
        return failure(FAILURE_USAGE, "no command is given; see ravine --help");
    return run_command[args->command](args);
}

/* A full disk or a closed pipe is often noticed only when the last bytes leave. `name`: where
 * stdout goes. */
static int flush_stdout(const char *name) {
    errno = 0;
    bool failed = ferror(stdout) != 0;
    if (fflush(stdout)) failed = true;
    if (!failed) return 0;
    return failure(FAILURE_INPUT, "cannot write to %s: %s", name,
                   errno ? strerror(errno) : "an earlier write failed");
}

/* --output FILE: stdout goes to a file that appears when the command has answered, and only then.
 */
static int run_into_file(const cli_args *args, const char *path) {
    ravine_atomic_file file;
    int status = failure_of(ravine_atomic_open(&file, path, 0, 0));
    if (status) return status;
    if (dup2(file.fd, STDOUT_FILENO) < 0) {
        ravine_atomic_discard(&file);
        return failure(FAILURE_INPUT, "cannot write to %s: %s", path, strerror(errno));
    }
    status = run(args);
    bool answered = status != FAILURE_USAGE && status != FAILURE_INPUT;
    if (!answered || flush_stdout(path)) {
        ravine_atomic_discard(&file);
        return answered ? FAILURE_INPUT : status;
    }
    const int uncommitted = failure_of(ravine_atomic_commit(&file));
    return uncommitted ? uncommitted : status;
}

/* Where the library of products reads at its loading what it should do. If the new start fails, it
 * is only slow. */
static void restart_for_products(char **argv) {
    if (!product_prepare()) return;
    interrupt_defer_wish();
    execv("/proc/self/exe", argv);
}

/* Commands that run a net. */
static bool uses_products(const cli_args *args) {
    return args->command == CLI_TRAIN_COMMAND || args->command == CLI_SWEEP_COMMAND ||
           args->command == CLI_FIND_LR_COMMAND ||
           (args->command == CLI_DOCTOR_COMMAND &&
            (cli_is_given(args, CLI_PROBE) || cli_is_given(args, CLI_TRY)));
}

/* Commands that can be told to save, or to stop after the step. */
static bool is_interruptible(const cli_args *args) {
    return args->command == CLI_TRAIN_COMMAND || args->command == CLI_SWEEP_COMMAND ||
           args->command == CLI_FIND_LR_COMMAND ||
           (args->command == CLI_DOCTOR_COMMAND && cli_is_given(args, CLI_FOLLOW));
}

/* Where stdin, stdout or stderr are closed, the next file that is opened would take its place, and
 * what is said would be written into it. */
static void open_standard_streams(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            _exit(cli_exit_code(FAILURE_INPUT));
}

int main(int argc, char **argv) {
    open_standard_streams();
    /* A closed pipe, a file that may not grow: errors of write(), told like any other. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    cli_args args;
    int status = cli_parse(&args, argc, (const char *const *)argv);
    if (uses_products(&args)) restart_for_products(argv);
    if (is_interruptible(&args)) interrupt_catch();
    if (!status) {
        const char *output = cli_text(&args, CLI_OUTPUT);
        status = strcmp(output, "-") ? run_into_file(&args, output) : run(&args);
    }
    if (status) print_failure();
    if (flush_stdout("stdout") && !status) {
        print_failure();
        status = FAILURE_INPUT;
    }
    cli_args_free(&args);
    const int exit_code = cli_exit_code(status);
    product_leave(exit_code);
    return exit_code;
}
