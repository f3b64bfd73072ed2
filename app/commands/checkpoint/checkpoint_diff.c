/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_diff.c - in what two checkpoints differ. */
#include "commands/checkpoint/checkpoint.h"
#include "io/number_json.h"
#include "page/printable.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

typedef struct answer {
    bool as_json;
    int64_t differences;
    json_t *tensors, *texts; /* lists; NULL: lines are printed */
    progress shown;
} answer;

/* ---- tensors ---- */

typedef struct distance {
    int64_t count;   /* numbers whose bits differ */
    int64_t first;   /* the first of them */
    double greatest; /* of |a - b|; NaN or infinite where one is not finite */
    double relative; /* |a - b| / |a| */
} distance;

static const char *const kinds[] = {"", RAVINE_STATE, "train."};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* What was learnt, the state of the optimizer, and where the loop is: told in that order. */
static int kind_of(const ravine_checkpoint *file, const char *name) {
    char key[1024]; /* a module of the model may be called state */
    const int length = snprintf(key, sizeof key, RAVINE_KEY_GROUP_OF "%s", name);
    if (length < (int)sizeof key && ravine_checkpoint_find_text(file, key)) return 0;
    int kind = KINDS - 1;
    while (kind > 0 && strncmp(name, kinds[kind], strlen(kinds[kind])) != 0) kind--;
    return kind;
}

static distance measure(const ravine_tensor *a, const ravine_tensor *b, int64_t count) {
    const size_t size = (size_t)ravine_dtype_bits(a->dtype) / 8;
    distance d = {.first = -1};
    double change = 0, norm = 0;
    for (int64_t i = 0; i < count; i++) {
        const size_t at = (size_t)i * size;
        const double x = tensor_number(a, i), y = tensor_number(b, i);
        norm += x * x;
        if (!memcmp((const char *)a->data + at, (const char *)b->data + at, size)) continue;
        if (d.count++ == 0) d.first = i;
        change += (x - y) * (x - y);
        const double away = fabs(x - y);
        if (!(away <= d.greatest)) d.greatest = away; /* NaN stays */
    }
    d.relative = change == 0 ? 0 : sqrt(change / norm);
    return d;
}

/* A difference in words: of tensor `name`, or where `text`, of a text. */
__attribute__((format(printf, 3, 4))) static void tell(answer *out, const char *name,
                                                       const char *format, ...) {
    char line[256];
    va_list values;
    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    out->differences++;
    if (out->as_json) {
        json_array_append_new(out->tensors, json_pack("{ss ss}", "name", name, "why", line));
        return;
    }
    progress_end(&out->shown);
    printable_put(stdout, name);
    printf(": %s\n", line);
}

static void tell_distance(answer *out, const char *name, const distance *d, int64_t count) {
    out->differences++;
    if (out->as_json) {
        json_array_append_new(out->tensors,
                              json_pack("{ss ss sI sI sI so so}", "name", name, "why", "numbers",
                                        "count", (json_int_t)count, "differ", (json_int_t)d->count,
                                        "first", (json_int_t)d->first, "greatest",
                                        number_json(d->greatest), "relative",
                                        number_json(d->relative)));
        return;
    }
    progress_end(&out->shown);
    printable_put(stdout, name);
    printf(": %" PRId64 " of %" PRId64 " numbers differ, the first at %" PRId64, d->count, count,
           d->first);
    if (!isfinite(d->greatest))
        puts("; not all of them are finite");
    else if (d->greatest == 0)
        puts(", in the sign of a zero");
    else
        printf(", by %.3g at most; |a - b| / |a| is %.3g\n", d->greatest, d->relative);
}

static int compare_numbers(answer *out, const ravine_checkpoint *a, int64_t i,
                           const ravine_checkpoint *b, int64_t j) {
    ravine_tensor ours, theirs;
    int64_t bytes, other;
    int status = checkpoint_numbers(a, i, &ours, &bytes);
    if (status) return status;
    status = checkpoint_numbers(b, j, &theirs, &other);
    if (!status && memcmp(ours.data, theirs.data, (size_t)bytes) != 0) {
        if (tensor_is_known(&ours)) {
            const int64_t count = tensor_count(&ours);
            const distance d = measure(&ours, &theirs, count);
            tell_distance(out, ours.name, &d, count);
        } else {
            tell(out, ours.name, "the bytes differ");
        }
    }
    free(ours.data);
    if (!status) free(theirs.data);
    return status;
}

static bool same_kind(const ravine_tensor *a, const ravine_tensor *b) {
    return a->dtype == b->dtype && a->ndim == b->ndim &&
           (a->ndim == 0 || !memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape));
}

static int compare_kind(answer *out, const ravine_checkpoint *a, const ravine_checkpoint *b,
                        int kind) {
    ravine_tensor ours, theirs;
    for (int64_t i = 0; i < ravine_checkpoint_tensor_count(a); i++) {
        if (ravine_checkpoint_tensor(a, i, &ours) < 0 || kind_of(a, ours.name) != kind) continue;
        const int64_t j = ravine_checkpoint_find(b, ours.name);
        if (j < 0 || ravine_checkpoint_tensor(b, j, &theirs) < 0) {
            tell(out, ours.name, "only in the first");
            continue;
        }
        if (!same_kind(&ours, &theirs)) {
            tell(out, ours.name, "%s, %s", tensor_kind_of(&ours).text,
                 tensor_kind_of(&theirs).text);
            continue;
        }
        const int status = compare_numbers(out, a, i, b, j);
        if (status) return status;
        progress_add(&out->shown, 1);
    }
    for (int64_t j = 0; j < ravine_checkpoint_tensor_count(b); j++)
        if (ravine_checkpoint_tensor(b, j, &theirs) >= 0 && kind_of(b, theirs.name) == kind &&
            ravine_checkpoint_find(a, theirs.name) < 0)
            tell(out, theirs.name, "only in the second");
    return 0;
}

static int compare_tensors(answer *out, const ravine_checkpoint *a, const ravine_checkpoint *b) {
    int status = 0;
    out->shown = checkpoint_progress("comparing", a);
    for (int kind = 0; kind < KINDS && !status; kind++) status = compare_kind(out, a, b, kind);
    progress_end(&out->shown);
    return status;
}

/* ---- texts ---- */

static void tell_text(answer *out, const char *key, const char *ours, const char *theirs) {
    out->differences++;
    if (out->as_json) {
        json_array_append_new(out->texts,
                              json_pack("{ss ss? ss?}", "key", key, "a", ours, "b", theirs));
        return;
    }
    printable_put(stdout, key);
    printf(": ");
    printable_put(stdout, ours ? ours : "only in the second");
    if (ours && theirs) printf(" -> ");
    if (theirs) printable_put(stdout, ours ? theirs : "");
    puts(ours && !theirs ? ", only in the first" : "");
}

static void compare_texts(answer *out, const ravine_checkpoint *a, const ravine_checkpoint *b) {
    ravine_text text;
    for (int64_t k = 0; ravine_checkpoint_text(a, k, &text); k++) {
        if (text_is_checksum(text.key)) continue;
        const char *other = ravine_checkpoint_find_text(b, text.key);
        if (!other || strcmp(text.value, other) != 0) tell_text(out, text.key, text.value, other);
    }
    for (int64_t k = 0; ravine_checkpoint_text(b, k, &text); k++)
        if (!text_is_checksum(text.key) && !ravine_checkpoint_find_text(a, text.key))
            tell_text(out, text.key, NULL, text.value);
}

int checkpoint_diff(const cli_args *args) {
    ravine_checkpoint *a, *b = NULL;
    int status = checkpoint_open(&a, args->operand[1]);
    if (status) return status;
    status = checkpoint_open(&b, args->operand[2]);
    answer out = {.as_json = cli_is_given(args, CLI_JSON)};
    if (out.as_json) {
        out.tensors = json_array();
        out.texts = json_array();
    }
    if (!status) status = compare_tensors(&out, a, b);
    if (!status) compare_texts(&out, a, b);
    if (!status && out.as_json)
        status = cli_print_json(json_pack("{sI sO sO}", "differences", (json_int_t)out.differences,
                                          "tensors", out.tensors, "texts", out.texts));
    json_decref(out.tensors);
    json_decref(out.texts);
    ravine_checkpoint_close(a);
    ravine_checkpoint_close(b);
    if (status || out.differences == 0) return status;
    return failure(FAILURE_NO, "the files differ in %" PRId64 " tensors and texts",
                   out.differences);
}
