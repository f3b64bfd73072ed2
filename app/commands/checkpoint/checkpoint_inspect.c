/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_inspect.c - what is in a safetensors file, and whether it is whole. */
#include "commands/checkpoint/checkpoint.h"
#include "io/number_json.h"
#include "page/printable.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int64_t file_bytes(const char *path) {
    struct stat facts;
    return stat(path, &facts) == 0 ? (int64_t)facts.st_size : 0;
}

/* A text at least `columns` wide. */
static void put_column(const char *text, int columns) {
    const int used = (int)printable_put(stdout, text);
    printf("%*s", used < columns ? columns - used : 1, "");
}

/* ---- inspect ---- */

enum { NAME_COLUMNS = 36, KIND_COLUMNS = 20 };

static void print_tensor(const ravine_tensor *t, int64_t bytes, bool checked) {
    const tensor_facts f = tensor_facts_of(t, tensor_count(t));
    put_column(t->name, NAME_COLUMNS);
    put_column(tensor_kind_of(t).text, KIND_COLUMNS);
    printf("%12" PRId64, bytes);
    if (f.known)
        printf(" %12.6g %12.6g %12.6g %9" PRId64, f.norm, f.least, f.greatest, f.nonfinite);
    else
        printf(" %12s %12s %12s %9s", "-", "-", "-", "-");
    puts(checked ? "" : "  no checksum");
}

static int print_tensors(const ravine_checkpoint *file, progress *shown) {
    put_column("tensor", NAME_COLUMNS);
    put_column("dtype shape", KIND_COLUMNS);
    printf("%12s %12s %12s %12s %9s\n", "bytes", "norm", "least", "greatest", "nonfinite");
    const int64_t count = ravine_checkpoint_tensor_count(file);
    for (int64_t i = 0; i < count; i++) {
        ravine_tensor t;
        int64_t bytes;
        int32_t checked = 0;
        progress_to(shown, i);
        const int status = checkpoint_numbers(file, i, &t, &bytes);
        if (status) return status;
        progress_end(shown);
        if (ravine_checkpoint_range(file, i, NULL, NULL, &checked) < 0) checked = 0;
        print_tensor(&t, bytes, checked);
        free(t.data);
    }
    return 0;
}

/* Every text, in the order of the file; checksums stand behind the tensors. */
static void print_texts(const ravine_checkpoint *file) {
    ravine_text text;
    putchar('\n');
    for (int64_t k = 0; ravine_checkpoint_text(file, k, &text); k++) {
        if (text_is_checksum(text.key)) continue;
        put_column(text.key, NAME_COLUMNS);
        printable_put(stdout, text.value);
        putchar('\n');
    }
}

static json_t *tensor_json(const ravine_checkpoint *file, int64_t i, const ravine_tensor *t) {
    int64_t begin = 0, end = 0;
    int32_t checked = 0;
    if (ravine_checkpoint_range(file, i, &begin, &end, &checked) < 0) return NULL;
    const tensor_facts f = tensor_facts_of(t, tensor_count(t));
    json_t *out =
        json_pack("{ss ss so sI sI sb}", "name", t->name, "dtype", ravine_dtype_name(t->dtype),
                  "shape", tensor_shape_json(t), "begin", (json_int_t)begin, "bytes",
                  (json_int_t)(end - begin), "checksum", checked != 0);
    json_object_set_new(out, "norm", f.known ? number_json(f.norm) : json_null());
    json_object_set_new(out, "least", f.known ? number_json(f.least) : json_null());
    json_object_set_new(out, "greatest", f.known ? number_json(f.greatest) : json_null());
    json_object_set_new(out, "nonfinite",
                        f.known ? json_integer((json_int_t)f.nonfinite) : json_null());
    return out;
}

static int inspect_json(const ravine_checkpoint *file, const char *path, progress *shown) {
    json_t *tensors = json_array(), *texts = json_object();
    ravine_text text;
    int status = 0;
    for (int64_t k = 0; ravine_checkpoint_text(file, k, &text); k++)
        if (!text_is_checksum(text.key))
            json_object_set_new(texts, text.key, json_string(text.value));
    for (int64_t i = 0; i < ravine_checkpoint_tensor_count(file) && !status; i++) {
        ravine_tensor t;
        int64_t bytes;
        progress_to(shown, i);
        status = checkpoint_numbers(file, i, &t, &bytes);
        if (status) break;
        json_array_append_new(tensors, tensor_json(file, i, &t));
        free(t.data);
    }
    if (!status)
        return cli_print_json(json_pack("{ss sI so so}", "file", path, "bytes",
                                        (json_int_t)file_bytes(path), "tensors", tensors, "texts",
                                        texts));
    json_decref(tensors);
    json_decref(texts);
    return status;
}

int checkpoint_inspect(const cli_args *args) {
    const char *path = args->operand[1];
    ravine_checkpoint *file;
    int status = checkpoint_open(&file, path);
    if (status) return status;
    progress shown = checkpoint_progress("looking at", file);
    if (cli_is_given(args, CLI_JSON)) {
        status = inspect_json(file, path, &shown);
    } else {
        status = print_tensors(file, &shown);
        if (!status) print_texts(file);
    }
    progress_end(&shown);
    ravine_checkpoint_close(file);
    return status;
}

/* ---- verify ---- */

typedef struct verdict {
    ravine_status status;
    int64_t tensors, checked;
    char why[512]; /* "" where it is whole */
} verdict;

static verdict verify(const char *path) {
    verdict v = {0};
    ravine_checkpoint *file;
    v.status = ravine_checkpoint_open(&file, path, NULL);
    if (v.status >= 0) {
        v.tensors = ravine_checkpoint_tensor_count(file);
        for (int64_t i = 0; i < v.tensors; i++) {
            int32_t checked = 0;
            if (ravine_checkpoint_range(file, i, NULL, NULL, &checked) >= 0) v.checked += checked;
        }
        v.status = ravine_checkpoint_verify(file);
        ravine_checkpoint_close(file);
    }
    if (v.status < 0) snprintf(v.why, sizeof v.why, "%s", ravine_errmsg());
    return v;
}

static void print_verdict(const char *path, const verdict *v) {
    if (*v->why) {
        printable_put(stdout, v->why);
        putchar('\n');
        return;
    }
    printable_put(stdout, path);
    printf(": whole, %" PRId64 " tensors, %" PRId64 " with a checksum\n", v->tensors, v->checked);
}

static json_t *verdict_json(const char *path, const verdict *v) {
    return json_pack("{ss sb sI sI so}", "file", path, "whole", v->status >= 0, "tensors",
                     (json_int_t)v->tensors, "checked", (json_int_t)v->checked, "why",
                     *v->why ? json_string(v->why) : json_null());
}

int checkpoint_verify(const cli_args *args) {
    const bool as_json = cli_is_given(args, CLI_JSON);
    json_t *files = as_json ? json_array() : NULL;
    int damaged = 0, unreadable = 0;
    for (int k = 1; k < args->noperands; k++) {
        const verdict v = verify(args->operand[k]);
        damaged += v.status == RAVINE_E_FORMAT;
        unreadable += v.status < 0 && v.status != RAVINE_E_FORMAT;
        if (as_json)
            json_array_append_new(files, verdict_json(args->operand[k], &v));
        else
            print_verdict(args->operand[k], &v);
    }
    const int printed = as_json ? cli_print_json(json_pack("{so}", "files", files)) : 0;
    if (printed) return printed;
    if (damaged || unreadable)
        return failure(damaged ? FAILURE_NO : FAILURE_INPUT,
                       "of %d files %d are damaged, %d unreadable", args->noperands - 1, damaged,
                       unreadable);
    return 0;
}
