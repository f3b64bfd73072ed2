/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_export.c - `ravine export`: what a run has learned, for programs that read ONNX, and for
 * those in C. */
#include "cli/cli.h"
#include "commands/export/export.h"
#include "commands/export/onnx.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Nodes stand behind those that they read. */
static int put_graph(wire_out *graph, const model *m) {
    int status = onnx_check_names(&m->encoding);
    if (status) return status;
    onnx_put_encoding(graph, &m->encoding, "/x");
    status = onnx_put_net(graph, m, "/x", "/z");
    if (!status) onnx_put_answer(graph, &m->encoding, "/z");
    return status;
}

/* Protobuf counts the bytes of a message in an int. */
static int print(const wire_out *file) {
    if (file->failed) return failure(FAILURE_INPUT, "out of memory for the ONNX model");
    if (file->used > INT_MAX)
        return failure(FAILURE_INPUT, "the ONNX model would have %zu bytes; it may have %d",
                       file->used, INT_MAX);
    fwrite(file->bytes, 1, file->used, stdout); /* main() checks stdout */
    return 0;
}

static int export_onnx(const model *m) {
    wire_out graph = {0}, file = {0};
    int status = put_graph(&graph, m);
    if (!status) {
        onnx_put_model(&file, &graph, &m->encoding);
        status = print(&file);
    }
    free(graph.bytes);
    free(file.bytes);
    return status;
}

/* Whether the ending of --output says that it is a header of C. */
static bool is_c_header(const char *path) {
    const size_t length = strlen(path);
    return length > 2 && !strcmp(path + length - 2, ".h");
}

int cmd_export(const cli_args *args) {
    if (args->noperands < 1)
        return failure(FAILURE_USAGE,
                       "export needs the folder of a run: ravine export RUN_DIR -o model.onnx");
    const char *output = cli_text(args, CLI_OUTPUT);
    if (!strcmp(output, "-") && isatty(STDOUT_FILENO))
        return failure(FAILURE_USAGE, "an ONNX model is no text for a terminal; say -o model.onnx");
    model m;
    int status = model_open(&m, args->operand[0], cli_is_given(args, CLI_AVERAGED));
    if (!status) status = is_c_header(output) ? export_c_header(&m, output) : export_onnx(&m);
    model_free(&m);
    return status;
}
