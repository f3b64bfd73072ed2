/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_generate.c - `ravine generate`: a text that a trained net goes on with. */
#include "cli/cli.h"
#include "text/number.h"
#include "trainer/writer.h"

#include <string.h>

static int read_temperature(const cli_args *args, double *temperature) {
    const char *text = cli_text(args, CLI_TEMPERATURE), *end = ravine_number_end(text);
    *temperature = end != text && !*end ? ravine_number_read(text) : -1;
    if (*temperature >= 0 && *temperature <= 100) return 0;
    return failure(FAILURE_USAGE, "--temperature is \"%s\"; it must be a number in [0, 100]", text);
}

/* Each byte is out before the next one is looked for. */
static int write_text(text_writer *w, const char *prompt, int64_t bytes) {
    int status = 0;
    fputs(prompt, stdout);
    for (int64_t k = 0; k < bytes && !status; k++) {
        unsigned char byte;
        status = text_writer_next(w, &byte);
        if (status) break;
        putchar(byte);
        if (fflush(stdout) != 0) break; /* main() tells */
    }
    return status;
}

int cmd_generate(const cli_args *args) {
    if (args->noperands < 1)
        return failure(FAILURE_USAGE, "generate needs the folder of a run that has learned a text");
    const char *given = cli_text(args, CLI_PROMPT), *prompt = given ? given : "\n";
    model m = {0};
    text_writer w = {0};
    double temperature;
    int status = read_temperature(args, &temperature);
    if (!status) status = model_open(&m, args->operand[0], cli_is_given(args, CLI_AVERAGED));
    if (!status) status = model_check_text(&m, true, "generate", "predict");
    if (!status) status = text_writer_begin(&w, &m, (const unsigned char *)prompt, strlen(prompt));
    w.temperature = temperature;
    w.seed = (uint64_t)cli_count(args, CLI_SEED, 1);
    if (!status) status = write_text(&w, prompt, cli_count(args, CLI_BYTES, 500));
    text_writer_free(&w);
    model_free(&m);
    return status;
}
