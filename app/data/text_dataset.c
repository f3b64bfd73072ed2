/* SPDX-License-Identifier: Apache-2.0 */
/* text_dataset.c - texts as bytes: examples lie in them wherever one wants. */
#include "data/dataset_allocate.h"
#include "io/failure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sets what an example is. */
static void shape(dataset *d, int64_t context) {
    d->shape[0] = d->shape[2] = 1;
    d->shape[1] = d->size = context;
    d->outputs = TEXT_BYTES;
}

/* Appends a file; all of them together may have TEXT_BYTES_MAX bytes. */
static int append(dataset *text, dataset_file *file, const char *path) {
    unsigned char *bytes = NULL;
    size_t size;
    const int status =
        dataset_read_file(file, path, (size_t)(TEXT_BYTES_MAX - text->bytes), &bytes, &size);
    if (status) return status;
    unsigned char *grown = realloc(text->text, (size_t)text->bytes + size);
    if (grown) {
        memcpy(grown + text->bytes, bytes, size);
        text->text = grown;
        text->bytes += (int64_t)size;
    }
    free(bytes);
    return grown ? 0 : failure(FAILURE_INPUT, "%s: no memory for %zu bytes", path, size);
}

/* Cuts the tail off for the test: as many whole sequences as the share has room for, and the byte
 * before them. */
static int split(dataset_pair *out, const dataset_text_options *o) {
    dataset *train = &out->train, *test = &out->test;
    const int64_t all = train->bytes, context = o->context;
    const int64_t tail = llround(o->test_share * (double)all);
    test->count = (tail - 1) / context;
    if (tail < context + 1 || all - tail < context + 1)
        return failure(FAILURE_INPUT,
                       "%s: the text has %lld bytes, of which a test_share of %g leaves %lld to "
                       "train on and %lld to test; a context of %lld needs %lld of each",
                       *o->path, (long long)all, o->test_share, (long long)(all - tail),
                       (long long)tail, (long long)context, (long long)context + 1);
    test->bytes = test->count * context + 1;
    test->text = malloc((size_t)test->bytes);
    if (!test->text)
        return failure(FAILURE_INPUT, "%s: no memory for %lld bytes", *o->path, (long long)tail);
    train->bytes -= test->bytes;
    memcpy(test->text, train->text + train->bytes, (size_t)test->bytes);
    const int64_t filled = (train->bytes - 1) / context;
    train->count = o->examples ? o->examples : filled;
    return 0;
}

int dataset_read_text(dataset_pair *out, const dataset_text_options *o) {
    *out = (dataset_pair){.encoding = {.text = true, .shape = {1, o->context, 1}}};
    out->encoding.outputs = TEXT_BYTES;
    shape(&out->train, o->context);
    shape(&out->test, o->context);
    int status = 0;
    for (int64_t k = 0; k < o->paths && !status; k++)
        status = append(&out->train, &out->file[out->nfiles++], o->path[k]);
    if (!status) status = split(out, o);
    if (status) dataset_pair_free(out);
    return status;
}

int encoding_read_text(dataset *out, dataset_file *file, const data_encoding *e, const char *path) {
    *out = (dataset){0};
    shape(out, e->shape[1]);
    int status = append(out, file, path);
    if (!status && out->bytes < 2)
        status = failure(FAILURE_INPUT, "%s: has one byte; nothing follows from nothing", path);
    out->count = (out->bytes - 1 + out->size - 1) / out->size;
    if (status) dataset_free(out);
    return status;
}
